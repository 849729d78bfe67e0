"""What a Bash command line consists of, as far as that is certain without running it.

Contract: `commands(source)` lists the simple commands in `source` (also those in subshells, groups, substitutions and
control structures), each with its words, the targets of its writing redirections, and the folders that `cd` led
through before it. A word whose text depends on anything but the source (variables, substitutions, globs, `~`, braces)
has no text. Grammar: "Shell Command Language" of POSIX.1-2017, and the extensions of bash that change how it is read.

Guarantee: nothing is guessed. Where the reader meets what it does not know (`case`, functions, arrays, a missing
quote), it stops: what stood before is returned, the rest is not.
Non-guarantees: whether a command is reached, what aliases and functions make of its name, what a program does.
"""

from __future__ import annotations

from ccpm.core.shell_quoting import BLANKS, ENDS, Text, Unclear, Word

LONGEST = 100_000
"""Characters of the longest source that is looked at."""

DEEPEST = 20
"""Levels of nesting that are followed."""

_SKIPPED = frozenset("if then else elif fi while until do done { } ! time".split())
_UNKNOWN = frozenset("case esac function select coproc".split())
_BRANCHING = frozenset("if then else elif while until do for".split())
_WRITING = frozenset([">", ">>", ">|", "&>", "&>>", "<>"])


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


def commands(source: str) -> list[Command]:
    """The simple commands of `source` in order, up to what is not understood."""
    reader = _Reader(source)
    if len(source) <= LONGEST:
        try:
            reader.read_list("", 0)
        except Unclear:
            pass
    return reader.found


class _Reader(Text):
    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.found: list[Command] = []
        self.where: tuple[str, ...] | None = ()
        self.heredocs: list[tuple[str, bool, bool]] = []
        self.branches = False
        self.after_escape: tuple[int, tuple[str, ...]] | None = None

    def read_list(self, closing: str, depth: int) -> None:
        """Commands up to `closing` ("" = the end), which is passed over."""
        if depth > DEEPEST:
            raise Unclear
        before = ";"
        while True:
            self.skip_blanks()
            char = self.peek()
            if not char:
                if closing:
                    raise Unclear
                return
            if char == "\n":
                self.at += 1
                self.skip_heredocs()
                before = ";"
            elif char in ";&|" and not self.source.startswith("&>", self.at):
                before = self.read_operator()
            elif char == ")":
                if closing != ")":
                    raise Unclear
                self.at += 1
                return
            elif char == "(":
                self.read_subshell(depth)
            else:
                self.read_command(before, depth)

    def read_inside(self, depth: int) -> None:
        heredocs, self.heredocs = self.heredocs, []
        self.read_apart(depth)
        self.heredocs = heredocs

    def read_apart(self, depth: int) -> None:
        """Commands up to a `)`, whose `cd`s end with it."""
        before = self.where, self.after_escape
        self.read_list(")", depth)
        self.where, self.after_escape = before

    def skip_blanks(self) -> None:
        while True:
            if self.peek() and self.peek() in BLANKS:
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
            raise Unclear  # of `case`
        self.at += len(operator)
        return operator

    def read_subshell(self, depth: int) -> None:
        if self.peek(1) == "(":
            self.skip_arithmetic(depth)
            return
        self.at += 1
        self.read_apart(depth + 1)

    def read_command(self, before: str, depth: int) -> None:
        if self.after_escape and self.at >= self.after_escape[0]:
            self.where, self.after_escape = self.after_escape[1], None
        command = Command(self.where)
        while True:
            self.skip_blanks()
            char = self.peek()
            if not char or char in "\n;|)" or (char == "&" and self.peek(1) != ">"):
                break
            if char == "(" and self.peek(1) == "(" and [word.text for word in command.words] == ["for"]:
                self.skip_arithmetic(depth)
                continue
            if char == "(":
                if command.words or command.assigns:
                    raise Unclear  # a function, an array, a syntax error
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
            raise Unclear
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
                raise Unclear
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
        escape = _end_of_escape(self.source, self.at)
        before_it, self.where = self.where, None
        if not plain or names[0] != "cd" or before not in (";", "&&") or self.branches or command.assigns:
            return
        if before_it is not None and goes_on:
            self.where = (*before_it, str(target[0]))
        elif before_it is not None and escape:
            self.after_escape = escape, (*before_it, str(target[0]))

    def read_redirection(self, command: Command, number: str, depth: int) -> None:
        for operator in ("<<<", "<<-", "&>>", "<<", ">>", ">|", ">&", "<&", "<>", "&>", "<(", ">(", "<", ">"):
            if self.source.startswith(operator, self.at):
                break
        self.at += len(operator)
        if operator in ("<(", ">("):
            start = self.at
            self.read_inside(depth + 1)
            command.words.append(Word(None, start, self.at, False, False))
            return
        self.skip_blanks()
        if not self.peek() or self.peek() in ENDS:
            raise Unclear
        word = self.read_word(depth)
        if operator in ("<<", "<<-"):
            if word.text is None:
                raise Unclear
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


def _is_descriptor(word: Word) -> bool:
    return word.text is not None and (word.text == "-" or word.text.removesuffix("-").isdigit())


def _end_of_escape(source: str, at: int) -> int:
    """The place behind a `|| exit`, `|| return` or `|| { …; exit; }` at `at`, 0 if there is none: who comes past it has
    not failed before it."""
    if not source.startswith("||", at):
        return 0
    rest = source[at + 2 :].lstrip(BLANKS)
    start = len(source) - len(rest)
    if rest.startswith("{"):
        inside, closing, after = rest[1:].partition("}")
        last = inside.replace("\n", ";").rstrip(" \t;").rpartition(";")[2]
        is_clear = closing and after.lstrip(BLANKS)[:1] in ("", ";", "\n") and not set(inside) & set("(){`")
        end = start + 1 + len(inside) + 1
    else:
        last = rest.partition("\n")[0].partition(";")[0]
        is_clear = not set(last) & set("(){}`<>")
        end = start + len(last)
    return end if is_clear and not set(last) & set("&|") and last.split()[:1] in (["exit"], ["return"]) else 0
