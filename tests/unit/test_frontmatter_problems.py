"""What `diagnose` says about a block, and the limits that hold before YAML is tried."""

from __future__ import annotations

import time

import pytest

from ccpm.errors import Malformed
from ccpm.files import yaml_caps
from ccpm.files.frontmatter import parse
from ccpm.files.frontmatter_lines import Scan
from ccpm.files.frontmatter_problems import diagnose


def problems(text: str) -> list[str]:
    return [str(problem) for problem in diagnose(parse(f"---\n{text}\n---\n".encode()))]


@pytest.mark.parametrize("text", ["", "# only", "a: 1", "a:\n  - b\nc: |\n  x", 'a: "x\n  y"', "a: &x 1"])
def test_a_block_of_yaml_has_no_problem(text: str) -> None:
    assert problems(text) == []


def test_each_problem_is_named_with_its_line() -> None:
    assert problems("a: 1\nb: c: d\na: 2\n- x\nd: @e") == [
        "line 3: not valid YAML: mapping values are not allowed here",
        "line 4: the key 'a' stands on line 2 already",
        "line 5: neither `key: value` nor a continuation of it",
        "line 6: not valid YAML: found character '@' that cannot start any token",
    ]


def test_glued_keys_are_named() -> None:
    assert problems("updated: 2025-01-01T00:00:00Zgithub: x") == [
        "line 2: several keys are glued into one line: updated, github"
    ]


def test_a_list_or_text_is_no_frontmatter() -> None:
    assert problems("- a\n- b")[0] == "line 2: neither `key: value` nor a continuation of it"
    assert problems("some text") == ["line 2: neither `key: value` nor a continuation of it"]


def test_keys_without_lines_of_their_own_are_a_problem() -> None:
    assert problems("{a: 1}") == [
        "line 2: the keys do not stand on lines of their own, so they can be read but not edited"
    ]


def test_a_missing_block_is_a_problem() -> None:
    assert [str(problem) for problem in diagnose(parse(b"# x\n"))] == [
        "line 1: there is no frontmatter: the first line is not ---"
    ]


def test_bytes_that_are_no_utf8_are_a_problem_of_their_line() -> None:
    found = diagnose(parse(b"---\na: 1\nb: \xff\n---\n"))
    assert [(problem.line, problem.key) for problem in found] == [(3, "b")]


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

HOSTILE = {
    "ten megabytes, closed": "a: " + "x" * (10 << 20),
    "ten megabytes of lines": "key: value\n" * (1 << 20),
    "an alias bomb": BOMB,
    "one alias": "a: &x 1\nb: *x",
    "an alias in a list": "a:\n  - &x 1\n  - *x",
    "3,000 brackets": "a: " + "[" * 3000,
    "3,000 closed brackets": "a: " + "[" * 3000 + "]" * 3000,
    "3,000 braces": "a: " + "{a: " * 3000,
    "3,000 dashes": "a:\n" + "- " * 3000 + "x",
    "30,000 dashes": "a:\n" + "- " * 30000 + "x",
    "3,000 questions": "? " * 3000 + "x",
    "3,000 colons": ": " * 3000 + "x",
    "a staircase": "".join(" " * n + f"k{n}:\n" for n in range(300)),
    "brackets on lines of their own": "a: [\n" + "b, [\n" * 3000,
    "33 levels": "a: " + "[" * 33 + "]" * 33,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_frontmatter_is_refused_at_once(name: str) -> None:
    data = f"---\n{HOSTILE[name]}\n---\nbody\n".encode()
    start = time.process_time()
    with pytest.raises(Malformed):
        parse(data)
    assert time.process_time() - start < 0.2


def test_the_limits_themselves_are_allowed() -> None:
    flow = "[" * yaml_caps.DEPTH + "]" * yaml_caps.DEPTH
    assert diagnose(parse(f"---\na: {flow}\n---\n".encode())) == []
    stairs = "".join(" " * n + f"k{n}:\n" for n in range(yaml_caps.DEPTH))
    assert diagnose(parse(f"---\n{stairs}---\n".encode())) == []
    text = "a: " + "x" * (yaml_caps.BLOCK - 4)
    assert parse(f"---\n{text}\n---\n".encode()).get("a") == text[3:]


@pytest.mark.parametrize(
    "text",
    [
        "files:\n" + "".join(f"  - src/part-{n}.py  # [{n}] & more\n" for n in range(500)),
        "name: Wizard & Navigation\nnote: 2 * 3, R&D",
        "note: '[[[' \nlist: [a]\n" * 3,
        "text: |\n" + "".join("  " + " " * (n % 7) + "* item & more\n" for n in range(100)),
    ],
)
def test_ordinary_long_frontmatter_is_no_breach(text: str) -> None:
    parse(f"---\n{text}\n---\n".encode())


@pytest.mark.parametrize(
    "text",
    [
        "a" + " " * 60000 + "b",
        "a: [" + " " * 60000,
        "a: '" + "''" * 30000,
        'a: "' + "\\" * 60000,
        "a: " + "['" * 16 + "x" * 60000,
        "a: [" + "'b', " * 12000,
        "x" * 60000 + ":",
        "a: >" + " " * 60000 + "x\n  y",
        "a:\n  - " + '"b": ' * 12000,
    ],
)
def test_long_broken_values_are_scanned_in_linear_time(text: str) -> None:
    found = parse(f"---\nstatus: open\n---\n{text}".encode())
    start = time.process_time()
    Scan(text.split("\n"))
    assert found.get("status") == "open"
    assert time.process_time() - start < 0.2
