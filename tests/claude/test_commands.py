"""Slash commands that show a view of the plan: its output stands in the prompt, without a permission being asked."""

from __future__ import annotations

import pytest

from claude.project import Project
from fakes.model import Model, say

VIEWS = {
    "status": "status",
    "next": "next",
    "validate": "validate",
    "epic-show": "epic-show auth",
}
"""A name for the test: the command after `/pm:`, which is also the script's with its arguments."""


@pytest.mark.parametrize("name", VIEWS)
def test_the_output_of_a_view_is_in_the_prompt(project: Project, model: Model, name: str) -> None:
    command, *arguments = VIEWS[name].split()
    shown = project.run("bash", f".claude/commands/pm/{command}.sh", *arguments).stdout.strip()
    model.scripts[f"/pm:{command}"] = [say("seen")]
    ended = project.claude(model, f"/pm:{VIEWS[name]}")
    assert (ended.status, ended.out.strip()) == (0, "seen"), ended.err
    (request,) = model.of(f"/pm:{command}")
    assert len(shown.splitlines()) > 2
    assert shown in request.news
