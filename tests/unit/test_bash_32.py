"""What users get in shell runs on bash 3.2, the bash of macOS: it uses nothing that a later bash has brought.

The macOS job of the CI runs the shell tests with the real one; this finds the same at the desk, and names the line. An
array is expanded as `${list[@]+"${list[@]}"}`: before 4.4 an empty one counts as not set.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
SHIPPED = sorted(
    [*TOP.glob("lib/*.sh"), *TOP.glob("commands/pm/*.sh"), TOP / "install.sh", TOP / "bin" / "ccpm"]
)

LATER = {
    "associative arrays, namerefs, global and case-changing declarations (4.0, 4.2, 4.3)": (
        r"\b(declare|local|typeset|readonly|export)\s+(-\w*)?-[a-zA-Z]*[AnglucI]",
        ["declare -A map", "local -n ref=$1", "declare -g x=1", "typeset -l low"],
    ),
    "mapfile, readarray, coproc (4.0)": (r"(^|[;&|({]|\b(then|do|else)\b)\s*(mapfile|readarray|coproc)\b", ["mapfile -t lines <f", "x | readarray a", "coproc cat"]),
    "case modification (4.0)": (r"\$\{!?\w+(\[[^]]*\])?(\^{1,2}|,{1,2})[^}]*\}", ["${x,,}", "${x^}", "${a[@]^^}"]),
    "transformations (4.4)": (r"\$\{!?\w+(\[[^]]*\])?@[A-Za-z]\}", ["${x@Q}", "${a[@]@Q}"]),
    "negative lengths and subscripts (4.2, 4.3)": (r"\$\{\w+:[^}:]*:\s*-|\$\{\w+\[-", ["${x:0:-1}", "${x:1: -2}", "${a[-1]}"]),
    "redirection of both streams with &>> or |& (4.0)": (r"&>>|\|&", ["make &>>log", "a |& b"]),
    "case fall-through (4.0)": (r";;?&|;&$", ["a) b ;;&", "a) b ;&"]),
    "wait -n, wait -p (4.3, 5.1)": (r"\bwait\s+-[np]", ["wait -n", "wait -p x"]),
    "printf of times (4.2)": (r"printf\s.*%\([^)]*\)T", ["printf '%(%s)T' -1"]),
    "read with a fraction of a second, -N or -i (4.0, 4.1)": (r"\bread\b[^;|&]*\s(-t\s*0?\.\d|-t\s*\d+\.\d|-t\s*0\b|-\w*N\b|-\w*i\b)", ["read -r -t 0.5 x", "read -t 0", "read -r -N 4 x", "read -t 1.5 x"]),
    "test -v and -R (4.2, 4.3)": (r"\[\[?\s+(!\s+)?-[vR]\s", ["[ -v x ]", "[[ ! -v x ]]"]),
    "descriptors that bash chooses (4.1)": (r"\{\w+\}[<>]", ["exec {fd}>file", "exec {fd}<&-"]),
    "variables of later versions": (r"\$\{?(BASHPID|EPOCHREALTIME|EPOCHSECONDS|SRANDOM|BASH_ARGV0|BASH_XTRACEFD|FUNCNEST|READLINE_\w+)\b", ["$BASHPID", "${EPOCHREALTIME}", "$SRANDOM"]),
    "shell options of later versions": (r"\bshopt\s.*\b(globstar|lastpipe|inherit_errexit|autocd|dirspell|localvar_inherit|assoc_expand_once)\b", ["shopt -s globstar", "shopt -s inherit_errexit"]),
    "ranges with a step or leading zeros (4.0)": (r"\{-?\d+\.\.-?\d+\.\.\d+\}|\{0\d+\.\.|\.\.0\d+\}", ["{1..10..2}", "{01..10}"]),
    "unicode escapes (4.2)": (r"\$'[^']*\\[uU][0-9a-fA-F]", [r"$'\u2713'"]),
    "local options (4.4)": (r"\blocal\s+-(\s|;|$)", ["local -", "local -; x"]),
    "an array that may be empty, under set -u (4.4)": (r"\"\$\{\w+\[@\]\}\"(?!\})", ['for x in "${list[@]}"; do']),
}  # fmt: skip


def found(pattern: str, text: str) -> list[int]:
    """The lines of `text`, comments left out, that `pattern` is in."""
    lines = enumerate(text.splitlines(), 1)
    return [number for number, line in lines if re.search(pattern, re.sub(r"(^|\s)#.*$", "", line))]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(TOP)))
def test_nothing_of_a_later_bash_is_used(path: Path) -> None:
    used = {what: found(pattern, path.read_text()) for what, (pattern, _) in LATER.items()}
    assert not {what: lines for what, lines in used.items() if lines}


@pytest.mark.parametrize("what", LATER)
def test_each_of_them_would_be_found(what: str) -> None:
    pattern, examples = LATER[what]
    assert all(found(pattern, example) for example in examples)
