"""The text that a model gets for tables and arrays."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from g4f.secrets.key import Key
from g4f.secrets.known import hides
from g4f.secrets.scrubbing import Scrubber

from .collections import CELL, collection
from .kinds import is_a, is_bare, is_collection, is_excerpt
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
    """Return the first rows and columns of a table as one in Markdown, below its size and their types."""
    count, width = value.shape
    room.note(min(width, COLUMNS), width, "columns")
    title = f"{type(value).__name__}, {count:,} rows x {width:,} columns"
    return _table(_beginning(value), title, (count, width), room, scrubber)


def series(value: Any, room: Room, scrubber: Scrubber) -> str:
    """Return the first values of a column as such a table."""
    if is_a(value, "pandas", "Series"):
        head = value.iloc[:ROWS].to_frame("value" if value.name is None else value.name)
    elif is_a(value, "polars", "Series"):
        head = value[:ROWS].to_frame(value.name or "value")
    else:
        head = sys.modules["pyarrow"].table({"value": value[:ROWS]})
    return _table(_beginning(head), f"{type(value).__name__}, {len(value):,} values", (len(value), 1), room, scrubber)


class _Beginning(NamedTuple):
    """The first rows and columns of a table: labels, types and values of each column; an index, if it has one."""

    labels: Iterable[Any]
    types: Iterable[Any]
    columns: list[Any]
    index: Any = None


def _beginning(table: Any) -> _Beginning:
    if is_a(table, "pandas", "DataFrame"):
        part = table.iloc[:ROWS, :COLUMNS]
        columns = [part.iloc[:, at].array for at in range(part.shape[1])]
        return _Beginning(part.columns, [column.dtype for column in columns], columns, part.index)
    if is_a(table, "polars", "DataFrame"):
        part = table[:ROWS, :COLUMNS]
        return _Beginning(part.columns, part.dtypes, [column.to_list() for column in part.get_columns()])
    part = table.slice(0, ROWS)
    columns = [column.to_pylist() for column in part.columns[:COLUMNS]]
    return _Beginning(part.schema.names[:COLUMNS], part.schema.types[:COLUMNS], columns)


def _table(begin: _Beginning, title: str, shape: tuple[int, int], room: Room, scrubber: Scrubber) -> str:
    """Return the table below `title`. `shape`: of the whole."""
    cell = _Cells(scrubber)
    names = [cell(label) for label in begin.labels]
    types = ", ".join(f"{name} {kind}" for name, kind in zip(names, begin.types, strict=True))
    columns = [[Key()] * len(each) if hides(name, 0) else each for name, each in zip(names, begin.columns, strict=True)]
    shown = len(columns)
    if begin.index is not None and not _only_counts(begin.index):
        names.insert(0, ", ".join(cell(name) for name in begin.index.names if name is not None))
        columns.insert(0, begin.index)
    if not names:
        return title
    head = f"{title}. Types: {types}\n\n{_row(names)}\n{_row(['---'] * len(names))}"
    lines = list(_rows(zip(*columns, strict=True), cell, room.limit - len(head)))
    room.note(len(lines), shape[0], "rows")
    if cell.cut:
        room.say(f"{cell.cut:,} of its cells were sent only to {CELL} characters")
    if cell.partial:
        room.say(f"{cell.partial:,} of its cells were sent only in part")
    more = ((shape[0] - len(lines), "rows"), (shape[1] - shown, "columns"))
    left = ", ".join(f"{number:,} more {what}" for number, what in more if number)
    return "\n".join([room.capped(head), *lines, *(["", f"… {left}"] if left else [])])


def _only_counts(index: Any) -> bool:
    """Whether an index only counts the rows from 0."""
    return is_a(index, "pandas", "RangeIndex") and index.name is None and index.start == 0 and index.step == 1


def _rows(values: Iterable[Iterable[Any]], cell: _Cells, left: int) -> Iterator[str]:
    """Yield the rows that `left` characters hold."""
    for row in values:
        before = cell.cut, cell.partial
        line = _row(map(cell, row))
        left -= len(line) + 1
        if left < 0:
            cell.cut, cell.partial = before  # those of a row that is not sent
            return
        yield line


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


class _Cells:
    """Makes the text of a cell, in one line, and counts those that are `cut`, and those that show a `partial` value."""

    def __init__(self, scrubber: Scrubber) -> None:
        self.cut = self.partial = 0
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
        text = str(value)
        self.partial += is_bare(value, text) or is_excerpt(value, text)
        return text, True
