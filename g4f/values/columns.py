"""Tables of pandas, polars, pyarrow and numpy, read column by column where they are: none is copied."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any, NamedTuple

from .kinds import is_a

__all__ = ["Extent", "TableColumns", "columns_of", "grouped", "is_missing"]

PART = 2**17
"""Values of a column of pandas or numpy that are looked at at once: to look at them makes a copy of them."""

_NULLS = ("MaskedConstant", "NAType", "NaTType")
_FLOATS = ("Decimal", "datetime64", "float", "float16", "float32", "float64", "timedelta64")
"""Types of which one value says that there is none, and types of which one value is not equal to itself."""


def is_missing(value: Any) -> bool:
    """Whether it is None, NaN, NaT, or what a library has for them."""
    name = type(value).__name__
    return value is None or name in _NULLS or (name in _FLOATS and bool(value != value))  # noqa: PLR0124 - NaN is not


class Extent(NamedTuple):
    """How many values of a column are missing, and its least and greatest, if the library orders them."""

    missing: int
    ends: tuple[Any, ...] = ()

    @classmethod
    def of(cls, missing: int, ends: Iterable[Any] = ()) -> Extent:
        """Return the extent of a column whose parts have these `ends`."""
        there = [end for end in ends if not is_missing(end)]
        return cls(missing, (min(there), max(there)) if there else ())


class TableColumns:
    """The columns of a table, by their places from 0. The first `levels` of them are labels of its rows."""

    levels = 0

    def __init__(self, count: int, labels: Iterable[Any], types: Iterable[Any], columns: Any) -> None:
        self.count, self.labels, self.types = count, list(labels), list(types)
        self._columns = columns

    def values(self, at: int, rows: Sequence[int]) -> Iterable[Any]:
        """Return the values of a column in some rows, in rising order."""
        raise NotImplementedError

    def extent(self, at: int) -> Extent:
        """Return how far a column reaches."""
        raise NotImplementedError


class _Pandas(TableColumns):
    def __init__(self, frame: Any) -> None:
        self._index = frame.index
        names = [] if _only_counts(frame.index) else ["index" if name is None else name for name in frame.index.names]
        self.levels = len(names)
        types = [frame.index[:0].get_level_values(level).dtype for level in range(self.levels)]
        super().__init__(len(frame), [*names, *frame.columns], [*types, *frame.dtypes], frame.iloc)

    def values(self, at: int, rows: Sequence[int]) -> Iterable[Any]:
        is_label = at < self.levels
        taken = self._index.take(rows).get_level_values(at) if is_label else self._column(at).iloc[rows]
        values: Iterable[Any] = taken.array
        return values

    def extent(self, at: int) -> Extent:
        is_label, dtype = at < self.levels, self.types[at]
        column = self._index if is_label else self._column(at).iloc
        parts = (column[begin : begin + PART] for begin in range(0, self.count, PART))
        is_ordered, missing, ends = dtype.kind in "iufmM" or is_a(dtype, "pandas", "PeriodDtype"), 0, list[Any]()
        for part in parts:
            values = part.get_level_values(at) if is_label else part
            missing += int(values.isna().sum())
            ends += (values.min(), values.max()) if is_ordered else ()
        return Extent.of(missing, ends)

    def _column(self, at: int) -> Any:
        return self._columns[:, at - self.levels]


def _only_counts(index: Any) -> bool:
    """Whether an index only counts the rows from 0."""
    return is_a(index, "pandas", "RangeIndex") and index.name is None and index.start == 0 and index.step == 1


class _Polars(TableColumns):
    def __init__(self, frame: Any) -> None:
        super().__init__(len(frame), frame.columns, frame.dtypes, frame.get_columns())

    def values(self, at: int, rows: Sequence[int]) -> Iterable[Any]:
        values: list[Any] = self._columns[at][rows].to_list()
        return values

    def extent(self, at: int) -> Extent:
        column, dtype = self._columns[at], self.types[at]
        missing = column.null_count() + (column.is_nan().sum() if dtype.is_float() else 0)
        is_ordered = dtype.is_numeric() or dtype.is_temporal()
        return Extent.of(missing, (column.min(), column.max()) if is_ordered else ())


class _Arrow(TableColumns):
    def __init__(self, table: Any) -> None:
        columns = [column.chunks if hasattr(column, "chunks") else [column] for column in table.columns]
        super().__init__(table.num_rows, table.schema.names, table.schema.types, columns)

    def values(self, at: int, rows: Sequence[int]) -> Iterable[Any]:
        values, begin = list[Any](), 0
        for chunk in self._columns[at]:  # to take rows of all chunks at once would first put these together
            first, begin = begin, begin + len(chunk)
            here = rows[bisect_left(rows, first) : bisect_left(rows, begin)]
            values += _taken(chunk, [row - first for row in here]) if here else []
        return values

    def extent(self, at: int) -> Extent:
        from pyarrow import compute  # noqa: PLC0415 - an optional package

        chunks, kinds, dtype = self._columns[at], sys.modules["pyarrow"].types, self.types[at]
        is_number = kinds.is_integer(dtype) or kinds.is_float32(dtype) or kinds.is_float64(dtype)
        is_time = kinds.is_date(dtype) or kinds.is_time(dtype) or kinds.is_timestamp(dtype)
        is_ordered = is_number or is_time or kinds.is_decimal(dtype)
        ends = (compute.min_max(chunk).values() for chunk in chunks if is_ordered)
        missing = sum(compute.sum(chunk.is_null(nan_is_null=True)).as_py() or 0 for chunk in chunks)
        return Extent.of(missing, (end.as_py() for pair in ends for end in pair))


def _taken(chunk: Any, rows: list[int]) -> list[Any]:
    try:
        taken: list[Any] = chunk.take(rows).to_pylist()
    except NotImplementedError:  # of views of strings
        taken = [chunk[row].as_py() for row in rows]
    return taken


class _Numpy(TableColumns):
    def __init__(self, array: Any) -> None:
        labels = range(array.shape[1]) if array.ndim > 1 else ["value"]
        columns = array.T if array.ndim > 1 else [array]
        super().__init__(len(array), labels, [array.dtype] * len(labels), columns)

    def values(self, at: int, rows: Sequence[int]) -> Iterable[Any]:
        values: Iterable[Any] = self._columns[at][rows]
        return values

    def extent(self, at: int) -> Extent:
        numpy, column = sys.modules["numpy"], self._columns[at]
        parts = [column[begin : begin + PART] for begin in range(0, self.count, PART)]
        missing = sum(int((part != part).sum()) for part in parts if part.dtype.kind in "cfmM")  # noqa: PLR0124
        reduced = (numpy.fmin.reduce, numpy.fmax.reduce) if column.dtype.kind in "iufmM" else ()
        return Extent.of(missing, (reduce(part) for part in parts for reduce in reduced))


def columns_of(value: Any) -> TableColumns:
    """Return the columns of a table, a column, or an array of one or two dimensions."""
    if is_a(value, "numpy", "ndarray"):
        return _Numpy(value)
    if is_a(value, "pandas", "Series"):
        return _Pandas(value.to_frame("value" if value.name is None else value.name))
    if is_a(value, "pandas", "DataFrame"):
        return _Pandas(value)
    if is_a(value, "polars", "Series"):
        return _Polars(value.to_frame(value.name or "value"))
    if is_a(value, "polars", "DataFrame"):
        return _Polars(value)
    is_table = is_a(value, "pyarrow", "Table") or is_a(value, "pyarrow", "RecordBatch")
    return _Arrow(value if is_table else sys.modules["pyarrow"].table({"value": value}))


def grouped(value: Any) -> tuple[Any, Any]:
    """Return the sizes of groups, and the table or the column that is grouped."""
    if is_a(value, "polars", "GroupBy"):
        ordered = copy(value)
        ordered.maintain_order = True  # else it is another one each time, and a tape does not find the question again
        return ordered.len(), value.df
    if is_a(value, "pyarrow", "TableGroupBy"):
        return value.aggregate([([], "count_all")]), value._table  # noqa: SLF001 - it has no other name
    sizes = value.size()
    return sizes.rename("rows") if is_a(sizes, "pandas", "Series") else sizes, value.obj
