"""The text of a row of a table, and of a cell in it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ..secrets.key import Key
from ..secrets.scrubbing import Scrubber
from .collections import collection
from .kinds import is_bare, is_collection, is_excerpt
from .room import CELL, Room

__all__ = ["Cells", "row"]


def row(cells: Iterable[str]) -> str:
    """Return a row of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


class Cells:
    """Makes the text of a cell, in one line, and counts those that are `cut`, and those that show a `partial` value.

    The `scrubber` counts the secrets.
    """

    def __init__(self, scrubber: Scrubber, longest: int = CELL) -> None:
        self.cut = self.partial = 0
        self.scrubber, self._longest = scrubber, longest

    def __call__(self, value: Any) -> str:
        """Return the text of a cell."""
        cut = self.cut
        text, is_whole = self._text(value)
        line = " ".join(text.split())
        self.cut = cut + (not is_whole or len(line) > self._longest)
        return (f"{line[: self._longest]}…" if self.cut > cut else line).replace("|", r"\|")

    def _text(self, value: Any) -> tuple[str, bool]:
        """Return the beginning of a value's text, and whether that is all of it."""
        longest = self._longest
        if isinstance(value, Key):
            return self.scrubber.stars(), True
        if isinstance(value, float):
            return "NaN" if math.isnan(value) else f"{value:.15g}", True
        if isinstance(value, str):
            return value[: 10 * longest], len(value) <= 10 * longest  # blanks are not counted
        if isinstance(value, tuple):
            return ", ".join(map(self, value[:longest])), len(value) <= longest
        if is_collection(value):
            room = Room("", longest)
            return collection(value, room, self.scrubber), not any(room.left_out())
        text = str(value)
        self.partial += is_bare(value, text) or is_excerpt(value, text)
        return text, True
