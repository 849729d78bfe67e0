"""Other processes for the unit tests: code in an interpreter of its own, with ccpm importable.

`start` gives the running process; `after_line` waits until it has printed one line (a barrier, no sleep).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import ccpm

LIB = Path(ccpm.__file__).parents[1]
PRELUDE = f"import os, signal, sys, time\nsys.path[:0] = [{str(LIB)!r}, {str(LIB / 'vendor')!r}]\n"
LIMIT = float(os.environ.get("TEST_LIMIT") or 30)
"""Seconds after which a process counts as stuck; fewer when a seeded bug is known to make it so."""


@contextlib.contextmanager
def start(code: str, *arguments: object) -> Generator[subprocess.Popen[str], None, None]:
    """The process that runs `code` (sys.argv[1:] are `arguments`); killed at the end if it still runs."""
    argv = [sys.executable, "-S", "-c", PRELUDE + code, *map(str, arguments)]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def after_line(process: subprocess.Popen[str]) -> str:
    """The next line that it prints."""
    assert process.stdout
    line = process.stdout.readline()
    assert line, process.stderr.read() if process.stderr else ""
    return line.rstrip("\n")


def result(process: subprocess.Popen[str]) -> str:
    """What it prints until its end, which has to be status 0."""
    out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, err
    return out.rstrip("\n")


def run(code: str, *arguments: object) -> str:
    with start(code, *arguments) as process:
        return result(process)
