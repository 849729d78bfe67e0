#!/usr/bin/env bats
# ccpm-hook as Claude Code runs it: JSON on standard input, JSON out, and never in the way because of itself.

load helpers

setup() {
  make_project
  mkdir -p .claude/epics/auth src/db
  printf -- '---\nname: auth\n---\n' >.claude/epics/auth/epic.md
  export CLAUDE_CODE_SESSION_ID=s1
}

# event EVENT TOOL INPUT [OPTION…]: the answer of the hook.
event() {
  local name=$1 tool=$2 input=$3
  shift 3
  printf '{"session_id":"s1","cwd":"%s","hook_event_name":"%s","tool_name":"%s","tool_input":%s}' \
    "$PWD" "$name" "$tool" "$input" | ccpm-hook "$name" "$@"
}

@test "an edit of a file that another agent owns is denied, one of a free file is not" {
  ccpm-agent claim auth db 'src/db/**' --agent agent-a --pid $$
  run -0 event PreToolUse Edit '{"file_path":"src/db/a"}'
  [[ $output == *'"permissionDecision": "deny"'*'src/db/a belongs to agent-a'* ]]
  run -0 event PreToolUse Edit '{"file_path":"src/b"}'
  [ -z "$output" ]
}

@test "with --strict, or CCPM_HOOK_STRICT=1, an edit needs a claim" {
  run -0 event PreToolUse Edit '{"file_path":"src/b"}' --strict
  [[ $output == *'"deny"'* ]]
  CCPM_HOOK_STRICT=1 run -0 event PreToolUse Edit '{"file_path":"src/b"}'
  [[ $output == *'"deny"'* ]]
  CCPM_HOOK_STRICT=0 run -0 event PreToolUse Edit '{"file_path":"src/b"}'
  [ -z "$output" ]
}

@test "input that is no JSON is said to the user, and the call passes" {
  run -0 --separate-stderr ccpm-hook PreToolUse <<<'{'
  [[ $output == '{"systemMessage": "ccpm-hook PreToolUse failed: '*'the call was let through"}' ]]
  run -0 --separate-stderr ccpm-hook Stop <<<'[]'
  [[ $output == '{"systemMessage": '* ]]
}

@test "where a failure shall block, the call is denied" {
  run -0 ccpm-hook PreToolUse --block-on-failure <<<'{'
  [[ $output == *'"permissionDecision": "deny"'*'Tell the user'* ]]
  CCPM_HOOK_BLOCK=1 run -0 ccpm-hook PreToolUse <<<'{'
  [[ $output == *'"deny"'* ]]
  CCPM_HOOK_BLOCK=1 run -0 ccpm-hook PostToolUse <<<'{'
  [[ $output == '{"systemMessage": '* ]]
}

@test "an event that this version does not know never blocks a tool" {
  run -1 ccpm-hook LaterEvent <<<'{}'
  [[ $output == *"no verb 'LaterEvent'"* ]]
}

@test "a hook that gets no answer ends by itself, long before Claude Code ends it" {
  run -0 --separate-stderr ccpm-hook SessionEnd < <(exec sleep 5 3>&-)
  [ "$output" = '{"systemMessage": "ccpm-hook SessionEnd failed: no answer within 1.2 s"}' ]
}

@test "a registry that cannot be read does not stop anybody's work" {
  printf '{"files": [' >.claude/epics/auth/agents.json
  run -0 event PreToolUse Edit '{"file_path":"src/b"}'
  [[ $output == *'agents.json is not JSON'*'the call was let through'* ]]
}

@test "a root that cannot be written does not stop anybody's work" {
  printf x >.claude/locks
  run -0 event PreToolUse Edit '{"file_path":"src/b"}'
  [ -z "$output" ]
  run -0 event Stop '' '{}'
}

@test "in shadow mode nothing is refused, and what would be is said and logged" {
  ccpm-agent claim auth db 'src/db/**' --agent agent-a --pid $$
  CCPM_HOOK_SHADOW=1 run -0 event PreToolUse Edit '{"file_path":"src/db/a"}'
  [[ $output == '{"systemMessage": "CCPM: src/db/a belongs to agent-a'*'CCPM_HOOK_SHADOW is set)"}' ]]
  [[ $output != *deny* ]]
  grep -q '"event":"hook.shadow","agent":"agent-s1","tool":"Edit"' .claude/metrics/events.jsonl
  CCPM_HOOK_SHADOW=1 run -0 event PreToolUse Edit '{"file_path":"src/b"}'
  [ -z "$output" ]
}
