"""Agents and claims against a model: any sequence of commands, deaths, silences and clock steps.

The operations run on real files. What the clocks show, and whether a process runs, comes from a `World` that the
machine moves. The model keeps, for each agent, when it gave its last sign of life, whether its process runs, and
what it owns; from that follows who owns each of a few files.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ccpm.core import patterns
from ccpm.core.leases import Now, Owner
from ccpm.core.registry import COMPLETED, DEAD, STALE
from ccpm.errors import Busy, LeaseLost, NotFound, NotYours
from ccpm.files import atomic, clock, process
from ccpm.ops.actor import Actor
from ccpm.ops.team import agents, ownership, registries, streams

AGENTS = ["ada", "bob"]
EPICS = ["auth", "pay"]
STREAMS = ["one", "two"]
CLAIMS = [["src/db/*"], ["src/**/user.ts"], ["src/**", "!src/db/**"], ["docs/"]]
FILES = ["src/db/user.ts", "src/db/a.ts", "src/api/user.ts", "src/x.ts", "docs/a.md", "README.md"]


class Known:
    """What the model knows of one agent in one epic."""

    def __init__(self, pid: int, beat: float) -> None:
        self.pid = pid
        self.beat = beat
        self.is_buried = False


class AgentMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.boot, self.wall = 1_000.0, 1_700_000_000.0
        self.running: set[int] = set()
        self.pids = 10
        self.known: dict[tuple[str, str], Known] = {}
        self.owned: dict[tuple[str, str], tuple[str, list[str]]] = {}
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="ccpm-model-"))
        for epic in EPICS:
            os.makedirs(f"{self.folder}/.claude/epics/{epic}")
        self.patch = pytest.MonkeyPatch()
        here = SimpleNamespace(boot_id="boot", space="space", host="here")
        self.patch.setattr(clock, "now", lambda: Now(self.wall, self.boot, here.boot_id))
        self.patch.setattr(process, "boot_id", lambda: here.boot_id)
        self.patch.setattr(process, "host", lambda: here.host)
        self.patch.setattr(
            process, "is_alive", lambda owner: owner.pid in self.running if owner.pid else None
        )
        self.patch.setattr(
            process,
            "owner",
            lambda agent, pid=0: Owner(
                agent, pid, "start" if pid else "", here.boot_id, here.space, here.host
            ),
        )
        self.patch.setattr(atomic, "replace", self._replace)

    def _replace(self, path: str, data: bytes, mode: int | None = None, durable: bool = True) -> None:
        with open(path, "wb") as file:  # nobody is killed here: no need to wait for the disk
            file.write(data)

    def teardown(self) -> None:
        if hasattr(self, "patch"):
            self.patch.undo()
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- the model ---

    def is_dead(self, name: str, epic: str) -> bool:
        found = self.known.get((name, epic))
        return found is not None and (
            found.is_buried
            or (found.pid > 0 and found.pid not in self.running)
            or self.boot - found.beat >= DEAD
        )

    def bury(self, epics: list[str]) -> None:
        """What a writer of these registries does first."""
        for (name, epic), found in self.known.items():
            if epic in epics and self.is_dead(name, epic):
                found.is_buried = True
                self.lose(name, epic)

    def lose(self, name: str, epic: str) -> None:
        for key in [key for key, (owner, _) in self.owned.items() if key[0] == epic and owner == name]:
            del self.owned[key]

    def owner(self, file: str, asking: str = "") -> set[str]:
        return {
            name
            for (epic, _), (name, files) in self.owned.items()
            if name != asking and not self.is_dead(name, epic) and ownership.means(files, file)
        }

    def could_meet(self, name: str, files: list[str]) -> bool:
        """Whether a living agent besides `name` owns patterns that could mean a file that `files` mean."""
        return any(
            owner != name and not self.is_dead(owner, epic) and patterns.meet(files, theirs)
            for (epic, _), (owner, theirs) in self.owned.items()
        )

    # --- what happens ---

    @rule(name=st.sampled_from(AGENTS), epic=st.sampled_from(EPICS), with_process=st.booleans())
    def register(self, name: str, epic: str, with_process: bool) -> None:
        pid = 0
        if with_process:
            self.pids += 1
            pid = self.pids
            self.running.add(pid)
            self.patch.setattr(process, "start_of", lambda _: "start")
        agents.register(self.actor(name), epic, pid=pid)
        self.bury([epic])
        before = self.known.get((name, epic))
        if before is None or before.is_buried:
            self.known[name, epic] = Known(pid, self.boot)
        else:
            before.beat = self.boot
            before.pid = pid or before.pid

    @rule(name=st.sampled_from(AGENTS), epic=st.sampled_from(EPICS))
    def heartbeat(self, name: str, epic: str) -> None:
        found = self.known.get((name, epic))
        dead = self.is_dead(name, epic)
        try:
            agents.heartbeat(self.actor(name), epic, count=False)
        except NotFound:
            assert found is None
        except LeaseLost:
            assert dead, "a live agent was called dead"
        else:
            assert found is not None, "nobody knows it, and its heartbeat was taken"
            assert not dead, "a dead agent lives again"
            found.beat = self.boot
        self.bury([epic])

    @rule(
        name=st.sampled_from(AGENTS),
        epic=st.sampled_from(EPICS),
        stream=st.sampled_from(STREAMS),
        files=st.sampled_from(CLAIMS),
    )
    def claim(self, name: str, epic: str, stream: str, files: list[str]) -> None:
        if (name, epic) not in self.known:
            self.register(name, epic, False)
        dead = self.is_dead(name, epic)
        theirs = {other for file in FILES for other in self.owner(file, name) if ownership.means(files, file)}
        held = self.owned.get((epic, stream))
        same = held is not None and held[0] != name and not self.is_dead(held[0], epic)
        try:
            streams.claim(self.actor(name), epic, stream, files)
        except LeaseLost:
            assert dead
            self.bury([epic])
        except Busy:
            assert not dead
            assert same or self.could_meet(name, files), "refused without a reason"
            self.bury([epic])
        else:
            assert not dead
            assert not theirs, f"{name} got {files}, which {theirs} own"
            assert not same
            self.bury([epic])
            self.owned[epic, stream] = (name, files)
            self.known[name, epic].beat = self.boot
        for other in EPICS:
            if registries.read(self.folder, other).agents and other != epic:
                self.notice(other)

    def notice(self, epic: str) -> None:
        """Whom a claim buried in another epic: those who own something there. The registry tells."""
        for agent in registries.read(self.folder, epic).agents.values():
            found = self.known[agent.id, epic]
            if agent.ended and not found.is_buried:
                assert self.is_dead(agent.id, epic), "a live agent was buried"
                found.is_buried = True
                self.lose(agent.id, epic)

    @rule(
        name=st.sampled_from(AGENTS),
        epic=st.sampled_from(EPICS),
        stream=st.sampled_from(STREAMS),
        done=st.booleans(),
    )
    def give_up(self, name: str, epic: str, stream: str, done: bool) -> None:
        self.bury([epic])
        held = self.owned.get((epic, stream))
        change = streams.complete if done else streams.release
        try:
            change(self.actor(name), epic, stream)
        except (NotYours, LeaseLost):
            completed = registries.read(self.folder, epic).streams.get(stream)
            assert (held and held[0] != name) or (completed and completed.status == COMPLETED)
        except NotFound:
            assert held is None
        else:
            if held and held[0] == name:
                del self.owned[epic, stream]
                if done:
                    self.known[name, epic].beat = self.boot

    @rule(name=st.sampled_from(AGENTS), epic=st.sampled_from(EPICS))
    def unregister(self, name: str, epic: str) -> None:
        if agents.unregister(self.actor(name), epic):
            self.bury([epic])
            self.lose(name, epic)
            del self.known[name, epic]

    @rule(epic=st.sampled_from(EPICS))
    def clean(self, epic: str) -> None:
        gone = {name for _, name, _ in agents.clean(self.actor("x").store, epic)}
        self.bury([epic])
        assert gone == {
            name for (name, where), found in self.known.items() if where == epic and found.is_buried
        }
        for name in gone:
            del self.known[name, epic]

    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        if self.running:
            self.running.discard(data.draw(st.sampled_from(sorted(self.running))))

    @rule(seconds=st.sampled_from([1.0, STALE, DEAD - 1, DEAD]), step=st.sampled_from([0.0, 0.0, -1e6, 1e6]))
    def time_goes_by(self, seconds: float, step: float) -> None:
        self.boot += seconds
        self.wall += seconds + step

    # --- what holds ---

    @invariant()
    def every_file_has_the_owner_that_the_model_says_and_never_two(self) -> None:
        if not hasattr(self, "patch"):
            return
        for file in FILES:
            owners = self.owner(file)
            assert len(owners) <= 1, f"{owners} own {file}"
            claim = ownership.owner_of(self.folder, file)
            assert ({claim.agent} if claim else set()) == owners, file

    def actor(self, name: str) -> Actor:
        return Actor(name, {}, top=self.folder)


TestAgents = AgentMachine.TestCase
TestAgents.settings = settings(
    max_examples=int(os.environ.get("CCPM_GENERATED", "15")),
    stateful_step_count=30,
    suppress_health_check=list(HealthCheck),
)
