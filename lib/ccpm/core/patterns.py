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

from ccpm.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LARGEST = 20_000
"""States after which `meet` gives up, a second of work; patterns that people write need a few hundred."""

UNDECIDED = "?"
"""What `meet` answers instead of a path when the search gave up. No path: a claim is never about one name `?`."""

_WILD = frozenset("*?[\\")
_HINT = "patterns are those of .gitignore: src/db/*, src/**/user.ts, docs/, !docs/api.md"


def check(patterns: list[str]) -> list[str]:
    """`patterns` without blank ones and doubles; UsageError (2) for one that says nothing, or that leads outside."""
    kept = list(dict.fromkeys(pattern.rstrip("\n") for pattern in patterns if pattern.strip()))
    for pattern in kept:
        _parse(pattern)
    if kept and all(pattern.startswith("!") for pattern in kept):
        raise UsageError(f"{kept[0]!r} takes files out of nothing", _HINT)
    return kept


def readable(patterns: list[str]) -> list[str]:
    """Those of `patterns` that mean something: a registry may have been written by hand, or by other programs."""
    kept = []
    for pattern in patterns:
        try:
            _parse(pattern)
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
    automata = {pattern: _parse(pattern) for pattern in (*mine, *theirs)}
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
    return name[max(map(name.rfind, (*_WILD, "]"))) + 1 :] if _is_file(name) else ""


# --- one pattern as an automaton ---


class _Automaton:
    """Nondeterministic. State 0 begins; a path is accepted if it ends in a state of `ends`, or ever reaches `done`.

    `steps[state]`: (test of a character, next state). `free[state]`: states that are reached without a character.
    """

    __slots__ = ("done", "ends", "free", "is_negative", "marks", "steps")

    def __init__(self, is_negative: bool) -> None:
        self.is_negative = is_negative
        self.steps: list[list[tuple[Callable[[str], bool], int]]] = [[]]
        self.free: list[list[int]] = [[]]
        self.ends: set[int] = set()
        self.done = -1
        self.marks: set[str] = set()

    def new(self) -> int:
        self.steps.append([])
        self.free.append([])
        return len(self.steps) - 1

    def step(self, state: int, test: Callable[[str], bool], target: int | None = None) -> int:
        to = self.new() if target is None else target
        self.steps[state].append((test, to))
        return to

    def closure(self, states: set[int]) -> frozenset[int]:
        waiting = list(states)
        while waiting:
            for target in self.free[waiting.pop()]:
                if target not in states:
                    states.add(target)
                    waiting.append(target)
        if self.done in states:
            return frozenset([self.done])  # whatever follows, it is accepted
        return frozenset(states)

    def after(self, states: frozenset[int], character: str) -> frozenset[int]:
        if self.done in states:
            return states
        return self.closure({to for state in states for test, to in self.steps[state] if test(character)})

    def accepts(self, states: frozenset[int]) -> bool:
        return self.done in states or not self.ends.isdisjoint(states)


def _parse(pattern: str) -> _Automaton:
    """The automaton of one pattern; UsageError (2) if it means nothing."""
    is_negative = pattern.startswith("!")
    text = pattern[1:] if is_negative else pattern
    if not text.endswith("\\ "):
        text = text.rstrip()
    if text.startswith("#"):
        raise UsageError(f"{pattern!r} is a comment in gitignore syntax", f"write \\{text}")
    names = text.split("/")
    if not text.strip("/") or "\0" in text or "\n" in text:
        raise UsageError(f"{pattern[:60]!r} names no file", _HINT)
    if any(name in (".", "..") for name in names):
        raise UsageError(
            f"{pattern[:60]!r} contains a name that is `.` or `..`", "name it from the project's top"
        )
    if "" in names[1:-1]:
        raise UsageError(f"{pattern[:60]!r} has an empty name between two slashes", _HINT)
    return _build(_segments(names), not names[-1], is_negative, pattern)


def _segments(names: list[str]) -> list[str]:
    """Anchored at the top, with `**` where any depth is meant, and none twice in a row."""
    if not names[0]:
        names = names[1:]
    elif len(names) == 1 or (len(names) == 2 and not names[1]):
        names = names if names[0] == "**" else ["**", *names]
    if not names[-1]:
        names = [*names[:-1], "**"]
    return [
        name for place, name in enumerate(names) if not (name == "**" and names[place - 1 : place] == ["**"])
    ]


