"""One pattern in gitignore syntax as a finite automaton over the characters of a path.

Contract: pure. `parse` gives the automaton, or UsageError (2) with the reason; what patterns mean is told in
core/patterns.py. There are about as many states as the pattern has characters.
"""

from __future__ import annotations

from ccpm.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

HINT = "patterns are those of .gitignore: src/db/*, src/**/user.ts, docs/, !docs/api.md"


class Automaton:
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


def parse(pattern: str) -> Automaton:
    """The automaton of one pattern; UsageError (2) if it means nothing."""
    is_negative = pattern.startswith("!")
    text = pattern[1:] if is_negative else pattern
    if not text.endswith("\\ "):
        text = text.rstrip()
    if text.startswith("#"):
        raise UsageError(f"{pattern!r} is a comment in gitignore syntax", f"write \\{text}")
    names = text.split("/")
    if not text.strip("/") or "\0" in text or "\n" in text:
        raise UsageError(f"{pattern[:60]!r} names no file", HINT)
    if any(name in (".", "..") for name in names):
        raise UsageError(
            f"{pattern[:60]!r} contains a name that is `.` or `..`", "name it from the project's top"
        )
    if "" in names[1:-1]:
        raise UsageError(f"{pattern[:60]!r} has an empty name between two slashes", HINT)
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


def _build(segments: list[str], is_folder: bool, is_negative: bool, pattern: str) -> Automaton:
    made = Automaton(is_negative)
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
    if is_negative or not is_file(segments[-1]):
        made.done = made.step(state, _slash)
    return made


def is_file(name: str) -> bool:
    """Whether a name that a pattern ends in has an extension: `user.ts`, `*.sql`; not `.github` or `v1.2`."""
    stem, dot, extension = name.rpartition(".")
    is_word = extension.isascii() and extension.isalnum() and len(extension) <= 8
    return bool(stem and dot) and is_word and extension[0].isalpha()


def _deep(made: Automaton, state: int) -> int:
    made.step(state, _anything, state)
    return made.step(state, _slash)


def _some(made: Automaton, state: int) -> int:
    """Any text of at least one character."""
    there = made.step(state, _anything)
    made.step(there, _anything, there)
    return there


def _optional(made: Automaton, before: int, after: int) -> int:
    joined = made.new()
    made.free[before].append(joined)
    made.free[after].append(joined)
    return joined


def _name(made: Automaton, state: int, name: str, pattern: str) -> int:
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


def _bracket(made: Automaton, name: str, place: int, pattern: str) -> tuple[Callable[[str], bool], int]:
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
