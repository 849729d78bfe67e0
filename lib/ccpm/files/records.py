"""The public text form of lock records and of the queue of those who wait (docs/FORMATS.md).

Contract: `decode_lock(encode_lock(leases)) == leases`; keys that this version does not know are kept as they are
written; anything that is not a whole record is `Unreadable`, never a guess.

A lock record is flat YAML between two `---` lines, so that a person and any YAML reader can read it. It is parsed here
line by line: it is ours alone to write, it is read at every start of a helper, and a YAML parser costs 25 ms to load.
A shared lock shows its first holder in the flat keys and all of them in `holders`, as JSON (which is YAML).
"""

from __future__ import annotations

from ccpm.core.deadlock import Wait
from ccpm.core.leases import SHARED, Lease, Owner, Unreadable
from ccpm.files import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

LONGEST = 1 << 18
"""Bytes of the longest record that is read; a longer one is not ours."""

MANY = 1024
"""Waits that a process remembers. Each of n waiters reads all n lines of its queue again and again."""
_lines: dict[Wait, str] = {}
_waits: dict[tuple[str, str], Wait] = {}

_KNOWN = frozenset(
    [
        "agent_id",
        "pid",
        "acquired",
        "expires",
        "operation",
        "token",
        "mode",
        "host",
        "boot_id",
        "pid_start",
        "pid_space",
        "ttl",
        "acquired_boot",
        "expires_boot",
        "holders",
    ]
)
_TEXTS = ("agent_id", "operation", "host")
"""What is text to any reader, also where it looks like a number."""
_NO_TEXT = frozenset(["null", "true", "false", "yes", "no", "on", "off", "y", "n"])
"""Plain scalars that YAML 1.1 or 1.2 takes for something else than text; besides all that begin with a digit."""
_PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./@=+-:"


def encode_lock(leases: list[Lease]) -> bytes:
    fields = _to_fields(leases[0])
    if leases[0].mode == SHARED:
        fields["holders"] = _json().dumps([_to_fields(lease) for lease in leases])
    lines = [
        f"{key}: {value if key == 'holders' else _quote(value, key in _TEXTS)}"
        for key, value in fields.items()
    ]
    lines += [f"{key}: {value}" for key, value in leases[0].extra.items()]
    return "\n".join(["---", *lines, "---", ""]).encode()


