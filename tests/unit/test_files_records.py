"""The text of lock records and queues: what is written is read again, and garbage is never a guess."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from ccpm.core.deadlock import Wait
from ccpm.core.leases import EXCLUSIVE, SHARED, Lease, Owner, Unreadable
from ccpm.core.names import ALLOWED
from ccpm.files import records

LAST = 253402300799

names = st.text(alphabet=sorted(ALLOWED), min_size=1, max_size=40)
words = st.text(alphabet="0123456789abcdef-", max_size=36)
texts = st.text(max_size=60)
owners = st.builds(Owner, names, st.integers(0, 1 << 22), words, words, words, names)
boots = st.integers(0, 10**14).map(lambda micros: micros / 1e6)
seconds = st.integers(0, LAST).map(float)
extras = st.dictionaries(st.sampled_from(["note", "later_key"]), st.text(alphabet="abc: #\"'", max_size=9))


def leases(mode: str) -> st.SearchStrategy[Lease]:
    ttls = st.integers(1, 604800).map(float)
    tokens = st.integers(1, 10**19)
    return st.builds(
        Lease, owners, texts, tokens, st.just(mode), ttls, seconds, seconds, boots, extras, boots
    )


waits = st.builds(
    lambda owner, pid, start, mode, ticket, since, carried: Wait(
        "task-1",
        owner,
        Owner(owner.agent, pid, start, owner.boot_id, owner.pid_space, owner.host),
        mode,
        ticket,
        since,
        carried,
    ),
    owners,
    st.integers(1, 1 << 22),
    words,
    st.sampled_from([EXCLUSIVE, SHARED]),
    st.integers(1, 10**17),
    seconds,
    st.dictionaries(names, st.integers(1, 10**9), max_size=3),
)


def content(value: object) -> object:
    """What an object with slots consists of."""
    slots = getattr(value, "__slots__", None)
    return {name: content(getattr(value, name)) for name in slots} if slots else value


def a_lease(**changes: object) -> Lease:
    owner = Owner("agent-1", 4711, "99", "b00t", "4026531836", "build-7")
    lease = Lease(owner, "epic_sync", 42, EXCLUSIVE, 300.0, 1762229781.0, 1762230081.0, 400.5, {}, 100.5)
    for name, value in changes.items():
        setattr(lease, name, value)
    return lease


def a_wait(ticket: int) -> Wait:
    owner = Owner("agent-1", 4711, "99", "b00t", "4026531836", "build-7")
    return Wait("task-1", owner, owner, EXCLUSIVE, ticket, 1762229781.0, {"epic-a": 3})


def forget() -> None:
    """As another process would start."""
    records._lines.clear()
    records._waits.clear()


def read(data: bytes) -> list[Lease]:
    found = records.decode_lock(data, 0.0)
    assert not isinstance(found, Unreadable), found.reason
    return found


@given(leases(EXCLUSIVE))
def test_an_exclusive_lock_is_read_as_it_was_written(lease: Lease) -> None:
    (found,) = read(records.encode_lock([lease]))
    assert content(found) == content(lease)


@given(st.lists(leases(SHARED), min_size=1, max_size=4))
def test_a_shared_lock_is_read_as_it_was_written(holders: list[Lease]) -> None:
    found = read(records.encode_lock(holders))
    for lease in holders:
        lease.extra = holders[0].extra  # unknown keys are those of the record
    assert [content(lease) for lease in found] == [content(lease) for lease in holders]


def test_the_text_is_the_documented_one() -> None:
    assert records.encode_lock([a_lease()]).decode().split("\n")[:7] == [
        "---", "agent_id: agent-1", "pid: 4711", "acquired: 2025-11-04T04:16:21Z", "expires: 2025-11-04T04:21:21Z",
        "operation: epic_sync", "token: 42",
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore::ruamel.yaml.error.MantissaNoDotYAML1_1Warning")
@settings(max_examples=40)
@given(leases(EXCLUSIVE))
@example(a_lease(operation="null"))
@example(a_lease(operation="007"))
@example(a_lease(operation="1e3"))
@example(a_lease(operation="Yes"))
@example(a_lease(operation="a: b # c"))
def test_any_yaml_reader_sees_the_same_texts(lease: Lease) -> None:
    lease.extra = {}
    assume(lease.operation.isprintable() or max(lease.operation) <= "\uffff")  # see records._quote
    text = records.encode_lock([lease]).decode()
    for version in ("1.1", "1.2"):
        yaml = YAML(typ="safe", pure=True)
        yaml.version = version
        found = yaml.load(text.split("---\n")[1])
        assert (found["agent_id"], found["host"]) == (lease.owner.agent, lease.owner.host)
        assert found["operation"] == lease.operation
        assert (found["pid"], found["token"]) == (lease.owner.pid, lease.token)


def test_unknown_keys_are_kept_as_they_are_written() -> None:
    data = records.encode_lock([a_lease()]).replace(b"token:", b'later: [1, "two"]\ntoken:')
    (lease,) = read(data)
    assert lease.extra == {"later": '[1, "two"]'}
    assert b'\nlater: [1, "two"]\n' in records.encode_lock([lease])


def test_the_six_keys_of_the_specification_are_enough() -> None:
    data = (
        b"---\nagent_id: agent-1\npid: 12\nacquired: 2025-11-04T04:16:21Z\nexpires: 2025-11-04T04:21:21Z\n"
        b"operation: x\n---\n"
    )
    (lease,) = read(data)
    assert (lease.owner.agent, lease.owner.pid, lease.token, lease.mode) == ("agent-1", 12, 0, EXCLUSIVE)


def broken(old: str, new: str) -> bytes:
    data = records.encode_lock([a_lease()]).decode()
    assert data.count(old) == 1
    return data.replace(old, new).encode("utf-8", "surrogateescape")


SHARED_RECORD = records.encode_lock([a_lease(mode=SHARED)])
GARBAGE = {
    "empty": b"",
    "zeros": bytes(300),
    "no utf-8": broken("epic_sync", "\udcff"),
    "html": b"<!DOCTYPE html><p>503</p>",
    "cut at the end": records.encode_lock([a_lease()])[:-4],
    "cut at the start": records.encode_lock([a_lease()])[4:],
    "a merge conflict": broken("pid: 4711", "<<<<<<< HEAD\npid: 4711\n=======\npid: 4712\n>>>>>>> other"),
    "a key twice": broken("pid: 4711", "pid: 4711\npid: 1"),
    "no agent": broken("agent_id: agent-1\n", ""),
    "no pid": broken("pid: 4711\n", ""),
    "a pid that is none": broken("pid: 4711", "pid: x"),
    "no time": broken("2025-11-04T04:21:21Z", "later"),
    "never": broken("expires_boot: 400.500000", "expires_boot: inf"),
    "not a number": broken("expires_boot: 400.500000", "expires_boot: nan"),
    "an endless ttl": broken("ttl: 300", "ttl: 1e999"),
    "a quoted list": broken("operation: epic_sync", 'operation: "a" "b"'),
    "no holder": SHARED_RECORD.replace(b"holders: [", b"holders: []#["),
    "an empty list of holders": b"\n".join(
        line if not line.startswith(b"holders") else b"holders: []" for line in SHARED_RECORD.split(b"\n")
    ),
    "holders that are numbers": b"\n".join(
        line if not line.startswith(b"holders") else b"holders: [1, 2]" for line in SHARED_RECORD.split(b"\n")
    ),
    "a holder without a name": SHARED_RECORD.replace(b'"agent_id": "agent-1"', b'"agent_id": null'),
    "a holder whose name is a list": SHARED_RECORD.replace(b'"agent_id": "agent-1"', b'"agent_id": ["a"]'),
    "nested too deep": SHARED_RECORD.replace(b"holders: [", b"holders: " + b"[" * 100_000),
    "longer than any": broken("epic_sync", "x" * records.LONGEST),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_whole_record_is_unreadable_with_a_reason(name: str) -> None:
    found = records.decode_lock(GARBAGE[name], 12.5)
    assert isinstance(found, Unreadable)
    assert found.age == 12.5
    assert 0 < len(found.reason) <= 200


@given(
    st.sampled_from([records.encode_lock([a_lease()]), SHARED_RECORD]),
    st.lists(st.tuples(st.integers(0, 600), st.integers(0, 40), st.binary(max_size=12)), max_size=4),
)
def test_a_damaged_record_is_unreadable_or_a_whole_lease(
    data: bytes, damages: list[tuple[int, int, bytes]]
) -> None:
    for position, length, garbage in damages:
        data = data[:position] + garbage + data[position + length :]
    found = records.decode_lock(data, 0.0)
    if not isinstance(found, Unreadable):
        for lease in found:
            assert math.isfinite(lease.expires_boot)
            assert math.isfinite(lease.ttl)
            json.dumps(records.describe(lease))
        assert [content(lease) for lease in read(records.encode_lock(found))]


@given(st.lists(waits, max_size=4))
def test_a_queue_is_read_as_it_was_written_by_its_writer_and_by_others(queue: list[Wait]) -> None:
    data = records.encode_queue(queue)
    for reader in ("its writer", "another process", "the same again"):
        if reader == "another process":
            forget()
        found = records.decode_queue("task-1", data)
        assert [content(wait) for wait in found] == [content(wait) for wait in queue]
        assert records.encode_queue(found) == data


def test_what_is_remembered_of_queues_is_bounded() -> None:
    forget()
    wait = records.decode_queue("task-1", records.encode_queue([a_wait(1)]))[0]
    for ticket in range(2 * records.MANY):
        (found,) = records.decode_queue("task-1", records.encode_queue([a_wait(ticket)]))
        assert found.ticket == ticket
        assert len(records._lines) <= records.MANY
        assert len(records._waits) <= records.MANY
    assert wait.ticket == 1


def test_the_same_line_in_two_queues_is_two_waits() -> None:
    data = records.encode_queue([a_wait(1)])
    assert [records.decode_queue(name, data)[0].resource for name in ("task-1", "task-2")] == [
        "task-1",
        "task-2",
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"{}",
        b"[1]",
        b"[{}]",
        b"null",
        b"[" * 100_000,
        b'[{"ticket": 1}]',
        bytes(99),
        b"[\n{}\n]\n",
        b"[\n\n]\n",
        b"[\n]\n{}",
        b'[\n{"ticket": 1}\n]\n',
        b"[\n" + b"[" * 100_000 + b"\n]\n",
    ],
)
def test_a_garbled_queue_is_empty(data: bytes) -> None:
    assert records.decode_queue("task-1", data) == []


@given(st.lists(waits, min_size=1, max_size=2), st.integers(0, 700), st.binary(max_size=9))
def test_a_damaged_queue_is_never_an_error(queue: list[Wait], position: int, garbage: bytes) -> None:
    data = records.encode_queue(queue)
    forget()
    found = records.decode_queue("task-1", data[:position] + garbage + data[position + len(garbage) :])
    records.encode_queue(found)


def test_a_description_has_numbers_where_the_file_has() -> None:
    described = records.describe(a_lease())
    assert {name: described[name] for name in ("agent_id", "pid", "token", "ttl", "pid_start")} == {
        "agent_id": "agent-1", "pid": 4711, "token": 42, "ttl": 300.0, "pid_start": "99",
    }  # fmt: skip
