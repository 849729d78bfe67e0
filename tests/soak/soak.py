"""make soak: random processes use locks while others are killed, stopped, and given wrong clocks; a checker reads on.

    python tests/soak/soak.py [short|long]

Workers (processes of this program that call ccpm.ops, and now and then the real executables) take leases, renew them,
write with their fencing token and release. Meanwhile the driver kills some with SIGKILL, stops some with SIGSTOP until
their lease is over, steps the wall clock of others by up to an hour, and puts records of reused pids in their way. Each
worker writes what it did, stamped with the boot clock, to a history of its own. The checker then looks for

- overlaps: two exclusive holders of one resource who both certainly held it (from the return of `acquire` to the call
  of `release`, cut at the end of the lease and at the kill);
- stale writes: a write accepted under a token that is not the newest one (seen by the next holder in the file itself);
- tokens that were given out twice, or went down;
- stuck locks: after the chaos every resource must be had within the longest lease.

Exit 0 only if there is none of them. Bounded in time and in acquisitions; ends only processes that it started.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
LIB = Path(os.environ.get("CCPM_LIB_UNDER_TEST", REPOSITORY / "lib"))
sys.path[:0] = [str(LIB), str(REPOSITORY / "lib" / "vendor")]

from ccpm.core import leases
from ccpm.core.leases import Lease, Now
from ccpm.errors import Busy, CcpmError, LeaseLost
from ccpm.files import clock, process, records
from ccpm.files.store import Store
from ccpm.ops import locks, plain_files, waiting
from ccpm.ops.locks import Request
from ccpm.ops.plain_files import Write

WORKERS = 8
RESOURCES = ("epic-a", "epic-b", "task-1", "task-2", "github-api", "file-src%2Fdb.py")
LONGEST = 0.8
"""Seconds of the longest lease."""
LIMITS = {"short": (1_000, 60.0), "long": (100_000, 3_600.0)}
"""Acquisitions to reach, and the seconds after which the run ends without them (which is a failure)."""
HURT = 0.25
"""Seconds between two blows of the driver."""


class Worker:
    """One process of the crowd; lives until it is killed or told to stop by the file `stop`."""

    def __init__(self, top: Path, number: int, seed: int) -> None:
        self.top = top
        self.chance = random.Random(seed)
        self.agent = f"agent-{number}-{seed}"
        self.store = Store(str(top))
        self.history = os.open(top / f"history-{number}-{seed}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.step = 0.0
        real = clock.now
        clock.now = lambda: self._shifted(real())  # type: ignore[assignment]

    def _shifted(self, now: Now) -> Now:
        return Now(now.wall + self.step, now.boot, now.boot_id)

    def log(self, what: str, **fields: object) -> None:
        line = json.dumps({"what": what, "at": clock.boot(), "agent": self.agent, **fields})
        os.write(self.history, line.encode() + b"\n")

    def run(self) -> None:
        while not (self.top / "stop").exists():
            if self.chance.random() < 0.05:
                self.step = self.chance.choice((0.0, 3600.0, -3600.0))
            resource = self.chance.choice(RESOURCES)
            if self.chance.random() < 0.02:
                self.plant_reused_pid(resource)
            self.use(resource)

    def use(self, resource: str) -> None:
        bound = self.chance.random() < 0.5
        ttl = self.chance.uniform(0.15, LONGEST)
        owner = process.owner(self.agent, os.getpid() if bound else 0)
        begun = clock.boot()
        try:
            request = Request(resource, owner, "soak", ttl=ttl, timeout=self.chance.choice((0.0, 0.5, 2.0)))
            lease = waiting.acquire(self.store, request, lambda line: None)
        except CcpmError as error:
            self.log("refused", resource=resource, code=error.code)
            return
        self.log("got", resource=resource, token=lease.token, begun=begun, ttl=ttl, bound=bound)
        try:
            self.work(resource, lease, ttl)
            self.log("release", resource=resource, token=lease.token)
            locks.release(self.store, resource, owner, lease.token)
        except LeaseLost:
            self.log("lost", resource=resource, token=lease.token)
        except Busy:  # somebody was stopped for long while he held the guard
            self.log("gave up", resource=resource, token=lease.token)

    def work(self, resource: str, lease: Lease, ttl: float) -> None:
        path = self.top / "data" / resource
        seen = path.read_text().split() if path.exists() else []
        self.write(path, resource, lease, append=False)
        # Only a holder whose write was accepted may judge what it found: nobody could write in between.
        if len(set(seen)) > 1 or any(int(token) >= lease.token for token in seen):
            self.log("violation", resource=resource, token=lease.token, found=seen)
        for _ in range(self.chance.randint(0, 2)):
            if self.chance.random() < 0.2:
                time.sleep(self.chance.uniform(0, 0.02))
            if self.chance.random() < 0.3:
                begun = clock.boot()
                locks.renew(self.store, resource, lease.owner, lease.token)
                self.log("renewed", resource=resource, token=lease.token, begun=begun, ttl=ttl)
            self.write(path, resource, lease, append=True)

    def write(self, path: Path, resource: str, lease: Lease, append: bool) -> None:
        if self.chance.random() < 0.01:
            self.write_by_executable(path, resource, lease, append)
            return
        content = f"{lease.token}\n".encode()
        plain_files.write(Write(str(path), content, self.agent, append, fences={resource: lease.token}))

    def write_by_executable(self, path: Path, resource: str, lease: Lease, append: bool) -> None:
        arguments = [str(path), "--fence", f"{resource}:{lease.token}", *(["--append"] if append else [])]
        done = run_helper("atomic-write", arguments, f"{lease.token}\n")
        if done.returncode == LeaseLost.code:
            raise LeaseLost("refused")
        if done.returncode:
            self.log("violation", resource=resource, found=done.stderr.decode("utf-8", "replace"))

    def plant_reused_pid(self, resource: str) -> None:
        """A record whose owner had the pid of a process that lives now, but started at another time."""
        with self.store.transact(resource) as txn:
            if self.store.read(self.store.lock_path(resource)) is not None:
                return
            ghost = process.owner("agent-ghost", os.getppid())
            ghost.pid_start = "1"
            token = txn.next_token()
            lease = leases.new_lease(ghost, "ghost", token, leases.EXCLUSIVE, 3600.0, clock.now())
            txn.put(self.store.lock_path(resource), records.encode_lock([lease]))


def run_helper(helper: str, arguments: list[str], text: str = "") -> subprocess.CompletedProcess[bytes]:
    python = (REPOSITORY / "lib" / ".python").read_text().strip()
    command = [python, "-S", "-E", str(LIB / "main.py"), helper, *arguments]
    return subprocess.run(command, input=text.encode(), capture_output=True, timeout=60)


class Crowd:
    """The driver: keeps WORKERS alive, and hurts them."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.chance = random.Random(1)
        self.pids: dict[int, int] = {}
        self.stopped: dict[int, float] = {}
        self.killed: dict[str, float] = {}
        self.names: dict[int, str] = {}
        self.counts: Counter[str] = Counter()

    def spawn(self, number: int) -> None:
        seed = self.chance.randrange(1 << 30)
        pid = os.fork()
        if pid == 0:
            try:
                Worker(self.top, number, seed).run()
                os._exit(0)
            except BaseException as error:
                sys.stderr.write(f"worker {number} failed: {type(error).__name__}: {error}\n")
                os._exit(70)
        self.pids[number] = pid
        self.names[number] = f"agent-{number}-{seed}"

    def hurt(self) -> None:
        number = self.chance.choice(list(self.pids))
        pid = self.pids[number]
        if self.chance.random() < 0.4:
            self.killed[self.names[number]] = clock.boot()
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            self.stopped.pop(number, None)
            self.counts["killed"] += 1
            self.spawn(number)
        elif number not in self.stopped:
            os.kill(pid, signal.SIGSTOP)
            self.stopped[number] = clock.boot() + self.chance.uniform(0.05, 1.5 * LONGEST)
            self.counts["stopped"] += 1

    def wake(self) -> None:
        for number, until in list(self.stopped.items()):
            if clock.boot() >= until:
                del self.stopped[number]
                os.kill(self.pids[number], signal.SIGCONT)

    def watch(self) -> None:
        for number, pid in list(self.pids.items()):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                raise SystemExit(f"worker {number} ended by itself with status {status}")

    def end(self) -> None:
        (self.top / "stop").touch()
        for pid in self.pids.values():
            os.kill(pid, signal.SIGCONT)
        for pid in self.pids.values():
            _, status = os.waitpid(pid, 0)
            self.counts["worker failures"] += status != 0
        self.stopped.clear()


