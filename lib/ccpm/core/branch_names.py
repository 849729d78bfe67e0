"""Names of branches, worktree folders and rescue refs: any epic and any agent gives a legal ref and a legal folder.

    epic auth                     branch epic/auth              folder epic-auth
    epic auth, agent agent-3f0c   branch epic/auth--agent-3f0c  folder epic-auth-agent-3f0c

git cannot hold `epic/auth` and `epic/auth/agent-3f0c` together (a ref is a file, and a file is no folder): hence the
two dashes. Contract: no two epics share a branch or a folder, and no agent's branch or folder is that of another
epic. Two agents whose ids differ only in a leading `agent-` share one; ops/branches/worktrees.py tells them apart
by the registry.

Source of what a ref may be: git-check-ref-format(1).
"""

from __future__ import annotations

import re
from zlib import crc32

from ccpm.core import names

HEADS = "refs/heads/"
RESCUE = "refs/ccpm/rescue/"

_BETWEEN = "--agent-"
_LONGEST = 100
"""Characters of an epic's or agent's part. A ref and a folder are file names: 255 bytes, less `.lock`."""


def epic_branch(epic: str) -> str:
    return f"epic/{part_of(epic)}"


def agent_branch(epic: str, agent: str) -> str:
    return f"{epic_branch(epic)}{_BETWEEN}{_agent_part(agent)}"


def plain_branch(word: str) -> str:
    """The branch of a worktree without an epic, in the folder `word`."""
    return f"worktree-{word}"


def agent_branch_prefix(epic: str) -> str:
    """What the branches of all agents of `epic` begin with."""
    return epic_branch(epic) + _BETWEEN


def epic_folder(epic: str) -> str:
    return f"epic-{part_of(epic)}"


def agent_folder(epic: str, agent: str) -> str:
    return f"{epic_folder(epic)}-agent-{_agent_part(agent)}"


def check_folder(epic: str, token: int) -> str:
    """The folder in which the coordinator with the fencing token `token` checks merged results. No agent's id begins
    with a dot."""
    return f"{epic_folder(epic)}-agent-.check-{token}"


def split(branch: str) -> tuple[str, str]:
    """(the epic's part, the agent's part) of a branch name; ("", "") if it is none of ours, no agent for an epic's."""
    if not branch.startswith("epic/"):
        return "", ""
    epic, _, agent = branch[len("epic/") :].partition(_BETWEEN)
    return epic, agent


def rescue_ref(agent: str, stamp: str) -> str:
    return f"{RESCUE}{_ref_safe(_fit(names.escape(agent or 'unknown')))}/{stamp}"


def merge_lock(epic: str) -> str:
    """The resource that the coordinator of an epic holds while it merges."""
    return f"merge-{part_of(epic)}"


def part_of(epic: str) -> str:
    """`epic` as a part of a ref and of a folder's name."""
    part = names.escape(epic)
    # what divides an epic from an agent occurs in no epic's part
    part = re.sub("-(?=-?agent-)", "%2D", part)
    return _ref_safe(_fit(part))


def _agent_part(agent: str) -> str:
    return _ref_safe(_fit(names.escape(agent.removeprefix("agent-") or agent)))


def _ref_safe(part: str) -> str:
    part = part.replace("..", ".%2E")
    if part.endswith(".lock"):
        part = part[: -len(".lock")] + "%2Elock"
    return part[:-1] + "%2E" if part.endswith(".") else part


def _fit(part: str) -> str:
    if len(part) <= _LONGEST:
        return part
    # cut between characters: a lone % would be another name's escape
    kept = re.sub("%[0-9A-F]?$", "", part[: _LONGEST - 9])
    return f"{kept}-{crc32(part.encode()):08x}"
