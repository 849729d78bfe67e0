"""The section "Tasks Created": it says what the tasks say, and keeps what people wrote."""

from __future__ import annotations

from ccpm.core import task_list
from ccpm.core.plan import EpicPlan, Task


def task(key: str, status: str = "open", parallel: bool = False, hours: float = 0.0) -> Task:
    return Task("epic", key, f"{key}.md", f"Task {key}", status, [], [], parallel, hours)


PLAN = EpicPlan([task("001", "closed", parallel=True, hours=4), task("002", hours=2.5)])
SECTION = """\
## Tasks Created
- [x] #001 - Task 001 (parallel: true)
- [ ] #002 - Task 002 (parallel: false)

Total tasks: 2
Parallel tasks: 1
Sequential tasks: 1
Estimated total effort: 6.5 hours
"""


def test_a_body_without_a_section_gets_one_at_its_end() -> None:
    assert task_list.updated("\n# Epic\n\nWords.\n", PLAN) == f"\n# Epic\n\nWords.\n\n{SECTION}"
    assert task_list.updated("", PLAN) == SECTION


def test_a_section_that_is_right_stays_as_it_is() -> None:
    body = f"# Epic\n\n{SECTION}\n## Risks\nNone.\n"
    assert task_list.updated(body, PLAN) == body
    assert task_list.refreshed(body, PLAN) == body
    assert task_list.ticked(body, PLAN) == body


def test_the_section_of_an_old_command_is_brought_up_to_date_in_place() -> None:
    old = "## Tasks Created\n- [ ] 001.md - Old name (parallel: false)\n\nTotal tasks: 1\n\n## Risks\nNone.\n"
    new = task_list.updated(old, PLAN)
    assert new == f"{SECTION}\n## Risks\nNone.\n"
    assert task_list.updated(new, PLAN) == new


def test_headings_notes_and_remarks_between_the_lines_stay() -> None:
    old = (
        "## Tasks Created\n### Phase 1\n- [ ] #001 - x\nA note.\n### Phase 2\n- [ ] #9 - gone\n\n"
        "**Total tasks:** 1\n**Parallel tasks:** 7 (at the same time)\n"
    )
    assert task_list.updated(old, PLAN) == (
        "## Tasks Created\n### Phase 1\n- [x] #001 - Task 001 (parallel: true)\n"
        "- [ ] #002 - Task 002 (parallel: false)\nA note.\n### Phase 2\n\n"
        "**Total tasks:** 2\n**Parallel tasks:** 1 (at the same time)\n"
        "Sequential tasks: 1\nEstimated total effort: 6.5 hours\n"
    )


def test_ticking_changes_boxes_and_nothing_else() -> None:
    old = "- [ ] #001 - not in the section\n## Tasks Created\n* [ ] 1.md\n- [X] #002 - x (mine)\n- [ ] call Bob\n"
    assert task_list.ticked(old, PLAN) == old.replace("* [ ] 1", "* [x] 1").replace("[X] #002", "[ ] #002")


def test_line_ends_stay_those_of_the_file() -> None:
    old = f"# Epic\n\n{SECTION}".replace("[x]", "[ ]").replace("\n", "\r\n")
    assert task_list.ticked(old, PLAN) == f"# Epic\n\n{SECTION}".replace("\n", "\r\n")
    assert task_list.updated("# Epic\r\n", PLAN) == f"# Epic\n\n{SECTION}".replace("\n", "\r\n")


def test_a_body_without_a_section_is_not_given_one_by_a_refresh() -> None:
    assert task_list.refreshed("# Epic\n", PLAN) == "# Epic\n"
    assert task_list.ticked("# Epic\n", PLAN) == "# Epic\n"
