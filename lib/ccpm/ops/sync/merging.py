"""One file and its issue, merged both ways: title, text and state, each by itself, from their last common state.

A text or title that both sides changed is a conflict: neither is written, the issue's version is put beside the file,
and the caller ends with MergeConflict (12). Everything else goes through: the file first, in one write under the
version that was read, then the issue; each may be repeated, so a kill in between is completed by the next run.

Non-guarantee: GitHub takes no condition with a change. An issue is read again right before its text is replaced; who
edits it between that and our request, a fraction of a second, is overwritten (GitHub keeps the history of edits).
"""

from __future__ import annotations

import os

from ccpm.core import issue_text, merge_fields, versions
from ccpm.errors import VersionConflict
from ccpm.files import atomic, frontmatter_edit, root
from ccpm.files import frontmatter as text_of_frontmatter
from ccpm.files.plain import Guarded
from ccpm.ops import frontmatter
from ccpm.ops.locking.fences import Fenced
from ccpm.ops.sync import items, state
from ccpm.ops.sync.items import Item
from ccpm.ops.sync.session import Session
from ccpm.ops.trackers import CLOSED, OPEN, Change, Issue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.core.merge_fields import Merged, Record

SAME, PULLED, PUSHED, MERGED, CONFLICT, GONE, SKIPPED, UNSYNCED = (
    "in sync", "pulled", "pushed", "merged", "conflict", "gone", "skipped", "not synced",
)  # fmt: skip
CONFLICTS = "conflicts"


class Outcome:
    """What became of one item: `what` (one of the words above), the `fields` it concerned, the common state
    afterwards, and in a conflict the file with the issue's version."""

    __slots__ = ("fields", "item", "other", "record", "what")

    def __init__(self, item: Item, what: str, fields: list[str], record: Record, other: str = "") -> None:
        self.item = item
        self.what = what
        self.fields = fields
        self.record = record
        self.other = other


def compare(item: Item, issue: Issue, base: Record, prefer: str = "") -> Merged:
    """The merge of `item` and `issue` as a decision; nothing is written."""
    local: Record = {"body": state.digest(item.text), "state": item.state}
    remote: Record = {"body": state.digest(issue.body), "state": issue.state}
    if item.task:  # an epic is named by its folder
        local["title"], remote["title"] = item.title, issue_text.title(issue.title)
    # Without a common state an issue counts as once open: whoever closed it has done something, whoever did not has
    # not.
    return merge_fields.merge({"state": OPEN, **base}, local, remote, prefer)


def describe(merged: Merged) -> str:
    """The word for a decision that is not carried out."""
    if merged.conflicts:
        return CONFLICT
    if merged.to_local and merged.to_remote:
        return "both changed"
    return "remote ahead" if merged.to_local else "local ahead" if merged.to_remote else SAME


def merge(session: Session, item: Item, issue: Issue, base: Record, push: bool, prefer: str = "") -> Outcome:
    """Merge `item` with `issue` and carry it out; `push`: also what the issue shall get (else only the file
    changes)."""
    merged = compare(item, issue, base, prefer)
    record = {
        **base,
        **{field: value for field, value in merged.record.items() if push or field not in merged.to_remote},
    }
    if merged.to_local:
        write_file(session, item, issue, [*merged.to_local])
    if merged.to_remote and push:
        _write_issue(session, item, issue, merged.to_remote)
    fields = sorted({*merged.to_local, *(merged.to_remote if push else {})})
    if merged.conflicts:
        return Outcome(item, CONFLICT, merged.conflicts, record, _keep_both(session, item, issue))
    if push:
        _drop_copy(session, issue)
    both = merged.to_local and merged.to_remote and push
    done = MERGED if both else PULLED if merged.to_local else PUSHED if merged.to_remote and push else SAME
    return Outcome(item, done, fields, record)