def read_history(top: Path) -> list[dict[str, object]]:
    """Every whole line of every history; the last line of a killed worker may be cut."""
    events = []
    for path in top.glob("history-*"):
        for line in path.read_bytes().split(b"\n"):
            try:
                events.append(json.loads(line))
            except ValueError:
                continue
    return events


def check(events: list[dict[str, object]], killed: dict[str, float]) -> Counter[str]:
    """How many overlaps, stale writes and repeated tokens there are."""
    found: Counter[str] = Counter(
        {"overlaps": 0, "stale writes": 0, "repeated tokens": 0, "tokens out of order": 0}
    )
    holds: dict[tuple[str, int], list[float]] = {}
    ends: dict[tuple[str, int], float] = {}
    for event in sorted(events, key=lambda event: float(str(event["at"]))):
        key = (str(event.get("resource")), int(str(event.get("token", 0))))
        at = float(str(event["at"]))
        if event["what"] == "violation":
            found["stale writes"] += 1
            print("stale write:", event)
        elif event["what"] == "got":
            found["repeated tokens"] += key in holds
            expires = float(str(event["begun"])) + float(str(event["ttl"]))
            dead = killed.get(str(event["agent"]), float("inf")) if event["bound"] else float("inf")
            holds[key] = [at, min(expires, dead), dead]
        elif event["what"] == "renewed" and key in holds:
            expires = float(str(event["begun"])) + float(str(event["ttl"]))
            holds[key][1] = min(max(holds[key][1], expires), holds[key][2])
        elif event["what"] in ("release", "lost", "gave up"):
            ends.setdefault(key, at)
    by_resource: dict[str, list[tuple[int, float, float]]] = {}
    for (resource, token), (start, end, _) in holds.items():
        by_resource.setdefault(resource, []).append(
            (token, start, min(end, ends.get((resource, token), end)))
        )
    for resource, intervals in by_resource.items():
        latest = 0.0
        for token, start, end in sorted(intervals):
            if end > start:
                if start < latest:
                    found["overlaps"] += 1
                    print(
                        f"overlap on {resource}: token {token} from {start}, its predecessor until {latest}"
                    )
                latest = max(latest, end)
    return found


