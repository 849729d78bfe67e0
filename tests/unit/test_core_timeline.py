"""The timeline of an epic: spans out of events, deaths, hand-overs, and the axis below."""

from __future__ import annotations

from typing import Any

import pytest

from ccpm.cli.monitor import timeline as drawing
from ccpm.core import timeline
from ccpm.core.timeline import ALIVE, MERGING, WAITING, WORKING, Timeline


def event(at: float, kind: str, agent: str = "ada", **fields: object) -> dict[str, Any]:
    return {"at": at, "event": kind, "agent": agent, "epic": "auth", **fields}


def spans(found: Timeline, agent: str) -> list[tuple[str, float, float, str]]:
    row = next(row for row in found.rows if row.agent == agent)
    return [(span.kind, span.start, span.end, span.label) for span in row.spans]


def build(*events: dict[str, Any], now: float = 100.0) -> Timeline:
    return timeline.build(events, "auth", now)


def test_a_task_is_worked_on_from_the_claim_to_its_end() -> None:
    found = build(
        event(0, "agent.registered"),
        event(5, "work.claimed", task="001"),
        event(6, "work.started", task="001"),
        event(40, "work.done", task="001"),
        event(50, "agent.unregistered"),
    )
    assert spans(found, "ada") == [(ALIVE, 0, 50, "registered"), (WORKING, 5, 40, "#001")]
    assert (found.start, found.end) == (0, 50)
    assert found.rows[0].seconds(WORKING) == 35


def test_what_goes_on_ends_now() -> None:
    found = build(event(0, "agent.registered"), event(5, "work.claimed", task="001"))
    assert spans(found, "ada") == [(ALIVE, 0, 100, "registered"), (WORKING, 5, 100, "#001")]


def test_the_dead_stop_working_when_they_are_found_and_others_take_over() -> None:
    found = build(
        event(0, "agent.registered"),
        event(1, "work.claimed", task="001"),
        event(30, "agent.dead", why="its process is gone"),
        event(35, "work.claimed", "bob", task="001"),
        event(60, "work.done", "bob", task="001"),
    )
    assert spans(found, "ada") == [(ALIVE, 0, 30, "registered"), (WORKING, 1, 30, "#001")]
    assert found.rows[0].deaths == [(30, "its process is gone")]
    assert spans(found, "bob") == [(ALIVE, 35, 60, "not registered"), (WORKING, 35, 60, "#001")]


def test_a_stolen_task_changes_hands() -> None:
    found = build(event(0, "work.claimed", task="001"), event(9, "work.stolen", "bob", task="001"), now=20.0)
    assert (WORKING, 0, 9, "#001") in spans(found, "ada")
    assert (WORKING, 9, 20, "#001") in spans(found, "bob")


def test_waits_of_the_epics_agents_are_shown_and_those_of_others_are_not() -> None:
    wait = {"event": "lock.acquired", "resource": "epic-auth", "contended": True}
    found = build(
        {**wait, "at": 10.0, "agent": "ada", "waited": 4.0},
        {**wait, "at": 11.0, "agent": "tom", "waited": 4.0},
        {**wait, "at": 12.0, "agent": "ada", "waited": 0.001},
        event(20, "agent.registered"),
        {"event": "lock.timeout", "at": 50.0, "agent": "ada", "waited": 5.0, "resource": "x"},
    )
    assert [row.agent for row in found.rows] == ["ada"]
    assert [span for span in spans(found, "ada") if span[0] == WAITING] == [
        (WAITING, 6, 10, "epic-auth"),
        (WAITING, 45, 50, "x"),
    ]


def test_a_merge_is_a_span_and_other_epics_are_left_out() -> None:
    found = build(
        event(0, "merge.started"),
        event(8, "merge.finished"),
        {**event(1, "work.claimed", "tom", task="9"), "epic": "other"},
    )
    assert (MERGING, 0, 8, "auth") in spans(found, "ada")
    assert len(found.rows) == 1


def test_without_events_there_is_no_row() -> None:
    found = build()
    assert (found.rows, found.start, found.end) == ([], 100.0, 100.0)


@pytest.mark.parametrize(
    ("seconds", "most", "labels"),
    [
        (0.0, 5, ["0:00"]),
        (95.0, 5, ["0:00", "0:30", "1:00", "1:30"]),
        (510.0, 9, ["0:00", "1:00", "2:00", "3:00", "4:00", "5:00", "6:00", "7:00", "8:00"]),
        (9000.0, 4, ["0:00", "1:00:00", "2:00:00"]),
        (864000.0, 4, ["0:00", "72:00:00", "144:00:00", "216:00:00"]),
    ],
)
def test_the_axis_has_round_moments(seconds: float, most: int, labels: list[str]) -> None:
    assert [label for _, label in timeline.ticks(seconds, most)] == labels


def test_a_line_fits_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    drawing.show(build(event(0, "agent.registered"), event(0, "work.claimed", task="001")), 80)
    lines = capsys.readouterr().out.splitlines()
    assert [line[-9:] for line in lines if len(line) == 80] == ["100% busy"]
    assert max(map(len, lines)) == 80
