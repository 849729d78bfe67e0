"""How Bash reads one word: quotes, escapes, expansions.

Contract: a `Text` stands at a place `at` of a source; `read_word` reads the word that begins there, and goes behind it.
Where the text of a word depends on anything but the source, it has none. The commands in a `$(…)` are read by
`read_list`, which core/shell_words.py has.

`Unclear` is raised where it is not certain how Bash goes on: a quote or a bracket that is not closed, an expansion with
quotes in it. What a backquote holds is passed over, like arithmetic, of which the end is certain.
"""

from __future__ import annotations

BLANKS = " \t"
ENDS = " \t\n;&|()<>"
_IN_QUOTES_ESCAPED = '$`"\\\n'
_LITERAL_AFTER_DOLLAR = frozenset(["", *ENDS.replace("(", ""), "\\", "/", ".", ",", ":", "="])


class Unclear(Exception):
    """From here on it is not certain how Bash reads the source."""


class Word:
    """`text` None: it depends on more than the source; `splits`: then it may also be no word or several. `start` and
    `end` are its place in the source. `is_bare`: nothing of it was quoted."""

    __slots__ = ("end", "is_bare", "splits", "start", "text")

    def __init__(self, text: str | None, start: int, end: int, is_bare: bool, splits: bool) -> None:
        self.text = text
        self.start = start
        self.end = end
        self.is_bare = is_bare
        self.splits = splits


class Text:
    """A source, and how far it is read."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        at = self.at + ahead
        return self.source[at] if at < len(self.source) else ""

    def read_inside(self, depth: int) -> None:
        """The commands of a substitution, up to the `)` behind them."""
        raise NotImplementedError

    def read_word(self, depth: int) -> Word:
        start = self.at
        text: list[str] = []
        known, bare, splits = True, True, False
        while self.peek() and self.peek() not in ENDS:
            char = self.peek()
            if char == "\\":
                text.append(self.peek(1).replace("\n", ""))
                self.at += 2
                bare = False
            elif char in "'\"":
                bare = False
                part = self.read_single() if char == "'" else self.read_double(depth)
                known = known and part is not None
                text.append(part or "")
            elif char == "`":
                self.skip_backquotes()
                known, splits = False, True
            elif char == "$" and self.peek(1) not in _LITERAL_AFTER_DOLLAR:
                splits = splits or self.peek(1) not in "'\""
                self.skip_expansion(depth)
                known = False
            else:
                is_brace = char in "{}" and not (
                    self.at == start and self.source[start + 1 : start + 2] in ("", *ENDS)
                )
                if char in "*?[" or is_brace or (char == "~" and self.at == start):
                    known, splits = False, True
                text.append(char)
                self.at += 1
        return Word("".join(text) if known else None, start, self.at, bare, splits)

    def read_single(self) -> str:
        end = self.source.find("'", self.at + 1)
        if end < 0:
            raise Unclear
        text = self.source[self.at + 1 : end]
        self.at = end + 1
        return text

    def read_double(self, depth: int) -> str | None:
        """The text between double quotes, None when it holds an expansion."""
        self.at += 1
        text: list[str] = []
        known = True
        while (char := self.peek()) != '"':
            if not char:
                raise Unclear
            if char == "`":
                self.skip_backquotes()
                known = False
            elif char == "\\" and self.peek(1) and self.peek(1) in _IN_QUOTES_ESCAPED:
                text.append(self.peek(1).replace("\n", ""))
                self.at += 2
            elif char == "$" and (self.peek(1).isalnum() or self.peek(1) in tuple("({_@*#?$!-")):
                self.skip_expansion(depth)
                known = False
            else:
                text.append(char)
                self.at += 1
        self.at += 1
        return "".join(text) if known else None

    def skip_expansion(self, depth: int) -> None:
        """To behind a `$…`. The commands in a `$(…)` are read like all others."""
        self.at += 1
        following = self.peek()
        if following == "(" and self.peek(1) == "(":
            self.skip_arithmetic(depth)
        elif following == "(":
            self.at += 1
            self.read_inside(depth + 1)
        elif following == "{":
            end = self.source.find("}", self.at)
            inside = self.source[self.at + 1 : end]
            if end < 0 or any(char in inside for char in "'\"`\\${"):
                raise Unclear
            self.at = end + 1
        elif following == "'":
            self.at += 1
            while self.peek() and self.peek() != "'":
                self.at += 2 if self.peek() == "\\" else 1
            if not self.peek():
                raise Unclear
            self.at += 1
        elif following != '"':  # $"…" is a quoted word of its own
            self.at += 1

    def skip_backquotes(self) -> None:
        """To behind the next backquote that is not escaped: within, only a backslash keeps one from being the end."""
        self.at += 1
        while self.peek() != "`":
            if not self.peek():
                raise Unclear
            self.at += 2 if self.peek() == "\\" else 1
        self.at += 1

    def skip_arithmetic(self, depth: int) -> None:
        """From `((` to behind the `))` that belongs to it. Where single brackets end it, it was no arithmetic."""
        level = 0
        while char := self.peek():
            if char == "$":
                self.skip_expansion(depth)
                continue
            if char in "'\"`":
                raise Unclear
            level += {"(": 1, ")": -1}.get(char, 0)
            self.at += 2 if char == "\\" else 1
            if level == 1 and char == ")":
                if self.peek() != ")":
                    raise Unclear
                self.at += 1
                return
        raise Unclear
