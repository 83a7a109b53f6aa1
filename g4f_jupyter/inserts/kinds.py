"""Kinds of values. pandas and numpy are recognized by the names of their classes: they need not be imported."""

from __future__ import annotations

from codecs import StreamReaderWriter
from io import IOBase
from os import PathLike
from pathlib import Path, PurePath
from tempfile import _TemporaryFileWrapper

__all__ = ["is_a", "is_array", "is_collection", "is_excerpt", "is_file", "is_path", "is_table"]


def is_a(value: object, package: str, name: str) -> bool:
    """Return whether the class `name` of that package, which need not be imported, is among those of `value`."""
    return any(each.__name__ == name and each.__module__.split(".")[0] == package for each in type(value).__mro__)


def is_array(value: object) -> bool:
    """Whether it is an array or a tensor of any library, or one of their numbers."""
    return hasattr(type(value), "shape") and hasattr(type(value), "dtype")


def is_collection(value: object) -> bool:
    """Whether JSON has something like it; a named tuple shows its names itself."""
    return isinstance(value, dict | list | tuple | set | frozenset) and not hasattr(value, "_fields")


def is_table(value: object) -> bool:
    """Whether it is a table or a column of pandas."""
    return is_a(value, "pandas", "DataFrame") or is_a(value, "pandas", "Series")


def is_path(value: object) -> bool:
    """Whether it names something on the disk; a pure path does not."""
    return isinstance(value, Path if isinstance(value, PurePath) else PathLike)


def is_file(value: object) -> bool:
    """Whether it is an open file, or what is read like one."""
    return isinstance(value, IOBase | StreamReaderWriter | _TemporaryFileWrapper)


def is_excerpt(value: object, text: str) -> bool:
    """Whether `text` is how a table or an array abbreviates itself."""
    return hasattr(type(value), "shape") and ("..." in text or "…" in text)
