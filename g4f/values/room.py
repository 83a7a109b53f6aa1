"""How much of a value is sent, and what its reader must know of the rest."""

from __future__ import annotations

import sys
from collections.abc import Iterator

__all__ = ["ALL", "CELL", "Room"]

ALL = sys.maxsize
"""So many characters, or rows: all of them."""

CELL = 200
"""Characters of one text that are sent in any case, and most of one cell of a table."""

_ROWS, _PER_ROW = 50, 400
"""Rows of a table for which there is room in any case, and characters of the limit that make room for one more."""


class Room:
    """The room of one value in a question: `limit` characters. It notes what of the value is not sent.

    `rows` is the most of a table; if that is None, the limit says how many.
    """

    def __init__(self, name: str, limit: int, rows: int | None = None) -> None:
        self.name, self.limit = name, limit
        self.rows = max(_ROWS, limit // _PER_ROW) if rows is None else rows
        self.cell = ALL if limit == ALL else CELL
        self._parts: list[str] = []
        self._instead: list[str] = []
        self._others: list[str] = []

    def note(self, sent: int, of: int, what: str) -> None:
        """Note that so many of so many rows, items, characters, … are sent, if that is not all of them."""
        if sent < of:
            self._parts.append(f"{sent:,} of {of:,} {what}")

    def add(self, what: str) -> None:
        """Note what is sent in the place of the rest, such as a summary."""
        if what not in self._instead:
            self._instead.append(what)

    def say(self, what: str) -> None:
        """Note anything else of the value."""
        self._others.append(f"{self.name}: {what}")

    def left_out(self) -> Iterator[str]:
        """Yield it in lines, such as "text: only 50 of 500 characters were sent"."""
        if self._parts:
            *parts, last = [*self._parts, *self._instead]
            sent = f"{', '.join(parts)} and {last}" if parts else last
            yield f"{self.name}: {'' if self._instead else 'only '}{sent} were sent"
        yield from self._others

    def beside(self, taken: int) -> Room:
        """Return what is left of it when `taken` characters are used: what is noted there is noted here."""
        left = Room(self.name, max(self.limit - taken, 0), self.rows)
        left.cell, left._parts, left._instead, left._others = self.cell, self._parts, self._instead, self._others
        return left

    def capped(self, text: str) -> str:
        """Return the first `limit` characters of `text`, and a line that says how many more there are."""
        if len(text) <= self.limit:
            return text
        self.note(self.limit, len(text), "characters")
        return f"{text[: self.limit]}\n… {len(text) - self.limit:,} more characters"
