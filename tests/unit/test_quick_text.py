"""What helpers write and read by hand, to spare the modules that do it in general, agrees with those modules."""

from __future__ import annotations

import calendar
import json
import random
import time

import pytest

from ccpm.core import leases
from ccpm.core.leases import Now, Owner, Unreadable
from ccpm.files import clock, events, records

VALUES: list[object] = [
    "", "plain", "two words", 'a "quote"', "back\\slash", "é", "\n", "\x7f", "\u2028", "task-1", 0, -5, 10**30, True,
    False, None, 0.0, -0.0, 1e-07, 2.5, 1e300, float("inf"), [], ["001.md", 'a"b'], [1, [True, None]], {"k": ["v"]},
]  # fmt: skip


def test_an_event_is_the_json_that_the_json_module_writes() -> None:
    rng = random.Random(1)
    for _ in range(5000):
        fields = {f"k{index}": rng.choice(VALUES) for index in range(rng.randrange(6))}
        assert events._encode(fields) == "".join(
            f",{member[1:-1]}"
            for member in (json.dumps({key: value}, separators=(",", ":")) for key, value in fields.items())
        )


def test_a_time_is_read_as_the_standard_library_reads_it() -> None:
    rng = random.Random(2)
    last = int(clock.from_iso("9999-12-31T23:59:59Z"))
    for seconds in [0, -1, 951782400, 951868799, last, *(rng.randrange(last) for _ in range(20000))]:
        text = clock.to_iso(seconds)
        assert clock.from_iso(text) == seconds == calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2025-02-29T00:00:00Z",
        "2025-13-01T00:00:00Z",
        "2025-00-01T00:00:00Z",
        "2025-01-01T24:00:00Z",
        "2025-01-01T00:60:00Z",
        "2025-01-01T00:00:00z",
        "2025-01-01 00:00:00Z",
        "2025-1-01T00:00:00Z ",
        "+025-01-01T00:00:00Z",
        "２025-01-01T00:00:00Z",
        "2025-01-01T00:00:00+00:00",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        clock.from_iso(text)


OWNER = Owner("agent-1", 4711, "123", "boot", "space", "host")


def record(operation: str) -> bytes:
    lease = leases.new_lease(OWNER, operation, 7, leases.EXCLUSIVE, 300.0, Now(1e9, 5.0, "boot"))
    return records.encode_lock([lease])


@pytest.mark.parametrize(
    "value", [*(v for v in VALUES if isinstance(v, str)), "a: b", "x:", "-x", "=x", '"x"', "{"]
)
def test_any_text_in_a_record_is_plain_or_a_json_string_and_comes_back(value: str) -> None:
    data = record(value)
    written = next(line[11:] for line in data.decode().split("\n") if line.startswith("operation: "))
    assert written == value or json.loads(written) == value
    found = records.decode_lock(data, 0.0)
    assert isinstance(found, list)
    assert found[0].operation == value


@pytest.mark.parametrize("text", ['"', '"a"b"', '"a\\"', '"a', '""x'])
def test_a_value_that_begins_like_a_json_string_and_is_none_is_refused(text: str) -> None:
    data = record("plain").replace(b"operation: plain", b"operation: " + text.encode())
    assert isinstance(records.decode_lock(data, 0.0), Unreadable)
