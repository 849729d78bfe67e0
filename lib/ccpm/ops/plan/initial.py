"""The first step in a project: which tools there are, and the folders of the plan. The use case of init.

Contract: works without a network and without GitHub, and can be repeated: what is there stays as it is.
"""

from __future__ import annotations

import os

from ccpm.errors import NotFound
from ccpm.external import git, tools
from ccpm.files import root
from ccpm.files.plain import Guarded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.ops.plan.views import Data

FOLDERS = (".claude/prds", ".claude/epics", ".claude/rules", ".claude/agents")
TEMPLATE = "automazeio/ccpm"
"""The repository that CCPM comes from: projects that were begun as a copy of it still point there."""

GUIDE = "CLAUDE.md"
_GUIDE = """\
# CLAUDE.md

Think before you change something, and change as little as the task needs.

- The plan is in `.claude/prds` and `.claude/epics`. Several agents work on it: read
  `.claude/rules/agent-coordination.md` first, and change the plan only with the helpers that it names.
- Run the tests before you commit.
- Follow the patterns that the code has already.
"""


def look() -> Data:
    """{gh, is_logged_in, git, remote, is_template}: what there is, and nothing is changed."""
    top = _top()
    gh = tools.first_line("gh", "--version")
    remote = git.run(top, "remote", "get-url", "origin").strip()
    return {
        "root": top,
        "gh": gh,
        "is_logged_in": gh is not None and tools.has_github_token(),
        "git": tools.first_line("git", "--version"),
        "is_repository": bool(git.run(top, "rev-parse", "--git-dir").strip()),
        "remote": remote or None,
        "is_template": TEMPLATE in remote,
    }


def set_up() -> Data:
    """Make the folders and a CLAUDE.md where they are missing; what `look` found, and what was `created`."""
    found = look()
    top = _top()
    created = []
    for folder in FOLDERS:
        path = os.path.join(top, folder)
        if not os.path.isdir(path):
            root.make_dir(path)
            created.append(folder)
    with Guarded(os.path.join(os.path.realpath(top), GUIDE)) as file:
        if file.read() is None:
            file.publish(_GUIDE.encode())
            created.append(GUIDE)
    return {**found, "created": created}


def _top() -> str:
    """The coordination root; where there is no project yet, the current directory becomes one."""
    try:
        return root.find()
    except NotFound:
        if os.environ.get("CCPM_ROOT"):
            raise
        return os.getcwd()
