"""Who staged what: so that a commit does not sweep up what another agent has put into the index of the same worktree.

git tells when it has written an index (the hook post-index-change, git ≥ 2.22), and not who changed what. What is
staged now and was not before, or not with this content, was staged by the agent that ran the command: `note` writes
that down, `others` compares it with what is about to be committed. The record is below `.claude/locks/.state`
(docs/FORMATS.md).

Non-guarantees: what was staged while no agent lived counts as staged by the next agent that stages something; where a
hook manager does not pass this hook on (husky), only the claims on files protect (ops/team/commits.py).
"""

from __future__ import annotations

import os

from ccpm.core.names import escape
from ccpm.external.git import committing
from ccpm.files import clock, json_record, root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def note(top: str, worktree: str, agent: str) -> None:
    """Write down that `agent` ("": nobody who is known) has staged what is new in the index of `worktree`."""
    if not _is_real_index(worktree):
        return  # a commit of some paths only has an index of its own, for as long as it takes
    staged = committing.staged_content(worktree)
    at = clock.to_iso(clock.now().wall)
    with json_record.Changing(_path(top, worktree)) as record:
        before = _files(record.data)
        record.data["files"] = {
            path: before[path]
            if before.get(path, {}).get("content") == content
            else _entry(agent, content, at)
            for path, content in staged.items()
        }
        record.save()


def others(top: str, worktree: str, agent: str, paths: list[str]) -> dict[str, tuple[str, str]]:
    """{path: (who staged it, "" for nobody who is known; when)} for those of `paths` that somebody else than `agent`
    has staged, as they are staged now."""
    known = _files(json_record.read(_path(top, worktree)))
    suspects = {path: entry for path in paths if (entry := known.get(path)) and entry.get("agent") != agent}
    if not suspects:
        return {}
    staged = committing.staged_content(worktree)
    return {
        path: (str(entry["agent"]), str(entry.get("at", "")))
        for path, entry in suspects.items()
        if staged.get(path) == entry.get("content")
    }


def _is_real_index(worktree: str) -> bool:
    named = os.environ.get("GIT_INDEX_FILE")
    return not named or os.path.realpath(named) == committing.path_in(worktree, "--git-path", "index")


def _entry(agent: str, content: str, at: str) -> dict[str, Any]:
    return {"agent": agent, "content": content, "at": at}


def _files(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = data.get("files")
    entries = found.items() if isinstance(found, dict) else ()
    return {path: entry for path, entry in entries if isinstance(entry, dict) and "agent" in entry}


def _path(top: str, worktree: str) -> str:
    name = escape(os.path.relpath(worktree, top))[-150:]
    return os.path.join(root.state_dir(os.path.realpath(top)), "staged", f"{name}.json")
