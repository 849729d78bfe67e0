"""The doctor's checks of one project: its root, its locks, its clocks, its plan and its registries.

Contract: each check takes the coordination root and gives (status, what was found, the fix). See ops/health/doctor.py.
"""

from __future__ import annotations

import os
import time

from ccpm.core import work
from ccpm.core.leases import SKEW
from ccpm.errors import Malformed
from ccpm.external import git, lock_check
from ccpm.files import (
    agent_records,
    atomic,
    clock,
    events,
    json_record,
    plan_tree,
    process,
    records,
    root,
)
from ccpm.files.store import Store
from ccpm.ops.distribution import board
from ccpm.ops.health import validation
from ccpm.ops.locking import lock_state
from ccpm.ops.wording import counted, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.core.leases import Lease

OK, WARN, FAIL = "ok", "warn", "fail"
_NAMED = 3
"""How many things of a kind a line names; the others are counted."""

_DRIFT = 2.0
"""Seconds that the time of a new file may differ from the clock: file systems keep times to a second or two."""

Answer = tuple[str, str, str]


def check_root(top: str) -> Answer:
    """Whether the state of the project can be written from here, and whether all worktrees lead to it."""
    here = os.getcwd()
    if not os.path.isdir(os.path.join(top, ".claude")):
        return (
            FAIL,
            f"{top} has no .claude: CCPM is not set up in it",
            "bash install.sh PROJECT, from a clone of CCPM",
        )
    _write_probe(top)
    where = "" if root.is_inside(here, top) else f", from {here}"
    if not git.run(top, "rev-parse", "--git-dir").strip():
        return (
            WARN,
            f"{top} is writable{where}, but in no git repository",
            "git init, for worktrees and history",
        )
    paths = [
        line.partition(" ")[2]
        for line in git.run(top, "worktree", "list", "--porcelain").split("\n")
        if line.startswith("worktree ")
    ]
    astray = [
        path for path in paths[1:] if os.path.isdir(path) and root.of_directory(os.path.realpath(path)) != top
    ]
    if astray and not os.environ.get("CCPM_ROOT"):
        fix = f"git worktree repair {quoted(astray[0])}"
        return FAIL, f"{top} is writable{where}, but {_some(astray)} leads elsewhere", fix
    linked = f", {len(paths) - 1} linked worktrees lead here" if len(paths) > 1 else ""
    return OK, f"{top} is writable{where}{linked}", ""


def _write_probe(top: str) -> float:
    """Write a file into the state folder and take it away; how many seconds its time was ahead of the clock."""
    Store(top).prepare()
    probe = os.path.join(root.state_dir(top), ".doctor.probe")
    atomic.replace(probe, b"written by ccpm-doctor\n")
    drift = os.stat(probe).st_mtime - time.time()
    atomic.remove(probe)
    return drift


def check_kernel_locks(top: str) -> Answer:
    """Whether flock excludes on the file system of the state folder, tried with two processes."""
    Store(top).prepare()
    problem = lock_check.problem(os.path.join(root.state_dir(top), ".doctor.guard"))
    if problem:
        fix = "keep the project on a local disk, or mount it so that flock works (NFS: nfsvers=4, not nolock)"
        return FAIL, f"kernel locks do not exclude here: {problem}", fix
    return OK, "two processes exclude each other on this file system", ""


def check_clock(top: str) -> Answer:
    """Whether the wall clock agrees with new files, with the boot clock since leases were taken, and with the log."""
    wall = time.time()
    if wall < clock.from_iso("2024-01-01T00:00:00Z"):
        return (
            FAIL,
            f"the clock says {clock.to_iso(wall)}",
            "set the clock; leases of other hosts depend on it",
        )
    drift = _write_probe(top)
    if abs(drift) > _DRIFT:
        fix = "set the clocks of this machine and of the file server by NTP: ages of records are wrong until then"
        return WARN, f"new files are {drift:+.0f} s from the clock", fix
    step = _step_since_leases(top)
    if abs(step) > SKEW:
        return (
            WARN,
            f"the clock was set {step:+.0f} s since a lease was taken",
            "leases of this boot are not affected",
        )
    last = next((event["at"] for event in reversed(events.read_tail(top, 8)) if "at" in event), 0.0)
    ahead = float(last) - wall if isinstance(last, (int, float)) else 0.0
    if ahead > SKEW:
        fix = "check the time of this machine (timedatectl); views of the log are wrong until it is past"
        return WARN, f"the newest event lies {ahead:.0f} s in the future", fix
    return OK, f"{clock.to_iso(wall)}, agrees with files and the boot clock", ""


