"""Sets of file patterns in gitignore syntax: which paths they mean, and whether two sets can mean the same path.

Contract: pure. A path is relative to the project's top, with `/` between names. The last pattern of a set that matches
a path decides; one that begins with `!` takes the path out again. A pattern that matches a folder matches all below
it. Unlike in git, `!` also takes out single files below a folder that an earlier pattern names: a claim is no walk over
a tree in which a folder could have been passed over.

    check(["src/db/*", "!src/db/tmp"])      the patterns themselves, or UsageError
    meet(mine, theirs)                      a path that both sets mean, "" if there is none

A pattern whose last name ends in an extension names files, not folders: `*.ts` and `*.md` cannot meet, although there
could be a folder `x.ts` with a file `x.md` in it. (`vendor/three.js/`, with a slash, is a folder.)

How `meet` decides: each pattern is a finite automaton over the characters of a path. Two sets meet where a path leads
both to acceptance; a breadth-first search over the product of the automata finds the shortest such path, or that there
is none (Hopcroft & Ullman: intersection of regular languages). Of characters that no pattern tells apart, one is tried.

Guarantees: no false "cannot meet", as far as no folder has a name like a file; a "meets" names a path that pathspec,
which decides what a claim covers (ops/team/ownership.py), agrees on. Non-guarantee: a search that exceeds `LARGEST`
states gives up and answers "may meet", without a path.
"""

from __future__ import annotations

from ccpm.core.pattern_automaton import HINT, Automaton, is_file, parse
from ccpm.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 20_000
"""States after which `meet` gives up, a second of work; patterns that people write need a few hundred."""

UNDECIDED = "?"
"""What `meet` answers instead of a path when the search gave up. No path: a claim is never about one name `?`."""

_WILD = frozenset("*?[\\")


def check(patterns: list[str]) -> list[str]:
    """`patterns` without blank ones and doubles; UsageError (2) for one that says nothing, or that leads outside."""
    kept = list(dict.fromkeys(pattern.rstrip("\n") for pattern in patterns if pattern.strip()))
    for pattern in kept:
        parse(pattern)
    if kept and all(pattern.startswith("!") for pattern in kept):
        raise UsageError(f"{kept[0]!r} takes files out of nothing", HINT)
    return kept


def readable(patterns: list[str]) -> list[str]:
    """Those of `patterns` that mean something: a registry may have been written by hand, or by other programs."""
    kept = []
    for pattern in patterns:
        try:
            parse(pattern)
        except UsageError:
            continue
        kept.append(pattern)
    return kept


def quoted(path: str) -> str:
    """The pattern that means exactly the file or folder `path`."""
    out = "".join(f"\\{c}" if c in "\\[]!*#?" else c for c in path.strip("/"))
    return "/" + (out[:-1] + "\\ " if out.endswith(" ") else out)


def may_match(patterns: list[str], path: str) -> bool:
    """False only if no pattern can match `path`: a cheap look before the real matching. It compares the text in front
    of the first wildcard, and nothing else."""
    return any(_may_match(pattern, path) for pattern in patterns if not pattern.startswith("!"))


def meet(mine: list[str], theirs: list[str]) -> str:
    """The shortest path that both sets mean, "" if there is none, `UNDECIDED` if the search gave up."""
    pairs = [(a, b) for a in mine if a[:1] != "!" for b in theirs if b[:1] != "!" and _may_meet(a, b)]
    if not pairs:
        return ""
    automata = {pattern: parse(pattern) for pattern in (*mine, *theirs)}
    if any(pattern.startswith("!") for pattern in automata):
        return _search([automata[one] for one in mine], [automata[one] for one in theirs], LARGEST)[0]
    left = LARGEST
    for a, b in pairs:
        found, states = _search([automata[a]], [automata[b]], left)
        if found:
            return found
        left -= states
    return ""


# --- quick answers from the literal beginning ---


