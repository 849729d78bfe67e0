"""Which pairs of branches can conflict at all, and which of the conflicts that git finds are news. Pure."""

from __future__ import annotations


class Changed:
    """What a branch changed, {path: A, M, D or T}, prepared for comparisons."""

    __slots__ = ("added_below", "emptied", "paths", "within")

    def __init__(self, changes: dict[str, str]) -> None:
        self.paths = frozenset(changes)
        self.within = frozenset(folder for path in changes for folder in _above(path))
        self.emptied = frozenset(_parent(path) for path, kind in changes.items() if kind == "D")
        self.added_below = frozenset(
            folder for path, kind in changes.items() if kind == "A" for folder in _above(path)
        )


def may_meet(one: Changed, other: Changed) -> bool:
    """Whether a merge of the two can conflict. False only if it cannot, however git detects renames:

    - no path is changed by both, and none is a folder for the one and a file for the other;
    - neither takes files out of a folder in which the other adds some (git could see a renamed folder there).
    """
    return not (
        one.paths.isdisjoint(other.paths)
        and one.paths.isdisjoint(other.within)
        and other.paths.isdisjoint(one.within)
        and one.emptied.isdisjoint(other.added_below)
        and other.emptied.isdisjoint(one.added_below)
    )


def news(files: list[str], one: Changed, other: Changed, known: frozenset[str]) -> list[str]:
    """Those of the conflicting `files` that are between the two: `known` ones, which either has with the branch that
    both came from, count only if both changed them."""
    both = one.paths & other.paths
    return [file for file in files if file in both or file not in known]


def _above(path: str) -> list[str]:
    """Every folder above `path`, the top ("") included."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(len(parts) + 1)]


def _parent(path: str) -> str:
    return path.rpartition("/")[0]
