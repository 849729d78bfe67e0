"""The record of the open requests for files: who asks for which, since when, and whether it waits for the answer.

Contract: one JSON record for the project; each change of it is made under its guard, by `changing`. No number is used
twice. What is no whole request is passed over.
"""

from __future__ import annotations

import os

from ccpm.core import leases
from ccpm.core.leases import Owner
from ccpm.files import clock, json_record, process, root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Asked = dict[str, Any]

TTL = 900.0
"""Seconds that a grant lasts unless its giver says otherwise: as long as a silent agent counts as alive."""


def path_of(top: str) -> str:
    return os.path.join(root.state_dir(os.path.realpath(top)), "requests.json")


def changing(top: str) -> json_record.Changing:
    """The record with its guard held; see files/json_record.py."""
    return json_record.Changing(path_of(top))


def open_requests(top: str) -> list[Asked]:
    """All requests that wait for an answer, oldest first."""
    return requests_in(json_record.read(path_of(top)))


def asked_for(top: str, file: str, to: str = "") -> list[Asked]:
    """The open requests for `file`, oldest first: all, or those of the agent `to`."""
    return [one for one in open_requests(top) if one["file"] == file and (not to or one["from"] == to)]


def requests_in(data: dict[str, Any]) -> list[Asked]:
    """Those in the content of the record."""
    found = data.get("requests")
    entries = found if isinstance(found, list) else []
    return [
        one for one in entries if isinstance(one, dict) and {"id", "file", "from", "reason"} <= one.keys()
    ]


def new(data: dict[str, Any], agent: str, file: str, reason: str, owner: str) -> Asked:
    """A request of `agent` with the next number, to `owner` ("": nobody owns the file); the caller puts it in."""
    data["last_id"] = int(data.get("last_id") or 0) + 1
    return {
        "id": data["last_id"],
        "file": file,
        "from": agent,
        "to": owner,
        "reason": reason,
        "at": clock.to_iso(clock.now().wall),
    }


def set_waiter(one: Asked, waiter: Owner) -> None:
    """Note the process that waits for the answer."""
    for fact in ("pid", "pid_start", "boot_id", "host", "pid_space"):
        one[fact] = getattr(waiter, fact)


def is_waiting(one: Asked) -> bool:
    """Whether a process waits for the answer. One of another host counts as long as its request is young."""
    owner = Owner(
        str(one["from"]),
        int(one.get("pid") or 0),
        str(one.get("pid_start", "")),
        str(one.get("boot_id", "")),
        str(one.get("pid_space", "")),
        str(one.get("host", "")),
    )
    if not owner.pid:
        return False
    alive = process.is_alive(owner)
    if alive is None:
        try:
            return clock.now().wall - clock.from_iso(str(one["at"])) < TTL + leases.SKEW
        except ValueError:
            return False
    return alive


def close(top: str, numbers: list[int]) -> None:
    """Take these requests out."""
    if numbers:
        with changing(top) as record:
            record.data["requests"] = [one for one in requests_in(record.data) if one["id"] not in numbers]
            record.save()
