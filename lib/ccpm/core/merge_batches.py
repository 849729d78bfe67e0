"""Which branches to merge and check together next, until each is merged or found guilty. Pure.

    batches = Batches(["a", "b", "c", "d"])
    while batch := batches.next():
        batches.passed() if check(batch) else batches.failed()
    batches.guilty

A batch that passes is merged as a whole. One that fails is halved, the first half first; one branch alone that fails,
on top of all that was merged before it, is guilty. With one guilty branch among n this takes at most 2 ceil(log2 n) +
1 checks (bisection), with none a single one.
"""

from __future__ import annotations


class Batches:
    """`names`: in the order of merging."""

    __slots__ = ("_current", "_waiting", "guilty")

    def __init__(self, names: list[str]) -> None:
        self._waiting = [list(names)]
        self._current: list[str] = []
        self.guilty: list[str] = []

    def next(self) -> list[str]:
        """The names to try now, on top of all that passed; [] when every one is decided."""
        while not self._current and self._waiting:
            self._current = self._waiting.pop()
        return list(self._current)

    def passed(self) -> None:
        """The batch is merged."""
        self._current = []

    def failed(self) -> None:
        """The batch did not pass its check."""
        batch, self._current = self._current, []
        if len(batch) == 1:
            self.guilty += batch
            return
        middle = len(batch) // 2
        self._waiting += [batch[middle:], batch[:middle]]

    def set_aside(self, name: str) -> None:
        """Take `name` out of the present batch: it cannot be tried now."""
        self._current = [other for other in self._current if other != name]
