"""How far a run is."""

from __future__ import annotations

from typing import Protocol

from ..printable import one_line
from .row import BatchRow

__all__ = ["Observer", "Tally"]


class Tally:
    """The counts of a run: each of its rows is in one of `known`, `asked`, `same`, `failed`.

    `known` were in the journal, `asked` were asked and answered now, `same` got the answer of another row. `begun` are
    out now, `tokens` those of what was asked now, `size` how many rows there are, None where nobody knows yet.
    """

    __slots__ = ("asked", "begun", "failed", "known", "same", "size", "tokens")

    def __init__(self, size: int | None) -> None:
        self.size = size
        self.known = self.asked = self.same = self.failed = self.begun = self.tokens = 0

    @property
    def answered(self) -> int:
        """How many rows have an answer."""
        return self.known + self.asked + self.same

    def add(self, row: BatchRow) -> None:
        """Count a row that is done."""
        if row.answer is None:
            self.failed += 1
        elif row.known:
            self.known += 1
        elif row.same:
            self.same += 1
        else:
            self.asked += 1
            self.tokens += row.tokens or 0

    @property
    def _of(self) -> str:
        return "" if self.size is None else f" of {self.size:,}"

    def kept(self, journal: str, count: int) -> str:
        """Return a line for a run that was broken off. It put `count` answers into its `journal`, "" if it has none."""
        if not journal:
            return f"{self.answered:,}{self._of} were answered, and are lost: name a journal= to keep them"
        return f"{self.known + self.same + count:,}{self._of} are kept in {one_line(journal)}; run it again to go on"


class Observer(Protocol):
    """Looks at each row that is done, such as a bar of progress. It must be quick."""

    def seen(self, row: BatchRow, tally: Tally) -> None:
        """Look at a row that is done just now, and at the counts with it."""
