"""Merging our hooks into Claude Code's settings: nothing else in the file changes, and they come out again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccpm.core import hook_settings, json_text
from ccpm.errors import Malformed

NAMES = st.sampled_from(["a", 'q"u', "é", "hooks", "PreToolUse", "x y"])
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)
THEIRS = {"matcher": "Bash", "hooks": [{"type": "command", "command": "their-check"}]}
HOOKS = st.dictionaries(
    st.sampled_from(["PreToolUse", "Stop", "Notification"]), st.lists(st.just(THEIRS), min_size=1, max_size=2)
)
LAYOUTS = st.sampled_from([
    json.dumps,
    lambda data: json.dumps(data, indent=2) + "\n",
    lambda data: json.dumps(data, indent=4, ensure_ascii=False),
    lambda data: json.dumps(data, indent="\t") + "\n\n",
    lambda data: "\ufeff" + json.dumps(data, indent=2).replace("\n", "\r\n"),
])  # fmt: skip
SETTINGS = st.builds(
    lambda layout, rest, hooks: layout(
        {**{key: value for key, value in rest.items() if key != "hooks"}, **hooks}
    ),
    LAYOUTS,
    st.dictionaries(NAMES, VALUES, max_size=3),
    st.one_of(st.just({}), st.builds(lambda hooks: {"hooks": hooks}, HOOKS.filter(bool))),
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(text=SETTINGS)
def test_what_was_there_stays_and_our_hooks_come_out_again_to_the_byte(text: str) -> None:
    merged = hook_settings.with_hooks(text)
    before, after = json_text.parse(text), json_text.parse(merged)
    for event, entries in before.get("hooks", {}).items():
        ours = [hook_settings.entry(event)] if event in hook_settings.EVENTS else []
        assert after["hooks"][event] == entries + ours
    assert set(after["hooks"]) == {*before.get("hooks", {}), *hook_settings.EVENTS}
    assert {**after, "hooks": 0} == {**before, "hooks": 0}
    assert hook_settings.with_hooks(merged) == merged
    if before:
        assert hook_settings.without_hooks(merged) == text


def test_an_addition_is_laid_out_like_the_file() -> None:
    text = '{\n    "model": "opus",\n    "hooks": {\n        "Stop": [{"hooks": []}]\n    }\n}\n'
    merged = hook_settings.with_hooks(text)
    assert '    "hooks": {\n        "Stop": [{"hooks": []}, {"hooks": [{"type"' in merged
    assert '\n        "SessionEnd": [\n            {\n                "hooks": [' in merged
    assert merged.endswith("\n        ]\n    }\n}\n")


def test_without_a_file_there_is_one_with_our_hooks_alone() -> None:
    data = json.loads(hook_settings.with_hooks(None))
    assert data == {"hooks": {event: [hook_settings.entry(event)] for event in hook_settings.EVENTS}}
    assert hook_settings.is_empty(hook_settings.without_hooks(hook_settings.with_hooks(None)))


def test_hooks_of_an_older_version_are_replaced_and_an_edited_entry_keeps_what_is_not_ours() -> None:
    old = {"type": "command", "command": '"$CLAUDE_PROJECT_DIR"/.claude/bin/ccpm-hook PreToolUse --strict'}
    text = json.dumps(
        {
            "hooks": {
                "PreToolUse": [{"matcher": "X", "hooks": [old, THEIRS["hooks"][0]]}],
                "Gone": [{"hooks": [old]}],
            }
        }
    )
    data: Any = json.loads(hook_settings.with_hooks(text))
    assert data["hooks"]["PreToolUse"] == [
        {"matcher": "X", "hooks": THEIRS["hooks"]},
        hook_settings.entry("PreToolUse"),
    ]
    assert "Gone" not in data["hooks"]


@pytest.mark.parametrize(
    "text", ["{", "[1]", '{"hooks": []}', '{"hooks": {"Stop": {}}}', "{} {}", '// no\n{"a": 1}']
)
def test_a_file_that_cannot_be_merged_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match=r"settings\.json"):
        hook_settings.with_hooks(text)
