"""Runs the examples of a document: one bash session, block after block, as a reader would type them.

The reader is at home in a throw-away HOME, in the folder that the document starts in, with `set -eo pipefail`: a
command that fails ends the session, unless the document shows what happens then (`… || echo "exit $?"`). `make` is
replaced by a program that only checks that its target exists: the targets have steps of their own in .ci/run.

What a document shows as output has to be the output, with three liberties: `…` stands for any text in a line (alone in
a line, for any lines); times, pids, durations and the width of columns may differ.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from docs.markdown import REPOSITORY, Example

SECONDS = 120
"""After which a session that hangs is ended."""

ANY = "…"
_VOLATILE = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
    (re.compile(r"\bpid:? \d+"), "pid <pid>"),
    (re.compile(r"\b\d+(\.\d+)? s\b"), "<seconds> s"),
    (re.compile(r"\s+"), " "),
)
_HIDDEN = ("CCPM_", "CLAUDE", "GIT_")

_MAKE = r"""#!/bin/sh
for word; do
  case $word in
    -* | *=*) ;;
    *)
      grep -q "^$word:" "$MAKEFILE_OF_PROJECT" || {
        echo "make: *** No rule to make target '$word'." >&2
        exit 2
      }
      ;;
  esac
done
"""


@dataclass(frozen=True)
class Outcome:
    """How a session went: the output of each block that was reached, and the status of the session."""

    outputs: list[str]
    status: int


@dataclass(frozen=True)
class Home:
    """A throw-away home with the folders `ccpm` (a clone of this repository) and `my-project` (a git repository)."""

    path: Path

    @property
    def clone(self) -> Path:
        return self.path / "ccpm"

    @property
    def project(self) -> Path:
        return self.path / "my-project"

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_HIDDEN)}
        for name in ("AGENT_ID", "AI_AGENT", "CDPATH", "BASH_ENV"):
            kept.pop(name, None)
        return {
            **kept,
            "HOME": str(self.path),
            "PATH": f"{self.path / '.shims'}{os.pathsep}{kept['PATH']}",
            "MAKEFILE_OF_PROJECT": str(REPOSITORY / "Makefile"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.org",
            "LC_ALL": "C.UTF-8" if os.uname().sysname != "Darwin" else "en_US.UTF-8",
            "NO_COLOR": "1",
            "PS4": "+ ",
        }


def make_home(path: Path) -> Home:
    home = Home(path.resolve())
    (home.path / ".shims").mkdir(parents=True)
    make = home.path / ".shims" / "make"
    make.write_text(_MAKE)
    make.chmod(0o755)
    home.clone.mkdir()
    for name in ("bin", "lib", "commands", "rules"):
        shutil.copytree(REPOSITORY / name, home.clone / name, symlinks=True)
    for name in ("install.sh", "Makefile", "LICENSE"):
        shutil.copy2(REPOSITORY / name, home.clone / name)
    home.project.mkdir()
    subprocess.run(["git", "init", "-q", "-b", "main", "."], cwd=home.project, check=True)
    return home


def install(home: Home, example: Path) -> None:
    """The tools and the plan `example` (a `.claude` folder) into the project."""
    command = ["bash", str(home.clone / "install.sh"), str(home.project), "--yes"]
    done = subprocess.run(
        command, env=home.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    shutil.copytree(example, home.project / ".claude", dirs_exist_ok=True)


def run(examples: list[Example], home: Home, start: Path, on_path: Path | None, notes: Path) -> Outcome:
    """Run `examples` as one session that begins in `start`, with the folder `on_path` first on PATH."""
    notes.mkdir()
    script = []
    for number, example in enumerate(examples):
        (notes / f"{number}.sh").write_text(example.code)
        script += [f'exec >"{notes}/{number}.out" 2>&1', f'. "{notes}/{number}.sh"']
    environment = home.environment()
    if on_path:
        environment["PATH"] = f"{on_path}{os.pathsep}{environment['PATH']}"
    (notes / "session.sh").write_text("\n".join([*script, ""]))
    session = subprocess.Popen(
        ["bash", "-eo", "pipefail", str(notes / "session.sh")],
        cwd=start,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        status = session.wait(SECONDS)
    except subprocess.TimeoutExpired:
        status = 124
        os.killpg(session.pid, signal.SIGKILL)
        session.wait()
    outputs = []
    for number in range(len(examples)):
        out = notes / f"{number}.out"
        if not out.exists():
            break
        outputs.append(out.read_text(errors="replace"))
    return Outcome(outputs, status)


def problems(examples: list[Example], outcome: Outcome) -> list[str]:
    """What went otherwise than the document says, with the line of the block."""
    found = []
    last = len(outcome.outputs) - 1
    for number, (example, output) in enumerate(zip(examples, outcome.outputs, strict=False)):
        if number == last and outcome.status:
            found.append(
                f"line {example.line}: ended with status {outcome.status}:\n{example.code}\n{output}"
            )
        elif example.expected is not None and not is_shown(example.expected, output):
            shown = f"--- the document shows\n{example.expected}--- the output is\n{output}"
            found.append(f"line {example.line}: another output than shown:\n{example.code}{shown}")
    if not found and len(outcome.outputs) < len(examples):
        found.append(f"line {examples[last].line}: the session ended here (status {outcome.status})")
    return found


def is_shown(expected: str, output: str) -> bool:
    """Whether `output` is what a document shows as `expected`."""
    pattern = ""
    for line in expected.strip("\n").split("\n"):
        if line.strip() == ANY:
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*?".join(re.escape(part) for part in _steady(line).split(ANY)) + r"\n"
    lines = [_steady(line) for line in output.strip("\n").split("\n")]
    return re.fullmatch(pattern, "\n".join([*lines, ""])) is not None


def says_something(expected: str) -> bool:
    """Whether an output that a document shows could differ from anything at all."""
    return any(line.replace(ANY, "").strip() for line in expected.split("\n"))


def _steady(line: str) -> str:
    for pattern, replacement in _VOLATILE:
        line = pattern.sub(replacement, line)
    return line.strip()
