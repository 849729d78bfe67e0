"""Bugs of worktrees and merges, each with the test that has to catch it; see tests/crash/seeded_bugs.py."""

from __future__ import annotations

from crash.seeded_bugs import Bug


def _bug(name: str, file: str, old: str, new: str, test: str, shows: str = "AssertionError") -> Bug:
    return {
        "name": name,
        "file": f"ccpm/{file}",
        "old": old,
        "new": new,
        "test": f"tests/worktrees/test_{test}",
        "shows": shows,
    }


SEEDED: list[Bug] = [
    _bug(
        "the epic's branch moves although the check failed",
        "ops/coordinator/merging.py",
        "        if result.passed:\n",
        "        if result is not None:\n",
        "merging.py::test_a_failing_branch_is_found_by_bisection_and_the_others_go_on",
    ),
    _bug(
        "the results in the middle of a batch become part of the history",
        "ops/coordinator/merging.py",
        "        parents = [self.head, *(branch.tip for branch in included)]\n",
        "        parents = [tip]\n",
        "merging.py::test_branches_are_merged_as_one_checked_commit",
    ),
    _bug(
        "the move of a branch does not compare its old value",
        "external/git/refs.py",
        'else f"update {ref}\\0{new}\\0{old}\\0")\n',
        'else f"update {ref}\\0{new}\\0\\0")\n',
        "merging.py::test_a_branch_that_somebody_else_moves_meanwhile_is_not_overwritten",
    ),
    _bug(
        "a coordinator without its lease moves the branch all the same",
        "ops/coordinator/merge_lease.py",
        "as moving, Fenced(self._actor.store, {self.resource: self.token}):\n",
        "as moving:\n",
        "leases.py::test_no_takeover_comes_between_the_last_look_at_the_lease_and_the_move",
    ),
    _bug(
        "worktrees are removed without a rescue",
        "ops/branches/removal.py",
        "        saved = _save(actor, repository, worktree, mark, with_rescue or bool(mark.saved), keeps_branch)\n",
        "        saved = None\n",
        "removing.py::test_unsaved_work_refuses_the_removal_and_its_rescue_brings_it_back[untracked]",
    ),
    _bug(
        "a rescue passes the files through the filters of .gitattributes",
        "external/git/snapshot.py",
        "        if exact:\n            self._store_exact_bytes()\n",
        "",
        "removing.py::test_unsaved_work_refuses_the_removal_and_its_rescue_brings_it_back[changed]",
    ),
    _bug(
        "files that others own are merged",
        "ops/coordinator/merging.py",
        "            if branch.name in offences and branch.name not in self.decided:\n",
        "            if False:\n",
        "merging.py::test_a_branch_with_commits_in_files_of_another_living_agent_is_held_back",
    ),
    _bug(
        "a dirty checkout of the epic does not bar the merge",
        "ops/branches/checkouts.py",
        "        changed = _changed(repository, worktree)\n",
        "        changed: list[str] = []\n",
        "merging.py::test_a_checkout_of_the_epic_follows_if_it_is_clean_and_bars_the_merge_if_it_is_not",
    ),
    _bug(
        "worktrees are added without the lock",
        "ops/branches/worktrees.py",
        '    with actor.holding(ADMIN, "worktree-add", PATIENCE):\n        if mark.epic:\n',
        "    if True:\n        if mark.epic:\n",
        "adding.py::test_the_work_of_git_on_shared_files_happens_under_the_lock",
    ),
    _bug(
        "uncommitted work does not count as a conflict",
        "ops/branches/branch_conflicts.py",
        "with_uncommitted=True",
        "with_uncommitted=False",
        "conflicts.py::test_the_same_lines_are_reported_with_agents_files_and_commits_uncommitted_work_too",
    ),
    _bug(
        "what came into a worktree after its removal was killed is not looked at",
        "ops/branches/removal.py",
        "    was_saved = mark.state == worktree_marks.REMOVING and worktree.is_missing\n",
        "    was_saved = mark.state == worktree_marks.REMOVING\n",
        "keeping.py::test_work_that_comes_after_a_removal_was_killed_is_not_destroyed[remove]",
    ),
    _bug(
        "a removal takes whatever branch is checked out",
        "ops/branches/removal.py",
        "    keeps_branch = keeps_branch or worktree.branch != _made_for(mark, worktree)\n",
        "",
        "keeping.py::test_a_branch_that_was_not_made_for_a_worktree_stays_when_that_goes[main]",
    ),
    _bug(
        "who works in a worktree is looked at before its lock only",
        "ops/branches/removal.py",
        "        if apart is not None and not there.is_missing:\n",
        "        if apart:\n",
        "keeping.py::test_a_worktree_that_an_agent_is_just_getting_is_not_taken_away[prune]",
    ),
    _bug(
        "guests in a worktree do not count",
        "ops/branches/worktree_agents.py",
        "            if is_there and not lives.is_dead(store, agent):\n",
        "            if False:\n",
        "keeping.py::test_a_guest_keeps_the_worktree_of_an_agent_that_has_left[prune]",
    ),
    _bug(
        "an epic's branch goes with commits that are not merged",
        "ops/branches/cleanup.py",
        "        if not trees.is_ancestor(repository, tip, head):\n            raise",
        "        if False:\n            raise",
        "keeping.py::test_commits_that_come_onto_the_epic_while_it_is_being_merged_are_kept[False]",
    ),
    _bug(
        "ignored files are overwritten by a merge",
        "ops/branches/checkouts.py",
        "            _require_room(self._repository, worktree, self._old, self._new)\n",
        "",
        "checkouts.py::test_ignored_files_where_the_merge_adds_some_bar_it",
    ),
]
