#!/usr/bin/env bash
# worker.sh EPIC STEPS PACE: takes tasks of .claude/epics/EPIC until all are closed. Started in the project's folder.
#
# An example of how a script works on an epic together with others:
# - the lock of the epic is held while deciding what to do next, and while recounting; never while working;
# - the lock of a task is held as long as the task is worked on. A task that is in progress and whose lock nobody
#   holds was left by a worker that died: the next one takes it over and goes on where the other one was;
# - the locks belong to this process: they end with it, however it ends;
# - acquire_lock exports $CCPM_FENCE, so every write below it is refused (status 11) once a lock is lost;
# - counting up is read, compute, write-if-unchanged, and once more after a conflict (status 10);
# - one helper is kept open (ccpm_session_open), so that a call costs a millisecond or two. Subshells do not share it:
#   ccpm_call puts the helper's output in $CCPM_OUT instead of $( ).
#
# What belongs to the demo and not to the example is in the functions `note` and `gate`.
set -uo pipefail

epic=$1
steps=$2
pace=$3 # seconds that a step of work takes
me=$CCPM_AGENT_ID
folder=.claude/epics/$epic
log=$folder/log.txt
# shellcheck source=lib/locking.sh disable=SC1091
source .claude/lib/locking.sh
# shellcheck source=lib/atomic-ops.sh disable=SC1091
source .claude/lib/atomic-ops.sh

task='' # the task that we work on
file='' # the file that it is about
ids=()  # all tasks; depends, conflicts and state have an element for each, at its number
depends=()
conflicts=()
state=()

