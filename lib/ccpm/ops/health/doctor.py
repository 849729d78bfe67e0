"""Whether this machine and this project can hold what CCPM promises: one check after the other, each with its fix.

Contract: `examine()` never raises for what it finds. A check says ok, warn (something works less well, or somebody
should look) or fail (a promise does not hold here), and what to do. Nothing is changed, but for files of the doctor's
own in the state folder, and nothing talks to a network.
"""

from __future__ import annotations

import os
import sys

from ccpm.errors import CcpmError, io_failure
from ccpm.external import tools
from ccpm.external.git import repository
from ccpm.files import root
from ccpm.ops.wording import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

OK, WARN, FAIL = "ok", "warn", "fail"

_OLDEST_PYTHON = (3, 10)
_PACKAGES = ("portalocker", "ruamel/yaml", "sh", "rich", "pathspec")
"""What is looked for on the module path; importing them all would take longer than the other checks together."""


class Check:
    """One line of the report: the `name` of the check, its `status`, `what` was found, and the `fix` ("" if ok)."""

    __slots__ = ("fix", "name", "status", "what")

    def __init__(self, name: str, status: str, what: str, fix: str = "") -> None:
        self.name = name
        self.status = status
        self.what = what
        self.fix = fix

    def as_data(self) -> dict[str, str]:
        return {"name": self.name, "status": self.status, "what": self.what, "fix": self.fix}


def examine() -> list[Check]:
    """Every check, in the order in which their fixes make sense."""
    from ccpm.ops.health import doctor_hooks, doctor_project

    checks = [guarded(name, check) for name, check in MACHINE.items()]
    try:
        top = root.find()
    except CcpmError as error:
        return [*checks, Check("root", FAIL, error.message, error.hint)]
    for name, check in {**doctor_project.CHECKS, **doctor_hooks.CHECKS}.items():
        checks.append(guarded(name, check, top))
        if name == "root" and checks[-1].status == FAIL:
            break  # the others would tell the same
    return checks


def guarded(name: str, check: Callable[..., tuple[str, str, str]], *arguments: str) -> Check:
    """The answer of one check; an error that it ends with is its finding."""
    try:
        return Check(name, *check(*arguments))
    except CcpmError as error:
        return Check(name, FAIL, error.message, error.hint)
    except OSError as error:
        failure = io_failure(f"use {error.filename or 'a file'}", error)
        return Check(name, FAIL, failure.message, failure.hint)


def _python() -> tuple[str, str, str]:
    version = ".".join(map(str, sys.version_info[:3]))
    what = f"Python {version} ({sys.executable})"
    if sys.version_info[:2] < _OLDEST_PYTHON:
        return (
            FAIL,
            f"{what}: too old",
            f"install Python 3.10 or newer, then: bash {_setup()} --python PYTHON",
        )
    return OK, what, ""


def _packages() -> tuple[str, str, str]:
    missing = [
        name
        for name in _PACKAGES
        if not any(os.path.exists(os.path.join(folder, name)) for folder in sys.path)
    ]
    if missing:
        return FAIL, f"missing in lib/vendor: {', '.join(missing)}", f"bash {_setup()} --force"
    setup = os.path.join(root.library(), "setup.sh")
    if tools.first_line("bash", setup, "--check", "--python", sys.executable) is None:
        return WARN, "the packages are not those of lib/requirements.txt", f"bash {_setup()}"
    return OK, f"{len(_PACKAGES)} packages in lib/vendor", ""


def _git() -> tuple[str, str, str]:
    line = tools.first_line("git", "--version")
    if line is None:
        return FAIL, "git is not installed", "install git 2.38 or newer: worktrees and merges need it"
    version = line.removeprefix("git version ").split(" ")[0]
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < repository.OLDEST:
        oldest = ".".join(map(str, repository.OLDEST))
        return (
            FAIL,
            f"git {version} is older than {oldest}",
            "install a newer git: merges of agents' work need it",
        )
    return OK, f"git {version}", ""


def _gh() -> tuple[str, str, str]:
    line = tools.first_line("gh", "--version")
    if line is None:
        hint = "install it from https://cli.github.com to use GitHub; without it, plans stay local"
        return WARN, "gh is not installed", hint
    version = line.removeprefix("gh version ").split(" ")[0]
    if not tools.has_github_token():
        return WARN, f"gh {version}, not logged in", "gh auth login"
    return OK, f"gh {version}, logged in", ""


def _setup() -> str:
    return quoted(os.path.join(root.library(), "setup.sh"))


MACHINE = {"python": _python, "packages": _packages, "git": _git, "gh": _gh}
"""The checks that need no project."""
