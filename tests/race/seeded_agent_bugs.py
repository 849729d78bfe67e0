"""Bugs of agents, claims, grants and burials, each with the test that has to catch it; see tests/crash/seeded_bugs.py."""

from __future__ import annotations

from crash.seeded_bugs import Bug

RACE = "tests/race/test_agents.py::"
UNIT = "tests/unit/"


def _bug(name: str, file: str, old: str, new: str, test: str, shows: str = "AssertionError") -> Bug:
    return {"name": name, "file": f"ccpm/{file}", "old": old, "new": new, "test": test, "shows": shows}


SEEDED: list[Bug] = [
    _bug(
        "claims of two epics are decided at the same time",
        "ops/team/streams.py",
        "    with actor.store.transact(_CLAIMS):\n",
        "    if actor:\n",
        f"{RACE}test_of_claims_that_overlap_exactly_one_wins_in_each_race",
    ),
    _bug(
        "what was seen before the guard is believed under it",
        "ops/team/streams.py",
        "        others = _others(actor, epic)\n",
        "        others = look\n",
        f"{RACE}test_of_claims_that_overlap_exactly_one_wins_in_each_race",
    ),
    _bug(
        "the dead of other epics stand in the way",
        "ops/team/streams.py",
        "            registries.bury_in(actor.store, [name])\n",
        "",
        f"{RACE}test_an_agent_whose_process_is_killed_loses_streams_leases_and_claims_in_one_step",
    ),
    _bug(
        "a dead agent keeps its leases",
        "ops/team/registries.py",
        '        ended = agent_leases.end(store, agent.id, held.get(agent.id, []), f"{agent.id} is dead: {why}")\n',
        "        ended: list[str] = []\n",
        f"{RACE}test_an_agent_whose_process_is_killed_loses_streams_leases_and_claims_in_one_step",
    ),
    _bug(
        "nobody who waits for a lock looks whether its agent lives",
        "ops/locking/waiting.py",
        "    return registries.bury_if_dead(store, holders)\n",
        "    return False\n",
        f"{RACE}test_a_lock_that_a_dead_agent_held_is_to_be_had_at_once",
    ),
    _bug(
        "a grant passes every stream",
        "ops/team/ownership.py",
        "or stream.owner in granted:",
        "or granted:",
        f"{UNIT}test_ownership.py::test_a_grant_passes_the_stream_of_the_agent_that_gave_it_and_no_other",
    ),
    _bug(
        "the copy in a worktree is another file",
        "files/checkout.py",
        'os.path.lexists(os.path.join(folder, ".git")) and root',
        "False and root",
        f"{UNIT}test_ownership.py::test_the_copy_in_a_linked_worktree_is_the_same_file",
    ),
    _bug(
        "a dead agent keeps its locks on files until they expire",
        "ops/team/lives.py",
        "if lease.owner.pid or not dead_in(store, {lease.owner.agent})]",
        "]",
        f"{UNIT}test_ownership.py::test_a_file_lock_that_no_process_holds_is_over_with_its_agent",
    ),
    _bug(
        "a broken registry makes the files of all others free",
        "ops/team/ownership.py",
        "    if broken and not found and",
        "    if broken and",
        f"{UNIT}test_ownership.py::test_a_registry_that_cannot_be_read_hides_no_claim_of_another_and_makes_no_file_free",
        "Malformed",
    ),
    _bug(
        "the end of a turn gives tasks away that were begun",
        "ops/claude/hook_sessions.py",
        " if not agent_leases.is_ownership(name, lease)]",
        "]",
        f"{UNIT}test_hooks.py::test_at_the_end_of_a_turn_the_tasks_and_files_that_an_agent_has_stay_its_own",
    ),
    _bug(
        "a large folder is let through when its first files are nobody's",
        "ops/claude/hook_changes.py",
        "            return reason or _denial_below(call, target)\n",
        "            return reason\n",
        f"{UNIT}test_hooks.py::test_a_folder_is_looked_at_as_far_as_its_last_file",
    ),
]
