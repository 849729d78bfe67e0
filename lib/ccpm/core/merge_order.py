"""In which order branches are merged: what others depend on first, then what conflicts least. Pure."""

from __future__ import annotations

from ccpm.core import graph


class Candidate:
    """A branch to merge: the names of branches that it `needs` before it, with how many others it `conflicts`, and
    since when (seconds of the epoch) there is work on it."""

    __slots__ = ("conflicts", "name", "needs", "since")

    def __init__(self, name: str, needs: frozenset[str], conflicts: int, since: float) -> None:
        self.name = name
        self.needs = needs
        self.conflicts = conflicts
        self.since = since


def order(candidates: list[Candidate]) -> list[str]:
    """The names of `candidates` in the order of merging.

    Each comes after all that it needs. Among those that could come next, the one with the fewest conflicts does, then
    the oldest. Where branches need each other in a circle, the circle is opened at the one that would come first.
    """
    left = {one.name: one for one in candidates}
    found: list[str] = []
    while left:
        free = [one for one in left.values() if not (one.needs & left.keys()) - {one.name}]
        best = min(free or _circle(left), key=lambda one: (one.conflicts, one.since, one.name))
        found.append(best.name)
        del left[best.name]
    return found


def _circle(left: dict[str, Candidate]) -> list[Candidate]:
    """Branches that need each other, and nothing else that is left."""
    edges = {name: sorted(one.needs & left.keys()) for name, one in left.items()}
    return [left[name] for name in graph.strongly_connected(edges)[0]]
