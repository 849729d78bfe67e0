"""What ownership.py says, for one agent and at the cost of a few looks at folders where nothing is claimed: for those
who ask about every single file (the hooks of Claude Code, helpers that write).

Contract
    look = QuickLook(top, agent, session)
    look.is_empty                 nobody else has claimed anything
    look.claim_on(relative)       the claim that keeps the agent from changing a file, None if nothing does
    look.claim_below(folder)      a claim by which there may be such a file below a folder

`session` is the agent that it acts under (itself, if it acts for nobody): what that one claims does not stand against
it. Paths are relative to the project's top. It is one snapshot; what ownership.py raises comes through.
"""

from __future__ import annotations

import os

from ccpm.files import glance, root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.core.registry import Registry
    from ccpm.errors import CcpmError
    from ccpm.ops.team.ownership import Claim


class QuickLook:
    __slots__ = ("_all", "_files", "_fold", "_is_odd", "_locks", "agent", "session", "top")

    def __init__(self, top: str, agent: str, session: str) -> None:
        self.top = top
        self.agent = agent
        self.session = session
        self._fold = os.path.exists(os.path.join(top, ".CLAUDE"))
        self._locks = any(name.startswith("file-") for name in glance.listing(root.locks_dir(top)))
        self._files: list[list[str]] = []
        self._is_odd = False
        self._all: tuple[list[Registry], list[CcpmError]] | None = None
        for _, registry in glance.registries(top, b'"files"'):
            self._note(registry)

    @property
    def is_empty(self) -> bool:
        return not (self._locks or self._files or self._is_odd)

    def claim_on(self, relative: str) -> Claim | None:
        if not self._may_be_claimed(relative):
            return None
        claim = self._owner(relative, self.agent)
        if claim and claim.agent == self.session:
            claim = self._owner(relative, self.session)
            return None if claim and claim.agent == self.agent else claim
        return claim

    def claim_below(self, folder: str) -> Claim | None:
        if self.is_empty:
            return None
        from ccpm.ops.team import ownership

        return ownership.first_below(self.top, folder, {self.agent, self.session})

    def _note(self, registry: bytes) -> None:
        """The patterns of others' streams in an agents.json as it is written."""
        from ccpm.core import quick_json

        try:
            for stream in quick_json.loads(registry)["coordination"]["streams"].values():
                if stream["owner"] not in ("", self.agent):
                    self._files.append([one.lower() if self._fold else one for one in stream["files"]])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self._is_odd = True  # of another form: ownership.py reads it in full

    def _may_be_claimed(self, relative: str) -> bool:
        """False only if nobody else can have a claim on the file: a look at what is written, not at who lives."""
        if self._locks or self._is_odd:
            return True
        if not self._files:
            return False
        from ccpm.core import patterns

        path = relative.lower() if self._fold else relative
        return any(patterns.may_match(files, path) for files in self._files)

    def _owner(self, relative: str, asking: str) -> Claim | None:
        from ccpm.ops.team import ownership

        self._all = self._all or ownership.load(self.top)
        return ownership.find(self.top, [relative], asking, self._all).get(relative)
