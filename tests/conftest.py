"""What all Python tests share: a clean environment, signals that work, and the policy of skips.

A test that needs a tool says so: `@pytest.mark.needs("strace")`. Where the tool is missing or not permitted, it is
skipped and the reason tells how to get the tool. With CCPM_NO_SKIP=1 (set by .ci/run) every skip is a failure, with one
exception: where CCPM_CORPUS is not set, tests of the corpus may skip, since the corpus is not part of the repository.
"""

from __future__ import annotations

import functools
import os
import signal
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import hypothesis
import pytest

# Nothing passes or fails by time: the machine may be busy.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

TOOLS = {
    "faketime": (["faketime", "-m", "2001-01-01", "true"], "apt-get install faketime"),
    "flock": (["flock", "--version"], "apt-get install util-linux"),
    "gh": (["gh", "--version"], "apt-get install gh, or brew install gh"),
    "namespaces": (["unshare", "--mount", "true"], "run as root, or in a container with CAP_SYS_ADMIN"),
    "strace": (["strace", "-f", "-o", "/dev/null", "true"], "apt-get install strace, and allow ptrace"),
    "tmux": (["tmux", "-V"], "apt-get install tmux, or brew install tmux"),
}
"""Tool: a command that ends with status 0 where it works, and how to get it."""

KEPT = (
    "CCPM_CLAIM_RACES",
    "CCPM_CORPUS",
    "CCPM_GENERATED",
    "CCPM_GITHUB_WRITES",
    "CCPM_LIB_UNDER_TEST",
    "CCPM_NO_SKIP",
    "CCPM_PLAN_RUNS",
    "CCPM_SWEEP",
)
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


def pytest_configure(config: pytest.Config) -> None:
    """Hide the developer's own agents, projects, git settings and ignored signals from the tests and what they start."""
    for name in list(os.environ):
        ours = name.startswith(("CCPM_", "CLAUDE", "GIT_")) or name in (
            "AGENT_ID",
            "AI_AGENT",
            "CDPATH",
            "IFS",
        )
        if ours and name not in KEPT and not name.startswith("GIT_SSL"):
            del os.environ[name]
    os.environ.update(GIT)
    # `nohup make test &`: what is ignored stays ignored in all that the tests start
    for number, usual in (
        (signal.SIGHUP, signal.SIG_DFL),
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGQUIT, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for tool in mark.args:
            reason = why_missing(tool)
            if reason:
                pytest.skip(reason)


@functools.cache
def why_missing(tool: str) -> str:
    """Why tests that need `tool` cannot run here, with the way to get it; "" if they can."""
    command, how = TOOLS[tool]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return f"{tool} is not installed: {how}"
    return f"{tool} does not work here: {how}" if done.returncode else ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    return fail_if_skipped(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    return fail_if_skipped(report)


def fail_if_skipped(report: Report) -> Report:
    if os.environ.get("CCPM_NO_SKIP") == "1" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if os.environ.get("CCPM_CORPUS") or "CCPM_CORPUS" not in reason:
            report.outcome = "failed"
            report.longrepr = f"CCPM_NO_SKIP=1 forbids to skip a test: {reason}"
    return report


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real projects, outside the repository."""
    path = os.environ.get("CCPM_CORPUS")
    if not path:
        pytest.skip("CCPM_CORPUS is not set: it names a folder of real CCPM projects to test against")
    return Path(path)
