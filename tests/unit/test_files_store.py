"""The record store: fencing counters for ever increasing, records, what the old implementation left."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccpm.errors import IOFailure
from ccpm.files import atomic, process
from ccpm.files import store as store_module
from ccpm.files.store import Store
from unit.interpreter import after_line, result, start


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def counter(store: Store) -> Path:
    return Path(store.guard_path("task-1"))


def next_token(store: Store, at_least: int = 0) -> int:
    with store.transact("task-1") as txn:
        return txn.next_token(at_least)


def test_tokens_count_from_one(store: Store) -> None:
    assert [next_token(store) for _ in range(12)] == list(range(1, 13))


def test_a_token_is_greater_than_the_one_in_a_record(store: Store) -> None:
    """A counter that somebody deleted is made good by the record that is still there."""
    assert next_token(store, at_least=41) == 42
    assert next_token(store) == 43
    counter(store).unlink()
    assert next_token(store, at_least=43) == 44


def test_each_key_counts_for_itself(store: Store) -> None:
    next_token(store)
    with store.transact("task-2") as txn:
        assert txn.next_token() == 1


def test_tokens_of_many_processes_are_all_different(store: Store) -> None:
    code = """
from ccpm.files.store import Store
store = Store(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(50):
    with store.transact("task-1") as txn:
        print(txn.next_token())
"""
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(start(code, store.top)) for _ in range(4)]
        for process in processes:
            after_line(process)
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        found = [list(map(int, result(process).split())) for process in processes]
    assert all(tokens == sorted(tokens) for tokens in found)
    assert sorted(token for tokens in found for token in tokens) == list(range(1, 201))


@given(
    before=st.integers(1, 10**12),
    step=st.integers(1, 10**12),
    torn_after=st.integers(0, 21),
)
def test_a_torn_counter_never_gives_a_token_twice(before: int, step: int, torn_after: int) -> None:
    """The counter is overwritten in place. Torn after any byte it is the old number or a larger one."""
    import tempfile

    with tempfile.TemporaryDirectory() as top:
        store = Store(top)
        assert next_token(store, at_least=before - 1) == before
        old = counter(store).read_bytes()
        new = b"%020d" % (before + step) + old[20:]
        counter(store).write_bytes(new[:torn_after] + old[torn_after:])
        assert next_token(store) > before


@pytest.mark.parametrize("content", [b"", b"\0" * 21, b"0", b"0000"])
def test_a_counter_torn_at_its_first_token_starts_again(store: Store, content: bytes) -> None:
    """Nobody got that token: it is handed out only when it is on disk."""
    store.prepare()
    counter(store).write_bytes(content)
    assert next_token(store) == 1


@pytest.mark.parametrize("content", [b"garbage\n", b"\xff" * 21, b"12x", b"<<<<<<< HEAD\n"])
def test_a_counter_that_somebody_wrote_into_gives_larger_tokens_than_before(
    store: Store, content: bytes
) -> None:
    before = next_token(store, at_least=1_000_000)
    counter(store).write_bytes(content)
    token = next_token(store)
    assert token > before
    assert next_token(store) == token + 1


def test_a_counter_that_cannot_be_written_gives_no_token(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    next_token(store)
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", fail)
        with pytest.raises(IOFailure, match="cannot count up the fencing token"):
            next_token(store)
    assert next_token(store) == 2


class Disk:
    """What is on the disk: the counter as it was synced last, or as it was at any time after that."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.states = [b""]

    def note(self) -> None:
        self.states.append(Path(self.path).read_bytes())

    def sync(self, descriptor: int) -> None:
        self.states = [Path(self.path).read_bytes()]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("take"), st.integers(1, 120)),
            st.tuples(st.just("jump"), st.integers(1, 1000)),
            st.tuples(st.just("power cut"), st.integers(0, 10**6)),
            st.tuples(st.just("reboot"), st.just(0)),
        ),
        max_size=8,
    )
)
@settings(max_examples=60)
def test_no_power_cut_and_no_reboot_brings_a_token_back(steps: list[tuple[str, int]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as top, pytest.MonkeyPatch.context() as patch:
        store = Store(top)
        disk = Disk(store.guard_path("task-1"))
        patch.setattr(store_module, "_sync_data", disk.sync)
        patch.setattr(atomic, "sync_directory", lambda folder, done: None)
        boots = 0
        patch.setattr(process, "boot_id", lambda: f"boot-{boots}")
        newest = 0
        for what, number in steps:
            for _ in range(number if what == "take" else what == "jump"):
                token = next_token(store, newest + number if what == "jump" else 0)
                assert token > newest
                newest = token
                disk.note()
            if what in ("power cut", "reboot"):
                boots += 1
                if what == "power cut" and newest:
                    Path(disk.path).write_bytes(disk.states[number % len(disk.states)])


def test_most_tokens_cost_no_sync(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs: list[int] = []
    monkeypatch.setattr(store_module, "_sync_data", syncs.append)
    for _ in range(10 * store_module.BATCH):
        next_token(store)
    assert len(syncs) == 11  # the first of this boot, and each time a batch is full


def test_where_boots_have_no_id_every_token_is_synced(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs: list[int] = []
    monkeypatch.setattr(store_module, "_sync_data", syncs.append)
    monkeypatch.setattr(process, "boot_id", lambda: "")
    assert [next_token(store) for _ in range(12)] == list(range(1, 13))
    assert len(syncs) == 12


@given(sizes=st.lists(st.integers(1, 5), min_size=70, max_size=70))
def test_short_writes_of_the_counter_are_continued(sizes: list[int]) -> None:
    import tempfile

    real, turns = os.pwrite, iter(sizes)
    with tempfile.TemporaryDirectory() as top, pytest.MonkeyPatch.context() as patch:
        store = Store(top)
        patch.setattr(os, "pwrite", lambda fd, data, offset: real(fd, data[: next(turns)], offset))
        assert next_token(store, at_least=122) == 123
        assert counter(store).read_bytes() == b"%020d %s\n" % (123, process.boot_id().encode())


def test_a_record_is_what_was_put(store: Store) -> None:
    path = store.lock_path("task-1")
    assert store.read(path) is None
    with store.transact("task-1") as txn:
        txn.put(path, b"one")
        txn.put(path, b"two" * 1_000_000)
        found = txn.read(path)
    assert found
    assert found.data == b"two" * 1_000_000
    assert -1 < found.age < 60


def test_a_transaction_lets_go_when_it_fails(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.transact("task-1"):
        raise ZeroDivisionError
    assert next_token(store) == 1


def test_a_lock_folder_of_the_old_implementation_is_seen_and_retired(store: Store) -> None:
    """It made a directory with metadata.yaml where now is a file."""
    path = store.lock_path("epic-auth")
    for act in ("put", "remove"):
        os.makedirs(path)
        Path(path, "metadata.yaml").write_text("agent_id: old\n")
        found = store.read(path)
        assert found
        assert found.data == b""
        with store.transact("epic-auth") as txn:
            if act == "put":
                txn.put(path, b"new")
            else:
                txn.remove(path)
        assert (Path(path).read_bytes() if act == "put" else os.path.exists(path)) in (b"new", False)
        Path(path).unlink(missing_ok=True)


def test_other_files_in_an_old_lock_folder_are_in_nobodys_way_and_stay(store: Store) -> None:
    path = Path(store.lock_path("epic-auth"))
    path.mkdir(parents=True)
    (path / "metadata.yaml").write_text("agent_id: old\n")
    (path / "precious").write_text("x")
    with store.transact("epic-auth") as txn:
        txn.put(str(path), b"new")
    assert path.read_bytes() == b"new"
    (aside,) = path.parent.glob(".epic-auth.lock.old-*")
    assert [(file.name, file.read_text()) for file in aside.iterdir()] == [("precious", "x")]
    assert store.list_leftovers() == []


def test_in_a_repository_without_our_folder_git_does_not_see_what_a_guard_needs(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    Store(str(tmp_path)).prepare()
    with Store(str(tmp_path)).transact("task-1"):
        assert subprocess.run([*git, "status", "--porcelain"], capture_output=True).stdout == b""


def test_locks_queues_and_leftovers_are_listed(store: Store) -> None:
    assert (store.list_locks(), store.list_queues(), store.list_leftovers()) == ([], [], [])
    store.prepare()
    locks = Path(store.lock_path("x")).parent
    for name in ("b.lock", "a.lock", ".c.lock.ccpm-tmp", "github-rate-limit.json", ".state/q.queue",
                 ".state/.r.queue.ccpm-tmp", ".state/a.guard"):  # fmt: skip
        (locks / name).write_text("")
    assert store.list_locks() == ["a", "b"]
    assert store.list_queues() == ["q"]
    assert store.list_leftovers() == ["c", "r"]


def test_a_root_that_cannot_be_written_is_an_io_error(tmp_path: Path) -> None:
    (tmp_path / ".claude").write_text("a file")
    with pytest.raises(IOFailure, match="cannot create") as raised, Store(str(tmp_path)).transact("task-1"):
        pass
    assert raised.value.code == 74
