"""The machine in general terms: enough to judge the figures by, nothing that names it."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from dataclasses import dataclass

from bench.setting import PYTHON, Project


@dataclass
class Machine:
    cores: int
    system: str
    python: str
    file_system: str
    sync_ms: float
    load: float

    @classmethod
    def look(cls) -> Machine:
        version = subprocess.run(
            [PYTHON, "-S", "-E", "-c", "import platform; print(platform.python_version())"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        with Project.create() as project:
            kind = _file_system(str(project.top))
            sync = _sync_seconds(str(project.top / "probe"))
        release = ".".join(platform.release().split(".")[:2])
        system = f"{platform.system()} {release}, {platform.machine()}"
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return cls(cores, system, version, kind, sync * 1e3, os.getloadavg()[0])

    def lines(self) -> list[str]:
        return [
            f"{self.cores} cores, {self.system}, CPython {self.python}",
            f"file system {self.file_system}; write + fsync of a small new file: {self.sync_ms:.2f} ms",
            f"load average when it began: {self.load:.1f}"
            + (
                " — the machine was busy: absolute figures are too high" if self.load > self.cores / 2 else ""
            ),
        ]


def _file_system(path: str) -> str:
    """The type of the file system that holds `path`; "unknown" where df(1) cannot tell."""
    for options in (["-PT"], ["-PY"]):  # GNU, BSD
        done = subprocess.run(["df", *options, path], capture_output=True, text=True)
        fields = done.stdout.strip().splitlines()[-1:] if done.returncode == 0 else []
        if fields and len(fields[0].split()) > 6:
            return fields[0].split()[1]
    return "unknown"


def _sync_seconds(path: str) -> float:
    found = []
    for index in range(20):
        begun = time.perf_counter()
        descriptor = os.open(f"{path}{index}", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(descriptor, b"x" * 300)
        os.fsync(descriptor)
        os.close(descriptor)
        found.append(time.perf_counter() - begun)
    return statistics.median(found)
