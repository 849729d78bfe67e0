"""One process of the crowd: takes leases, renews them, counts up a number in a fenced file, and gives them back.

Everything it does goes into a history file of its own, one line an operation, with the boot clock before and after
(soak/history.py tells what the lines mean). A line is written with one write(2), so that a kill leaves whole lines.
What a lease allows is written down afterwards, its end beforehand: a kill in between must not make a hold look longer.

The wall clock of all workers is moved by `Sky.offset` (tests/soak/sky.py).
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from ccpm.core.leases import EXCLUSIVE, SHARED, Lease
from ccpm.errors import Busy, DeadlockRefused, LeaseLost
from ccpm.files import clock, process
from ccpm.files.store import Store
from ccpm.ops import plain_files
from ccpm.ops.locking import lock_state, locks, waiting
from ccpm.ops.locking.locks import Request
from ccpm.ops.plain_files import Write
from soak.sky import Sky

RESOURCES = ("epic-a", "epic-b", "epic-c", "task-1", "task-2", "task-3", "github-api", "file-src%2Fmain.c")
SHORTEST, LONGEST = 0.05, 0.4
"""Seconds that a lease lasts."""

PRESENT = 0.4
"""Seconds after which a stopped waiter loses its turn here: nothing would happen in most of the real two."""


class Helpers:
    """The real executables; where the clock is moved, what they start with a moved clock (tests/soak/helper.py)."""

    def __init__(self, lib: Path, top: Path) -> None:
        self.lib = lib
        self.top = top

    def run(self, sky: Sky, helper: str, *arguments: str, stdin: str = "") -> tuple[int, str]:
        if sky.offset:
            python = (self.lib / ".python").read_text().strip()
            moved = Path(__file__).with_name("helper.py")
            argv = [python, "-S", "-E", str(moved), str(self.lib), str(sky.offset), helper, *arguments]
        else:
            argv = [str(self.lib.parent / "bin" / f"ccpm-{helper}"), *arguments]
        env = {"PATH": os.defpath, "HOME": "/nonexistent", "CCPM_ROOT": str(self.top)}
        # From a file: of a pipe, a helper would read nothing if we were killed before we filled it.
        with tempfile.TemporaryFile("w+") as file:
            file.write(stdin)
            file.seek(0)
            done = subprocess.run(
                argv, stdin=file, env=env, cwd=self.top, capture_output=True, text=True, timeout=120
            )
        return done.returncode, done.stdout + done.stderr


class Worker:
    def __init__(self, top: Path, agent: str, sky: Sky, helpers: Helpers) -> None:
        self.top = top
        self.agent = agent
        self.sky = sky
        self.helpers = helpers
        self.chance = random.Random(agent)
        self.store = Store(str(top))
        self.history = os.open(top / "history" / agent, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.used = 0

    def run(self) -> None:
        lock_state.PRESENT = PRESENT
        while not self.sky.is_over:
            draw = self.chance.random()
            if draw < 0.02:
                self.leave_a_ghost(self.chance.choice(RESOURCES))
            elif draw < 0.03:
                self.use_executables(self.chance.choice(RESOURCES))
            elif draw < 0.10:
                self.use_two()
            else:
                self.use(self.chance.choice(RESOURCES))

    def log(self, what: str, resource: str, begun: float, **fields: object) -> None:
        line = {"what": what, "resource": resource, "agent": self.agent, "begun": begun, "at": clock.boot()}
        os.write(self.history, json.dumps({**line, **fields}).encode() + b"\n")

    def use(self, resource: str) -> None:
        lease = self.take(resource)
        if lease:
            self.hold(resource, lease)

    def use_two(self) -> None:
        """Two at once, in one order: nobody may be refused for a deadlock."""
        first, second = sorted(self.chance.sample(RESOURCES, 2))
        outer = self.take(first)
        if outer:
            self.use(second)
            self.hold(first, outer)

    def take(self, resource: str) -> Lease | None:
        bound = self.chance.random() < 0.6
        # An agent whose lease is bound to no process and not given back would seem to keep it in later waits.
        self.used += 1
        agent = self.agent if bound else f"{self.agent}.{self.used}"
        owner = process.current(agent) if bound else process.owner(agent)
        mode = SHARED if self.chance.random() < 0.2 else EXCLUSIVE
        ttl = self.chance.uniform(SHORTEST, LONGEST)
        timeout = self.chance.choice((0.0, 0.3, 2.0))
        begun = clock.boot()
        try:
            lease = waiting.acquire(
                self.store, Request(resource, owner, "soak", mode, ttl, timeout), lambda _: None
            )
        except Busy:
            return None
        except DeadlockRefused as refused:
            self.log("deadlock", resource, begun, why=refused.message)
            return None
        self.log("got", resource, begun, token=lease.token, until=lease.expires_boot, mode=mode, bound=bound)
        return lease

    def hold(self, resource: str, lease: Lease) -> None:
        try:
            for _ in range(self.chance.randint(0, 3)):
                draw = self.chance.random()
                if draw < 0.15:
                    time.sleep(self.chance.uniform(0, 0.01))
                elif draw < 0.35:
                    self.renew(resource, lease)
                elif lease.mode == EXCLUSIVE:
                    self.count_up(resource, lease.token)
        except LeaseLost:
            self.log("refused", resource, clock.boot(), token=lease.token)
        if not lease.owner.pid and self.chance.random() < 0.03:
            return  # an agent that vanished: the lease runs out
        self.log("released", resource, clock.boot(), token=lease.token)
        try:
            locks.release(self.store, resource, lease.owner, lease.token)
        except LeaseLost:
            pass

    def renew(self, resource: str, lease: Lease) -> None:
        begun = clock.boot()
        fresh = locks.renew(self.store, resource, lease.owner, lease.token)
        self.log("renewed", resource, begun, token=lease.token, until=fresh.expires_boot)

    def count_up(self, resource: str, token: int) -> None:
        path = self.top / "data" / resource
        count = 1 + int(path.read_text())
        if self.chance.random() < 0.01:
            os.kill(os.getpid(), signal.SIGSTOP)  # the driver lets us lie until the lease is over, perhaps
        begun = clock.boot()
        plain_files.write(Write(str(path), b"%d" % count, self.agent, fences={resource: token}))
        self.log("wrote", resource, begun, token=token, count=count)

    def leave_a_ghost(self, resource: str) -> None:
        """A lease of an hour, whose process is gone: its pid belongs to a process that lives, or it was of an earlier
        boot. The next one may have it at once."""
        ghost = process.owner("ghost", os.getppid())
        if self.chance.random() < 0.5:
            ghost.pid_start = "1"
        else:
            ghost.boot_id = "00000000-0000-0000-0000-000000000000"
        begun = clock.boot()
        got = locks.try_acquire(self.store, Request(resource, ghost, "ghost", ttl=3600))
        if isinstance(got, Lease):
            self.log("ghost", resource, begun, token=got.token)

    def use_executables(self, resource: str) -> None:
        self.used += 1
        agent = f"{self.agent}.{self.used}"
        begun = clock.boot()
        options = ["--agent", agent, "--ttl", str(LONGEST), "--timeout", "1"]
        status, said = self.helpers.run(self.sky, "lock", "acquire", resource, *options)
        if status:
            self.expect(status, (Busy.code,), said)
            return
        # Its end is not printed, so it counts from the beginning of the call: too early rather than too late.
        token = int(said.split()[0])
        until = begun + LONGEST
        self.log("got", resource, begun, token=token, until=until, mode=EXCLUSIVE, bound=False)
        count = 1 + int((self.top / "data" / resource).read_text())
        written = clock.boot()
        fence = ["--fence", f"{resource}:{token}"]
        status, said = self.helpers.run(
            self.sky, "atomic-write", f"data/{resource}", *fence, stdin=str(count)
        )
        self.expect(status, (0, LeaseLost.code), said)
        self.log("refused" if status else "wrote", resource, written, token=token, count=count)
        self.log("released", resource, clock.boot(), token=token)
        status, said = self.helpers.run(self.sky, "lock", "release", resource, "--token", str(token))
        self.expect(status, (0, LeaseLost.code), said)

    def expect(self, status: int, good: tuple[int, ...], said: str) -> None:
        if status not in good:
            raise AssertionError(f"an executable ended with {status}: {said}")
