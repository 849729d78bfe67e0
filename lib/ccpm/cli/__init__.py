"""The command line: one module an executable, arguments in, text or JSON out. The only room that prints.

`main` maps every failure to its exit code (ccpm.errors): nothing else decides what a command exits with.
"""

from __future__ import annotations

import codecs
import io
import os
import sys

from ccpm import __version__
from ccpm.cli.output import printable
from ccpm.errors import OK, Bug, CcpmError, UsageError, io_failure

HELPERS = {
    "lock": "take, hold, renew and release leases; run a command under them",
    "atomic-write": "replace or append to a file as one step",
    "fm-cas": "read and change frontmatter by compare-and-swap on its version",
    "gh": "gh under the budget of requests that all agents share; what is left of it",
    "plan": "change the plan: new PRDs, epics and tasks, progress, closing, archiving",
    "work": "who does which task: plan, next, start, done, steal",
    "agent": "who works on what: registry, claims on files, requests and messages",
    "doctor": "whether this machine and this project can hold what CCPM promises; mends what is safe",
    "watch": "see locks, waits, agents, metrics and time lines",
    "sync": "the plan and its issues: on GitHub, or in files of the project",
    "hook": "what Claude Code calls: identity, refusals of edits, signs of life",
    "query": "the views of the plan: status, next, blocked, epics, PRDs, search",
    "worktree": "a worktree for each agent; conflicts before they happen; merging what agents did",
}
_HIDDEN = ("session", "copy", "root", "migrate", "install", "init")
_PASSES_ON = ("gh",)
"""Helpers that hand every option that is not theirs to another program."""


def main(argv: list[str]) -> int:
    """Run the helper named by `argv[0]` with the rest; its exit status."""
    if not argv or argv[0] not in (*HELPERS, *_HIDDEN):
        sys.stderr.write(f"ccpm: no helper {argv[0] if argv else ''!r}; there are: {', '.join(HELPERS)}\n")
        return UsageError.code
    name, rest = argv[0], argv[1:]
    _open_standard_streams()
    try:
        return _flushed(f"ccpm-{name}", guarded(f"ccpm-{name}", rest))
    except BrokenPipeError:
        discard(1)
        return 128 + 13
    except KeyboardInterrupt:
        return 128 + 2


def _open_standard_streams() -> None:
    """Put /dev/null where the caller closed descriptor 0, 1 or 2: else the next file that we open gets that number,
    and what is meant for standard output goes into it."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            stream = open(os.devnull, "r" if name == "stdin" else "w")  # noqa: SIM115  (it stays open)
            setattr(sys, name, stream)
    codecs.register_error("ccpm", _unwritable)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="ccpm")


def _unwritable(error: UnicodeError) -> tuple[bytes, int]:
    """What is written for characters that UTF-8 cannot have: the bytes of a file's name as they are, `?` for half an
    emoji that somebody cut."""
    assert isinstance(error, UnicodeEncodeError)
    codes = map(ord, error.object[error.start : error.end])
    return bytes(code & 0xFF if 0xDC80 <= code <= 0xDCFF else ord("?") for code in codes), error.end


def _flushed(program: str, status: int) -> int:
    """`status`, once all output is written; else that of the failure to write it. Words that cannot be written to
    standard error change nothing."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard(1)
        status = status or report(program, io_failure("write to standard output", error), False)
    try:
        sys.stderr.flush()
    except OSError:
        discard(2)
    return status


def discard(descriptor: int) -> None:
    """Keep the interpreter from flushing once more into an output that is gone: it would exit with 120."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def guarded(program: str, argv: list[str]) -> int:
    """Call the helper module of `program`; its status, or that of the error it ended with, reported."""
    ours = argv[: argv.index("--")] if "--" in argv else argv
    as_json = "--json" in ours
    try:
        name = program.removeprefix("ccpm-")
        if name not in HELPERS and name not in _HIDDEN:
            raise UsageError(f"there is no helper {program[:40]!r}", "ccpm help lists them")
        if argv == ["--version"] and name not in _PASSES_ON:
            sys.stdout.write(f"ccpm {__version__}\n")
            return OK
        module = name.replace("-", "_")
        status: int = __import__(f"ccpm.cli.{module}", fromlist=["run"]).run(argv)
        return status
    except CcpmError as error:
        return report(program, error, as_json)
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except OSError as error:
        return report(program, io_failure(f"use {error.filename or 'a file'}", error), as_json)
    except Exception as error:
        if os.environ.get("CCPM_DEBUG"):
            raise
        what = f"{type(error).__name__}: {error}"
        bug = Bug(what, "run it again with CCPM_DEBUG=1 and report the traceback")
        return report(program, bug, as_json)


def report(program: str, error: CcpmError, as_json: bool) -> int:
    """Say what went wrong: words on stderr, with --json also one object on stdout."""
    known = program.removeprefix("ccpm-") in HELPERS
    try:
        sys.stderr.write(
            f"{program if known else program.replace('-', ' ', 1)}: {printable(error.message)}\n"
        )
        if error.hint:
            sys.stderr.write(f"hint: {printable(error.hint)}\n")
    except OSError:
        pass  # nobody can be told; the status still tells
    if as_json:
        import json

        body = {"error": error.name, "code": error.code, "message": error.message, "hint": error.hint}
        sys.stdout.write(json.dumps({**error.details, **body}, default=str) + "\n")
    return error.code
