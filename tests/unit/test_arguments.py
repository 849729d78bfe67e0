"""The quick reading of command lines agrees with argparse, or leaves them to it."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ccpm.cli import arguments, lock
from ccpm.cli.arguments import Parser, Unusual, seconds
from ccpm.errors import UsageError

LIB = Path(__file__).parents[2] / "lib"

Declare = Callable[[], Parser]


def acquire() -> Parser:
    return lock._parser("acquire", lock._add_request_options, lock._add_pid)


def run() -> Parser:
    return lock._parser("run", lock._add_request_options)


def exclusive() -> Parser:
    parser = Parser("ccpm-test", "", "a group of which one may be given")
    parser.add_argument("file")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--if-sha256", default="")
    group.add_argument("--if-absent", action="store_true")
    parser.add_argument("--from", dest="source")
    return parser


def changes() -> Parser:
    parser = Parser("ccpm-test", "set", "a required option, a repeated one, any number of positionals")
    parser.add_argument("file")
    parser.add_argument("--expect-version", type=int, required=True)
    parser.add_argument("assignments", nargs="*")
    parser.add_argument("--unset", action="append", default=[])
    return parser


def unknown_to_the_quick_reading() -> Parser:
    parser = Parser("ccpm-test", "", "choices, counted flags and optional positionals are left to argparse")
    parser.add_argument("--mode", choices=["a", "b"], default="a")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    parser.add_argument("name", nargs="?", default="x")
    return parser


ALL = [acquire, run, exclusive, changes, unknown_to_the_quick_reading]

WORDS = [
    "r1", "task-2", "a b", "", "k=v", "k=", "1", "0", "-1", "2.5", "1e400", "x", "--", "-", "-h", "-v", "é",
    "--agent", "--agent=b", "--agent=", "--json", "--json=1", "--ttl", "--ttl=5", "--ttl=x", "--tt", "--timeout",
    "--pid", "--pid=7", "--shared", "--fence", "--operation", "--operation=-x", "--no-deadlock-check", "--if-absent",
    "--if-sha256", "--if-sha256=", "--from", "--expect-version", "--expect-version=3", "--unset", "--unset=k",
    "--mode=b", "--mode=c", "--unknown", "--unknown=1",
]  # fmt: skip


@pytest.mark.parametrize("declare", ALL)
def test_a_command_line_that_is_read_quickly_means_the_same_to_argparse(declare: Declare) -> None:
    rng = random.Random(declare.__name__)
    parser = declare()
    oracle = parser.argparser()
    known = {name for one in parser._declared for name in one.names}
    likely = [word for word in WORDS if word.partition("=")[0] in known or not word.startswith("-")]
    quick = 0
    for _ in range(6000):
        argv = [rng.choice(rng.choice([likely, likely, likely, WORDS])) for _ in range(rng.randrange(7))]
        try:
            values = vars(arguments._read(parser._declared, argv))
        except Unusual:
            continue
        quick += 1
        try:
            expected = vars(oracle.parse_intermixed_args(argv))
        except UsageError as error:
            pytest.fail(f"{argv} was read as {values}; argparse says: {error}")
        assert values == expected, argv
    assert quick > 100 or declare is unknown_to_the_quick_reading, "hardly any line was read quickly"


@pytest.mark.parametrize("declare", ALL)
def test_what_the_quick_reading_refuses_gets_the_answer_of_argparse(declare: Declare) -> None:
    rng = random.Random(declare.__name__ + " refused")
    parser = declare()
    for _ in range(150):
        argv = [rng.choice([word for word in WORDS if word != "-h"]) for _ in range(rng.randrange(6))]
        assert outcome(parser.parse_args, argv) == outcome(parser.argparser().parse_intermixed_args, argv), (
            argv
        )


def outcome(parse: Callable[[list[str]], object], argv: list[str]) -> object:
    try:
        return vars(parse(argv))
    except UsageError as error:
        return error.message, error.hint


def test_a_mistake_names_the_argument_and_the_way_to_help() -> None:
    with pytest.raises(UsageError) as caught:
        acquire().parse_args(["r1", "--ttl", "soon"])
    assert caught.value.message == "argument --ttl: 'soon' is not a number of seconds"
    assert caught.value.hint == "ccpm-lock acquire --help"


def test_two_of_an_exclusive_group_are_refused() -> None:
    with pytest.raises(UsageError, match="not allowed with argument"):
        exclusive().parse_args(["f", "--if-absent", "--if-sha256", "0f"])


def test_a_number_of_seconds_keeps_its_limits() -> None:
    parser = Parser("ccpm-test", "", "")
    parser.add_argument("--ttl", type=seconds(1, 10), default=5.0)
    assert parser.parse_args(["--ttl", "10"]).ttl == 10.0
    with pytest.raises(UsageError, match="not within 1 and 10 seconds"):
        parser.parse_args(["--ttl", "10.5"])


def test_an_ordinary_command_line_does_not_load_argparse() -> None:
    python = (LIB / ".python").read_text().strip()
    code = (
        f"import sys; sys.path.insert(0, {str(LIB)!r})\n"
        "from ccpm.cli import lock\n"
        "lock._parser('release', lock._add_identity_options).parse_args(['r1', '--token', '4', '--json'])\n"
        "lock._parser('release', lock._add_identity_options).parse_args(['--token', '4', '--', '-r1'])\n"
        "print(sorted({'argparse', 're', 'gettext'} & set(sys.modules)))\n"
        "try: lock._parser('release').parse_args(['--token', 'x'])\n"
        "except Exception: print('argparse' in sys.modules)\n"
    )
    done = subprocess.run([python, "-S", "-E", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\nTrue\n"


@pytest.mark.parametrize("nargs", [None, "?", "*", "+"])
def test_an_epic_may_begin_with_a_dash_everywhere(nargs: str | None) -> None:
    parser = Parser("ccpm-test", "", "")
    parser.add_argument("epic", **({"nargs": nargs} if nargs else {}))
    parser.add_argument("--check")
    values = parser.parse_args(["--check", "x", "-rf", "--json"])
    assert (values.epic, values.check, values.json) == (["-rf"] if nargs in ("*", "+") else "-rf", "x", True)
    for argv in (["--rf"], ["-rf", "--rf"]):
        with pytest.raises(UsageError, match=r"--rf|no epic given"):
            parser.parse_args(argv)


def named(takes_any: bool = False, is_required: bool = True) -> Parser:
    parser = Parser("ccpm-plan", "refresh", "")
    parser.add_name("EPIC", "its name", is_required, takes_any)
    parser.add_argument("--title", default="")
    parser.add_argument("--archive", action="store_true")
    return parser


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["auth"], "auth"),
        (["a", "b"], "a b"),
        (["a", "--archive", "b"], "a b"),
        (["-rf"], "-rf"),
        (["--title", "x", "auth"], "auth"),
        (["--title=x", "auth"], "auth"),
        (["--agent", "ada", "auth"], "auth"),
        (["--", "--archive"], "--archive"),
        (["a", "--", "-h", "--"], "a -h --"),
        (["$(touch x)", "ü"], "$(touch x) ü"),
    ],
)
def test_all_words_that_are_no_option_are_one_name(argv: list[str], name: str) -> None:
    values = named().parse_args(argv)
    assert values.name == name
    assert values.archive == (argv[1:2] == ["--archive"] and argv[0] == "a")


@pytest.mark.parametrize("argv", [[], [""], ["--archive"], ["--titel", "x", "auth"], ["auth", "--title"]])
def test_a_missing_name_and_a_wrong_option_are_mistakes(argv: list[str]) -> None:
    with pytest.raises(UsageError):
        named().parse_args(argv)


def test_a_name_that_may_be_anything_takes_unknown_options_and_one_that_may_be_missing_is_empty() -> None:
    assert named(takes_any=True).parse_args(["--titel", "x", "--archive"]).name == "--titel x"
    assert named(is_required=False).parse_args(["--archive"]).name == ""


def words(argv: list[str]) -> str:
    parser = Parser("ccpm-test", "", "")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("keys", nargs="*", metavar="KEY")
    parser.add_argument("--title", required=True)
    parser.add_argument("--pid", type=arguments.whole, default=7, help="a process")
    with pytest.raises(UsageError) as caught:
        parser.parse_args(argv)
    return caught.value.message


def test_what_is_missing_is_named_in_one_way_and_what_may_be_left_out_is_not() -> None:
    assert words(["--title", "x"]) == "no FILE given"
    assert words(["f"]) == "no --title given"
    assert words([]) == "no --title given"
    assert words(["f", "--title", "x", "--pid", "abc"]) == "argument --pid: 'abc' is no whole number"
    assert words(["f", "--title", "x", "--agent", ""]) == "argument --agent: the id of the agent is empty"


def test_help_tells_defaults() -> None:
    parser = Parser("ccpm-test", "", "")
    parser.add_argument("--ttl", type=seconds(1, 10), default=5.0, help="how long")
    assert "how long (default 5)" in parser.argparser().format_help()


@pytest.mark.parametrize("argv", [["--badopt"], ["--json"], ["--agent", "a"], ["nothing"]])
def test_options_without_a_verb_are_a_mistake(argv: list[str]) -> None:
    with pytest.raises(UsageError, match="there are: list") as caught:
        arguments.split_verb("ccpm-test", argv, {"list": "show"})
    assert caught.value.hint == "ccpm-test --help"


@pytest.mark.parametrize("argv", [[], ["help"], ["--help"], ["--json", "-h"]])
def test_help_is_given_to_whoever_asks_for_it_or_for_nothing(argv: list[str]) -> None:
    assert arguments.split_verb("ccpm-test", argv, {"list": "show"}) == ("help", [])
