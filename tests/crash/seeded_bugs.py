"""Bugs of the file layer, each with the test that has to catch it (tests/crash/test_seeded_bugs.py tries them all).

`old` is replaced by `new` in the copy of lib/`file`; then `test` has to fail, and `shows` has to be among its words: it
fails for the reason that it is there for. A bug whose `old` is not found any more fails too: renew it then.
"""

from __future__ import annotations

from typing import TypedDict


class Bug(TypedDict):
    name: str
    file: str
    old: str
    new: str
    test: str
    shows: str


KILL = "tests/crash/test_kill_sweep.py::test_a_kill_at_any_call_leaves_old_or_new_and_nothing_in_the_way"
FAULT = "tests/crash/test_faults.py::test_any_call_may_fail_and_nothing_is_lost"
SHORT = "tests/crash/test_faults.py::test_a_short_write_is_continued"
COUNTER = (
    "tests/crash/test_write_order.py"
    "::test_the_counter_is_on_disk_before_a_record_shows_a_token_that_it_could_forget"
)
ORDER = "tests/crash/test_write_order.py::test_new_content_is_written_synced_renamed_and_its_directory_synced"

SEEDED: list[Bug] = [
    {
        "name": "the new file is not synced",
        "file": "ccpm/files/atomic.py",
        "old": "            if durable:\n                os.fsync(descriptor)\n",
        "new": "",
        "test": f"{ORDER}[AtomicWrite]",
        "shows": "no ('fsync', 'fdatasync') of ('.notes.txt.ccpm-tmp',)",
    },
    {
        "name": "the directory is not synced after the rename",
        "file": "ccpm/files/atomic.py",
        "old": "    if durable:\n"
        '        sync_directory(os.path.dirname(path), f"{path} has its new content, but")\n',
        "new": "",
        "test": f"{ORDER}[Renew]",
        "shows": "no ('fsync', 'fdatasync') of ('.claude/locks',)",
    },
    {
        "name": "the record of a lease without a process is not synced",
        "file": "ccpm/core/leases.py",
        "old": "    return not all(lease.owner.pid > 0 and",
        "new": "    return not all(",
        "test": f"{ORDER}[Acquire]",
        "shows": "no ('fsync', 'fdatasync') of ('.claude/locks/.task-1.lock.ccpm-tmp',)",
    },
    {
        "name": "the record of a process's lease waits for the disk",
        "file": "ccpm/core/leases.py",
        "old": "    return not all(lease.owner.pid > 0 and",
        "new": "    return not all(lease.owner.pid < 0 and",
        "test": "tests/crash/test_write_order.py::test_a_lease_that_ends_with_its_process_waits_for_no_disk",
        "shows": "assert not",
    },
    {
        "name": "the rename comes before the sync",
        "file": "ccpm/files/atomic.py",
        "old": "            if durable:\n                os.fsync(descriptor)\n",
        "new": "            os.rename(temporary, path)\n            os.fsync(descriptor)\n            os.link(path, temporary)\n",
        "test": f"{ORDER}[AtomicWrite]",
        "shows": "no ('fsync', 'fdatasync') of ('.notes.txt.ccpm-tmp',)",
    },
    {
        "name": "an existing file is written in place",
        "file": "ccpm/files/atomic.py",
        "old": "    temporary = temporary_of(path)\n    try:\n",
        "new": "    temporary = temporary_of(path)\n    if os.path.isfile(path):\n        with open(path, 'wb') as file:\n"
        "            file.write(data)\n        return\n    try:\n",
        "test": f"{KILL}[AtomicWrite]",
        "shows": "torn: 0 bytes",
    },
    {
        "name": "what a killed writer left is not swept",
        "file": "ccpm/files/atomic.py",
        "old": "        os.unlink(temporary)\n        return os.open",
        "new": "        return os.open",
        "test": f"{KILL}[Renew]",
        "shows": "File exists",
    },
    {
        "name": "a failed write leaves its temporary file",
        "file": "ccpm/files/atomic.py",
        "old": "        try:\n            os.unlink(temporary)\n        except OSError:\n            pass\n        raise io_failure",
        "new": "        raise io_failure",
        "test": f"{FAULT}[AtomicWrite]",
        "shows": "left ['.notes.txt.ccpm-tmp']",
    },
    {
        "name": "a full disk is passed over in silence",
        "file": "ccpm/files/atomic.py",
        "old": '        raise io_failure(f"write {path}", error) from error\n',
        "new": "        if error.errno != errno.ENOSPC:\n"
        '            raise io_failure(f"write {path}", error) from error\n        return\n',
        "test": f"{FAULT}[AtomicWrite]",
        "shows": "AssertionError",
    },
    {
        "name": "a short write is taken for a whole one",
        "file": "ccpm/files/atomic.py",
        "old": "    while view:\n        view = view[os.write(descriptor, view) :]\n",
        "new": "    os.write(descriptor, view)\n",
        "test": f"{SHORT}[AtomicWrite]",
        "shows": "AssertionError",
    },
    {
        "name": "the mode of the old file is lost",
        "file": "ccpm/files/atomic.py",
        "old": "    os.fchmod(descriptor, stat.S_IMODE(before.st_mode) if mode is None else mode)\n",
        "new": "",
        "test": f"{KILL}[AtomicAppend]",
        "shows": "mode 644",
    },
    {
        "name": "a short write of the fencing counter is taken for a whole one",
        "file": "ccpm/files/store.py",
        "old": "            while at < len(data):\n                at += os.pwrite(descriptor, data[at:], at)\n",
        "new": "            os.pwrite(descriptor, data, at)\n",
        "test": f"{SHORT}[Acquire]",
        "shows": "AssertionError",
    },
    {
        "name": "the fencing counter is not synced",
        "file": "ccpm/files/store.py",
        "old": "                _sync_data(descriptor)\n",
        "new": "                pass\n",
        "test": f"{COUNTER}[batch is full-Acquire]",
        "shows": "no ('fsync', 'fdatasync') of ('.claude/locks/.state/task-1.guard',)",
    },
    {
        "name": "the fencing counter goes on after a power cut where the disk has it",
        "file": "ccpm/files/store.py",
        "old": "(1 if is_synced or not boot or not counted else BATCH)",
        "new": "1",
        "test": "tests/unit/test_files_store.py::test_no_power_cut_and_no_reboot_brings_a_token_back",
        "shows": "assert token > newest",
    },
    {
        "name": "a batch of tokens that is used up is not synced",
        "file": "ccpm/files/store.py",
        "old": "            if not is_synced or token // BATCH > counted // BATCH:\n",
        "new": "            if not is_synced:\n",
        "test": f"{COUNTER}[batch is full-Acquire]",
        "shows": "no ('fsync', 'fdatasync') of ('.claude/locks/.state/task-1.guard',)",
    },
    {
        "name": "the name of a new counter is not synced",
        "file": "ccpm/files/store.py",
        "old": "        if not text:  #",
        "new": "        if False:  #",
        "test": "tests/crash/test_write_order.py"
        "::test_the_first_token_of_a_resource_syncs_the_name_of_its_counter",
        "shows": "no ('fsync', 'fdatasync') of ('.claude/locks/.state',)",
    },
    {
        "name": "the guard is removed when it is let go",
        "file": "ccpm/files/guard.py",
        "old": "        os.close(descriptor)  # closing",
        "new": "        os.path.isfile(self.path) and os.unlink(self.path)\n        os.close(descriptor)  # closing",
        "test": "tests/crash/test_write_order.py::test_a_guard_is_never_renamed_unlinked_or_truncated",
        "shows": "assert not [Call(name='unlink",
    },
    {
        "name": "the record is published outside the guard",
        "file": "ccpm/files/plain.py",
        "old": "        atomic.replace(self.path, data, mode)\n",
        "new": "        self._guard.__exit__()\n        atomic.replace(self.path, data, mode)\n        self._guard.__enter__()\n",
        "test": "tests/crash/test_write_order.py::test_everything_is_published_under_the_guard[AtomicWrite]",
        "shows": "AssertionError",
    },
    {
        "name": "dead waiters stay in the queue",
        "file": "ccpm/ops/locking/lock_state.py",
        "old": "    if state.has_dead_waits:\n",
        "new": "    if False:\n",
        "test": f"{KILL}[WaitInVain]",
        "shows": "task-1.queue",
    },
    {
        "name": "the bell is hung up before the queue names it",
        "file": "ccpm/ops/locking/waiting.py",
        "old": "                self.mine = self._take_ticket(state)\n",
        "new": "                self.mine = self._take_ticket(state)\n"
        "                self.bell = store.open_bell(request.resource, self.mine.ticket)\n",
        "test": f"{KILL}[WaitInVain]",
        "shows": ".bell",
    },
    {
        "name": "a lease that could not be synced stays",
        "file": "ccpm/ops/locking/locks.py",
        "old": "        _withdraw(txn, state, record)\n",
        "new": "",
        "test": f"{FAULT}[Acquire]",
        "shows": "exit 74, but the resource is held",
    },
    {
        "name": "a token that could not be printed keeps the lease",
        "file": "ccpm/cli/lock.py",
        "old": "        locks.release(store, args.resource, lease.owner, lease.token)\n        if isinstance",
        "new": "        if isinstance",
        "test": "tests/crash/test_faults.py::test_a_token_that_cannot_be_printed_gives_the_lease_back[EIO]",
        "shows": "AssertionError",
    },
]
