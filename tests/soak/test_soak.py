"""The soak itself is tested: its checker finds each kind of violation, and a run over broken locks fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from soak import history

TOP = Path(__file__).parents[2]


def event(what: str, token: int, begun: float, at: float, **fields: Any) -> history.Event:
    base = {"what": what, "resource": "task-1", "agent": f"agent-{token}", "token": token}
    if what == "got":
        base |= {"until": at + 10, "mode": "exclusive", "bound": False}
    return {**base, "begun": begun, "at": at, **fields}


def violations(*events: history.Event, kills: dict[str, float] | None = None) -> dict[str, list[str]]:
    return {name: cases for name, cases in history.check(list(events), kills or {}).items() if cases}


WELL = [
    event("got", 1, 0.0, 0.1),
    event("wrote", 1, 0.2, 0.3, count=1),
    event("released", 1, 0.4, 0.4),
    event("got", 2, 0.3, 0.5),
    event("wrote", 2, 0.6, 0.7, count=2),
    event("refused", 1, 0.6, 0.8),
    event("released", 2, 0.9, 0.9),
]


def test_a_good_history_has_no_violation() -> None:
    assert violations(*WELL) == {}


def test_two_holders_at_once_are_found() -> None:
    found = violations(event("got", 1, 0.0, 0.1), event("got", 2, 0.2, 0.3))
    assert found == {"overlaps": ["task-1: token 1 held until 10.100000, token 2 from 0.300000"]}


def test_a_hold_ends_when_it_is_released_when_it_expires_or_when_its_bound_owner_is_killed() -> None:
    first = event("got", 1, 0.0, 0.1, until=1.0)
    assert violations(first, event("got", 2, 0.9, 1.0)) == {}
    assert "overlaps" in violations(
        first, event("renewed", 1, 0.5, 0.6, until=2.0), event("got", 2, 0.9, 1.0)
    )
    bound = {**first, "bound": True}
    late = event("got", 2, 0.4, 0.5)
    assert violations(bound, late, kills={"agent-1": 0.3}) == {}
    assert "overlaps" in violations(first, late, kills={"agent-1": 0.3})


def test_shared_holders_may_be_together_and_an_exclusive_one_may_not_join_them() -> None:
    shared = [event("got", n, 0.0, n / 10, mode="shared") for n in (1, 2)]
    assert violations(*shared) == {}
    assert len(violations(*shared, event("got", 3, 0.3, 0.4))["overlaps"]) == 2


def test_a_token_that_is_given_again_or_goes_back_is_found() -> None:
    one, two = event("got", 7, 0.0, 0.1, until=0.2), event("got", 7, 0.3, 0.4)
    assert "task-1: token 7 was given twice" in violations(one, two)["tokens out of order"]
    less = event("got", 6, 0.3, 0.4)
    assert violations(one, less) == {"tokens out of order": ["task-1: token 6 was given after 7"]}


def test_a_write_with_an_old_token_is_found_by_time_and_by_its_place_in_the_file() -> None:
    late = event("wrote", 1, 0.6, 0.7, count=3)
    assert any("accepted after 2" in case for case in violations(*WELL, late)["stale writes"])
    back = event("wrote", 1, 0.25, 0.3, count=4)
    assert any("the later write 4 token 1" in case for case in violations(*WELL, back)["stale writes"])


def test_a_lost_update_is_found() -> None:
    again = event("wrote", 2, 0.7, 0.8, count=2)
    assert violations(*WELL, again)["lost updates"] == ["task-1: write 2 was made by tokens [2, 2]"]


def test_a_refusal_for_a_deadlock_that_cannot_be_is_found() -> None:
    refused = {**event("deadlock", 0, 0.1, 0.2), "why": "a waits for b"}
    assert list(violations(refused)) == ["false alarms"]


BROKEN = {
    "fences are not checked": (
        "ccpm/ops/locking/fences.py",
        "                    check(store, resource, token)\n",
        "",
        "stale writes",
    ),
    "a live process is taken for dead": (
        "ccpm/core/leases.py",
        "    return why_gone(lease.owner, is_alive, here.host, now.boot_id)\n",
        "    return why_gone(lease.owner, is_alive and int(now.boot * 10) % 3 != 0, here.host, now.boot_id)\n",
        "overlaps",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_soak_of_broken_locks_fails(name: str, tmp_path: Path) -> None:
    file, old, new, shows = BROKEN[name]
    lib = tmp_path / "lib"
    shutil.copytree(TOP / "lib", lib, symlinks=True, ignore=shutil.ignore_patterns("vendor", ".vendor-*"))
    (lib / "vendor").symlink_to((TOP / "lib" / "vendor").resolve())
    shutil.copytree(TOP / "bin", tmp_path / "bin", symlinks=True)
    source = (lib / file).read_text()
    assert source.count(old) == 1
    (lib / file).write_text(source.replace(old, new))
    done = subprocess.run(
        [sys.executable, TOP / "tests/soak/soak.py", "short", "--acquisitions", "300", "--least", "4"],
        env={**os.environ, "CCPM_LIB_UNDER_TEST": str(lib), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"\n0 {shows}\n" not in done.stdout, done.stdout + done.stderr
    assert f" {shows}\n" in done.stdout, done.stdout + done.stderr
