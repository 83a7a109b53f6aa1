"""The providers by name: a row of data each, loaded when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

import msgspec

from ..errors import ProviderNotFoundError, close_matches

__all__ = ["ROWS", "Row", "available", "find", "load", "missing"]


class Row(msgspec.Struct, frozen=True):
    """One provider. A provider that differs from another only in data is a row with the same `module` and `kind`.

    `module` and `kind` name the class; with a `base_url`, an instance of it is made from the row. `keys` are the
    environment variables that may hold its key, `docs` the page that the data is from.
    """

    name: str
    module: str
    kind: str
    docs: str
    base_url: str = ""
    keys: tuple[str, ...] = ()
    default_model: str = ""


ROWS: tuple[Row, ...] = (
    Row(
        name="Local",
        module="g4f.providers.local",
        kind="Local",
        docs="https://github.com/xorbitsai/xllamacpp#readme",
    ),
)
"""In the order in which the default provider is looked for: those with a key, local servers, the model in the process."""

_BY_NAME = {row.name.casefold(): row for row in ROWS}


def find(name: str) -> Row:
    """Return the row called `name`, in any case. Raises ProviderNotFoundError with close matches."""
    row = _BY_NAME.get(name.casefold())
    if row is None:
        known = [row.name for row in ROWS]
        near = close_matches(name, known) or f" Known are: {', '.join(known)}."
        raise ProviderNotFoundError(f"there is no provider {name!r}.{near}", provider=name)
    return row


@cache
def _load(row: Row) -> Any:
    kind = getattr(import_module(row.module), row.kind)
    return kind(row) if row.base_url else kind


def load(name: str) -> Any:
    """Return the provider called `name`, imported now. Raises ProviderNotFoundError with close matches."""
    return _load(find(name))


def missing(row: Row) -> str:
    """Return why the provider of `row` cannot answer here, in one line with the remedy; "" if it can."""
    if row.keys:
        return "" if any(os.environ.get(key) for key in row.keys) else f"set {' or '.join(row.keys)}"
    reason: str = _load(row).missing()
    return reason


def available() -> Iterator[Row]:
    """Yield the rows whose provider can answer here, in order."""
    return (row for row in ROWS if not missing(row))
