"""From the analysis of an issue to agents at work: its streams, which of them can begin, and taking one.

A stream of an analysis has the name `<issue>-<letter>` in the registry of its epic. It can begin when every stream
that it waits for is completed. Taking one claims its files, begins it, and makes its progress file
`updates/<issue>/stream-<letter>.md` (and `updates/<issue>/progress.md`, once).
"""

from __future__ import annotations

import os

from ccpm.core import analysis, given_text
from ccpm.core.analysis import Analysis, FoundStream, Overlap
from ccpm.core.registry import COMPLETED, Registry, Stream
from ccpm.errors import Busy, NotFound, VersionConflict
from ccpm.files import clock, plain
from ccpm.ops import plain_files
from ccpm.ops.actor import Actor
from ccpm.ops.plain_files import Write
from ccpm.ops.team import registries, streams

READY, WAITING = "ready", "waiting"


class Part:
    """One stream of an issue as it is now: what the analysis says, its `name` in the registry, who owns it
    (`stream`, None: nobody), its `status` (ready, waiting, or that in the registry), and the letters it still waits
    for."""

    __slots__ = ("found", "is_owned", "name", "status", "stream", "waits_for")

    def __init__(
        self, found: FoundStream, name: str, stream: Stream | None, is_owned: bool, waits_for: list[str]
    ) -> None:
        self.found = found
        self.name = name
        self.stream = stream
        self.is_owned = is_owned
        self.waits_for = waits_for
        self.status = stream.status if stream and is_owned else WAITING if waits_for else READY


class Reading:
    """The analysis in the file `path` and its parts as they are now, with the pairs of them that could change one
    file."""

    __slots__ = ("epic", "issue", "overlaps", "parts", "path", "problems")

    def __init__(
        self, epic: str, issue: str, path: str, found: Analysis, registry: Registry, top: str
    ) -> None:
        self.epic = epic
        self.issue = issue
        self.path = path
        self.problems = found.problems
        self.overlaps: list[Overlap] = analysis.overlaps(found.streams)
        done = {name for name, stream in registry.streams.items() if stream.status == COMPLETED}
        self.parts = []
        for one in found.streams:
            name = name_of(issue, one.letter)
            stream = registry.streams.get(name)
            is_owned = stream is not None and (
                stream.status == COMPLETED or streams.is_owned(top, registry, stream)
            )
            waits_for = [letter for letter in one.waits_for if name_of(issue, letter) not in done]
            self.parts.append(Part(one, name, stream, is_owned, waits_for))

    def find(self, letter: str) -> Part:
        for part in self.parts:
            if letter.upper() in (part.found.letter, part.name.upper()):
                return part
        there = ", ".join(part.found.letter for part in self.parts) or "none"
        raise NotFound(
            f"the analysis of {self.issue} has no stream {letter}; there are: {there}", f"read {self.path}"
        )


def name_of(issue: str, letter: str) -> str:
    return f"{issue}-{letter}"


def read(top: str, epic: str, issue: str) -> Reading:
    """The analysis of `issue`, a task of `epic` (its number, as in the name of its file). NotFound (66) without one."""
    folder = os.path.join(top, ".claude", "epics", registries.check_epic(top, epic))
    numbers = dict.fromkeys((issue, issue.lstrip("0"), issue.zfill(3)))
    for number in filter(None, numbers):
        path = os.path.join(folder, f"{number}-analysis.md")
        data = plain.read(path)
        if data is not None:
            found = analysis.parse(data.decode("utf-8", "replace"))
            return Reading(epic, number, path, found, registries.read(top, epic), top)
    raise NotFound(
        f"issue {issue} of {epic} has no analysis ({os.path.relpath(os.path.join(folder, issue), top)}-analysis.md)",
        f"/pm:issue-analyze {epic}/{issue}",
        epic=epic,
        issue=issue,
    )


def path_of(epic: str, issue: str) -> str:
    """Where the analysis of a task is written, from the root."""
    return f".claude/epics/{epic}/{issue}-analysis.md"


def hash_of(top: str, epic: str, issue: str) -> str:
    """The sha256 of that file, "" if there is none."""
    data = plain.read(os.path.join(top, path_of(epic, issue)))
    return "" if data is None else plain_files.hash_of(data)


