"""The text that a model gets for tables and arrays: all of a small one, a summary and a sample of a large one."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from ..secrets.key import Key
from ..secrets.known import hides
from ..secrets.scrubbing import Scrubber
from .blame import blamed
from .cells import Cells, row
from .columns import TableColumns, columns_of, grouped
from .kinds import is_a, is_column, is_excerpt
from .room import ALL, Room
from .summary import HEAD, facts, spread

__all__ = ["array", "frame", "groups", "series"]

_PRINTED = 1000
"""Most values of an array that numpy writes."""

_SHORT = 40
"""Most characters of a value in a summary."""

_LEAST = 8
"""Rows of a sample for which there is room before further columns are taken into it."""

_WORDS = 200
"""Characters of what stands between the parts of a summary."""


def array(value: Any, room: Room, scrubber: Scrubber) -> str:
    """Return shape, type and values of an array or tensor, or a summary and a sample; a number is only itself."""
    if value.shape == ():
        return room.capped(str(value))
    head = f"{type(value).__name__}, shape {tuple(value.shape)}, dtype {value.dtype}"
    if not is_a(value, "numpy", "ndarray"):
        text = str(value)
    elif room.limit < ALL and value.size > _PRINTED and _is_table(value):
        return _Table(columns_of(value), room, scrubber).excerpt(head)
    else:
        with sys.modules["numpy"].printoptions(threshold=ALL if room.limit == ALL else _PRINTED):  # not the user's own
            text = str(value)
    if is_excerpt(value, text):
        room.say(f"only an excerpt of its {math.prod(value.shape):,} values was sent")
    return room.capped(f"{head}\n{text}")


def _is_table(value: Any) -> bool:
    return type(value).__name__ == "ndarray" and value.ndim <= 2 and value.dtype.kind in "bcfimMSuU"


def frame(value: Any, room: Room, scrubber: Scrubber) -> str:
    """Return a table in Markdown, below its size and the types of its columns; or a summary and a sample of it."""
    count, width = value.shape
    return _Table(columns_of(value), room, scrubber).text(_title(value, f"{count:,} rows x {width:,} columns"))


def series(value: Any, room: Room, scrubber: Scrubber) -> str:
    """Return a column as such a table."""
    return _Table(columns_of(value), room, scrubber).text(_title(value, f"{len(value):,} values"))


def groups(value: Any, room: Room, scrubber: Scrubber) -> str:
    """Return how many rows each of some groups has, above the table that is grouped."""
    sizes, whole = grouped(value)
    table = _Table(columns_of(sizes), room.beside(room.limit * 2 // 3), scrubber, "groups")
    listed = table.text(_title(value, f"{len(sizes):,} groups, and how many rows each has"))
    describe = series if is_column(whole) else frame
    return f"{listed}\n\nWhat is grouped: {describe(whole, room.beside(len(listed)), scrubber)}"


def _title(value: Any, size: str) -> str:
    return f"{type(value).__name__}, {size}"


class _Table:
    """Writes a table in the room that there is for it. `what` its rows are called where some are left out."""

    def __init__(self, columns: TableColumns, room: Room, scrubber: Scrubber, what: str = "rows") -> None:
        self._columns, self._room, self._scrubber, self._what = columns, room, scrubber, what
        self._width, self._levels = len(columns.labels) - columns.levels, columns.levels
        self._names = list(map(self._cells(), columns.labels))

    def text(self, title: str) -> str:
        """Return all of it, if there is room for that."""
        columns, room = self._columns, self._room
        if not self._names:
            return title
        least = (columns.count + 2) * 4 * len(self._names)
        if columns.count <= room.rows and least <= room.limit:
            cells = self._cells()
            lines = self._lines(range(len(self._names)), range(columns.count), cells)
            types = ", ".join(map("{} {}".format, self._names[self._levels :], columns.types[self._levels :]))
            whole = "\n".join([f"{title}. Types: {types}\n", *lines])
            if len(whole) <= room.limit:
                self._note(cells)
                return whole
        return self.excerpt(title)

    def excerpt(self, title: str) -> str:
        """Return a summary of as many columns as there is room for, and a sample of rows."""
        parts, left = [title], self._room.limit - len(title) - _WORDS
        for write in (self._summarised, self._sampled):
            parts += filter(None, [write(left)])
            left -= len(parts[-1])
        return self._room.capped("\n\n".join(parts))

    def _summarised(self, left: int) -> str:
        """Return a summary that takes half of the characters that are `left`, and the names of other columns."""
        lines = list(_within(self._summary(), left // 2))
        if not lines:
            return ""
        width, summarised = self._width, len(lines) - self._levels
        of = "" if width == 1 else f" of {'each column' if summarised == width else f'{summarised:,} columns'}"
        self._room.add(f"a summary{of}")
        text = "\n".join([f"A summary{of}:\n", row(HEAD), row(["---"] * len(HEAD)), *lines])
        if others := list(_within(self._names[len(lines) :], left // 4)):
            more = width - summarised - len(others)
            text += f"\n\nOther columns: {', '.join(others)}{f', … {more:,} more' if more else ''}"
        return text

    def _sampled(self, left: int) -> str:
        """Return as many rows as there is room for, with their places, and note how much of the table that is."""
        count = self._columns.count
        shown, rows = range(self._columns_within(left // (_LEAST + 2))), min(self._room.rows, count)
        while True:
            cells = self._cells()
            lines = self._lines(shown, spread(count, rows), cells, places=True)
            size = sum(map(len, lines)) + len(lines)
            if size <= left or not rows:
                break
            rows = min(rows - 1, rows * max(left, 0) // size)
        self._room.note(rows, count, self._what)
        columns = len(shown) - self._levels
        if rows or not count:
            self._room.note(columns if rows else 0, self._width, "columns")
        self._note(cells)
        among = "" if columns == self._width else f", with the first {columns:,} columns"
        head = f'{rows:,} of the {self._what}, spread over all{among}; "row" is the place of each, from 0:'
        return "\n".join([f"{head}\n", *lines]) if rows else ""

    def _summary(self) -> Iterator[str]:
        """Yield the line of each column in the summary."""
        cell = self._cells(_SHORT)
        for at, name in enumerate(self._names):
            with self._blamed(at):
                found = ["", "", self._scrubber.stars()] if self._is_secret(at) else facts(self._columns, at, cell)
            yield row([name, cell(str(self._columns.types[at])), *found])

    def _columns_within(self, left: int) -> int:
        """Return how many columns have room in `left` characters, at least one."""
        cell, rows = self._cells(), spread(self._columns.count, _LEAST)
        for at, name in enumerate(self._names):
            left -= 3 + max(map(len, [name, *map(cell, self._values(at, rows))]))
            if left < 0:
                return max(at, self._levels + min(self._width, 1))
        return len(self._names)

    def _lines(self, shown: Sequence[int], rows: Sequence[int], cell: Cells, *, places: bool = False) -> list[str]:
        """Return the lines of a table of these columns and rows, after the `places` of the rows."""
        head = [self._names[at] for at in shown]
        columns: list[Sequence[Any]] = [self._values(at, rows) for at in shown]
        head, columns = (["row", *head], [rows, *columns]) if places else (head, columns)
        return [row(head), row(["---"] * len(head)), *(row(map(cell, each)) for each in zip(*columns, strict=True))]

    def _values(self, at: int, rows: Sequence[int]) -> list[Any]:
        with self._blamed(at):
            return [Key()] * len(rows) if self._is_secret(at) else list(self._columns.values(at, rows))

    def _blamed(self, at: int) -> AbstractContextManager[None]:
        return blamed(f"reading the column {self._names[at]} of {self._room.name}")

    def _is_secret(self, at: int) -> bool:
        return hides(self._names[at], 0)

    def _cells(self, longest: int | None = None) -> Cells:
        return Cells(Scrubber(()), longest or self._room.cell)

    def _note(self, cells: Cells) -> None:
        """Note which of the cells that are sent are secrets, or not whole."""
        self._scrubber.count += cells.scrubber.count
        if cells.cut:
            self._room.say(f"{cells.cut:,} of its cells were sent only to {self._room.cell} characters")
        if cells.partial:
            self._room.say(f"{cells.partial:,} of its cells were sent only in part")


def _within(lines: Iterable[str], left: int) -> Iterator[str]:
    """Yield the first lines that have room in `left` characters."""
    for line in lines:
        left -= len(line) + 2
        if left < 0:
            return
        yield line
