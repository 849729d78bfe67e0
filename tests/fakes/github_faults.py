"""Faults on demand: which request meets which misfortune, and when.

A fault is an object, given by the control API or in a JSON file:

    {"do": "status", "status": 502, "when": "after", "method": "POST", "path": "/issues$", "skip": 3, "times": 1}

`method` and `path` (a regular expression, searched) choose requests, of which the first `skip` go free and the next
`times` (default 1; 0: all) are hit. `when`: `before` the request is carried out (default), or `after`. `do` is one of

    status       answer with `status`, `message`, `headers`: 502, 404, 410, 422 …
    secondary    403 of the secondary limit, with `retry_after` seconds (null: without that header)
    too-many     429, the same
    exhausted    403 with nothing remaining of the primary limit
    cut          the connection ends: before or after it is carried out, without an answer; `when: "middle"` carries it
                 out and sends the first half of the answer
    delay        answer `seconds` later (machine's time), `before` or `after`
    auth         401 Bad credentials
"""

from __future__ import annotations

import re
from typing import Any

ACTIONS = ("status", "secondary", "too-many", "exhausted", "cut", "delay", "auth")
WORDS = {
    404: "Not Found",
    410: "This issue was deleted",
    422: "Validation Failed",
    500: "Server Error",
    502: "Server Error",
    503: "Service Unavailable",
}


class Fault:
    def __init__(self, given: dict[str, Any]) -> None:
        unknown = set(given) - {
            "do", "when", "method", "path", "skip", "times", "status", "message", "headers", "retry_after", "seconds",
        }  # fmt: skip
        if unknown or given.get("do") not in ACTIONS:
            raise ValueError(f"not a fault: {given}")
        self.do: str = given["do"]
        self.when: str = given.get("when", "before")
        self.method: str = given.get("method", "")
        self.path = re.compile(given.get("path", ""))
        self.skip: int = given.get("skip", 0)
        times = given.get("times", 1)
        self.left: float = times or float("inf")
        self.given = given

    def take(self, method: str, path: str) -> bool:
        """Whether this request is hit; counts it."""
        if self.left <= 0 or self.method not in ("", method) or not self.path.search(path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.left -= 1
        return True

    @property
    def status(self) -> int:
        return int(self.given.get("status", {"auth": 401, "too-many": 429}.get(self.do, 403)))

    @property
    def message(self) -> str:
        default = "Bad credentials" if self.do == "auth" else WORDS.get(self.status, "Fault")
        return str(self.given.get("message", default))