def write_file(session: Session, item: Item, issue: Issue, fields: list[str]) -> None:
    """Give the file those `fields` (title, state, body) of the issue: one write, refused (10) if the file is not what
    was read."""
    from hashlib import sha256

    before = item.file.data
    document = item.file.document
    values: dict[str, str] = {}
    if "title" in fields:
        values["name"] = issue.title
    if "state" in fields:
        values["status"] = _status(item, issue)
    content = before
    if values:
        content = frontmatter_edit.edit(document, values, create=True).data
    elif not document.has_block:
        content = frontmatter_edit.edit(document, {versions.KEY: "0"}, create=True).data
    if "body" in fields:
        content = _with_text(content, item.text_in(issue.body), is_epic=item.task is None)
    frontmatter.commit(
        os.path.join(session.actor.top, item.path),
        session.actor.agent,
        content,
        versions.of(document.get(versions.KEY)),
        session.actor.fences,
        sha256(before).hexdigest(),
    )


def _status(item: Item, issue: Issue) -> str:
    if issue.state == CLOSED:
        return "closed" if item.task else "completed"
    return "open" if item.task else "in-progress"


def _with_text(content: bytes, text: str, is_epic: bool) -> bytes:
    """`content` with `text` below its frontmatter; blank lines around it and the kind of line end stay."""
    old = text_of_frontmatter.parse(content).parts()[1]
    head = content[: len(content) - len(old)]
    before = old.decode("utf-8", "surrogateescape")
    if is_epic:
        text = issue_text.with_task_section(text, before)
    blank = before[: len(before) - len(before.lstrip("\r\n"))] or "\n"
    body = blank.replace("\r\n", "\n") + issue_text.unified(text) + "\n"
    if "\r\n" in before:
        body = body.replace("\n", "\r\n")
    return head + body.encode("utf-8", "surrogateescape")


def _write_issue(session: Session, item: Item, issue: Issue, fields: Record) -> None:
    """Give the issue what the file has. VersionConflict (10) if its text has changed since it was read."""
    session.check()
    change = Change()
    if "title" in fields:
        change.title = item.title
    if "state" in fields:
        change.state = item.state
    if "body" in fields:
        items.check_fits(item, session.tracker.longest)
        now = session.tracker.get(issue.number)
        if not issue_text.same(now.body, issue.body):
            raise VersionConflict(
                f"issue #{issue.number} was edited while it was synced; {item.path} was not sent",
                "run the same command again",
            )
        change.body = item.compose(issue_text.marker_of(now.body), issue_text.tasks_in(now.body))
    session.tracker.update(issue.number, change)


def _keep_both(session: Session, item: Item, issue: Issue) -> str:
    """Put the issue's version beside the file; its path below the root."""
    relative, content = _copy(session, issue)
    path = os.path.realpath(os.path.join(session.actor.top, relative))
    root.make_dir(os.path.dirname(path))
    with Guarded(path) as file:
        if file.read() != content:
            with Fenced(session.actor.store, session.actor.fences):
                file.publish(content)
    return relative


def _drop_copy(session: Session, issue: Issue) -> None:
    """Remove the issue's version from beside the file, once it is decided; one that somebody edited stays."""
    relative, content = _copy(session, issue)
    path = os.path.realpath(os.path.join(session.actor.top, relative))
    if not os.path.exists(path):
        return
    with Guarded(path) as file, Fenced(session.actor.store, session.actor.fences):
        found = (file.read() or b"").split(b"\n", 3)
        wanted = content.split(b"\n", 3)
        if (found[0], found[3:]) == (wanted[0], wanted[3:]):  # the line between tells when
            atomic.remove(path, durable=False)


def _copy(session: Session, issue: Issue) -> tuple[str, bytes]:
    """(the path below the root, the content) of a copy of the issue."""
    head = (
        f"# {issue.title}\n\n<!-- {session.tracker.url(issue.number)}, {issue.state}, {issue.updated} -->\n\n"
    )
    content = (head + issue_text.strip(issue.body) + "\n").encode("utf-8", "replace")
    return f"{session.folder}/{CONFLICTS}/{issue.number}.remote.md", content
