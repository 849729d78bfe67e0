"""The mark of a worktree: what it is used for, by whom, since when. Pure; it is kept as the reason of git's own lock.

    ccpm in-use agent=agent-3f0c epic=auth since=2025-11-04T04:16:21Z

A worktree without an epic has no registry that knows its agent: there the mark says in which `process` that one lives.
People see it in `git worktree list --verbose`. Readers ignore words they do not know.
"""

from __future__ import annotations

from ccpm.core import names
from ccpm.core.leases import Owner

PREPARING = "preparing"
"""Nobody works in it yet: it can be finished, or made anew."""
IN_USE = "in-use"
REMOVING = "removing"
"""Its work is safe; what is left of it can go."""
CHECKING = "checking"
"""A coordinator's: results of merges are checked in it, and nothing in it is work."""


class Mark:
    __slots__ = ("agent", "epic", "process", "saved", "since", "state")

    def __init__(
        self, state: str, agent: str, epic: str, since: str, saved: str = "", process: str = ""
    ) -> None:
        self.state = state
        self.agent = agent
        self.epic = epic
        self.since = since
        self.saved = saved
        self.process = process

    def changed_to(self, state: str, saved: str = "") -> Mark:
        return Mark(state, self.agent, self.epic, self.since, saved or self.saved, self.process)

    @property
    def owner(self) -> Owner:
        """The agent and the process that it lives in (pid 0: unknown)."""
        pid, start, boot_id, pid_space, host = (*self.process.split("/"), "", "", "", "", "")[:5]
        return Owner(self.agent, int(pid) if pid.isdigit() else 0, start, boot_id, pid_space, host)

    def __str__(self) -> str:
        words = [f"ccpm {self.state}", f"agent={self.agent}", f"epic={names.escape(self.epic)}"]
        words += [f"since={self.since}"]
        words += [f"saved={self.saved}"] if self.saved else []
        words += [f"process={self.process}"] if self.process else []
        return " ".join(words)


def parse(text: str) -> Mark | None:
    """The mark in `text`; None if it is the reason of somebody else's lock, or none."""
    words = text.split()
    if len(words) < 2 or words[0] != "ccpm":
        return None
    values = dict(word.partition("=")[::2] for word in words[2:])
    return Mark(
        words[1],
        values.get("agent", ""),
        names.unescape(values.get("epic", "")),
        values.get("since", ""),
        values.get("saved", ""),
        values.get("process", ""),
    )


def process_of(owner: Owner) -> str:
    """The process of `owner` as a word of the mark."""
    words = (str(owner.pid), owner.pid_start, owner.boot_id, owner.pid_space, owner.host)
    return "/".join(words) if owner.pid else ""
