"""Who changes shared state: the agent, the fences it carries, the root and its store, who hears about waiting."""

from __future__ import annotations

from ccpm.core import leases
from ccpm.files import root
from ccpm.files.store import Store
from ccpm.ops.locking.holding import Holding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Actor:
    """`agent`: its id. `fences`: {resource: token} of the leases it runs under; every write of it carries them.
    `say` takes one line about waiting. `top` is the coordination root, `store` its records. NotFound (66) without one.
    """

    __slots__ = ("agent", "fences", "say", "store", "top")

    def __init__(
        self,
        agent: str,
        fences: dict[str, int],
        say: Callable[[str], None] = lambda line: None,
        top: str = "",
    ) -> None:
        self.agent = agent
        self.fences = fences
        self.say = say
        self.top = top or root.find()
        self.store = Store(self.top)

    def holding(self, resource: str, operation: str, patience: float = leases.DEFAULT_TIMEOUT) -> Holding:
        """`with actor.holding("epic-auth", "epic-sync") as fences:` holds `resource` for the block. Busy (75) if it is
        not to be had within `patience` seconds."""
        return Holding(self.store, resource, self.agent, operation, self.fences, self.say, patience)
