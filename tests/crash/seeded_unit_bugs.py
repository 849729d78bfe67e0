"""Bugs of the files room and of supervised commands that the unit tests have to catch; see seeded_bugs.py."""

from __future__ import annotations

from crash.seeded_bugs import Bug


def _bug(name: str, file: str, old: str, new: str, test: str, shows: str = "AssertionError") -> Bug:
    return {
        "name": name,
        "file": f"ccpm/{file}",
        "old": old,
        "new": new,
        "test": f"tests/unit/test_files_{test}",
        "shows": shows,
    }


SEEDED: list[Bug] = [
    _bug(
        "a pid alone names a process",
        "files/process.py",
        '    return bool(start) and (UNKNOWN in (start, owner.pid_start) or owner.pid_start in ("", start))\n',
        "    return bool(start)\n",
        "process.py::test_another_process_with_the_same_pid_is_not_the_owner",
    ),
    _bug(
        "a process whose main thread has ended counts as gone",
        "files/process.py",
        " and int(fields[17]) <= 1 else",
        " else",
        "process.py::test_a_process_whose_main_thread_has_ended_lives_while_another_thread_runs",
    ),
    _bug(
        "the guard of a file depends on where the project is mounted",
        "files/plain.py",
        "crc32(key.encode())",
        "crc32(os.fsencode(path))",
        "plain.py::test_a_long_name_has_one_guard_wherever_the_project_is_mounted",
    ),
    _bug(
        "a zombie counts as running",
        "files/process.py",
        'fields[0] in ("Z", "X") and',
        'fields[0] in ("X",) and',
        "process.py::test_a_zombie_counts_as_gone",
    ),
    _bug(
        "pids of another namespace are taken for ours",
        "files/process.py",
        " or owner.pid_space != pid_space():",
        ":",
        "process.py::test_a_process_in_its_own_pid_namespace_does_not_call_ours_dead",
    ),
    _bug(
        "a guard deleted by hand is held on to",
        "files/guard.py",
        "                if _is_same_inode(descriptor, self.path):\n",
        "                if True:\n",
        "guard.py::test_a_guard_deleted_by_hand_while_one_waits_is_opened_anew",
        "FileNotFoundError",
    ),
    _bug(
        "children inherit the guard",
        "files/guard.py",
        "                    self.descriptor, descriptor = descriptor, -1\n",
        "                    os.set_inheritable(descriptor, True)\n"
        "                    self.descriptor, descriptor = descriptor, -1\n",
        "guard.py::test_a_program_started_under_the_guard_does_not_keep_it",
        "ccpm.errors.Busy",
    ),
    _bug(
        "giving up leaves the guard open",
        "files/guard.py",
        "                if descriptor >= 0:\n                    os.close(descriptor)\n",
        "                pass\n",
        "guard.py::test_giving_up_leaves_no_descriptor_open",
    ),
    _bug(
        "the owner is lost",
        "files/atomic.py",
        "                os.fchown(descriptor, owner, group)\n",
        "                pass\n",
        "atomic.py::test_owner_and_group_stay",
    ),
    _bug(
        "a damaged counter starts again",
        "files/store.py",
        '    return int(time.time()) if text.strip(b"\\0") else 0\n',
        "    return 0\n",
        "store.py::test_a_counter_that_somebody_wrote_into_gives_larger_tokens_than_before",
    ),
    _bug(
        "a ring into a full bell blocks",
        "files/bell.py",
        "os.O_WRONLY | os.O_NONBLOCK)",
        "os.O_RDWR)",
        "bell.py::test_a_bell_nobody_listens_to_does_not_ring",
    ),
    _bug(
        "unknown keys of a record are lost",
        "files/records.py",
        "        extra = {key: value for key, value in raw.items() if key not in _KNOWN}\n",
        "        extra: dict[str, str] = {}\n",
        "records.py::test_unknown_keys_are_kept_as_they_are_written",
    ),
    _bug(
        "a lease may end at nan",
        "files/records.py",
        "    if value - value != 0:\n",
        "    if False:\n",
        "records.py::test_what_is_no_whole_record_is_unreadable_with_a_reason",
    ),
    _bug(
        "a linked worktree is its own root",
        "files/root.py",
        "            return _main_worktree(git, folder)\n",
        "            return folder\n",
        "root.py::test_an_agent_worktree_inside_claude_has_the_root_around_it",
    ),
    _bug(
        "a second rotation within a second overwrites the first",
        "files/events.py",
        '    unique = f"{time.time_ns() % 10**9:09d}-{os.getpid()}"',
        '    unique = f"{os.getpid()}"',
        "events.py::test_rotations_within_one_second_overwrite_no_log",
    ),
    _bug(
        "nobody stands guard over the command",
        "external/child.py",
        "            self._post_guardian()\n",
        "",
        "child.py::test_a_command_whose_supervisor_is_killed_ends_at_once",
        "runs on",
    ),
    _bug(
        "a signal before the start of the command is lost",
        "external/child.py",
        "signal.pthread_sigmask(signal.SIG_BLOCK, [getattr(signal, name) for name in _FORWARDED])",
        "signal.pthread_sigmask(signal.SIG_BLOCK, [])",
        "child.py::test_a_signal_that_comes_while_the_command_starts_is_not_lost",
        "TimeoutExpired",
    ),
    _bug(
        "Ctrl-C is passed on to a command that has got it already",
        "external/child.py",
        "        if self._pid and not from_terminal:\n",
        "        if self._pid:\n",
        "child.py::test_ctrl_c_on_a_terminal_reaches_the_command_once",
    ),
    _bug(
        "on a terminal the command is put into the background",
        "external/child.py",
        "        self._group = not _has_terminal()\n",
        "        self._group = True\n",
        "child.py::test_on_a_terminal_the_command_can_read_it",
    ),
    _bug(
        "a command whose input is not the terminal is put into its background",
        "external/child.py",
        "        return os.tcgetpgrp(terminal) == os.getpgrp()\n",
        "        return False\n",
        "child.py::test_a_command_may_ask_at_the_terminal_when_its_streams_lead_elsewhere",
    ),
    _bug(
        "the guardian holds on what another thread has locked",
        "external/child.py",
        "        os.closerange(3, reader)\n",
        "",
        "child.py::test_the_guardian_holds_no_guard_on",
        "held for more than",
    ),
    _bug(
        "the command inherits ignored signals",
        "external/child.py",
        "            for number in (signal.SIGPIPE, signal.SIGXFSZ, *self._old):\n",
        "            for number in self._old:\n",
        "child.py::test_the_command_starts_with_default_signals_and_no_descriptor_of_ours",
    ),
]
