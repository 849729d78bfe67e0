"""The event log: whole lines from many processes, rotation, and no operation that fails because of it."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpm.files import events
from unit.interpreter import after_line, result, start

APPEND = """
from ccpm.files import events
top, writer, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
events.ROTATE_BYTES, events.KEEP = int(sys.argv[4]), 1000
print("ready", flush=True)
sys.stdin.readline()
for number in range(count):
    events.append(top, "test", writer=writer, number=number, filling="x" * (number * 37 % 900))
"""


def log(top: Path) -> Path:
    return top / ".claude" / "metrics" / "events.jsonl"


def from_processes(top: Path, writers: int, count: int, rotate: int) -> None:
    """`count` events from each of `writers` processes that start together."""
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(start(APPEND, top, n, count, rotate)) for n in range(writers)]
        for process in processes:
            after_line(process)
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            result(process)


def test_events_of_16_processes_are_all_there_in_whole_lines(tmp_path: Path) -> None:
    from_processes(tmp_path, writers=16, count=200, rotate=1 << 30)
    lines = [json.loads(line) for line in log(tmp_path).read_text().splitlines()]
    assert len(lines) == 16 * 200
    for writer in range(16):
        numbers = [line["number"] for line in lines if line["writer"] == str(writer)]
        assert numbers == list(range(200))


def test_rotation_by_many_processes_loses_no_event(tmp_path: Path) -> None:
    """200 kB by 4 processes into logs of 40 kB, of which enough are kept."""
    from_processes(tmp_path, writers=4, count=100, rotate=40_000)
    folder = log(tmp_path).parent
    found = sorted(
        (line["writer"], line["number"])
        for path in folder.iterdir()
        for line in map(json.loads, path.read_text().splitlines())
    )
    assert found == sorted((str(writer), number) for writer in range(4) for number in range(100))
    assert len(list(folder.iterdir())) > 2


def test_only_the_newest_rotated_logs_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "ROTATE_BYTES", 10)
    for number in range(events.KEEP + 5):
        monkeypatch.setattr(time, "time", lambda number=number: 1_700_000_000.0 + number)
        events.append(str(tmp_path), "test", number=number)
    kept = sorted(path.name for path in log(tmp_path).parent.iterdir())
    assert len(kept) == events.KEEP
    newest = json.loads((log(tmp_path).parent / kept[-1]).read_text())
    assert newest["number"] == events.KEEP + 4


def test_rotations_within_one_second_overwrite_no_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "ROTATE_BYTES", 10)
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0)
    for number in range(4):
        events.append(str(tmp_path), "test", number=number)
    texts = [path.read_text() for path in log(tmp_path).parent.iterdir()]
    assert sorted(json.loads(line)["number"] for text in texts for line in text.splitlines()) == [0, 1, 2, 3]


def test_an_event_has_its_time_its_kind_and_its_fields(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1762229781.25)
    events.append(str(tmp_path), "lock.acquired", resource="task-1", token=7, contended=False, waited=0.5)
    assert log(tmp_path).read_text() == (
        '{"ts":"2025-11-04T04:16:21Z","at":1762229781.250000,"event":"lock.acquired",'
        '"resource":"task-1","token":7,"contended":false,"waited":0.5}\n'
    )


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(values)
def test_any_value_is_written_as_json_on_one_line(value: object) -> None:
    line = events._encode({"value": value})
    assert json.loads(f"{{{line[1:]}}}") == {"value": value}
    assert "\n" not in line


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES])
@pytest.mark.parametrize("call", ["open", "write", "makedirs"])
def test_logging_never_fails_what_it_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, fail)
    events.append(str(tmp_path), "test")


def test_an_unwritable_place_is_no_error(tmp_path: Path) -> None:
    (tmp_path / ".claude").write_text("a file")
    events.append(str(tmp_path), "test")
    assert events.read_tail(str(tmp_path)) == []


def test_a_torn_line_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk takes the first bytes of an event."""
    real = os.write
    events.append(str(tmp_path), "first")
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data)[:9]))
    events.append(str(tmp_path), "torn")
    monkeypatch.setattr(os, "write", real)
    events.append(str(tmp_path), "last")
    assert [event["event"] for event in events.read_tail(str(tmp_path))] == ["first", "last"]


def test_the_tail_is_the_newest_events_and_only_whole_ones(tmp_path: Path) -> None:
    for number in range(50):
        events.append(str(tmp_path), "test", number=number)
    with log(tmp_path).open("a") as file:
        file.write("[1]\nnot json\n" + '{"event":"cut')
    found = events.read_tail(str(tmp_path), 10)
    assert [event["number"] for event in found] == list(range(42, 50))
    assert len(events.read_tail(str(tmp_path))) == 50
