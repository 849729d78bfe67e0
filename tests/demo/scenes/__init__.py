"""What goes wrong on purpose, one module a scene.

A scene is built before the workers start (it sets its gates), then played: `play` is a generator that the driver
resumes every few hundredths of a second; it yields a line to show when something happened and "" while it waits. What
it saw is in `facts` afterwards, which is all that `verify`, the scene's check, gets to see beside the other evidence.
A new scene is a new module and its name in `ALL`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from demo.checks import Check, Run
from demo.project import Project
from demo.scenes.conflict import Conflict
from demo.scenes.crash import Crash
from demo.scenes.pause import Pause
from demo.workers import Crew


class Scene(Protocol):
    name: str
    facts: dict[str, Any]

    def __init__(self, project: Project) -> None: ...

    def play(self, crew: Crew) -> Iterator[str]: ...

    @staticmethod
    def verify(run: Run) -> Check: ...


ALL: tuple[type[Scene], ...] = (Conflict, Crash, Pause)
