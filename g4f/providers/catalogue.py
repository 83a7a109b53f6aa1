"""The providers by name: a row of data each, loaded when it is asked for."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache, partial
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from ..errors import G4FError, ProviderNotFoundError, close_matches
from ..secrets.known import keys_here
from ..typing import Key, sealed
from ..waiting.threads import side_by_side
from . import access
from .access import check_address
from .rows import FORMER, ROWS, Row, openai_compatible

__all__ = ["ROWS", "Row", "able", "available", "find", "lacks", "load", "load_at", "missing", "plain", "reasons"]

_BY_NAME = {row.name.casefold(): row for row in ROWS}
_FORMER = {name.casefold(): told for name, told in FORMER.items()}


def find(name: str, others: Iterable[str] = ()) -> Row:
    """Return the row called `name`, in any case, be it written "LM-Studio" or "llama.cpp".

    Raises ProviderNotFoundError with close matches, also among the names of `others` that could be meant.
    """
    if row := _BY_NAME.get(plain(name)):
        return row
    from ..secrets.scrubbing import Scrubber  # noqa: PLC0415 - 3 ms that only a name which nobody has needs to spend

    if isinstance(sealed(name), Key) or name != Scrubber(keys_here()).scrub(name):
        raise ProviderNotFoundError("a password or a key stands where the name of a provider has to be")
    if former := _FORMER.get(plain(name)):
        raise ProviderNotFoundError(f"{former}: name another one, python -m g4f lists them", provider=name)
    known = [*others, *(row.name for row in ROWS)]
    near = close_matches(name, known) or f" Known are: {', '.join(known)}."
    raise ProviderNotFoundError(f"there is no provider {name!r}.{near}", provider=name)


def plain(name: str) -> str:
    """Return the name by which a provider is found, however it is written."""
    return re.sub(r"[\W_]", "", name).casefold()


@cache
def _load(row: Row) -> Any:
    kind = getattr(import_module(row.module), row.kind)
    return kind(row) if row.base_url else kind


def load(name: str) -> Any:
    """Return the provider called `name`, or that of `load_at` for an address, imported now.

    Raises ProviderNotFoundError with close matches, InputError for what is no address.
    """
    return load_at(name) if "://" in name else _load(find(name))


@lru_cache(maxsize=256)
def load_at(base_url: str) -> Any:
    """Return a provider for an address that is no row's, which speaks OpenAI's chat completions.

    Raises InputError if it is no address. No key from the environment goes there.
    """
    base_url = check_address(base_url)
    own = next((row for row in ROWS if row.base_url == base_url), None)
    return _load(own or openai_compatible(urlsplit(base_url).netloc.rpartition("@")[2], "", base_url))


def missing(row: Row) -> str:
    """Return why the provider of `row` cannot answer here, in one line with the remedy; "" if it can."""
    if row.base_url:
        return access.missing(row)
    reason: str = _load(row).missing()
    return reason


def reasons() -> list[str]:
    """Return for each of `ROWS` what `missing` says, or what is wrong with its settings.

    Servers are looked for side by side: one that hangs is waited for once.
    """
    return side_by_side([partial(_reason, row) for row in ROWS])


def _reason(row: Row) -> str:
    try:
        return missing(row)
    except G4FError as error:
        return str(error)


def available() -> Iterator[Row]:
    """Yield the rows whose provider can answer here and may be asked without being named, in order."""
    return (row for row in ROWS if row.by_default and not missing(row))


def lacks(row: Row) -> frozenset[str]:
    """Return what the provider of `row` cannot do, in the words of `AbstractProvider.lacks`."""
    found: frozenset[str] = getattr(_load(row), "lacks", frozenset())
    return found


def able(name: str) -> list[str]:
    """Return who can do what is called `name` in `lacks`, those whose key is here first.

    Nobody where the catalogue does not tell: no provider in it lacks that.
    """
    can = [row for row in ROWS if name not in lacks(row)]
    can = [row for row in can if row.by_default] if len(can) < len(ROWS) else []
    return [row.name for row in sorted(can, key=lambda row: not any(map(os.environ.get, row.keys)))]
