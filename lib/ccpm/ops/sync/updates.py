"""Progress files become comments: `updates/<issue>/*.md` of an epic, what is new in them, posted once.

What was posted is marked in the file itself by a line `<!-- SYNCED: time -->`; what stands behind the last such line
is new. Before the first comment goes out, its parts are in the journal with the place up to which each file was read;
so a kill in between posts exactly those parts, whatever was written to the files since, and marks exactly that place.

Non-guarantee: text that is changed above the last mark is not noticed. A file whose posted text is rewritten between
the posting and the mark keeps no mark, and is posted as a whole the next time; a warning says so.
"""

from __future__ import annotations

import os
import re

from ccpm.core import issue_text
from ccpm.files import frontmatter, plain
from ccpm.files.plain import Guarded
from ccpm.ops import frontmatter as frontmatter_ops
from ccpm.ops.locking.fences import Fenced
from ccpm.ops.plan import epics
from ccpm.ops.sync import items
from ccpm.ops.sync.session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PROGRESS = "progress.md"
_ORDER = {PROGRESS: "", "notes.md": "### 📝 Technical Notes", "commits.md": "### 💻 Recent Commits"}
_ROOM = 200
"""Characters of a comment that are kept free for its marker and the number of its part."""


class News:
    """What is new in one file: its `text`, and the `length` of the body that was read (characters)."""

    __slots__ = ("digest", "length", "path", "text")

    def __init__(self, path: str, text: str, length: int, digest: str) -> None:
        self.path = path
        self.text = text
        self.length = length
        self.digest = digest


def post(session: Session, number: int) -> dict[str, Any]:
    """Post what is new about issue `number`: {comments, completion, last_sync}. First what an earlier run left."""
    batches = _pending(session, number)
    posted = [_carry_out(session, batch) for batch in batches]
    folder = folder_of(session, number)
    news = gather(session, folder) if folder else []
    completion = read_completion(session, folder)
    if news:
        batch = _batch(session, number, folder, news, completion)
        batches.append(batch)
        session.journal.append(batch)
        posted.append(_carry_out(session, batch))
    files = dict.fromkeys(str(mark["file"]) for batch in batches for mark in batch["marks"])
    return {"comments": sum(posted), "completion": completion, "files": list(files)}


def folder_of(session: Session, number: int) -> str:
    """The folder of the progress files for an issue, relative to the epic; "" if there is none."""
    item = session.items.by_number(number)
    candidates = [
        str(number),
        *([item.task.id, item.task.key.replace("/", "-")] if item and item.task else []),
    ]
    for name in candidates:
        if os.path.isdir(session.path(f"updates/{name}")):
            return f"updates/{name}"
    return ""


def gather(session: Session, folder: str) -> list[News]:
    """What is new in the markdown files of `folder`, progress.md first."""
    names = [name for name in os.listdir(session.path(folder)) if name.endswith(".md")]
    found = []
    for name in sorted(
        names, key=lambda name: (list(_ORDER).index(name) if name in _ORDER else len(_ORDER), name)
    ):
        body = _body(plain.read(session.path(f"{folder}/{name}")) or b"")
        text, length = issue_text.news(body)
        text = items.hide(text, session.actor.top)
        if text:
            found.append(News(f"{folder}/{name}", text, length, _digest(body)))
    return found


def read_completion(session: Session, folder: str) -> str:
    """`completion:` of the progress file, "" if it says nothing."""
    if not folder:
        return ""
    document = frontmatter.parse(plain.read(session.path(f"{folder}/{PROGRESS}")) or b"")
    return (document.get_text("completion") or "").strip()


def set_completion(session: Session, number: int, completion: str) -> None:
    """Let the progress file of an issue say `completion`, if there is one with frontmatter."""
    folder = folder_of(session, number)
    path = session.path(f"{folder}/{PROGRESS}")
    if folder and frontmatter.parse(plain.read(path) or b"").has_block:
        values = {"completion": completion, "last_sync": epics.now()}
        frontmatter_ops.apply(
            frontmatter_ops.Change(path, session.actor.agent, values, (), session.actor.fences)
        )


def _pending(session: Session, number: int) -> list[dict[str, Any]]:
    return [entry for entry in session.journal.entries if "batch" in entry and entry["issue"] == number]


def _batch(session: Session, number: int, folder: str, news: list[News], completion: str) -> dict[str, Any]:
    import uuid

    when = epics.now()
    sections = [_section(one) for one in news]
    state = f"Progress: {completion} | " if completion else ""
    text = "\n\n".join(
        [f"## 🔄 Progress Update - {when}", *sections, f"---\n*{state}Synced from local updates at {when}*"]
    )
    parts = issue_text.split(text, min(issue_text.LONGEST, session.tracker.longest) - _ROOM)
    if len(parts) > 1:
        parts = [f"*Part {index} of {len(parts)}*\n\n{part}" for index, part in enumerate(parts, 1)]
    marks = [{"file": one.path, "length": one.length, "sha256": one.digest} for one in news]
    batch: dict[str, Any] = {
        "batch": str(uuid.uuid4()),
        "issue": number,
        "when": when,
        "parts": parts,
        "marks": marks,
    }
    return {**batch, "progress": f"{folder}/{PROGRESS}"}


def _section(one: News) -> str:
    name = one.path.rpartition("/")[2]
    heading = _ORDER.get(name, f"### {name.removesuffix('.md').replace('-', ' ').title()}")
    if not heading or re.match(r"#+ ", one.text):
        return one.text
    return f"{heading}\n\n{one.text}"


def _carry_out(session: Session, batch: dict[str, Any]) -> int:
    """Post the parts of `batch` that are not posted, mark the files, end the batch; how many parts it has."""
    keys = [f"{batch['batch']}:{index}" for index in range(len(batch["parts"]))]
    for key, part in zip(keys, batch["parts"], strict=True):
        session.once.comment(key, int(batch["issue"]), part)
        session.progress.step(f"comment on #{batch['issue']}")
    for mark in batch["marks"]:
        _mark(session, mark, batch["when"])
    path = session.path(batch["progress"])
    if frontmatter.parse(plain.read(path) or b"").has_block:
        change = frontmatter_ops.Change(
            path, session.actor.agent, {"last_sync": batch["when"]}, (), session.actor.fences
        )
        frontmatter_ops.apply(change)
    session.forget({batch["batch"], *keys})
    return len(keys)


def _mark(session: Session, mark: dict[str, Any], when: str) -> None:
    """Mark what was posted of one file. Its frontmatter, and what was written behind that place since, stay."""
    path = session.path(mark["file"])
    with Guarded(path) as file:
        content = file.read()
        if content is None:
            return
        body = _body(content)
        length = int(mark["length"])
        if _digest(body[:length]) != mark["sha256"]:
            session.warnings.append(
                f"{mark['file']} was rewritten while it was posted; it is posted again next time"
            )
            return
        if body[length:].lstrip("\r\n").startswith("<!-- SYNCED: "):
            return  # marked before the kill
        head = content[: len(content) - len(body.encode("utf-8", "surrogateescape"))]
        marked = issue_text.mark(body, length, when).encode("utf-8", "surrogateescape")
        with Fenced(session.actor.store, session.actor.fences):
            file.publish(head + marked)


def _body(content: bytes) -> str:
    return frontmatter.parse(content).parts()[1].decode("utf-8", "surrogateescape")


def _digest(text: str) -> str:
    from hashlib import sha256

    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
