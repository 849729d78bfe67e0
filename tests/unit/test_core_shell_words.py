"""Reading Bash command lines: compared with bash itself, and the cases that must not be guessed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccpm.core import shell_programs, shell_words, shell_writes

RECORDER = """\
p() { { pwd; printf '%s\\n' "$#"; printf '%s\\0' "$@"; } >>"$LOG"; printf x >>"$LOG.end"; }
"""

TEXTS = st.sampled_from(
    [
        "a",
        "b c",
        "d'e",
        'f"g',
        "h\\i",
        "$j",
        "k>l",
        "m;n",
        "#o",
        "p#",
        "q|r",
        "(s)",
        "t\nu",
        "if",
        "{",
        "!",
        "é",
        "",
    ]
)


def quote(text: str, how: int) -> str:
    """`text` as a word of Bash, in one of three ways."""
    if how == 0 or not text or "\n" in text:
        return "'" + text.replace("'", "'\\''") + "'"
    if how == 1:
        return '"' + "".join(f"\\{c}" if c in '$`"\\' else c for c in text) + '"'
    return "".join(c if c.isalnum() else f"\\{c}" for c in text)


WORDS = st.builds(quote, TEXTS, st.integers(0, 2))
SIMPLE = st.builds(lambda words, tail: " ".join(["p", *words, tail]), st.lists(WORDS, max_size=3), st.sampled_from(
    ["", ">out", "2>&1", ">>'o u t' 2>/dev/null", "</dev/null >|out", "&>out", "<<<'a > b'", "# no > word"]))  # fmt: skip
HEREDOC = st.builds(
    lambda word, body: f"p {word} <<'END'\n{body}\nEND\n",
    WORDS,
    st.sampled_from(["x > y", "p z", "$(p z)", "'", "E"]),
)
JOINED = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.builds(
            lambda a, b, how: f"{a}\n{how} {b}" if how == "" else f"{a.rstrip()}\n{b}",
            inner,
            inner,
            st.just(""),
        ),
        st.builds(lambda a: f"( {a}\n)", inner),
        st.builds(lambda a: f"{{ {a}\n}}", inner),
        st.builds(lambda a: f"if true; then {a}\nfi", inner),
        st.builds(lambda a: f'p "$( {a}\n)" z', inner),
        st.builds(lambda a: f"x=$( {a}\n)", inner),
        st.builds(lambda a: f"x=$(( (1 + 2) > 3 )); (( x < (4) )); {a}", inner),
        st.builds(lambda a: f"p `echo y` \"`echo \\`echo '>z'\\``\" && {{ {a}\n}}", inner),
        st.builds(lambda a: f"cd . || exit 1\nfor ((i = 0; i < 1; i++)); do {a}\ndone", inner),
        st.builds(lambda a: f"[[ a < b ]] && {{ {a}\n}}", inner),
        st.builds(lambda a, b: f"cat >/dev/null <<A\n$x ' \\\nA\nA\n{a}\n{b}", inner, inner),
    ),
    max_leaves=4,
)


@settings(
    max_examples=int(os.environ.get("CCPM_GENERATED", "60")),
    suppress_health_check=list(HealthCheck),
)
@given(script=st.one_of(JOINED, HEREDOC))
def test_words_are_those_that_bash_passes(script: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("bash")
    log = folder / "log"
    done = subprocess.run(
        ["bash", "-c", RECORDER + script], cwd=folder, env={"LOG": str(log), "PATH": os.defpath, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    called = recorded(log)
    commands = shell_words.commands(script)
    written = {word.text for command in commands for word in command.outputs} - {"/dev/null"}
    assert written == {path.name for path in folder.iterdir()} - {"log", "log.end"}
    read = [[word.text for word in command.words[1:]] for command in commands if is_call(command)]
    assert len(read) == len(called)
    for mine, theirs in zip(read, called, strict=True):
        assert [text for text in mine if text is not None] == [
            text for word, text in zip(mine, theirs, strict=True) if word is not None
        ]


def is_call(command: shell_words.Command) -> bool:
    return bool(command.words) and command.words[0].text == "p"


def recorded(log: Path) -> list[list[str]]:
    """The arguments of each call, in order."""
    calls = []
    rest = log.read_text() if log.exists() else ""
    while rest:
        _, count, rest = rest.split("\n", 2)
        *words, rest = rest.split("\0", max(int(count), 1))
        calls.append(words[: int(count)])
    return calls


WRITES = {
    "echo x > src/a": ["src/a"],
    "cd src && echo x >> a": ["src: a"],
    "cd src; cd db && rm a": ["src db: a"],
    "(cd src && rm a); rm b": ["src: a", "b"],
    "cd src || exit; rm a": ["src: a"],
    "cd src || { echo no >&2; exit 1; }\nrm a": ["src: a"],
    "cd src || return 1\n cd db; rm a": ["src db: a"],
    "(cd src || exit; ); rm a": ["a"],
    "(cd src || exit); rm a": ["a"],
    "cd src || rm a /tmp/b; rm c": ["/tmp/b"],
    "cd src || true; rm a /tmp/b": ["/tmp/b"],
    "cd src || exit && x; rm a": [],
    "if x; then cd src || exit; fi; rm a": [],
    "n=$((1+1)); echo x > a": ["a"],
    'n=$(( (1 + $(rm b)) * 2 )); ((n++)); echo "$((n))" > a': ["b", "a"],
    "for ((i=0; i<3; i++)); do rm a; done": ["a"],
    "n=$((rm a); rm b); rm c": [],
    "rm `ls` a; rm b": ["b"],
    'x="`date \\` >c`"; rm "`ls`" a': ["a"],
    "rm a; echo `date": ["a"],
    "cd $DIR && rm a": [],
    "if x; then cd src; fi; rm a": [],
    "rm -rf src": ["src/**"],
    "rm -- -x": ["-x"],
    "rm $FILES a": [],
    'rm "$FILE" a': ["a"],
    "rm *.txt": [],
    "mv a b": ["a/**", "b or b/a"],
    "mv -n -- x/a dir/": ["x/a/**", "dir/ or dir//a"],
    "mv -t dir a": ["a/**", "dir or dir/a"],
    "mv --target-directory=dir x/a": ["x/a/**", "dir or dir/a"],
    "mv -uS .bak a b": ["a/**", "b or b/a"],
    "mv -T a b": ["a/**", "b"],
    "cp -ub a b": ["b or b/a"],
    "cp -tdir a b": ["dir or dir/a", "dir or dir/b"],
    "cp --backup=numbered --suffix .old a b": ["b or b/a"],
    "cp -n a b": [],
    "cp -r ../new/db src": ["src or src/db from ../new/db"],
    "cp -a new/. src": ["src from new/."],
    "cp new/. src": [],
    "cd x; cp -R /new/db /src": ["x: /src or /src/db from /new/db"],
    "cd $X; cp -R new/db /src; cp -R /new /src": ["/src or /src/db", "/src or /src/new from /new"],
    "rm -rf --one-file-system src": ["src/**"],
    "tee --output-error=warn a": ["a"],
    "truncate -s0 f": ["f"],
    "truncate --size=0 f": ["f"],
    "truncate --size 0 f": ["f"],
    "truncate -r f g": ["g"],
    "sed --quiet -i -l 5 s/a/b/ f": ["f"],
    "sed -ine s/a/b/ f": ["f"],
    "sed -i.bak -ne s/i/b/ f": ["f"],
    "sed -ne s/i/b/ f": [],
    "cp a b c/d": ["c/d or c/d/a", "c/d or c/d/b"],
    "sed -i 's/a/b/' f g": ["f", "g"],
    "sed -i.bak -e s/a/b/ f": ["f"],
    "sed -i '' 's/a/b/' f": ["f"],
    "sed -ni '/a/p' f": ["f"],
    "sed -n '/a/p' f": [],
    "sed s/a/b/ f > g": ["g"],
    "cat f | tee -a g h": ["g", "h"],
    "truncate -s 0 f": ["f"],
    "git checkout -- a b": ["a/** to the index", "b/** to the index"],
    "git checkout -p -- a": [],
    'git checkout "$X" -- a': ["a/**"],
    "git checkout main -- a": ["a/** to main"],
    "git checkout main": [],
    "git -C sub checkout -- a": ["sub: a/** to the index"],
    "git -c a.b=c -P -C sub rm a": ["sub: a/**"],
    "git --no-pager restore a": ["a/** to the index"],
    "git --git-dir=x restore a": [],
    "git --work-tree x restore a": [],
    "git restore --source HEAD a": ["a/** to HEAD"],
    "git restore --source=HEAD~1 --progress a": ["a/** to HEAD~1"],
    "git restore -SW a": ["a/** to HEAD"],
    "git restore --patch a": [],
    "git rm -n a": [],
    "git mv -n a b": [],
    "git restore -s HEAD~1 a": ["a/** to HEAD~1"],
    "git restore --staged a": [],
    "git rm -q a": ["a/**"],
    "git rm --cached a": [],
    "git mv a b": ["a/**", "b or b/a"],
    "bash -c 'cd src && rm a'": ["src: a"],
    "bash -xc 'rm a' b": ["a"],
    "bash -euo pipefail -c 'rm a'": ["a"],
    "bash --norc -c -x 'rm a'": ["a"],
    "bash -nc 'rm a'": [],
    "bash run.sh -c 'rm a'": [],
    "cd $X; bash -c 'cd src; rm /a'; bash -c 'rm /b'": ["/b"],
    "sudo -u root rm a": [],
    "nohup env A=1 rm a &": ["a"],
    "case x in a) rm b;; esac": [],
    "f() { rm a; }": [],
    "rm a; echo `date` > b": ["a", "b"],
    "echo 'rm a > b'": [],
    "cat <<EOF\nrm a\nEOF": [],
    "git commit -m \"$(cat <<'EOF'\nfix > it\nEOF\n)\" && rm a": ["a"],
    "[[ a > b ]] && rm c": ["c"],
    "for f in a b; do rm $f; done > log": ["log"],
    "echo x >&2; make 2>&1 | tee log": ["log"],
}


def shown(write: shell_programs.Write) -> str:
    text = f"{write.path}/**" if write.is_tree else write.path
    text = f"{text} or {write.path}/{write.name}" if write.name else text
    text = f"{text} from {write.source}" if write.source else text
    text = text if write.undone_to is None else f"{text} to {write.undone_to or 'the index'}"
    return f"{' '.join(write.where)}: {text}" if write.where else text


@pytest.mark.parametrize("source", WRITES)
def test_what_is_certainly_written_is_found_and_nothing_else(source: str) -> None:
    assert [shown(write) for write in shell_writes.writes(source)] == WRITES[source]


HELPERS = ("lock", "agent", "gh")


def is_script(name: str) -> bool:
    return name == "issue-start"


CALLS = {
    "ccpm-lock acquire r": "ccpm-lock acquire r --agent a1",
    "ccpm lock acquire r": "ccpm lock acquire r --agent a1",
    ".claude/bin/ccpm-lock list | grep x": ".claude/bin/ccpm-lock list --agent a1 | grep x",
    "ccpm-lock run r -- make x": "ccpm-lock run r --agent a1 -- make x",
    "ccpm-lock acquire r --ttl 5 > t": "ccpm-lock acquire r --ttl 5 --agent a1 > t",
    "t=$(ccpm-lock acquire r) && echo $t": "t=$(ccpm-lock acquire r --agent a1) && echo $t",
    "ccpm-lock release a; ccpm-lock release b": "ccpm-lock release a --agent a1; ccpm-lock release b --agent a1",
    "ccpm-gh issue list": "ccpm-gh --agent a1 issue list",
    "ccpm-agent tell b 'hi there' # now": "ccpm-agent tell b 'hi there' --agent a1 # now",
    "ccpm-lock acquire r --agent x": "ccpm-lock acquire r --agent x",
    "ccpm-lock --agent=x acquire r": "ccpm-lock --agent=x acquire r",
    "CCPM_AGENT_ID=x ccpm-lock acquire r": "CCPM_AGENT_ID=x ccpm-lock acquire r",
    "echo ccpm-lock acquire r": "echo ccpm-lock acquire r",
    "echo 'ccpm-lock acquire r'": "echo 'ccpm-lock acquire r'",
    "ccpm-other x": "ccpm-other x",
    "ccpm version": "ccpm version",
    "cat <<EOF\nccpm-lock list\nEOF": "cat <<EOF\nccpm-lock list\nEOF",
    "bash -c 'ccpm-lock list'": "bash -c 'ccpm-lock list'",
    "bash .claude/commands/pm/issue-start.sh 12 A": "bash .claude/commands/pm/issue-start.sh 12 A --agent a1",
    "/x/commands/pm/issue-start.sh 12 2>&1": "/x/commands/pm/issue-start.sh 12 --agent a1 2>&1",
    "bash commands/pm/other.sh 12": "bash commands/pm/other.sh 12",
    "bash scripts/issue-start.sh 12": "bash scripts/issue-start.sh 12",
    "bash -x commands/pm/issue-start.sh": "bash -x commands/pm/issue-start.sh",
    "ccpm gh issue list": "ccpm gh --agent a1 issue list",
}


@pytest.mark.parametrize("source", CALLS)
def test_only_calls_of_our_helpers_get_the_agent_behind_all_that_a_rule_could_name(source: str) -> None:
    assert shell_writes.with_agent(source, "a1", HELPERS, is_script) == CALLS[source]


@given(source=st.text(alphabet="ab '\"\\$(){}<>|&;\n#`=[*!-", max_size=40))
def test_any_text_is_read_to_an_end(source: str) -> None:
    shell_writes.writes(source)
    shell_writes.with_agent(source, "a1", HELPERS, is_script)
