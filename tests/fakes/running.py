"""Starts the fake GitHub and points the real gh at it.

with FakeGitHub(folder, rules="minute=3,per_minute=20") as hub:
    subprocess.run(["gh", "api", "user"], env={**os.environ, **hub.env})
    hub.fault(do="status", status=502, when="after", method="POST")
    hub.log()                                   # one object a request
"""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("github.py")


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(10)
        self.sock.connect(self._path)


class FakeGitHub:
    """The running fake. `folder` gets its log and gh's configuration; the socket lies elsewhere, because its path may
    not be longer than 103 bytes (unix(4) of macOS)."""

    def __init__(self, folder: Path, rules: str = "", repo: str = "octo/shop", lag: float = 0.0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._short = tempfile.mkdtemp(prefix="fake-", dir="/tmp")
        self.socket = Path(self._short) / "github.sock"
        self.log_path = folder / "github.log"
        self.config = folder / "gh"
        self.config.mkdir()
        (self.config / "config.yml").write_text(f"http_unix_socket: {self.socket}\n")
        self.repo = repo
        self._argv = [
            sys.executable, "-S", str(PROGRAM), "--socket", str(self.socket), "--log", str(self.log_path),
            "--rules", rules, "--repo", repo, "--lag", str(lag),
        ]  # fmt: skip

    @property
    def env(self) -> dict[str, str]:
        """What gh needs to find it: to be added to an environment."""
        return {"GH_CONFIG_DIR": str(self.config), "GH_TOKEN": "any", "GH_PROMPT_DISABLED": "1"}

    def __enter__(self) -> FakeGitHub:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._argv, stdin=pipe, stdout=pipe, text=True)
        assert self._process.stdout
        assert self._process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        shutil.rmtree(self._short)

    def log(self) -> list[dict[str, Any]]:
        """Every request that has ended, by its arrival."""
        text = self.log_path.read_text() if self.log_path.exists() else ""
        return sorted((json.loads(line) for line in text.splitlines()), key=lambda line: line["at"])

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The JSON answer of the fake, without gh."""
        connection = _Connection(self.socket)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None)
            return json.loads(connection.getresponse().read() or b"null")
        finally:
            connection.close()

    def fault(self, **fault: object) -> None:
        self.ask("POST", "/_fake/faults", [fault])

    def set(self, **settings: object) -> None:
        self.ask("POST", "/_fake/set", settings)

    def advance(self, seconds: float) -> None:
        self.ask("POST", "/_fake/clock", {"advance": seconds})

    def state(self) -> dict[str, Any]:
        """{issues, comments, labels, children} of the repository."""
        found: dict[str, Any] = self.ask("GET", "/_fake/state")[self.repo.lower()]
        return found