def decode_lock(data: bytes, age: float) -> list[Lease] | Unreadable:
    """The leases in a record, or why it is none. `age`: seconds since its file was written."""
    try:
        text = data.decode()
        lines = text.split("\n")
        if len(data) > LONGEST or lines[0] != "---" or lines[-2:] != ["---", ""]:
            raise ValueError("it is not a whole record between two --- lines")
        raw: dict[str, str] = {}
        for line in lines[1:-2]:
            key, colon, value = line.partition(": ")
            if not colon or key in raw:
                raise ValueError(f"line {line[:40]!r} is not a key of its own")
            raw[key] = value
        extra = {key: value for key, value in raw.items() if key not in _KNOWN}
        if "holders" in raw:
            return [_to_lease(fields, extra) for fields in _json().loads(raw["holders"])] or Unreadable(
                age, "no holder"
            )
        known = {key: _unquote(value) for key, value in raw.items() if key in _KNOWN}
        return [_to_lease(known, extra)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return Unreadable(age, f"{type(error).__name__}: {error}"[:200])


def encode_queue(waits: list[Wait]) -> bytes:
    return ("[\n" + ",\n".join([_line_of(wait) for wait in waits]) + "\n]\n").encode()


def decode_queue(resource: str, data: bytes) -> list[Wait]:
    """The waits in a queue file; [] for one that does not parse: a queue is only about fairness, and every waiter
    puts itself back in line."""
    try:
        lines = data.decode().split("\n")
        if lines[0] != "[" or lines[-2:] != ["]", ""]:
            return []
        return [_wait_of(resource, line.removesuffix(",")) for line in lines[1:-2]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _line_of(wait: Wait) -> str:
    line = _lines.get(wait)
    if line is None:
        line = _json().dumps(_from_wait(wait))
        _remember(wait, line)
    return line


def _wait_of(resource: str, line: str) -> Wait:
    wait = _waits.get((resource, line))
    if wait is None:
        wait = _to_wait(resource, _json().loads(line))
        _remember(wait, line)
    return wait


def _remember(wait: Wait, line: str) -> None:
    if len(_lines) >= MANY:
        _lines.clear()
        _waits.clear()
    _lines[wait] = line
    _waits[wait.resource, line] = wait


def describe(lease: Lease) -> dict[str, object]:
    """A lease as plain data for --json: the keys of the file, numbers as numbers."""
    fields = _to_fields(lease)
    numbers = {"pid": int, "token": int, "ttl": float, "acquired_boot": float, "expires_boot": float}
    return {key: numbers.get(key, str)(value) for key, value in fields.items()}


def _to_fields(lease: Lease) -> dict[str, str]:
    owner = lease.owner
    return {
        "agent_id": owner.agent,
        "pid": str(owner.pid),
        "acquired": clock.to_iso(lease.acquired),
        "expires": clock.to_iso(lease.expires),
        "operation": lease.operation,
        "token": str(lease.token),
        "mode": lease.mode,
        "host": owner.host,
        "boot_id": owner.boot_id,
        "pid_start": owner.pid_start,
        "pid_space": owner.pid_space,
        "ttl": f"{lease.ttl:g}",
        "acquired_boot": f"{lease.acquired_boot:.6f}",
        "expires_boot": f"{lease.expires_boot:.6f}",
    }


def _to_lease(fields: dict[str, str], extra: dict[str, str]) -> Lease:
    if not all(isinstance(value, str) for value in fields.values()):
        raise TypeError("a value of a holder is not text")
    owner = Owner(
        fields["agent_id"],
        int(fields["pid"]),
        fields.get("pid_start", ""),
        fields.get("boot_id", ""),
        fields.get("pid_space", ""),
        fields.get("host", ""),
    )
    return Lease(
        owner,
        fields["operation"],
        int(fields.get("token", "0")),
        fields.get("mode", "exclusive"),
        _to_seconds(fields.get("ttl", "300")),
        clock.from_iso(fields["acquired"]),
        clock.from_iso(fields["expires"]),
        _to_seconds(fields.get("expires_boot", "0")),
        extra,
        _to_seconds(fields.get("acquired_boot", "0")),
    )


def _to_seconds(text: str) -> float:
    """A finite number: a lease until `inf` or `nan` would never end."""
    value = float(text)
    if value - value != 0:
        raise ValueError(f"{text[:40]!r} is not a number of seconds")
    return value


def _from_wait(wait: Wait) -> dict[str, object]:
    owner, waiter = wait.owner, wait.waiter
    return {
        "ticket": wait.ticket,
        "agent_id": owner.agent,
        "mode": wait.mode,
        "since": clock.to_iso(wait.since),
        "pid": owner.pid,
        "pid_start": owner.pid_start,
        "waiter_pid": waiter.pid,
        "waiter_start": waiter.pid_start,
        "host": waiter.host,
        "boot_id": waiter.boot_id,
        "pid_space": waiter.pid_space,
        "carried": wait.carried,
    }


def _to_wait(resource: str, fields: dict[str, object]) -> Wait:
    agent, boot, space, host = (str(fields[key]) for key in ("agent_id", "boot_id", "pid_space", "host"))
    owner = Owner(agent, int(str(fields["pid"])), str(fields["pid_start"]), boot, space, host)
    waiter = Owner(agent, int(str(fields["waiter_pid"])), str(fields["waiter_start"]), boot, space, host)
    carried = fields["carried"]
    if not isinstance(carried, dict):
        raise TypeError("carried is not a mapping")
    since = clock.from_iso(str(fields["since"]))
    return Wait(resource, owner, waiter, str(fields["mode"]), int(str(fields["ticket"])), since, carried)


def _quote(value: str, is_text: bool) -> str:
    """As a YAML plain scalar where that means the same text, else as a JSON string (a YAML double-quoted scalar)."""
    is_plain = value and value[0] not in "-@=." and not value.strip(_PLAIN) and value[-1] != ":"
    if is_plain and (not is_text or (value[0] not in "+0123456789" and value.lower() not in _NO_TEXT)):
        return value
    if _needs_no_escape(value):
        return f'"{value}"'
    # Printable text as it is: for an escape beyond \uffff, JSON writes two, which YAML does not join.
    return str(_json().dumps(value, ensure_ascii=not value.isprintable()))


def _unquote(value: str) -> str:
    if not value.startswith('"'):
        return value
    if len(value) > 1 and value[-1] == '"' and _needs_no_escape(value[1:-1]):
        return value[1:-1]
    text = _json().loads(value)
    if not isinstance(text, str):
        raise TypeError("a quoted value is not text")
    return text


def _needs_no_escape(value: str) -> bool:
    return value.isascii() and value.isprintable() and not ('"' in value or "\\" in value)


def _json() -> ModuleType:
    """The json module, loaded for the rare record that needs it: a plain lock has no text to escape."""
    import json

    return json
