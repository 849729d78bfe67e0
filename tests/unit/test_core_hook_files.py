"""Our lines in a git hook that somebody else wrote: in, and out again to the byte."""

from __future__ import annotations

import pytest

from ccpm.core import hook_files

LINES = hook_files.block("pre-commit", "../.claude/bin/ccpm-agent")

SCRIPTS = [
    b"#!/bin/sh\necho x\n",
    b"#!/bin/sh\r\necho x\r\n",
    b"#!/usr/bin/env bash\n",
    b"#!/usr/bin/env -S bash -eu\nno newline at the end",
    b"#! /bin/dash -e\n\n\n",
    b"echo without a first line that says what it is\n",
    b"",
]


@pytest.mark.parametrize("content", SCRIPTS)
def test_what_was_there_comes_back_to_the_byte(content: bytes) -> None:
    changed = hook_files.with_block(content, LINES)
    assert LINES in changed
    assert hook_files.has_block(changed)
    assert hook_files.with_block(changed, LINES) == changed, "once is enough"
    assert (hook_files.without_block(changed) or b"") == content


def test_a_hook_of_ours_alone_is_made_and_goes() -> None:
    made = hook_files.with_block(None, LINES)
    assert made.startswith(b"#!/bin/sh\n")
    assert hook_files.without_block(made) is None


def test_lines_of_an_older_version_are_replaced_where_they_are() -> None:
    old = hook_files.with_block(b"#!/bin/sh\na\n", hook_files.block("pre-commit", "elsewhere/ccpm-agent"))
    assert hook_files.with_block(old + b"b\n", LINES) == b"#!/bin/sh\n" + LINES + b"a\nb\n"


@pytest.mark.parametrize(
    "first", [b"#!/bin/sh", b"#!/bin/bash -e", b"#!/usr/bin/env zsh", b"#!/usr/bin/env -S dash -e"]
)
def test_a_shell_script_takes_them(first: bytes) -> None:
    assert hook_files.can_take(first + b"\necho x\n")


@pytest.mark.parametrize(
    "content",
    [
        b"#!/usr/bin/env python3\nx\n",
        b"#!/usr/bin/perl\n",
        b"\x7fELF\x00\x00",
        b"#!\n",
        b"#!/bin/sh",
        b"#!/usr/bin/env node\n",
    ],
)
def test_another_program_does_not(content: bytes) -> None:
    assert not hook_files.can_take(content)


def test_only_a_certain_refusal_stops_a_commit_and_nothing_stops_what_comes_later() -> None:
    assert b"[ $? -ne 77 ] || exit 1" in LINES
    for name in ("prepare-commit-msg", "post-commit"):
        assert b"|| :;" in hook_files.block(name, "x")


def test_a_path_with_a_quote_is_one_word() -> None:
    assert b"""/'it'\\''s/ccpm-agent'""" in hook_files.block("pre-commit", "it's/ccpm-agent")
