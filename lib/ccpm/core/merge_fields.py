"""Three-way merge of records: what each side made of the last common state, and what both shall have now.

Contract: pure. `merge(base, local, remote)` looks at each field by itself. A side that still says what `base` said
has not changed the field, so the other side's value is the new one. Both changed it to the same value: that. Both
changed it to different values: a conflict, and neither side is told to take anything. Sets are merged member by
member, and never conflict (a member is there if a side added it, gone if a side removed it).

`prefer` resolves conflicts: "local" or "remote" wins, field by field.

Without a common state (`base` has no such field) nobody can know who changed what: equal values are fine, sets are
united, different values conflict.

Source: three-way merge as in diff3 (Khanna, Kunal, Pierce: "A Formal Investigation of Diff3", 2007), on fields for
lines.
"""

from __future__ import annotations

LOCAL = "local"
REMOTE = "remote"

TYPE_CHECKING = False
if TYPE_CHECKING:
    Field = str | frozenset[str]
    Record = dict[str, Field]


class Merged:
    """`record`: the common state after the merge. `to_local`, `to_remote`: the fields that side has to change, and
    what to. `conflicts`: fields that both changed; in `record` they keep their old common value, if there is one."""

    __slots__ = ("conflicts", "record", "to_local", "to_remote")

    def __init__(self) -> None:
        self.record: Record = {}
        self.to_local: Record = {}
        self.to_remote: Record = {}
        self.conflicts: list[str] = []


def merge(base: Record, local: Record, remote: Record, prefer: str = "") -> Merged:
    """The merge of the fields that `local` and `remote` both have; fields that only one side knows are not
    compared."""
    merged = Merged()
    for field in local:
        if field not in remote:
            continue
        value = _merge_field(base.get(field), local[field], remote[field], prefer)
        if value is None:
            merged.conflicts.append(field)
            if field in base:
                merged.record[field] = base[field]
            continue
        merged.record[field] = value
        if value != local[field]:
            merged.to_local[field] = value
        if value != remote[field]:
            merged.to_remote[field] = value
    return merged


def _merge_field(base: Field | None, local: Field, remote: Field, prefer: str) -> Field | None:
    if local == remote:
        return local
    if isinstance(local, frozenset) and isinstance(remote, frozenset):
        before = base if isinstance(base, frozenset) else local & remote
        return (local & remote) | (local - before) | (remote - before)
    if base is not None and local == base:
        return remote
    if base is not None and remote == base:
        return local
    return {LOCAL: local, REMOTE: remote}.get(prefer)