def write(actor: Actor, epic: str, issue: str, text: str, if_sha256: str = "", replace: bool = False) -> str:
    """Make `text` the analysis of the task `issue`; its sha256. An analysis that is there is only replaced if it has
    the hash `if_sha256`, or with `replace`: VersionConflict (10) else. UsageError (2) for a text that says nothing."""
    now = clock.to_iso(clock.now().wall)
    content = f"---\nissue: {issue}\nanalyzed: {now}\n---\n\n{given_text.body(text)}".encode()
    path = path_of(epic, issue)
    there = hash_of(actor.top, epic, issue)
    if there and not (replace or if_sha256):
        raise VersionConflict(
            f"there is an analysis already: {path}; nothing was written",
            f"read it; to put yours in its place: --if-sha256 {there}",
            path=path,
            sha256=there,
        )
    plain_files.write(
        Write(
            os.path.join(actor.top, path),
            content,
            actor.agent,
            if_sha256=if_sha256,
            if_absent=not (replace or if_sha256),
            fences=actor.fences,
        )
    )
    return plain_files.hash_of(content)


def take(actor: Actor, epic: str, issue: str, letter: str = "", pid: int = 0) -> tuple[Part, str]:
    """Claim a stream of `issue` and begin it: `letter`, or the first that can begin; (it, the path of its progress
    file).

    Busy (75) if it is another agent's, waits for a stream that is not completed, or could change a file of somebody
    else's; without `letter`, if that is so of all.
    """
    reading = read(actor.top, epic, issue)
    if letter:
        return _take(actor, reading, reading.find(letter), pid)
    refusals = []
    for part in reading.parts:
        if part.status == READY:
            try:
                return _take(actor, reading, part, pid)
            except Busy as error:
                refusals.append(error.message)
    if not reading.parts:
        raise NotFound(f"the analysis of {reading.issue} describes no stream", f"mend {reading.path}")
    states = ", ".join(f"{part.found.letter} {part.status}" for part in reading.parts)
    raise Busy(
        f"no stream of issue {reading.issue} can begin now ({states}){''.join('; ' + why for why in refusals)}",
        "take other work: ccpm-work next " + epic,
        epic=epic,
        issue=reading.issue,
    )


def _take(actor: Actor, reading: Reading, part: Part, pid: int) -> tuple[Part, str]:
    if part.waits_for:
        raise Busy(
            f"stream {part.found.letter} of issue {reading.issue} waits for stream {', '.join(part.waits_for)}",
            f"see ccpm-agent streams {reading.epic} {reading.issue}",
        )
    if part.status == COMPLETED:
        raise Busy(f"stream {part.found.letter} of issue {reading.issue} is completed", "take another stream")
    title = part.found.title
    streams.claim(actor, reading.epic, part.name, part.found.files, reading.issue, title, pid)
    part.stream = streams.start(actor, reading.epic, part.name)
    part.status, part.is_owned = part.stream.status, True
    return part, _write_progress(actor, reading, part)


def _write_progress(actor: Actor, reading: Reading, part: Part) -> str:
    """The progress file of a stream; made once, with the agent that began it."""
    folder = os.path.join(os.path.dirname(reading.path), "updates", reading.issue)
    os.makedirs(folder, exist_ok=True)
    now = clock.to_iso(clock.now().wall)
    path = os.path.join(folder, f"stream-{part.found.letter}.md")
    files = "".join(f"- `{pattern}`\n" for pattern in part.found.files) or "- none named\n"
    text = (
        f"---\nissue: {reading.issue}\nstream: {part.found.letter}\nagent: {actor.agent}\nstarted: {now}\n"
        f"status: in-progress\n---\n\n# Stream {part.found.letter}: {part.found.title}\n\n"
        f"## Files\n\n{files}\n## Progress\n\n- {now} begun by {actor.agent}\n"
    )
    _create(actor, path, text)
    head = f"---\nissue: {reading.issue}\nstarted: {now}\nlast_sync:\ncompletion: 0%\n---\n\n"
    _create(actor, os.path.join(folder, "progress.md"), f"{head}# Progress of issue {reading.issue}\n")
    return path


def _create(actor: Actor, path: str, text: str) -> None:
    if not os.path.exists(path):
        try:
            plain_files.write(
                Write(path, text.encode("utf-8", "surrogateescape"), actor.agent, if_absent=True)
            )
        except VersionConflict:
            pass  # another stream of this issue was faster
