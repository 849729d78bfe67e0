"""Names of branches, folders and rescue refs, against git's own judgement and for collisions."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ccpm.core import branch_names, names, worktree_marks
from ccpm.core.worktree_marks import Mark

EPICS = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="/\0\n"), min_size=1, max_size=60
)
AGENTS = st.text(st.sampled_from("abc019._%+@=-"), min_size=1, max_size=60).filter(
    lambda text: text[0] not in ".-"
)
ODD = (
    "-rf",
    "a b",
    "ü",
    "657",
    "$(touch x)",
    "a..b",
    "x.lock",
    "x.",
    "@",
    "a@{1}",
    "~^:?*[\\",
    "--agent-",
    "a--agent-b",
    "日本",
)


def test_the_names_of_an_ordinary_epic_are_those_of_the_design() -> None:
    assert branch_names.epic_branch("auth") == "epic/auth"
    assert branch_names.agent_branch("auth", "agent-3f0c") == "epic/auth--agent-3f0c"
    assert branch_names.agent_branch("auth", "7") == "epic/auth--agent-7"
    assert branch_names.agent_folder("auth", "agent-3f0c") == "epic-auth-agent-3f0c"
    assert (
        branch_names.rescue_ref("agent-1", "20251104T041621Z") == "refs/ccpm/rescue/agent-1/20251104T041621Z"
    )


@pytest.mark.parametrize("epic", [*ODD, "x" * 120, "ü" * 60])
def test_git_accepts_the_refs_of_odd_epics(epic: str) -> None:
    for ref in (
        "refs/heads/" + branch_names.epic_branch(epic),
        "refs/heads/" + branch_names.agent_branch(epic, "a..b.lock"),
        branch_names.rescue_ref("a.lock", "1"),
    ):
        assert subprocess.run(["git", "check-ref-format", ref]).returncode == 0, ref
        assert all(len(part) <= 250 for part in ref.split("/"))
    assert "/" not in branch_names.agent_folder(epic, "x")
    names.check_resource(branch_names.merge_lock(epic))


@settings(max_examples=300)
@given(EPICS, EPICS, AGENTS, AGENTS)
@example("a", "a--agent-b", "b--agent-c", "c")
@example("a", "a-agent-b", "b-agent-c", "c")
@example("a", "a-", "x", "x")
@example("a-", "a", "x", "-agent-x")
def test_two_epics_or_agents_never_share_a_branch_or_a_folder(
    one: str, other: str, first: str, second: str
) -> None:
    mine = (one, first.removeprefix("agent-") or first)
    theirs = (other, second.removeprefix("agent-") or second)
    if mine == theirs:
        return
    assert branch_names.agent_branch(one, first) != branch_names.agent_branch(other, second)
    assert branch_names.agent_folder(one, first) != branch_names.agent_folder(other, second)
    assert branch_names.agent_branch(one, first) != branch_names.epic_branch(other)
    assert branch_names.agent_folder(one, first) != branch_names.epic_folder(other)


@given(EPICS, AGENTS)
def test_a_branch_says_whose_it_is(epic: str, agent: str) -> None:
    part, whose = branch_names.split(branch_names.agent_branch(epic, agent))
    assert part == branch_names.part_of(epic)
    assert whose == branch_names.split(branch_names.agent_branch("x", agent))[1]
    assert branch_names.split("main") == ("", "")


@given(EPICS, AGENTS)
def test_a_mark_reads_back_and_foreign_reasons_are_none(epic: str, agent: str) -> None:
    mark = worktree_marks.parse(str(Mark("in-use", agent, epic, "2025-11-04T04:16:21Z", "refs/x")))
    assert mark
    assert (mark.state, mark.agent, mark.epic, mark.saved) == ("in-use", agent, epic, "refs/x")
    for text in ("", "locked", "initializing", "on a USB stick"):
        assert worktree_marks.parse(text) is None
