"""What happened in a soak, and whether it was allowed to: the checker. It shares no line with the code under test.

A history is a list of events, each a dict with `what`, `agent`, `resource`, `token`, `begun` and `at` (seconds on the boot
clock before and after the operation), and

    got       a lease: `until` (its end on the boot clock), `mode`, `bound` (to the worker's process)
    renewed   its new `until`
    released  is about to be given back: it certainly held until `begun`
    wrote     a fenced write was accepted; `count` is the number that it put into the file, one more than it had read
    refused   a fenced write was not accepted

`kills` tells when an agent was sent SIGKILL. Violations are returned as sentences.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

Event = dict[str, Any]

EXCLUSIVE = "exclusive"
NEVER = float("inf")


class Hold(NamedTuple):
    """From when to when the owner of `token` could certainly rely on it."""

    token: int
    mode: str
    start: float
    end: float


def check(events: list[Event], kills: dict[str, float]) -> dict[str, list[str]]:
    """{what must not be: the cases of it}."""
    found: dict[str, list[str]] = {
        name: []
        for name in ("overlaps", "stale writes", "lost updates", "tokens out of order", "false alarms")
    }
    by_resource: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_resource[event["resource"]].append(event)
    for resource, mine in sorted(by_resource.items()):
        got = [event for event in mine if event["what"] in ("got", "ghost")]
        wrote = [event for event in mine if event["what"] == "wrote"]
        found["overlaps"] += [f"{resource}: {case}" for case in overlaps(holds_of(mine, kills))]
        found["tokens out of order"] += [f"{resource}: {case}" for case in disorder(got)]
        found["stale writes"] += [f"{resource}: {case}" for case in stale_writes(wrote, got)]
        found["lost updates"] += [f"{resource}: {case}" for case in lost_updates(wrote)]
        found["false alarms"] += [
            f"{resource}: {event['agent']} was refused although nobody waits in a circle: {event['why']}"
            for event in mine
            if event["what"] == "deadlock"
        ]
    return found


def holds_of(events: Iterable[Event], kills: dict[str, float]) -> list[Hold]:
    got = {event["token"]: event for event in events if event["what"] == "got"}
    ends: dict[int, float] = {}
    for token, event in got.items():
        ends[token] = event["until"]
    for event in events:
        if event["what"] == "renewed":
            ends[event["token"]] = max(ends.get(event["token"], 0.0), event["until"])
    for event in events:
        if event["what"] == "released":
            ends[event["token"]] = min(ends.get(event["token"], NEVER), event["begun"])
    holds = []
    for token, event in got.items():
        killed = kills.get(event["agent"], NEVER) if event["bound"] else NEVER
        holds.append(Hold(token, event["mode"], event["at"], min(ends[token], killed)))
    return holds


def overlaps(holds: list[Hold]) -> list[str]:
    """Pairs that held at once although one of them was exclusive."""
    cases = []
    open_holds: list[Hold] = []
    for hold in sorted((hold for hold in holds if hold.end > hold.start), key=lambda hold: hold.start):
        open_holds = [other for other in open_holds if other.end > hold.start]
        cases += [
            f"token {other.token} held until {other.end:.6f}, token {hold.token} from {hold.start:.6f}"
            for other in open_holds
            if EXCLUSIVE in (hold.mode, other.mode)
        ]
        open_holds.append(hold)
    return cases


def disorder(got: list[Event]) -> list[str]:
    """Tokens given twice, or smaller than one whose acquisition had ended before theirs began."""
    cases = []
    by_begin = sorted(got, key=lambda event: event["begun"])
    by_end = sorted(got, key=lambda event: event["at"])
    newest = passed = 0
    for event in by_begin:
        while passed < len(by_end) and by_end[passed]["at"] < event["begun"]:
            newest = max(newest, by_end[passed]["token"])
            passed += 1
        if event["token"] <= newest:
            cases.append(f"token {event['token']} was given after {newest}")
    tokens = sorted(event["token"] for event in got)
    cases += [f"token {a} was given twice" for a, b in pairwise(tokens) if a == b]
    return cases


def stale_writes(wrote: list[Event], got: list[Event]) -> list[str]:
    """Accepted writes under a token when a newer one had been given before the write began."""
    cases = []
    by_end = sorted(got, key=lambda event: event["at"])
    newest = passed = 0
    for event in sorted(wrote, key=lambda event: event["begun"]):
        while passed < len(by_end) and by_end[passed]["at"] < event["begun"]:
            newest = max(newest, by_end[passed]["token"])
            passed += 1
        if event["token"] < newest:
            cases.append(f"a write with token {event['token']} was accepted after {newest} had been given")
    in_file = sorted(wrote, key=lambda event: event["count"])
    cases += [
        f"write {a['count']} has token {a['token']}, the later write {b['count']} token {b['token']}"
        for a, b in pairwise(in_file)
        if b["token"] < a["token"]
    ]
    return cases


def lost_updates(wrote: list[Event]) -> list[str]:
    """Two accepted writes that had read the same number: one of them is gone."""
    writers: dict[int, list[int]] = defaultdict(list)
    for event in wrote:
        writers[event["count"]].append(event["token"])
    return [f"write {count} was made by tokens {who}" for count, who in writers.items() if len(who) > 1]
