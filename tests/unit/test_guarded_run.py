"""ccpm-lock run: the end of its command where the lease cannot be kept, and the environment it gives."""

from __future__ import annotations

from pathlib import Path

from unit.interpreter import run

RUN = """
from ccpm.core import leases
from ccpm.errors import IOFailure, LeaseLost
from ccpm.files import clock, process
from ccpm.files.store import Store
from ccpm.ops.locking import guarded_run, locks

def refuse(*_, **__):
    raise IOFailure("the disk is full")

def guarded(ttl, *command):
    store = Store(sys.argv[1])
    owner = process.owner("agent-me", os.getpid())
    request = locks.Request("epic-a", owner, "test", leases.EXCLUSIVE, ttl, 0, {}, True, False)
    return guarded_run.run(store, [request], list(command), lambda line: None)
"""


def test_a_command_that_ignores_term_has_ended_when_its_lease_does(tmp_path: Path) -> None:
    """However short the lease: the grace between TERM and KILL is part of it."""
    (tmp_path / ".claude").mkdir()
    code = (
        RUN
        + """
locks.renew = refuse
start = clock.boot()
try:
    guarded(2.4, "sh", "-c", "trap '' TERM; while :; do sleep 0.01; done")
except LeaseLost as lost:
    print(lost.message, clock.boot() - start < 2.4)
"""
    )
    assert run(code, tmp_path) == "epic-a could not be renewed in time: the disk is full True"


def test_the_agent_of_a_run_counts_in_a_session_that_another_one_started(tmp_path: Path) -> None:
    """Where $CCPM_AGENT_ID is that of the outer session, which $CCPM_AGENT_SESSION tells, it does not."""
    (tmp_path / ".claude").mkdir()
    show = "echo $CCPM_AGENT_ID ${CCPM_AGENT_SESSION-none}"
    for session in ("inner", ""):
        code = f"""{RUN}
os.environ.update(CLAUDE_CODE_SESSION_ID={session!r}, CCPM_AGENT_SESSION="outer", CCPM_AGENT_ID="agent-outer")
guarded(60, "sh", "-c", {show!r})
"""
        assert run(code, tmp_path) == f"agent-me {session or 'none'}"
