"""make soak: random processes use locks while others are killed, stopped, and given wrong clocks; a checker judges.

    python tests/soak/soak.py [short|long] [--acquisitions N] [--seconds S] [--least S] [--seed N]

Workers (tests/soak/worker.py) call the use cases, and now and then the real executables. Meanwhile this driver kills some
with SIGKILL, stops some with SIGSTOP until their lease is over, and moves the wall clock of all by an hour, forth and
back. The workers put leases of reused pids and of earlier boots in each other's way. Each writes a history; the checker
(tests/soak/history.py) looks for overlaps, stale writes, lost updates, tokens out of order and false deadlock alarms. At
the end every resource must be had within a lease's length, and nothing but guards may be left.

Exit 0 only if all is well and enough was done. Bounded in time; ends only processes that it started. The files are in
memory where the system has /dev/shm: the races are the same and come more often than with a disk to wait for.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
LIB = Path(os.environ.get("CCPM_LIB_UNDER_TEST") or TESTS.parent / "lib").resolve()
sys.path[0:1] = [str(LIB), str(LIB / "vendor"), str(TESTS)]

from ccpm.files import clock
from soak import history
from soak.sky import Sky, move_wall_clock
from soak.worker import LONGEST, RESOURCES, Helpers, Worker

WORKERS = 12
LIMITS = {"short": (3_000, 120.0), "long": (100_000, 3_600.0)}
"""Acquisitions to reach, and the seconds after which a run ends without them, which is a failure."""

LEAST_SECONDS = 15.0
"""Seconds that a run lasts at least, so that enough goes wrong in it."""

PATIENCE = 30.0
"""Seconds within which the workers have to end when told to."""

BEAT = 0.1
"""Seconds between two looks of the driver."""


class Crowd:
    """Keeps WORKERS alive, and hurts them."""

    def __init__(self, top: Path, sky: Sky, helpers: Helpers, chance: random.Random) -> None:
        self.top = top
        self.sky = sky
        self.helpers = helpers
        self.chance = chance
        self.agents: dict[int, str] = {}
        """pid: agent, of those that run."""
        self.stopped: dict[int, float] = {}
        self.kills: dict[str, float] = {}
        self.counts: Counter[str] = Counter()

    def spawn(self) -> None:
        self.counts["started"] += 1
        agent = f"agent-{self.counts['started']}"
        pid = os.fork()
        if pid == 0:
            status = 70
            try:
                move_wall_clock(self.sky)
                Worker(self.top, agent, self.sky, self.helpers).run()
                status = 0
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
            finally:
                os._exit(status)
        self.agents[pid] = agent

    def disturb(self) -> None:
        """One look: wake whose time has come, and perhaps do something bad."""
        for pid, until in list(self.stopped.items()):
            if clock.boot() >= until:
                self.wake(pid)
        draw = self.chance.random()
        if draw < 0.25:
            self.kill(self.chance.choice(list(self.agents)))
            self.spawn()
        elif draw < 0.45:
            self.stop(self.chance.choice(list(self.agents)))
        elif draw < 0.5:
            self.sky.offset = self.chance.choice((-3600.0, 0.0, 3600.0))
            self.counts["clock steps"] += 1

    def kill(self, pid: int) -> None:
        self.kills[self.agents.pop(pid)] = clock.boot()
        self.stopped.pop(pid, None)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.counts["killed"] += 1

    def stop(self, pid: int) -> None:
        if pid not in self.stopped:
            os.kill(pid, signal.SIGSTOP)
            self.let_lie(pid)

    def let_lie(self, pid: int) -> None:
        self.stopped[pid] = clock.boot() + self.chance.uniform(0.05, 1.5 * LONGEST)
        self.counts["stopped"] += 1

    def wake(self, pid: int) -> None:
        del self.stopped[pid]
        os.kill(pid, signal.SIGCONT)

    def look_after(self) -> list[str]:
        """Note who has stopped itself; those that ended by themselves, with their status."""
        found = []
        for pid, agent in list(self.agents.items()):
            changed, raw = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
            if changed and os.WIFSTOPPED(raw):
                if pid not in self.stopped:
                    self.let_lie(pid)
            elif changed:
                del self.agents[pid]
                self.stopped.pop(pid, None)
                found.append(f"{agent} ended with {os.waitstatus_to_exitcode(raw)}")
        return found

    def end(self) -> list[str]:
        """Let everybody finish; those that failed or did not finish."""
        self.sky.end()
        failures = []
        deadline = clock.boot() + PATIENCE
        while self.agents and clock.boot() < deadline:
            for pid in list(self.stopped):
                self.wake(pid)
            failures += [case for case in self.look_after() if not case.endswith(" with 0")]
            time.sleep(0.01)
        failures += [f"{agent} did not end within {PATIENCE:g} s" for agent in self.agents.values()]
        for pid in list(self.agents):
            self.kill(pid)
        return failures


class Tally:
    """Reads the histories as they grow."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[history.Event] = []
        self._read: dict[str, int] = {}
        self._acquired = 0

    def acquisitions(self) -> int:
        for name in os.listdir(self.folder):
            with open(self.folder / name, "rb") as file:
                file.seek(self._read.get(name, 0))
                data = file.read()
            whole = data[: data.rfind(b"\n") + 1]
            self._read[name] = self._read.get(name, 0) + len(whole)
            new = [json.loads(line) for line in whole.splitlines()]
            self._acquired += sum(event["what"] == "got" for event in new)
            self.events += new
        return self._acquired


