"""What each verb of ccpm-plan takes."""

from __future__ import annotations

from ccpm.cli.arguments import Parser, amount, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_PRDS = ("new-prd", "edit-prd")
_CHECKED = ("new-prd", "new-epic", "decompose", "edit-prd", "edit-epic")


def declare(parser: Parser, verb: str) -> None:
    if verb in ("close-task", "reopen-task"):
        parser.add_name("EPIC TASK", "the epic, and the number or file name of the task; or EPIC/TASK")
    elif verb == "new-bug":
        parser.add_name(
            "ISSUE", "the issue or task that the bug is in; EPIC/TASK where several epics have one"
        )
    elif verb == "detect":
        parser.add_name("EPIC", "the epic; without one all of them", is_required=False)
    elif verb == "new-epic":
        parser.add_name("NAME", "that of the epic, and of its PRD if it has one")
    elif verb != "clean":
        parser.add_name("PRD" if verb in _PRDS else "EPIC", "its name")
    parser.add_argument("--fence", metavar="R:N", help="leases that the caller already holds")
    if verb in _CHECKED:
        parser.add_argument(
            "--check", action="store_true", help="only say whether it can be done, and with what"
        )
    if verb in _OPTIONS:
        _OPTIONS[verb](parser)


def _close_epic_options(parser: Parser) -> None:
    parser.add_argument("--archive", action="store_true", help="move it to .archived as well")


def _new_prd_options(parser: Parser) -> None:
    parser.add_argument("--description", default="", help="one line")


def _new_epic_options(parser: Parser) -> None:
    parser.add_argument("--from-prd", action="store_true", help="only if there is a PRD with this name")


def _new_bug_options(parser: Parser) -> None:
    parser.add_argument("--title", default="", help="the bug in a few words")
    parser.add_argument("--hours", default="", help="effort: 4, 4-6, 2d")


def _decompose_options(parser: Parser) -> None:
    parser.add_argument("--fresh", action="store_true", help="only if the epic has no tasks and no issue yet")


def _edit_options(parser: Parser) -> None:
    parser.add_argument("--expect-version", type=whole, metavar="N", help="the version that you read")


def _status_options(parser: Parser) -> None:
    parser.add_argument("--force", action="store_true", help="also while another agent has the task")


def _clean_options(parser: Parser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument(
        "--days", type=amount("days", 0, 36500), default=30.0, help="how long nothing may have changed"
    )


def _detect_options(parser: Parser) -> None:
    parser.add_argument("--apply", action="store_true", help="write what is certain: high confidence")
    parser.add_argument(
        "--task", action="append", metavar="ID", help="write what was found about this task, certain or not"
    )


def _new_task_options(parser: Parser) -> None:
    parser.add_argument("--title", required=True, help="what the task is called")
    parser.add_argument(
        "--depends-on", default="", metavar="IDS", help="001,002: tasks that have to be closed before"
    )
    parser.add_argument(
        "--conflicts-with", default="", metavar="IDS", help="tasks that change the same files"
    )
    parser.add_argument("--parallel", action="store_true", help="can run beside others")
    parser.add_argument("--hours", default="", help="effort: 4, 4-6, 2d")
    parser.add_argument(
        "--bug-for", default="", metavar="ISSUE", help="the issue that this is a bug report against"
    )


_OPTIONS: dict[str, Callable[[Parser], None]] = {
    "new-prd": _new_prd_options,
    "new-epic": _new_epic_options,
    "new-task": _new_task_options,
    "new-bug": _new_bug_options,
    "decompose": _decompose_options,
    "edit-prd": _edit_options,
    "edit-epic": _edit_options,
    "close-task": _status_options,
    "reopen-task": _status_options,
    "close-epic": _close_epic_options,
    "clean": _clean_options,
    "detect": _detect_options,
}