def check_leases(top: str) -> Answer:
    """Locks that nobody holds any more."""
    store = Store(top)
    names = store.list_locks()
    states = {name: lock_state.look(store, name) for name in names}
    stale = [
        name for name, state in states.items() if state.stale or (state.unreadable and not state.is_blocked)
    ]
    broken = [name for name, state in states.items() if state.is_blocked]
    if broken:
        fix = f"look with ccpm-lock check {broken[0]}; ccpm-lock release {broken[0]} --force ends it"
        return WARN, f"unreadable lock records: {_some(broken)}", fix
    if stale:
        return WARN, f"stale locks: {_some(stale)}", "ccpm-lock clean"
    return OK, f"{len(names)} held, none of them stale", ""


def check_plan(top: str) -> Answer:
    """Damaged frontmatter, broken references, leftovers."""
    report = validation.examine(top)
    findings = [finding for finding in report.findings if finding.kind != "stale-lock"]
    if not findings:
        count = sum(len(epic.tasks) for epic in report.tree.epics)
        return OK, f"{len(report.tree.epics)} epics with {count} tasks, nothing to mend", ""
    errors = sum(finding.is_error for finding in findings)
    mendable = sum(finding.is_mendable for finding in findings)
    files = len({finding.file for finding in findings})
    seen = f"{counted(len(findings), 'finding')} in {counted(files, 'file')}"
    what = f"{seen}, {counted(errors, 'error')}, {mendable} with one safe answer"
    return FAIL if errors else WARN, what, "ccpm-query validate" + (" --fix" if mendable else "")


def check_registries(top: str) -> Answer:
    """agents.json and work.json of every epic: readable, whole, and in today's form."""
    registries = agent_records.epics_with_registry(top)
    flaws: list[tuple[str, str]] = []
    old = []
    for epic in sorted({*registries, *(folder.name for folder in plan_tree.load(top).epics)}):
        for name in (agent_records.NAME, board.NAME):
            path = f".claude/epics/{epic}/{name}"
            try:
                data = json_record.read(os.path.join(top, path))
            except Malformed:
                flaws.append((path, "is no JSON object"))
                continue
            if name == board.NAME:
                flaws += [(path, f"is damaged: {odd}")] if (odd := work.flaw_of(data)) else []
                continue
            odd = agent_records.flaw(data)
            flaws += [(path, f"holds no object as {odd!r}")] if odd else []
            old += [epic] if not odd and is_old(data) else []
    if flaws:
        path, what = flaws[0]
        more = f", and {len(flaws) - 1} more like it" if len(flaws) > 1 else ""
        return FAIL, f"{path} {what}{more}", f"mend it in an editor: {path}"
    if old:
        return WARN, f"an older form: {agent_records.NAME} of {_some(old)}", "ccpm-doctor --fix converts it"
    return OK, f"{len(registries)} registries of agents" if registries else "no registry of agents yet", ""


def is_old(data: dict[str, object]) -> bool:
    """Whether a registry has work streams that are objects, as before there were `streams`."""
    coordination = data.get("coordination")
    streams = coordination.get("work_streams") if isinstance(coordination, dict) else None
    return isinstance(streams, dict) and any(isinstance(value, dict) for value in streams.values())


def _step_since_leases(top: str) -> float:
    """How many seconds the wall clock was set forward (back: negative) since a lease of this boot was taken."""
    store = Store(top)
    offset = time.time() - clock.boot()
    steps = [0.0]
    for name in store.list_locks():
        found = store.read(store.lock_path(name))
        decoded = records.decode_lock(found.data, found.age) if found else []
        for lease in decoded if isinstance(decoded, list) else []:
            steps += [offset - (lease.acquired - lease.acquired_boot)] if _is_of_this_boot(lease) else []
    return max(steps, key=abs)


def _is_of_this_boot(lease: Lease) -> bool:
    return lease.acquired_boot > 0 and lease.owner.boot_id == process.boot_id()


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"


CHECKS = {
    "root": check_root,
    "locks": check_kernel_locks,
    "clock": check_clock,
    "leases": check_leases,
    "plan": check_plan,
    "registry": check_registries,
}
