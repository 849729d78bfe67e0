"""The plan of the demo becomes issues before anybody works on it: in the local tracker, or on a fake GitHub through
gh.

What `sync` returns is what the verification needs: the tracker's name, its issues, and the version of each file then.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

from demo import evidence
from demo.project import EPIC, Project
from fakes.running import FakeGitHub

REMOTE = "https://github.com/octo/reading-list.git"
_UNHURRIED = {"CCPM_GITHUB_RULES": "spacing=0.05"}
"""The fake is nobody's server: a twentieth of a second between two writes is polite enough."""


def sync(project: Project, github: str) -> dict[str, Any]:
    """Sync the epic; `github`: "" for the local tracker, "fake" for the fake GitHub (needs gh)."""
    with ExitStack() as stack:
        if github:
            hub = stack.enter_context(FakeGitHub(project.base / "github", repo="octo/reading-list"))
            project.must("git", "remote", "add", "origin", REMOTE)
            project.must("ccpm-sync", "epic", EPIC, variables={**hub.env, **_UNHURRIED})
            issues = hub.state()["issues"]
        else:
            project.must("ccpm-sync", "epic", EPIC)
            files = sorted((project.claude / "tracker").glob("[0-9]*.json"))
            issues = [json.loads(file.read_text()) for file in files]
    project.must("git", "add", "-A")
    project.must("git", "commit", "-q", "-m", "Sync the reading list")
    files = [project.epic / "epic.md", *(project.epic / f"{task}.md" for task in evidence.tasks(project))]
    return {
        "tracker": "octo/reading-list, a fake GitHub" if github else "the local tracker",
        "issues": [{"number": issue["number"], "title": issue["title"]} for issue in issues],
        "versions": {file.name: int(evidence.frontmatter(file)["version"]) for file in files},
    }
