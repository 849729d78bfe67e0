"""What a Bash command line consists of, as far as that is certain without running it.

Contract: `commands(source)` lists the simple commands in `source` (also those in subshells, groups, substitutions and
control structures), each with its words, the targets of its writing redirections, and the folders that `cd` led
through before it. A word whose text depends on anything but the source (variables, substitutions, globs, `~`, braces)
has no text. Grammar: "Shell Command Language" of POSIX.1-2017, and the extensions of bash that change how it is read.

Guarantee: nothing is guessed. Where the reader meets what it does not know (`case`, functions, backquotes, arithmetic,
a missing quote), it stops: what stood before is returned, the rest is not.
Non-guarantees: whether a command is reached, what aliases and functions make of its name, what a program does.
"""

from __future__ import annotations

LONGEST = 100_000
"""Characters of the longest source that is looked at."""

DEEPEST = 20
"""Levels of nesting that are followed."""

_BLANKS = " \t"
_ENDS = " \t\n;&|()<>"
_SKIPPED = frozenset("if then else elif fi while until do done { } ! time".split())
_UNKNOWN = frozenset("case esac function select coproc".split())
_BRANCHING = frozenset("if then else elif while until do for".split())
_IN_QUOTES_ESCAPED = '$`"\\\n'
_WRITING = frozenset([">", ">>", ">|", "&>", "&>>", "<>"])


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


class Command:
    """A simple command: its `words` without assignments in front of it (`assigns` names them), the targets of
    redirections that write (`outputs`), and `where`: the arguments of the `cd`s before it, in order; None when the
    current folder is not certain."""

    __slots__ = ("assigns", "outputs", "where", "words")

    def __init__(self, where: tuple[str, ...] | None) -> None:
        self.assigns: list[str] = []
        self.words: list[Word] = []
        self.outputs: list[Word] = []
        self.where = where


class _Unclear(Exception):
    pass