def _build(segments: list[str], is_folder: bool, is_negative: bool, pattern: str) -> _Automaton:
    made = _Automaton(is_negative)
    if segments == ["**"] or segments == ["**", "*"]:
        # Every path; as a folder only those with something below it.
        made.done = _deep(made, 0) if is_folder else made.step(0, _anything)
        return made
    if segments == ["**", "*", "**"]:
        made.done = _deep(made, 0)
        return made
    state, needs_slash = 0, False
    for place, name in enumerate(segments):
        is_last = place == len(segments) - 1
        if name == "**":
            if place == 0:  # (.+/)?
                state = _optional(made, state, made.step(_some(made, state), _slash))
            elif is_last:
                made.done = made.step(state, _slash)
                return made
            else:  # (/.+)?
                state = _optional(made, state, _some(made, made.step(state, _slash)))
                needs_slash = True
            continue
        if needs_slash:
            state = made.step(state, _slash)
        state = _name(made, state, name, pattern)
        needs_slash = True
    made.ends.add(state)
    if is_negative or not _is_file(segments[-1]):
        made.done = made.step(state, _slash)
    return made


def _is_file(name: str) -> bool:
    """Whether a name that a pattern ends in has an extension: `user.ts`, `*.sql`; not `.github` or `v1.2`."""
    stem, dot, extension = name.rpartition(".")
    is_word = extension.isascii() and extension.isalnum() and len(extension) <= 8
    return bool(stem and dot) and is_word and extension[0].isalpha()


def _deep(made: _Automaton, state: int) -> int:
    made.step(state, _anything, state)
    return made.step(state, _slash)


def _some(made: _Automaton, state: int) -> int:
    """Any text of at least one character."""
    there = made.step(state, _anything)
    made.step(there, _anything, there)
    return there


def _optional(made: _Automaton, before: int, after: int) -> int:
    joined = made.new()
    made.free[before].append(joined)
    made.free[after].append(joined)
    return joined


def _name(made: _Automaton, state: int, name: str, pattern: str) -> int:
    """One name between slashes: literal characters, `*`, `?`, `[…]` and what a backslash takes literally."""
    if name == "*":  # a whole name is never empty
        there = made.step(state, _no_slash)
        made.step(there, _no_slash, there)
        return there
    place = 0
    while place < len(name):
        character = name[place]
        place += 1
        if character == "*":
            loop = made.new()
            made.free[state].append(loop)
            made.step(loop, _no_slash, loop)
            state = loop
        elif character == "?":
            state = made.step(state, _no_slash)
        elif character == "[":
            test, place = _bracket(made, name, place, pattern)
            state = made.step(state, test)
        else:
            if character == "\\":
                if place == len(name):
                    raise UsageError(
                        f"{pattern[:60]!r} ends a name with a backslash", "a literal one is \\\\"
                    )
                character = name[place]
                place += 1
            made.marks.add(character)
            state = made.step(state, character.__eq__)
    return state


def _bracket(made: _Automaton, name: str, place: int, pattern: str) -> tuple[Callable[[str], bool], int]:
    """(the test of `[…]` that begins in front of `place`, the place behind it)."""
    import re
    import warnings

    end = place + 1 if name[place : place + 1] in ("!", "^") else place
    end = name.find("]", end + 1 if name[end : end + 1] == "]" else end)
    if end < 0:
        raise UsageError(f"{pattern[:60]!r} has a [ without a ]", "a literal bracket is \\[")
    inside = name[place:end]
    is_negated = inside.startswith(("!", "^"))
    inside = inside[1:] if is_negated else inside
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `[[` warns of a syntax of the future
            expression = re.compile("[" + ("^" if is_negated else "") + inside.replace("\\", "\\\\") + "]")
    except re.error as error:
        raise UsageError(
            f"{pattern[:60]!r} has a bad [{inside}]: {error}", "a literal bracket is \\["
        ) from error
    for edge in map(ord, inside):
        made.marks.update(chr(near) for near in (edge - 1, edge, edge + 1) if 0x20 < near < 0x110000)
    return (lambda character: expression.match(character) is not None), end + 1


def _slash(character: str) -> bool:
    return character == "/"


def _no_slash(character: str) -> bool:
    return character != "/"


def _anything(_: str) -> bool:
    return True


# --- the search ---


def _search(mine: list[_Automaton], theirs: list[_Automaton], limit: int) -> tuple[str, int]:
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


def _letters(automata: list[_Automaton]) -> list[str]:
    """One of each kind of character that these patterns tell apart; the slash last."""
    marks = set().union(*(one.marks for one in automata)) - {"/", "\n"}
    other = next((c for c in "xyzabcdefghijklmnopqrstuvw0123456789_" if c not in marks), "\ufffc")
    return [other, *sorted(marks), "/"]


def _is_hopeless(automata: list[_Automaton], states: tuple[frozenset[int], ...]) -> bool:
    return not any(at for one, at in zip(automata, states, strict=True) if not one.is_negative)


def _means(automata: list[_Automaton], states: tuple[frozenset[int], ...]) -> bool:
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