main() {
  ccpm_session_open && read_plan || return
  while :; do
    touch "$looked"
    take_task || give_up $? || return
    if [ -n "$task" ]; then
      work_on_task || give_up $? || return
    elif [ "$(count closed)" -eq ${#ids[@]} ]; then
      return 0
    else
      wait_for_news
    fi
  done
}

# --- what there is to do ---------------------------------------------------------------------------------------------

read_plan() {
  local file id
  for file in "$folder"/[0-9]*.md; do
    id=${file##*/}
    id=${id%.md}
    ids+=("$id")
    state[10#$id]=open
    read_field "$file" depends_on || return
    depends[10#$id]=${value//[\[\],]/ }
    read_field "$file" conflicts_with || return
    conflicts[10#$id]=${value//[\[\],]/ }
  done
}

# read_field FILE KEY: its value, in $value.
read_field() {
  ccpm_call ccpm-fm-cas get "$1" "$2" || return
  # shellcheck disable=SC2153 # set by ccpm_call
  value=$CCPM_OUT
}

# A closed task stays closed: only the others are looked at again.
read_statuses() {
  local id
  for id in "${ids[@]}"; do
    if [ "${state[10#$id]}" != closed ]; then
      read_field "$folder/$id.md" status || return
      state[10#$id]=$value
    fi
  done
}

count() {
  local id found=0
  for id in "${ids[@]}"; do
    [ "${state[10#$id]}" != "$1" ] || found=$((found + 1))
  done
  echo "$found"
}

# Whether task $1 may be worked on, as far as its file and those of its neighbours say.
is_ready() {
  local other
  case ${state[10#$1]} in
    in-progress) ! check_lock "task-$1" >/dev/null || return ;; # left by a worker that died
    open) ;;
    *) return 1 ;;
  esac
  for other in ${depends[10#$1]}; do
    [ "${state[10#$other]}" = closed ] || return
  done
  for other in ${conflicts[10#$1]}; do
    [ "${state[10#$other]}" != in-progress ] || return
  done
}

# find_ready: the first task that may be worked on, in $task; "" if there is none.
find_ready() {
  for task in "${ids[@]}"; do
    ! is_ready "$task" || return 0
  done
  task=''
}

# Takes a task, if there is one to be had. Looking needs no lock, because a file is always whole; the lock of the epic
# makes looking once more and taking it one step.
take_task() {
  local code=0
  read_statuses && find_ready || return
  [ -n "$task" ] || return 0
  acquire_lock "epic-$epic" >/dev/null || return
  read_statuses && find_ready || code=$?
  if [ "$code" -eq 0 ] && [ -n "$task" ]; then
    acquire_lock "task-$task" 0 >/dev/null && mark_taken || code=$?
  fi
  release_lock "epic-$epic"
  return "$code"
}

mark_taken() {
  if [ "${state[10#$task]}" = open ]; then
    write_task take status=in-progress "agent=$me" && tell take
  else
    write_task resume "agent=$me" && tell resume
  fi
}

# Until somebody has written to the log since we looked, at most a second: a worker that died tells nobody.
wait_for_news() {
  local tries=0
  until [ "$log" -nt "$looked" ] || [ "$tries" -eq 10 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
}

# --- work ------------------------------------------------------------------------------------------------------------

work_on_task() {
  local step
  file=$(sed -n 's/^- Files affected: //p' "$folder/$task.md")
  read_field "$folder/epic.md" "steps_$task" && step=$value || step=0
  while [ "$step" -lt "$steps" ]; do
    step=$((step + 1))
    do_step "$step" && count_step "$step" || return
    [ "$step" -ne $(((steps + 1) / 2)) ] || report_half || return
  done
  commit_work && close_task
}

# The work itself: a line in the file that the task names. It is not protected by anything but `conflicts_with`.
do_step() {
  local line="$task step $1" text
  mkdir -p "${file%/*}" && touch "$file" || return
  if ! grep -qx "$line" "$file"; then # else it was done by a worker that died before it could count it
    text=$(cat "$file")
    sleep "$pace"
    printf '%s\n' ${text:+"$text"} "$line" >"$file"
  fi
}

# One step more, for the epic and for the task, in one write: together or not at all.
count_step() {
  local version code=10
  while [ "$code" -eq 10 ]; do
    read_field "$folder/epic.md" version && version=$value && read_field "$folder/epic.md" steps || return
    gate count
    code=0
    ccpm_call ccpm-fm-cas set "$folder/epic.md" --expect-version "$version" \
      "steps=$((value + 1))" "steps_$task=$1" || code=$?
    note write epic.md "$code" "${CCPM_OUT:-0}" "step:$task:$1"
  done
  return "$code"
}

report_half() {
  local code=0
  acquire_lock "epic-$epic" >/dev/null || return
  gate half
  tell half && write_progress || code=$?
  release_lock "epic-$epic"
  return "$code"
}

# Several processes cannot commit in one working copy: the command runs under a lock of its own.
commit_work() {
  ccpm-lock run worktree-main -- bash -c '
    git add "$1" && { git diff --cached --quiet || git commit -q -m "$2"; }' - "$file" "Task $task"
}

close_task() {
  local code=0
  acquire_lock "epic-$epic" >/dev/null || return
  gate close
  write_task close status=closed || code=$?
  if [ "$code" -eq 0 ]; then
    state[10#$task]=closed
    tell close && read_statuses && write_progress || code=$?
  fi
  [ "$code" -ne 0 ] || release_lock "task-$task"
  release_lock "epic-$epic"
  return "$code"
}

# give_up STATUS: somebody else may go on with our task, and after a lost lock (11) does so already. We look for another
# one; what is neither that nor somebody being busy (75) ends us.
give_up() {
  release_lock "task-$task"
  task=''
  [ "$1" -eq 11 ] || [ "$1" -eq 75 ] || return "$1"
}

# --- writing; every write is noted -----------------------------------------------------------------------------------

# write_task PURPOSE KEY=VALUE…: changes the frontmatter of our task.
write_task() {
  local purpose=$1
  shift
  write_keys "$task.md" "$purpose" "$@"
}

write_progress() {
  local closed percent
  closed=$(count closed)
  percent=$((closed * 100 / ${#ids[@]}))
  if [ "$percent" -eq 100 ]; then
    write_keys epic.md progress "progress=100%" status=completed
  else
    write_keys epic.md progress "progress=$percent%" status=in-progress
  fi
}

write_keys() {
  local file=$1 purpose=$2 code=0
  shift 2
  ccpm_call ccpm-fm-cas update "$folder/$file" "$@" || code=$?
  note write "$file" "$code" "${CCPM_OUT:-0}" "$purpose"
  return "$code"
}

# A line in the log that all share.
tell() { atomic_append "$log" "$(date -u +%Y-%m-%dT%H:%M:%SZ) $me $1 $task"; }

# --- the demo's own --------------------------------------------------------------------------------------------------

looked=$DEMO_NOTES/$me.looked

# For the verification, which does not trust the tools.
note() { printf '%s\n' "$*" >>"$DEMO_NOTES/$me.notes"; }

# gate POINT: the first worker that comes to an armed gate waits here until the driver has done with it.
gate() {
  local gate=$DEMO_NOTES/gates/$task.$1
  if [ -d "$gate" ] && (set -C && echo "$me $$ $CCPM_FENCE" >"$gate/visitor") 2>/dev/null; then
    until [ -e "$gate/open" ]; do sleep 0.05; done
  fi
}

main
