"""The text that a model gets for tables and arrays."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from g4f.secrets.key import Key
from g4f.secrets.known import hides
from g4f.secrets.scrubbing import Scrubber

from .collections import CELL, collection
from .kinds import is_a, is_collection, is_excerpt
from .room import Room

__all__ = ["array", "frame", "series"]

ROWS, COLUMNS = 50, 30
"""Most rows and columns of a table."""


def array(value: Any, room: Room, _: Scrubber) -> str:
    """Return shape, type and, abbreviated, the values of an array or tensor; a number is only itself."""
    if value.shape == ():
        return room.capped(str(value))
    head = f"{type(value).__name__}, shape {tuple(value.shape)}, dtype {value.dtype}\n"
    if is_a(value, "numpy", "ndarray"):
        with sys.modules["numpy"].printoptions(threshold=1000):  # the user's own may be to show all of them
            text = str(value)
    else:
        text = str(value)
    if is_excerpt(value, text):
        room.say(f"only an excerpt of its {math.prod(value.shape):,} values was sent")
    return room.capped(f"{head}{text}")


def frame(value: Any, room: Room, scrubber: Scrubber) -> str:
    """Return the first rows and columns of a DataFrame as a table in Markdown, below its size and their types."""
    count, width = value.shape
    room.note(min(width, COLUMNS), width, "columns")
    return _table(value, f"DataFrame, {count:,} rows x {width:,} columns", count, room, scrubber)


def series(value: Any, room: Room, scrubber: Scrubber) -> str:
    """Return the first values of a Series as such a table."""
    head = value.iloc[:ROWS].to_frame("value" if value.name is None else value.name)
    return _table(head, f"Series, {len(value):,} values", len(value), room, scrubber)


def _table(table: Any, title: str, count: int, room: Room, scrubber: Scrubber) -> str:
    """Return the table below `title`. `count`: of all rows."""
    cell, part = _Cells(scrubber), table.iloc[:ROWS, :COLUMNS]
    columns = [part.iloc[:, at].array for at in range(part.shape[1])]
    names = [cell(label) for label in part.columns]
    types = ", ".join(f"{name} {column.dtype}" for name, column in zip(names, columns, strict=True))
    columns = [[Key()] * len(part) if hides(name, 0) else each for name, each in zip(names, columns, strict=True)]
    if not _only_counts(part.index):
        names.insert(0, ", ".join(cell(name) for name in part.index.names if name is not None))
        columns.insert(0, part.index)
    if not names:
        return title
    head = f"{title}. Types: {types}\n\n{_row(names)}\n{_row(['---'] * len(names))}"
    lines = list(_rows(zip(*columns, strict=True), cell, room.limit - len(head)))
    room.note(len(lines), count, "rows")
    if cell.cut:
        room.say(f"{cell.cut:,} of its cells were sent only to {CELL} characters")
    more = ((count - len(lines), "rows"), (table.shape[1] - part.shape[1], "columns"))
    left = ", ".join(f"{number:,} more {what}" for number, what in more if number)
    return "\n".join([room.capped(head), *lines, *(["", f"… {left}"] if left else [])])


def _only_counts(index: Any) -> bool:
    """Whether an index only counts the rows from 0."""
    return is_a(index, "pandas", "RangeIndex") and index.name is None and index.start == 0 and index.step == 1


def _rows(values: Iterable[Iterable[Any]], cell: _Cells, left: int) -> Iterator[str]:
    """Yield the rows that `left` characters hold."""
    for row in values:
        cut = cell.cut
        line = _row(map(cell, row))
        left -= len(line) + 1
        if left < 0:
            cell.cut = cut  # those of a row that is not sent
            return
        yield line


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


class _Cells:
    """Makes the text of a cell, in one line, and counts in `cut` those that are too long."""

    def __init__(self, scrubber: Scrubber) -> None:
        self.cut = 0
        self._scrubber = scrubber

    def __call__(self, value: Any) -> str:
        """Return the text of a cell."""
        cut = self.cut
        text, is_whole = self._text(value)
        line = " ".join(text.split())
        self.cut = cut + (not is_whole or len(line) > CELL)
        return (f"{line[:CELL]}…" if self.cut > cut else line).replace("|", r"\|")

    def _text(self, value: Any) -> tuple[str, bool]:
        """Return the beginning of a value's text, and whether that is all of it."""
        if isinstance(value, Key):
            return self._scrubber.stars(), True
        if isinstance(value, float):
            return "NaN" if math.isnan(value) else f"{value:.15g}", True
        if isinstance(value, str):
            return value[: 10 * CELL], len(value) <= 10 * CELL  # blanks are not counted
        if isinstance(value, tuple):
            return ", ".join(map(self, value[:CELL])), len(value) <= CELL
        if is_collection(value):
            room = Room("", CELL)
            return collection(value, room, self._scrubber), not any(room.left_out())
        return str(value), True
