"""Bugs of the sync, each with the test that has to catch it; tests/sync/test_seeded_bugs.py tries them all.

The form is that of tests/crash/seeded_bugs.py: `old` is replaced by `new` in a copy of lib/`file`, `test` has to
fail, and `shows` has to be among its words.
"""

from __future__ import annotations

from crash.seeded_bugs import Bug

ONCE = "tests/unit/test_sync_once.py"
RELABEL = "tests/unit/test_sync_relabel.py::test_it_is_completed_wherever_it_is_killed"
WHERE = "ccpm/ops/sync"

SEEDED: list[Bug] = [
    {
        "name": "the intent is journaled after the request",
        "file": f"{WHERE}/once.py",
        "old": "        self.journal.append(entry)\n        return entry\n",
        "new": "        return entry\n",
        "test": f"{ONCE}::test_killed_around_a_request_the_next_run_makes_it_once[after]",
        "shows": "assert 2 == 1",
    },
    {
        "name": "an intent without a result is not looked up",
        "file": f"{WHERE}/once.py",
        "old": "            found = self._look_up(pending, look)\n            if found:\n                return self._record(found)\n        else:",
        "new": "            pass\n        else:",
        "test": f"{ONCE}::test_killed_around_a_request_the_next_run_makes_it_once[after]",
        "shows": "assert 2 == 1",
    },
    {
        "name": "a request without an answer is sent again at once",
        "file": f"{WHERE}/once.py",
        "old": "                found = self._look_up({**pending, **_moment()}, look)\n",
        "new": "                found = None\n",
        "test": f"{ONCE}::test_without_an_answer_it_looks_before_it_asks_again[after]",
        "shows": "assert 2 == 1",
    },
    {
        "name": "every error counts as a refusal",
        "file": f"{WHERE}/once.py",
        "old": "            except NOTHING_MADE:\n",
        "new": "            except Exception:\n",
        "test": f"{ONCE}::test_an_error_that_may_come_from_behind_the_request_is_no_refusal",
        "shows": "assert 2 == 1",
    },
    {
        "name": "the list is looked at only once",
        "file": "ccpm/core/retries.py",
        "old": "    for at in sorted(lookups):\n",
        "new": "    for at in sorted(lookups)[:1]:\n",
        "test": f"{ONCE}::test_a_list_that_lags_is_looked_at_again",
        "shows": "assert (2, 1) == (1, 3)",
    },
    {
        "name": "two issues with one marker are passed over",
        "file": f"{WHERE}/once.py",
        "old": "            if len(found) > 1:\n",
        "new": "            if False:\n",
        "test": f"{ONCE}::test_two_with_one_marker_are_never_passed_over",
        "shows": "DID NOT RAISE",
    },
    {
        "name": "tasks are given out while they get their numbers",
        "file": f"{WHERE}/epic.py",
        "old": "        self.session.block(_renamed(found))\n",
        "new": "",
        "test": "tests/unit/test_sync_and_work.py::test_nobody_gets_a_task_while_its_epic_is_synced",
        "shows": "DID NOT RAISE",
    },
    {
        "name": "a rename is not journaled",
        "file": f"{WHERE}/relabel.py",
        "old": '        if index > begun:\n            journal.append({"move": index})\n',
        "new": "",
        "test": RELABEL,
        "shows": "AssertionError",
    },
    {
        "name": "what was renamed before the kill is renamed again",
        "file": f"{WHERE}/relabel.py",
        "old": "        if index < begun or (index == begun and not os.path.lexists(source)):\n",
        "new": "        if not os.path.lexists(source):\n",
        "test": RELABEL,
        "shows": "AssertionError",
    },
    {
        "name": "a file that has its link is written again",
        "file": f"{WHERE}/relabel.py",
        "old": '    if "github" in edit and document.get_text("github") == edit["github"]:\n',
        "new": "    if False:\n",
        "test": RELABEL,
        "shows": "was written more than once",
    },
    {
        "name": "the tasks of an epic are renamed without regard to each other",
        "file": "ccpm/core/renumber.py",
        "old": "        free = next((old for old in pending if pending[old] not in taken), None)\n",
        "new": "        free = next(iter(pending))\n",
        "test": "tests/unit/test_core_renumber.py::test_every_order_of_renames_arrives_and_replaces_nothing",
        "shows": "would be replaced",
    },
    {
        "name": "a text that both sides changed is overwritten",
        "file": "ccpm/core/merge_fields.py",
        "old": "    return {LOCAL: local, REMOTE: remote}.get(prefer)\n",
        "new": "    return remote\n",
        "test": "tests/unit/test_core_merge_fields.py",
        "shows": "conflicts",
    },
]