def commands(source: str) -> list[Command]:
    """The simple commands of `source` in order, up to what is not understood."""
    reader = _Reader(source)
    if len(source) <= LONGEST:
        try:
            reader.read_list("", 0)
        except _Unclear:
            pass
    return reader.found


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.found: list[Command] = []
        self.where: tuple[str, ...] | None = ()
        self.heredocs: list[tuple[str, bool, bool]] = []
        self.branches = False

    def peek(self, ahead: int = 0) -> str:
        at = self.at + ahead
        return self.source[at] if at < len(self.source) else ""

    def read_list(self, closing: str, depth: int) -> None:
        """Commands up to `closing` ("" = the end), which is passed over."""
        if depth > DEEPEST:
            raise _Unclear
        before = ";"
        while True:
            self.skip_blanks()
            char = self.peek()
            if not char:
                if closing:
                    raise _Unclear
                return
            if char == "\n":
                self.at += 1
                self.skip_heredocs()
                before = ";"
            elif char in ";&|" and not self.source.startswith("&>", self.at):
                before = self.read_operator()
            elif char == ")":
                if closing != ")":
                    raise _Unclear
                self.at += 1
                return
            elif char == "(":
                self.read_subshell(depth)
            else:
                self.read_command(before, depth)

    def skip_blanks(self) -> None:
        while True:
            if self.peek() and self.peek() in _BLANKS:
                self.at += 1
            elif self.source.startswith("\\\n", self.at):
                self.at += 2
            elif self.peek() == "#":  # only ever called where a word could begin
                end = self.source.find("\n", self.at)
                self.at = len(self.source) if end < 0 else end
            else:
                return

    def read_operator(self) -> str:
        operator = next(
            o for o in (";;", ";&", "&&", "||", "|&", ";", "&", "|") if self.source.startswith(o, self.at)
        )
        if operator in (";;", ";&"):
            raise _Unclear  # of `case`
        self.at += len(operator)
        return operator

    def read_subshell(self, depth: int) -> None:
        if self.peek(1) == "(":
            raise _Unclear
        self.at += 1
        before = self.where
        self.read_list(")", depth + 1)
        self.where = before

    def read_command(self, before: str, depth: int) -> None:
        command = Command(self.where)
        while True:
            self.skip_blanks()
            char = self.peek()
            if not char or char in "\n;|)" or (char == "&" and self.peek(1) != ">"):
                break
            if char == "(":
                if command.words or command.assigns:
                    raise _Unclear  # a function, an array, a syntax error
                break  # a subshell behind a reserved word
            if char in "<>&":
                self.read_redirection(command, "", depth)
                continue
            word = self.read_word(depth)
            if self.peek() and self.peek() in "<>" and word.is_bare and (word.text or "").isdigit():
                self.read_redirection(command, word.text or "", depth)
            elif command.words or not self.is_syntax(command, word):
                command.words.append(word)
        self.found.append(command)
        self.follow_cd(command, before)

    def is_syntax(self, command: Command, word: Word) -> bool:
        """Whether `word`, where the name of a command could stand, is something else: a reserved word, an
        assignment."""
        raw = self.source[word.start : word.end]
        text = raw if word.is_bare and not command.assigns else None
        if text in _BRANCHING:
            self.branches = True
        if text in _UNKNOWN:
            raise _Unclear
        if text == "[[":
            self.skip_test()
            return True
        if text in _SKIPPED:
            return True
        name, equals, _ = raw.partition("=")
        name = name.removesuffix("+")
        if equals and name.isidentifier() and name.isascii():
            command.assigns.append(name)
            return True
        return False

    def skip_test(self) -> None:
        """To behind the `]]`: within, `<`, `>` and `(` redirect nothing."""
        while True:
            self.skip_blanks()
            if not self.peek():
                raise _Unclear
            if self.peek() in "<>&|()\n;":
                self.at += 1
            elif self.read_word(DEEPEST).text == "]]":
                return

    def follow_cd(self, command: Command, before: str) -> None:
        names = [word.text for word in command.words]
        if not names or names[0] not in ("cd", "pushd", "popd"):
            return
        self.skip_blanks()
        goes_on = self.peek() in ("", "\n", ";", ")") or self.source.startswith("&&", self.at)
        target = names[2:] if names[1:2] == ["--"] else names[1:]
        plain = len(target) == 1 and target[0] and not target[0].startswith("-")
        certain = before in (";", "&&") and goes_on and names[0] == "cd" and not self.branches
        if plain and certain and self.where is not None and not command.assigns:
            self.where = (*self.where, str(target[0]))
        else:
            self.where = None

    def read_redirection(self, command: Command, number: str, depth: int) -> None:
        for operator in ("<<<", "<<-", "&>>", "<<", ">>", ">|", ">&", "<&", "<>", "&>", "<(", ">(", "<", ">"):
            if self.source.startswith(operator, self.at):
                break
        self.at += len(operator)
        if operator in ("<(", ">("):
            start, before = self.at, self.where
            self.read_list(")", depth + 1)
            self.where = before
            command.words.append(Word(None, start, self.at, False, False))
            return
        self.skip_blanks()
        if not self.peek() or self.peek() in _ENDS:
            raise _Unclear
        word = self.read_word(depth)
        if operator in ("<<", "<<-"):
            if word.text is None:
                raise _Unclear
            self.heredocs.append((word.text, operator == "<<-", word.is_bare))
        elif operator in _WRITING or (operator == ">&" and not number and not _is_descriptor(word)):
            command.outputs.append(word)

    def skip_heredocs(self) -> None:
        """To behind the documents that were announced on the line before."""
        for delimiter, strips, is_bare in self.heredocs:
            line = None
            while self.at < len(self.source) and line != delimiter:
                line = self.read_line()
                while is_bare and (len(line) - len(line.rstrip("\\"))) % 2 and self.at < len(self.source):
                    line = (
                        line[:-1] + self.read_line()
                    )  # without quotes around its delimiter, lines are joined
                line = line.lstrip("\t") if strips else line
        self.heredocs = []

    def read_line(self) -> str:
        line, newline, _ = self.source[self.at :].partition("\n")
        self.at += len(line) + len(newline)
        return line

    def read_word(self, depth: int) -> Word:
        start = self.at
        text: list[str] = []
        known, bare, splits = True, True, False
        while self.peek() and self.peek() not in _ENDS:
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
                raise _Unclear
            elif char == "$" and self.peek(1) not in (
                "",
                *_ENDS.replace("(", ""),
                "\\",
                "/",
                ".",
                ",",
                ":",
                "=",
            ):
                splits = splits or self.peek(1) not in "'\""
                self.skip_expansion(depth)
                known = False
            else:
                is_brace = char in "{}" and not (
                    self.at == start and self.source[start + 1 : start + 2] in ("", *_ENDS)
                )
                if char in "*?[" or is_brace or (char == "~" and self.at == start):
                    known, splits = False, True
                text.append(char)
                self.at += 1
        return Word("".join(text) if known else None, start, self.at, bare, splits)

    def read_single(self) -> str:
        end = self.source.find("'", self.at + 1)
        if end < 0:
            raise _Unclear
        text = self.source[self.at + 1 : end]
        self.at = end + 1
        return text

    def read_double(self, depth: int) -> str | None:
        """The text between double quotes, None when it holds an expansion."""
        self.at += 1
        text: list[str] = []
        known = True
        while (char := self.peek()) != '"':
            if not char or char == "`":
                raise _Unclear
            if char == "\\" and self.peek(1) and self.peek(1) in _IN_QUOTES_ESCAPED:
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
        if following == "(":
            if self.peek(1) == "(":
                raise _Unclear
            self.at += 1
            before, heredocs, self.heredocs = self.where, self.heredocs, []
            self.read_list(")", depth + 1)
            self.where, self.heredocs = before, heredocs
        elif following == "{":
            end = self.source.find("}", self.at)
            inside = self.source[self.at + 1 : end]
            if end < 0 or any(char in inside for char in "'\"`\\${"):
                raise _Unclear
            self.at = end + 1
        elif following == "'":
            self.at += 1
            while self.peek() and self.peek() != "'":
                self.at += 2 if self.peek() == "\\" else 1
            if not self.peek():
                raise _Unclear
            self.at += 1
        elif following != '"':  # $"…" is a quoted word of its own
            self.at += 1


def _is_descriptor(word: Word) -> bool:
    return word.text is not None and (word.text == "-" or word.text.removesuffix("-").isdigit())
