"""Kinds of values. Tables and arrays are recognized by the names of their classes: nothing need be imported."""

from __future__ import annotations

import re
from codecs import StreamReaderWriter
from collections.abc import Iterator
from io import IOBase
from os import PathLike
from pathlib import Path, PurePath
from tempfile import _TemporaryFileWrapper

__all__ = [
    "is_a",
    "is_array",
    "is_bare",
    "is_collection",
    "is_column",
    "is_excerpt",
    "is_file",
    "is_frame",
    "is_group",
    "is_path",
    "is_plan",
]

_FRAMES = (("pandas", "DataFrame"), ("polars", "DataFrame"), ("pyarrow", "Table"), ("pyarrow", "RecordBatch"))
_GROUPS = (
    ("pandas", "DataFrameGroupBy"),
    ("pandas", "SeriesGroupBy"),
    ("polars", "GroupBy"),
    ("pyarrow", "TableGroupBy"),
)
_COLUMNS = (("pandas", "Series"), ("polars", "Series"), ("pyarrow", "Array"), ("pyarrow", "ChunkedArray"))

_BARE = re.compile(r"<\w(?!.*/>)(?!.*</).* .*>")
"""The text of a generator, a group of rows, a response: what Python says of an object that says nothing itself."""

_MARKS = ("...", "…", "  :\t:")
"""What tables and arrays, numpy's, polars's and scipy's, write where they leave something out."""


def is_a(value: object, package: str, name: str) -> bool:
    """Return whether the class `name` of that package, which need not be imported, is among those of `value`."""
    return any(each.__name__ == name and each.__module__.split(".")[0] == package for each in type(value).__mro__)


def is_array(value: object) -> bool:
    """Whether it is an array or a tensor of any library, or one of their numbers."""
    return hasattr(type(value), "shape") and hasattr(type(value), "dtype")


def is_collection(value: object) -> bool:
    """Whether JSON has something like it; a named tuple shows its names itself."""
    return isinstance(value, dict | list | tuple | set | frozenset) and not hasattr(value, "_fields")


def is_frame(value: object) -> bool:
    """Whether it is a table of pandas, polars or pyarrow."""
    return any(is_a(value, *kind) for kind in _FRAMES)


def is_column(value: object) -> bool:
    """Whether it is a column of pandas, polars or pyarrow."""
    return any(is_a(value, *kind) for kind in _COLUMNS)


def is_group(value: object) -> bool:
    """Whether it is the rows of such a table in groups."""
    return any(is_a(value, *kind) for kind in _GROUPS)


def is_plan(value: object) -> bool:
    """Whether it holds no rows yet, but what is to be computed: a lazy table of polars, or a table of dask or spark."""
    return is_a(value, "polars", "LazyFrame") or any(is_a(value, each, "DataFrame") for each in ("dask", "pyspark"))


def is_path(value: object) -> bool:
    """Whether it names something on the disk; a pure path does not."""
    return isinstance(value, Path if isinstance(value, PurePath) else PathLike)


def is_file(value: object) -> bool:
    """Whether it is an open file, or what is read like one."""
    return isinstance(value, IOBase | StreamReaderWriter | _TemporaryFileWrapper)


def is_excerpt(value: object, text: str) -> bool:
    """Whether a table or an array abbreviates itself in `text`, that of the value or of what has it."""
    if not any(mark in text for mark in _MARKS):
        return False
    return any(hasattr(type(each), "shape") or is_column(each) for each in _parts(value))


def _parts(value: object) -> Iterator[object]:
    yield value
    yield from getattr(value, "__dict__", {}).values()
    if isinstance(value, list | tuple):
        yield from value


def is_bare(value: object, text: str) -> bool:
    """Whether `text`, that of the value, says only of what type it is."""
    return not isinstance(value, str | type) and _BARE.fullmatch(text) is not None
