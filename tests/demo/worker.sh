#!/usr/bin/env bash
# worker.sh EPIC STEPS: takes tasks of .claude/epics/EPIC until all are closed. Started in the project's folder.
#
# An example of how a script works on an epic together with others:
# - the lock of the epic is held while deciding what to do next, and while recounting; never while working;
# - the lock of a task is held as long as the task is worked on. A task that is in progress and whose lock nobody
#   holds was left by a worker that died: the next one takes it over and goes on where the other one was;
# - the locks belong to this process: they end with it, however it ends;
# - acquire_lock exports $CCPM_FENCE, so every write below it is refused (status 11) once a lock is lost;
# - counting up is read, compute, write-if-unchanged, and once more after a conflict (status 10).
#
# What belongs to the demo and not to the example is in the functions `note` and `gate`.
set -uo pipefail

epic=$1
steps=$2
me=$CCPM_AGENT_ID
folder=.claude/epics/$epic
log=$folder/log.txt
# shellcheck source=lib/locking.sh disable=SC1091
source .claude/lib/locking.sh
# shellcheck source=lib/atomic-ops.sh disable=SC1091
source .claude/lib/atomic-ops.sh

task='' # the task that we work on
file='' # the file that it is about
ids=()  # all tasks; depends, conflicts and status have an element for each, at its number
depends=()
conflicts=()
status=()

main() {
  read_plan || return
  until [ "$(count closed)" -eq ${#ids[@]} ]; do
    take_task || return
    if [ -n "$task" ]; then
      work_on_task || give_up $? || return
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
    status[10#$id]=open
    depends[10#$id]=$(list_in "$file" depends_on) && conflicts[10#$id]=$(list_in "$file" conflicts_with) || return
  done
}

# The words of `KEY: [a, b]`.
list_in() { ccpm-fm-cas get "$1" "$2" | tr -d '[],"'; }

# A closed task stays closed: only the others are looked at again.
read_statuses() {
  local id
  for id in "${ids[@]}"; do
    [ "${status[10#$id]}" = closed ] || status[10#$id]=$(ccpm-fm-cas get "$folder/$id.md" status) || return
  done
}

count() {
  local id found=0
  for id in "${ids[@]}"; do
    [ "${status[10#$id]}" != "$1" ] || found=$((found + 1))
  done
  echo "$found"
}

# Whether task $1 may be worked on, as far as its file and those of its neighbours say.
is_ready() {
  local other
  case ${status[10#$1]} in
    in-progress) ! check_lock "task-$1" >/dev/null || return ;; # left by a worker that died
    open) ;;
    *) return 1 ;;
  esac
  for other in ${depends[10#$1]}; do
    [ "${status[10#$other]}" = closed ] || return
  done
  for other in ${conflicts[10#$1]}; do
    [ "${status[10#$other]}" != in-progress ] || return
  done
}

# Prints the first task that may be worked on.
first_ready() {
  local id
  for id in "${ids[@]}"; do
    if is_ready "$id"; then
      echo "$id"
      return
    fi
  done
}

# Takes a task, if there is one to be had. Looking needs no lock, because a file is always whole; the lock of the epic
# makes looking once more and taking it one step.
take_task() {
  local code=0
  task=''
  read_statuses && [ -n "$(first_ready)" ] || return 0
  acquire_lock "epic-$epic" >/dev/null || return
  read_statuses && take_first || code=$?
  release_lock "epic-$epic"
  return "$code"
}

take_first() {
  task=$(first_ready)
  [ -n "$task" ] || return 0
  acquire_lock "task-$task" 0 >/dev/null && mark_taken
}

mark_taken() {
  if [ "${status[10#$task]}" = open ]; then
    write_task take status=in-progress "agent=$me" && tell take
  else
    write_task resume "agent=$me" && tell resume
  fi
}

# Until somebody has written to the log, at most a second: a worker that died tells nobody.
wait_for_news() {
  local tries=0
  touch "$asleep"
  until [ "$log" -nt "$asleep" ] || [ "$tries" -eq 10 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
}

# --- work ------------------------------------------------------------------------------------------------------------

work_on_task() {
  local step
  file=$(sed -n 's/^- Files affected: //p' "$folder/$task.md")
  step=$(ccpm-fm-cas get "$folder/epic.md" "steps_$task") || step=0
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
    printf '%s\n' ${text:+"$text"} "$line" >"$file"
  fi
}

# One step more, for the epic and for the task, in one write: together or not at all.
count_step() {
  local seen answer code=10
  while [ "$code" -eq 10 ]; do
    seen=$(ccpm-fm-cas get "$folder/epic.md" version steps) || return
    code=0
    answer=$(ccpm-fm-cas set "$folder/epic.md" --expect-version "${seen%%$'\n'*}" \
      "steps=$((${seen##*$'\n'} + 1))" "steps_$task=$1") || code=$?
    note write epic.md "$code" "${answer:-0}" "step:$task:$1"
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
    status[10#$task]=closed
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
  local file=$1 purpose=$2 answer code=0
  shift 2
  answer=$(ccpm-fm-cas update "$folder/$file" "$@") || code=$?
  note write "$file" "$code" "${answer:-0}" "$purpose"
  return "$code"
}

# A line in the log that all share.
tell() { atomic_append "$log" "$(date -u +%Y-%m-%dT%H:%M:%SZ) $me $1 $task"; }

# --- the demo's own --------------------------------------------------------------------------------------------------

asleep=$DEMO_NOTES/$me.asleep

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
