"""Timestamps and the boot clock."""

from __future__ import annotations

import time
from datetime import datetime, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ccpm.files import clock, process

LAST = 253402300799
"""9999-12-31T23:59:59Z."""


@given(st.integers(0, LAST))
@example(0)
@example(951782400)  # 29 February 2000
@example(LAST)
def test_a_time_comes_back_as_it_was_written(seconds: int) -> None:
    text = clock.to_iso(seconds)
    assert clock.from_iso(text) == seconds
    assert text == datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)


def test_fractions_are_cut() -> None:
    assert clock.to_iso(1762229781.999) == "2025-11-04T04:16:21Z"


@pytest.mark.parametrize("seconds", [1e20, float("inf"), float("nan")])
def test_what_no_calendar_holds_is_its_last_second(seconds: float) -> None:
    assert clock.to_iso(seconds) == "9999-12-31T23:59:59Z"


@pytest.mark.parametrize(
    "text",
    ["", "now", "2025-11-04", "2025-11-04 04:16:21Z", "2025-11-04T04:16:21", "2025-11-04T04:16:21+00:00",
     "2025-02-29T00:00:00Z", "2025-13-01T00:00:00Z", "2025-00-10T00:00:00Z", "2025-11-04T24:00:00Z",
     "2025-11-04T04:16:61Z", "2025-11-04T04:16:2 Z", "2025-11-04T04:16:21Z\n", "+025-11-04T04:16:21Z",
     "２０２５-11-04T04:16:21Z"],
)  # fmt: skip
def test_what_is_no_timestamp_of_ours_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        clock.from_iso(text)


@given(st.text(alphabet="0123456789-T:Z +", min_size=18, max_size=22))
def test_whatever_is_read_is_written_back_the_same(text: str) -> None:
    try:
        seconds = clock.from_iso(text)
    except ValueError:
        return
    assert clock.to_iso(seconds) == text


def test_the_boot_clock_runs_forward_and_ignores_the_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    before = clock.now()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    after = clock.now()
    assert after.wall == 0.0
    assert after.boot >= before.boot
    assert after.boot_id == before.boot_id == process.boot_id()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-12T10:00:00Z", "2026-01-12T10:00:00Z"),
        ("2026-01-12", "2026-01-12T00:00:00Z"),
        ("2026-01-12 10:00", "2026-01-12T10:00:00Z"),
        ("2026-01-12T10:00:00.123Z", "2026-01-12T10:00:00Z"),
        ("2026-01-12T10:00:00+02:00", "2026-01-12T08:00:00Z"),
        ("2026-01-12T10:00:00 -0130", "2026-01-12T11:30:00Z"),
    ],
)
def test_times_are_read_as_people_write_them(text: str, expected: str) -> None:
    assert clock.to_iso(clock.from_any(text)) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13-01", None, ["2026-01-12"], "[Current date]", "12.1.2026"]
)
def test_what_is_no_time_is_none(text: object) -> None:
    assert clock.from_any(text) == 0.0
