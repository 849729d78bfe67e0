"""Slash commands that show a view of the plan: its output stands in the prompt, without a permission being asked."""

from __future__ import annotations

from claude.project import Project
from fakes.model import Model, say

VIEWS = ["status", "next", "validate", "epic-show auth"]
"""Each as it is typed behind `/pm:`, which is also the script's name with its arguments."""


def test_the_output_of_a_view_is_in_the_prompt(project: Project, model: Model) -> None:
    model.scripts["/pm:status"] = [say(f"seen {number}") for number in range(len(VIEWS))]
    ended = project.talk(model, [f"/pm:{view}" for view in VIEWS])
    assert ended.status == 0, ended.err
    requests = model.of("/pm:status")
    assert len(requests) == len(VIEWS)
    for view, request in zip(VIEWS, requests, strict=True):
        command, *arguments = view.split()
        shown = project.run("bash", f".claude/commands/pm/{command}.sh", *arguments).stdout.strip()
        assert len(shown.splitlines()) > 2
        assert shown in request.news, view
        assert f"<command-name>/pm:{command}</command-name>" in request.news
