"""Frontmatter as nearly all of it is written, `key: value` on every line, read without looking at lines one by one.

Contract: `read(text)` takes the lines of a block and gives each key with its value, or None where any line is not of
that plain form; then ccpm.files.frontmatter has to look. Where it gives values, they are those that
`frontmatter.parse(…).values()` gives (tests/unit/test_plain_block.py, over generated blocks and the corpus).

A view of a large plan reads thousands of blocks, and most of its time would go into them.
"""

from __future__ import annotations

import re

from ccpm.files import yaml_inline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.files.yaml_inline import Value

_LINE = re.compile(r"^([A-Za-z_][\w-]*):(?: +([^\r\n]*))?\r?$", re.MULTILINE | re.ASCII)

_KEPT = 4096
_known: dict[str, Value | None] = {}
"""What `yaml_inline.read` made of texts that come again and again: `open`, `true`, `[]`."""


def read(text: str) -> dict[str, Value] | None:
    """{key: value} of the block `text`, of a key that stands there twice the first; None if it is not plain."""
    found = _LINE.findall(text)
    if len(found) != text.count("\n"):
        return None
    values: dict[str, Value] = {}
    for key, raw in found:
        value = _known[raw] if raw in _known else _value(raw)
        if value is None:
            return None
        values.setdefault(key, value)
    return values


def _value(raw: str) -> Value | None:
    inline = yaml_inline.read(raw)
    value = None if inline is None else inline.value
    if len(_known) < _KEPT and len(raw) < 32:
        _known[raw] = value
    return value
