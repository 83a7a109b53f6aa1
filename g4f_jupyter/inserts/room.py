"""How much of a value is sent, and what its reader must know of the rest."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["Room"]


class Room:
    """The room of one value in a question: `limit` characters. It notes what of the value is not sent."""

    def __init__(self, name: str, limit: int) -> None:
        self.name, self.limit = name, limit
        self._parts: list[str] = []
        self._others: list[str] = []

    def note(self, sent: int, of: int, what: str) -> None:
        """Note that so many of so many rows, items, characters, … are sent, if that is not all of them."""
        if sent < of:
            self._parts.append(f"{sent:,} of {of:,} {what}")

    def say(self, what: str) -> None:
        """Note anything else of the value."""
        self._others.append(f"{self.name}: {what}")

    def left_out(self) -> Iterator[str]:
        """Yield it in lines, such as "sales: only 50 of 500 rows were sent"."""
        if self._parts:
            yield f"{self.name}: only {' and '.join(self._parts)} were sent"
        yield from self._others

    def capped(self, text: str) -> str:
        """Return the first `limit` characters of `text`, and a line that says how many more there are."""
        if len(text) <= self.limit:
            return text
        self.note(self.limit, len(text), "characters")
        return f"{text[: self.limit]}\n… {len(text) - self.limit:,} more characters"
