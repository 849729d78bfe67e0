"""Sync: the plan of an epic and its issues in a tracker, made and kept the same.

epic.py       an epic becomes issues, exactly once: the command `ccpm-sync epic`
once.py       one issue or comment, exactly once, through the journal
items.py      what of an epic's files concerns the tracker
relabel.py    files get the numbers of their issues, as a redo log
state.py      the last common state of files and issues
merging.py    one file and its issue, merged both ways
both.py       a whole epic, or all, both ways; what is out of step
updates.py    progress files become comments
issues.py     close, reopen, edit, show one issue
importing.py  issues become files
"""

from __future__ import annotations


class Progress:
    """Who wants to know how far a sync is; this one does not. `begin` tells how many steps there are and how many
    seconds they take at least."""

    def begin(self, steps: int, seconds: float) -> None:
        pass

    def step(self, what: str) -> None:
        """One step is done."""

    def note(self, text: str) -> None:
        """Something to say that is no step: a wait, a warning."""