def leftovers(sky: Sky, helpers: Helpers, top: Path) -> dict[str, list[str]]:
    """What is stuck, and what is left, now that all is quiet."""
    sky.offset = 0.0
    stuck = []
    for resource in RESOURCES:
        options = ["--agent", "last", "--timeout", str(LONGEST + 5)]
        status, said = helpers.run(sky, "lock", "acquire", resource, *options)
        if status:
            stuck.append(f"{resource}: {said}")
        helpers.run(sky, "lock", "release", resource, "--force")
    helpers.run(sky, "lock", "clean")
    state = top / ".claude" / "locks" / ".state"
    litter = [name for name in os.listdir(state) if not name.endswith(".guard")]
    litter += [name for name in os.listdir(state.parent) if name != ".state"]
    litter += [name for name in os.listdir(top / "data") if name not in RESOURCES]
    return {"stuck locks": stuck, "litter": litter}


def run(top: Path, wanted: int, seconds: float, least: float, seed: int) -> int:
    (top / "history").mkdir()
    (top / ".claude").mkdir()
    (top / "data").mkdir()
    for resource in RESOURCES:
        (top / "data" / resource).write_text("0")
    os.environ["CCPM_ROOT"] = str(top)
    sky = Sky()
    helpers = Helpers(LIB, top)
    crowd = Crowd(top, sky, helpers, random.Random(seed))
    tally = Tally(top / "history")
    failures: list[str] = []
    started = time.monotonic()
    try:
        for _ in range(WORKERS):
            crowd.spawn()
        while not failures and time.monotonic() - started < seconds:
            time.sleep(BEAT)
            failures = crowd.look_after()
            crowd.disturb()
            if tally.acquisitions() >= wanted and time.monotonic() - started >= least:
                break
        elapsed = time.monotonic() - started
    finally:
        failures += crowd.end()
    acquired = tally.acquisitions()
    found = {"failures": failures, **history.check(tally.events, crowd.kills), **leftovers(sky, helpers, top)}
    if acquired < wanted:
        found["failures"].append(f"only {acquired} of {wanted} acquisitions in {elapsed:.0f} s")
    return report(tally.events, crowd.counts, found, elapsed)


def report(
    events: list[history.Event], counts: Counter[str], found: dict[str, list[str]], elapsed: float
) -> int:
    kinds = Counter(event["what"] for event in events)
    rate = kinds["got"] / elapsed
    print(f"{kinds['got']} acquisitions in {elapsed:.0f} s ({rate:.0f}/s), {WORKERS} workers")
    print(f"{kinds['wrote']} writes accepted, {kinds['refused']} leases lost, {kinds['renewed']} renewals")
    print(f"{kinds['ghost']} leases of reused pids and earlier boots left in the way")
    print(", ".join(f"{counts[name]} {name}" for name in ("killed", "stopped", "clock steps")))
    for name, cases in found.items():
        print(f"{len(cases)} {name}")
        for case in cases[:5]:
            print(f"    {case}")
    return 1 if any(found.values()) else 0


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description="random faults against the locks; see the head of this file")
    parser.add_argument("length", nargs="?", choices=LIMITS, default="long")
    parser.add_argument("--acquisitions", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--least", type=float, default=LEAST_SECONDS)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    args = parser.parse_args(argv)
    wanted, seconds = LIMITS[args.length]
    print(f"soak: {args.length}, seed {args.seed}", flush=True)
    memory = Path("/dev/shm")
    folder = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    top = Path(tempfile.mkdtemp(prefix="ccpm-soak-", dir=folder))
    try:
        return run(top, args.acquisitions or wanted, args.seconds or seconds, args.least, args.seed)
    finally:
        shutil.rmtree(top, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
