"""CSV and Parquet as tables: what a model gets for them is what it gets for a DataFrame in braces."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO, StringIO
from typing import Any, NamedTuple

from ..errors import InputError, MissingRequirementsError
from ..values.text import text_of
from .attached import AttachedFile
from .kinds import suffix_of
from .reading import reading_of

__all__ = ["table_of"]


class _Reader(NamedTuple):
    """A package that reads a file as a table: by which module and function, and its name for the separator."""

    package: str
    module: str
    function: str
    separator: str = ""


_CSV = (_Reader("pandas", "pandas", "read_csv", "sep"), _Reader("polars", "polars", "read_csv", "separator"))
_PARQUET = (_Reader("pyarrow", "pyarrow.parquet", "read_table"), _Reader("polars", "polars", "read_parquet"))


def table_of(content: str | bytes, file: AttachedFile) -> str | None:
    """Return what a model gets for the text of a CSV, or for the bytes of a Parquet file.

    None for a CSV that no package here reads as a table: then `left_out` of the file says so. Raises InputError for a
    Parquet file that is broken, MissingRequirementsError if none here reads it.
    """
    is_text = isinstance(content, str)
    readers = [each for each in (_CSV if is_text else _PARQUET) if find_spec(each.package) is not None]
    readers.sort(key=lambda each: each.package not in sys.modules)  # what the notebook uses itself comes first
    if not readers:
        if not is_text:
            raise MissingRequirementsError(f"{file.name}: to read Parquet, install pyarrow or polars")
        file.left_out.append(f"{file.name}: sent as a text, because neither pandas nor polars is here to read a table")
        return None
    reader = readers[0]
    module = import_module(reader.module)
    errors = (
        [module.exceptions.PolarsError] if reader.package == "polars" else []
    )  # those of the others are ValueErrors
    try:
        with warnings.catch_warnings(action="ignore"):  # such as that a column has several types: the table shows it
            table = _read(getattr(module, reader.function), reader.separator, content, suffix_of(file.name))
    except (ValueError, OSError, OverflowError, *errors) as error:
        line = " ".join(str(error).split())[:200]
        if not is_text:
            raise InputError(f"{file.name} cannot be read as Parquet: {line}") from None
        file.left_out.append(
            f"{file.name}: sent as a text, because it is no table that {reader.package} reads ({line})"
        )
        return None
    return _described(table, file)


def _read(read: Callable[..., Any], separator: str, content: str | bytes, suffix: str) -> Any:
    if isinstance(content, bytes):
        return read(BytesIO(content))
    return read(StringIO(content), **{separator: "\t" if suffix == ".tsv" else _separator(content)})


def _separator(text: str) -> str:
    """Return what separates the names in the first line, which is where decimal commas are not."""
    first = text.lstrip().partition("\n")[0]
    return max(",;\t|", key=first.count)


def _described(table: Any, file: AttachedFile) -> str:
    how = reading_of(file)
    return text_of(table, file.name, limit=how.limit, scrubber=how.scrubber, left_out=file.left_out)
