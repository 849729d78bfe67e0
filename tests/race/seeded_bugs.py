"""Bugs of locks, leases, fences and the queue, each with the test that has to catch it; see tests/crash/seeded_bugs.py.

They are those that an implementation of locks in files is prone to: each was made by somebody, somewhere.
"""

from __future__ import annotations

from crash.seeded_bugs import Bug


def _bug(name: str, file: str, old: str, new: str, test: str, shows: str = "AssertionError") -> Bug:
    return {
        "name": name,
        "file": f"ccpm/{file}",
        "old": old,
        "new": new,
        "test": f"tests/race/test_{test}",
        "shows": shows,
    }


SEEDED: list[Bug] = [
    _bug(
        "the fence is not checked",
        "ops/locking/fences.py",
        "                    check(store, resource, token)\n",
        "",
        "fencing.py::test_the_executable_refuses_a_write_with_a_fence_that_was_taken_over",
    ),
    _bug(
        "the fence is checked before its guard is taken, and the guard not kept",
        "ops/locking/fences.py",
        "                    self._held.append(txn)\n",
        "                    txn.__exit__()\n",
        "fencing.py::test_no_takeover_comes_between_the_check_of_a_fence_and_the_publication",
    ),
    _bug(
        "a fence holds as long as nobody took over, expired or not",
        "ops/locking/fences.py",
        "    lease = leases.find_token(state.holders, token)\n",
        "    lease = leases.find_token([*state.holders, *(old for old, _ in state.stale)], token)\n",
        "fencing.py::test_a_write_with_an_expired_fence_is_refused_although_nobody_took_over",
    ),
    _bug(
        "run does not hand its fence to the command",
        "ops/locking/guarded_run.py",
        '            "CCPM_FENCE": names.format_fences(carried),\n',
        "",
        "fencing.py::test_a_command_below_run_writes_with_the_fence_of_run",
    ),
    _bug(
        "an owner is judged by its pid alone",
        "files/process.py",
        '    return bool(start) and (UNKNOWN in (start, owner.pid_start) or owner.pid_start in ("", start))\n',
        "    return bool(start)\n",
        "recovery.py::test_a_pid_that_was_given_to_another_process_does_not_keep_the_lock",
    ),
    _bug(
        "who cannot tell its boot takes over all others",
        "core/leases.py",
        ' != boot_id != "":\n',
        " != boot_id:\n",
        "recovery.py::test_one_who_cannot_see_the_boot_takes_no_live_lock_over",
    ),
    _bug(
        "the fences of another project are not checked",
        "ops/locking/fences.py",
        "        if elsewhere:\n",
        "        if False:\n",
        "fencing.py::test_a_late_writer_is_refused_from_within_another_project_too",
    ),
    _bug(
        "a reboot ends nothing",
        "core/leases.py",
        '"" != owner.boot_id != boot_id != "":\n',
        "False:\n",
        "recovery.py::test_a_process_bound_lock_of_an_earlier_boot_of_this_host_does_not_count",
    ),
    _bug(
        "expiry is judged by the wall clock alone",
        "core/leases.py",
        "    if is_same_boot(lease, now) and lease.expires_boot:\n        return",
        "    if False:\n        return",
        "recovery.py::test_a_wall_clock_that_jumps_ends_no_lease_and_prolongs_none",
    ),
    _bug(
        "the clock of another host is trusted to the second",
        "core/leases.py",
        "    return lease.expires + SKEW - now.wall\n",
        "    return lease.expires - now.wall\n",
        "recovery.py::test_another_host_gets_ten_seconds_of_grace_for_its_clock",
    ),
    _bug(
        "an unreadable record is broken at once",
        "core/leases.py",
        "    return record.age > min(DEFAULT_TTL, now.boot)\n",
        "    return True\n",
        "recovery.py::test_an_unreadable_record_counts_as_held_until_it_is_older_than_the_ttl",
    ),
    _bug(
        "a renewal brings an expired lease back to life",
        "ops/locking/locks.py",
        "        lease = _find(state, resource, owner, token)\n",
        "        state.holders += [old for old, _ in state.stale]\n"
        "        lease = _find(state, resource, owner, token)\n",
        "recovery.py::test_an_expired_lease_is_not_renewed_although_nobody_took_it",
    ),
    _bug(
        "run does not renew",
        "ops/locking/held.py",
        "        if not self._leases or clock.boot() < self._due:\n",
        "        if True:\n",
        "recovery.py::test_a_run_keeps_its_lease_for_longer_than_its_ttl",
    ),
    _bug(
        "run lets its command go on without the lease",
        "ops/locking/guarded_run.py",
        "            child.stop(held.grace(GRACE))\n            raise\n",
        "            child.wait(None)\n            raise\n",
        "recovery.py::test_a_run_that_was_stopped_past_its_lease_stops_its_command_and_ends_with_11",
    ),
    _bug(
        "a stale lock is taken over outside the guard that it was looked at in",
        "ops/locking/locks.py",
        "    with store.transact(request.resource, max(request.timeout, SHORT)) as txn:\n"
        "        txn.sweep(store.lock_path(request.resource))\n        state = look(store, request.resource)\n",
        "    state = look(store, request.resource)\n    with store.transact(request.resource) as txn:\n"
        "        txn.sweep(store.lock_path(request.resource))\n",
        "takeover.py::test_so_it_is_when_the_owner_is_gone_in_another_way[pid reused]",
        "is not the current one",
    ),
    _bug(
        "the guard is unlinked when it is let go",
        "files/guard.py",
        "        os.close(descriptor)  # closing",
        "        os.path.isfile(self.path) and os.unlink(self.path)\n        os.close(descriptor)  # closing",
        "takeover.py::test_so_it_is_when_the_owner_is_gone_in_another_way[expired]",
    ),
    _bug(
        "a token is given out again",
        "files/store.py",
        "            token = max(counted, at_least) + (1 if is_synced or not boot or not counted else BATCH)\n",
        "            token = max(counted, at_least, 1)\n",
        "takeover.py::test_so_it_is_when_the_owner_is_gone_in_another_way[rebooted]",
    ),
    _bug(
        "shared requests get in beside an exclusive holder",
        "core/leases.py",
        "    return not holders or (mode == SHARED and all(lease.mode == SHARED for lease in holders))\n",
        "    return not holders or mode == SHARED\n",
        "sharing.py::test_the_executable_lets_shared_holders_in_together_and_an_exclusive_one_alone",
    ),
    _bug(
        "whoever comes takes what is free, whoever waits",
        "ops/locking/lock_state.py",
        "    return not any(\n",
        "    return True or not any(\n",
        "waiting.py::test_who_comes_when_it_is_free_but_awaited_does_not_push_in",
        "got it",
    ),
    _bug(
        "a stopped waiter holds everybody up",
        "ops/locking/lock_state.py",
        "        and store.bell(other.resource, other.ticket).silence() < PRESENT\n",
        "",
        "waiting.py::test_a_stopped_waiter_holds_nobody_up_although_the_clock_was_set_back",
    ),
    _bug(
        "a release rings nobody",
        "ops/locking/locks.py",
        "    ring_next(store, resource, state.queue)  # a dead",
        "    pass  # a dead",
        "waiting.py::test_the_lock_is_handed_over_by_ringing_and_not_found_by_polling",
        "scene queue.hand_over failed",
    ),
    _bug(
        "nobody looks for deadlocks",
        "ops/locking/waiting.py",
        "        if not self.request.refuse_deadlock or",
        "        if True or",
        "deadlock.py::test_an_agent_that_asks_again_for_what_it_holds_is_told_so",
    ),
    _bug(
        "several resources are taken in the order in which they are named",
        "ops/locking/guarded_run.py",
        "        for request in sorted(requests, key=lambda request: request.resource):\n",
        "        for request in requests:\n",
        "deadlock.py::test_runs_that_name_several_resources_in_any_order_do_not_deadlock",
    ),
]