def _literal(pattern: str) -> str | None:
    """What every path that `pattern` matches begins with; None when it can match at any depth."""
    if "/" not in pattern.rstrip().rstrip("/"):
        return None
    text = pattern.lstrip("/") if pattern.startswith("/") else pattern
    for place, character in enumerate(text):
        if character in _WILD:
            head = text[:place]
            # `src/**` matches what is below src, and `a/**/b` also a/b: the slash in front is not certain.
            return head[:-1] if text.startswith("**", place) and head.endswith("/") else head
    return text.rstrip("/ ")


def _may_match(pattern: str, path: str) -> bool:
    head = _literal(pattern)
    return head is None or path.startswith(head)


def _may_meet(a: str, b: str) -> bool:
    x, y = _literal(a), _literal(b)
    if x is not None and y is not None and not (x.startswith(y) or y.startswith(x)):
        return False
    x, y = _ending(a), _ending(b)
    return x.endswith(y) or y.endswith(x)


def _ending(pattern: str) -> str:
    """What every path that `pattern` matches ends with, as far as it is plain text; "" if it can match a folder."""
    name = pattern.rpartition("/")[2]
    return name[max(map(name.rfind, (*_WILD, "]"))) + 1 :] if is_file(name) else ""


# --- the search ---


def _search(mine: list[Automaton], theirs: list[Automaton], limit: int) -> tuple[str, int]:
    """(a path that both mean, "" if there is none, UNDECIDED after `limit` states; the number of states looked at)."""
    automata, cut = [*mine, *theirs], len(mine)
    letters = _letters(automata)
    start = tuple(one.closure({0}) for one in automata)
    # (states of all automata, how the last name began: nothing yet, dots, or anything else)
    first = (start, _NOTHING)
    came: dict[tuple[tuple[frozenset[int], ...], int], tuple[object, str]] = {first: (None, "")}
    level = [first]
    while level:
        following = []
        for node in level:
            for letter, name in _continued(node[1], letters):
                states = tuple(one.after(at, letter) for one, at in zip(automata, node[0], strict=True))
                if _is_hopeless(automata[:cut], states[:cut]) or _is_hopeless(automata[cut:], states[cut:]):
                    continue
                found = (states, name)
                if found in came:
                    continue
                came[found] = (node, letter)
                if (
                    name == _NAMED
                    and _means(automata[:cut], states[:cut])
                    and _means(automata[cut:], states[cut:])
                ):
                    return _path_to(found, came), len(came)
                following.append(found)
        if len(came) > limit:
            return UNDECIDED, len(came)
        level = following
    return "", len(came)


_NOTHING, _DOT, _DOTS, _NAMED = range(4)


def _continued(name: int, letters: list[str]) -> Iterator[tuple[str, int]]:
    """The letters that may follow in a path: no name is empty, `.` or `..`."""
    for letter in letters:
        if letter == "/":
            if name == _NAMED:
                yield letter, _NOTHING
        elif letter == "." and name in (_NOTHING, _DOT):
            yield letter, name + 1
        else:
            yield letter, _NAMED


def _letters(automata: list[Automaton]) -> list[str]:
    """One of each kind of character that these patterns tell apart; the slash last."""
    marks = set().union(*(one.marks for one in automata)) - {"/", "\n"}
    other = next((c for c in "xyzabcdefghijklmnopqrstuvw0123456789_" if c not in marks), "\ufffc")
    return [other, *sorted(marks), "/"]


def _is_hopeless(automata: list[Automaton], states: tuple[frozenset[int], ...]) -> bool:
    return not any(at for one, at in zip(automata, states, strict=True) if not one.is_negative)


def _means(automata: list[Automaton], states: tuple[frozenset[int], ...]) -> bool:
    """Whether the last pattern that accepts takes the path in."""
    for one, at in zip(reversed(automata), reversed(states), strict=True):
        if one.accepts(at):
            return not one.is_negative
    return False


def _path_to(node: object, came: dict[tuple[tuple[frozenset[int], ...], int], tuple[object, str]]) -> str:
    letters = []
    while node is not None:
        node, letter = came[node]  # type: ignore[index]
        letters.append(letter)
    return "".join(reversed(letters))