def stuck(top: Path) -> list[str]:
    """Resources that the real executable cannot have within the longest lease, now that all is quiet."""
    os.environ["CCPM_ROOT"] = str(top)
    return [
        resource
        for resource in RESOURCES
        if run_helper(
            "lock", ["acquire", resource, "--agent", "last", "--timeout", str(LONGEST + 10)]
        ).returncode
    ]


def count_acquisitions(top: Path) -> int:
    return sum(path.read_bytes().count(b'"what": "got"') for path in top.glob("history-*"))


def main(argv: list[str]) -> int:
    wanted, seconds = LIMITS[argv[0] if argv else "long"]
    top = Path(tempfile.mkdtemp(prefix="ccpm-soak-"))
    (top / "data").mkdir()
    (top / ".claude").mkdir()
    os.environ["CCPM_ROOT"] = str(top)
    crowd = Crowd(top)
    started = time.monotonic()
    try:
        for number in range(WORKERS):
            crowd.spawn(number)
        done = 0
        while done < wanted and time.monotonic() - started < seconds:
            for _ in range(8):
                for _ in range(10):
                    time.sleep(HURT / 10)
                    crowd.wake()
                crowd.watch()
                crowd.hurt()
            done = count_acquisitions(top)
        crowd.end()
        elapsed = time.monotonic() - started
        events = read_history(top)
        found = check(events, crowd.killed)
        found["worker failures"] = crowd.counts["worker failures"]
        found["stuck locks"] = len(stuck(top))
        kinds = Counter(str(event["what"]) for event in events)
        print(
            f"soak: {kinds['got']} acquisitions in {elapsed:.0f} s by {WORKERS} workers on {len(RESOURCES)} resources"
        )
        print(
            f"  {crowd.counts['killed']} killed, {crowd.counts['stopped']} stopped, {kinds['lost']} leases lost in time"
        )
        for name, count in found.items():
            print(f"  {name}: {count}")
        return 0 if not any(found.values()) and kinds["got"] >= wanted else 1
    finally:
        for pid in crowd.pids.values():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        shutil.rmtree(top, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
