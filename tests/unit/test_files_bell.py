"""Bells: whoever waits on one is woken, shows that it lives, and blocks nobody when it is gone."""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path

import pytest

from ccpm.files.bell import Bell
from ccpm.files.store import Store
from unit.interpreter import after_line, start


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def test_a_bell_wakes_who_waits_on_it(store: Store) -> None:
    bell = store.open_bell("task-1", 7)
    ringer = threading.Thread(target=store.bell("task-1", 7).ring)
    ringer.start()
    started = time.monotonic()
    bell.wait(60)
    assert time.monotonic() - started < 30, "it slept on"
    ringer.join()
    bell.close()


def test_a_ring_before_the_wait_is_not_lost(store: Store) -> None:
    bell = store.open_bell("task-1", 7)
    assert store.bell("task-1", 7).ring() is True
    assert store.bell("task-1", 7).ring() is True
    started = time.monotonic()
    bell.wait(60)
    assert time.monotonic() - started < 30
    bell.close()


def test_a_bell_nobody_listens_to_does_not_ring(store: Store) -> None:
    """Neither one that was closed nor one whose waiter was killed."""
    assert store.bell("task-1", 7).ring() is False
    store.open_bell("task-1", 7).close()
    assert store.bell("task-1", 7).ring() is False
    code = "from ccpm.files.store import Store; Store(sys.argv[1]).open_bell('task-1', 8); print(1, flush=True); sys.stdin.read()"
    with start(code, store.top) as waiter:
        after_line(waiter)
        assert store.bell("task-1", 8).ring() is True
        waiter.kill()
        waiter.wait()
        assert store.bell("task-1", 8).ring() is False
    store.bell("task-1", 8).remove()
    store.bell("task-1", 8).remove()
    assert store.bell("task-1", 8).silence() == float("inf")


def test_a_bell_that_is_full_of_rings_blocks_nobody(store: Store) -> None:
    bell = store.open_bell("task-1", 7)
    assert all(store.bell("task-1", 7).ring() for _ in range(70_000))
    bell.wait(0)
    bell.close()


def test_waiting_is_a_sign_of_life(store: Store) -> None:
    bell = store.open_bell("task-1", 7)
    path = f"{Path(store.queue_path('task-1')).parent}/task-1.7.bell"
    os.utime(path, (0, 0))
    assert store.bell("task-1", 7).silence() > 1_000_000
    bell.wait(0)
    assert store.bell("task-1", 7).silence() < 60
    bell.close()


def test_a_bell_that_is_there_already_is_taken_over(store: Store) -> None:
    first = store.open_bell("task-1", 7)
    second = store.open_bell("task-1", 7)
    assert isinstance(second, Bell)
    first.close()
    second.close()


def test_a_waiter_whose_bell_was_taken_away_hangs_up_a_new_one(store: Store) -> None:
    bell = store.open_bell("task-1", 7)
    store.bell("task-1", 7).remove()
    bell.wait(0)
    assert store.bell("task-1", 7).ring()
    bell.wait(60)
    bell.close()


def test_where_there_are_no_fifos_a_waiter_looks_by_itself_and_shows_that_it_lives(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "mkfifo", refuse)
    bell = store.open_bell("task-1", 7)
    assert store.bell("task-1", 7).ring()
    bell.wait(0.01)
    assert store.bell("task-1", 7).silence() < 5
    bell.close()
    assert store.bell("task-1", 7).silence() == float("inf")
