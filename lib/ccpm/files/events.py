"""The event log: one JSON object a line in .claude/metrics/events.jsonl, read by the metrics and timeline views.

Contract: `append` writes one line with one write(2) on an O_APPEND descriptor, so lines of different processes do not
mix (POSIX: "the file offset shall be set to the end of the file prior to each write" and no change in between).
The log is rotated at `ROTATE_BYTES`: renamed to events-<time>.jsonl, of which the newest `KEEP` stay.

Guarantee: logging never fails the operation it reports. Non-guarantee: an event may be missing after a kill, a full
disk or a power cut; nothing but the views may depend on it.
"""

from __future__ import annotations

import os
import time

from ccpm.files import clock, root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

ROTATE_BYTES = 8 << 20
KEEP = 8
NAME = "events.jsonl"


def append(top: str, event: str, **fields: object) -> None:
    folder = root.metrics_dir(top)
    now = time.time()
    line = f'{{"ts":"{clock.to_iso(now)}","at":{now:.6f},"event":"{event}"{_encode(fields)}}}\n'
    try:
        descriptor = _open(folder)
        try:
            data = line.encode()
            if os.write(descriptor, data) < len(data):
                # A full disk cut this line: the next one shall not be glued to it.
                os.write(descriptor, b"\n")
            size = os.lseek(descriptor, 0, os.SEEK_CUR)  # an appending write leaves the offset at the end
        finally:
            os.close(descriptor)
        if size > ROTATE_BYTES:
            _rotate(folder, size)
    except OSError:
        pass


def read_tail(top: str, limit: int = 4096) -> list[dict[str, object]]:
    """The newest `limit` whole events, oldest first; lines that are not whole JSON objects are passed over."""
    try:
        with open(os.path.join(root.metrics_dir(top), NAME), "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - limit * 512))
            lines = file.read().split(b"\n")[-limit - 1 :]
    except OSError:
        return []
    import json

    found = []
    for line in lines:
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict):
            found.append(event)
    return found


def read_since(top: str, since: float) -> Iterator[bytes]:
    """The log from the time `since` (epoch seconds) on, one piece a file, oldest first; each begins with a whole line.

    Lines are in order up to the few milliseconds between the clock reading and the write of two processes, which is how
    exact `since` is.
    """
    folder = root.metrics_dir(top)
    try:
        rotated = sorted(name for name in os.listdir(folder) if name.startswith("events-"))
    except OSError:
        return
    for name in [*rotated, NAME]:
        path = os.path.join(folder, name)
        try:
            with open(path, "rb") as file:
                if os.fstat(file.fileno()).st_mtime < since:
                    continue
                data = file.read()
        except OSError:  # rotated away since the listing: KEEP was reached
            continue
        yield data[_first_since(data, since) :] if since > 0 else data


def _first_since(data: bytes, since: float) -> int:
    """Where the first line that was written at `since` or later begins (binary search over the lines)."""
    low, high = 0, len(data)
    while low < high:
        middle = (low + high) // 2
        start = data.rfind(b"\n", 0, middle) + 1
        end = data.find(b"\n", middle)
        end = len(data) if end < 0 else end + 1
        written = _written_at(data[start:end])
        if written is not None and written >= since:
            high = start
        else:
            low = end
    return low


def _written_at(line: bytes) -> float | None:
    _, mark, rest = line.partition(b'"at":')
    try:
        return float(rest.partition(b",")[0]) if mark else None
    except ValueError:
        return None


def _encode(fields: dict[str, object]) -> str:
    """`fields` as members of a JSON object, each behind a comma.

    Nearly all are numbers, and strings that JSON writes as they are: those are put together first and looked at once
    as a whole. The json module writes the others: it takes longer to load than a helper takes for its work.
    """
    members: list[str] = []
    strings = 0
    value: Any
    for key, value in fields.items():
        kind = type(value)
        if kind is str:
            members.append(f',"{key}":"{value}"')
            strings += 1
        elif kind is int or (kind is float and -1e15 < value < 1e15):
            members.append(f',"{key}":{value!r}')
        elif kind is bool:
            members.append(f',"{key}":{"true" if value else "false"}')
        elif kind is list and all(type(one) is str for one in value):
            members.append(f',"{key}":[' + ",".join([f'"{one}"' for one in value]) + "]")
            strings += len(value)
        else:
            return _encode_any(fields)
    text = "".join(members)
    quotes = 2 * (len(members) + strings)
    if text.isascii() and text.isprintable() and "\\" not in text and text.count('"') == quotes:
        return text
    return _encode_any(fields)


def _encode_any(fields: dict[str, object]) -> str:
    import json

    return "".join([f',"{key}":{json.dumps(value, separators=(",", ":"))}' for key, value in fields.items()])


def _open(folder: str) -> int:
    path = f"{folder}/{NAME}"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    try:
        return os.open(path, flags, 0o666)
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)
        return os.open(path, flags, 0o666)


def _rotate(folder: str, size: int) -> None:
    """Rename the full log away. Two processes may try at once: the loser finds a small file and leaves it."""
    path = os.path.join(folder, NAME)
    if os.stat(path).st_size < size:
        return
    stamp = clock.to_iso(time.time()).replace(":", "").replace("-", "")
    unique = f"{time.time_ns() % 10**9:09d}-{os.getpid()}"  # a second rotation in this second replaces none
    os.rename(path, os.path.join(folder, f"events-{stamp}-{unique}.jsonl"))
    old = sorted(name for name in os.listdir(folder) if name.startswith("events-"))
    for name in old[:-KEEP]:
        os.unlink(os.path.join(folder, name))
