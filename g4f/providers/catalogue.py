"""The providers by name. Each is a row of data, and is loaded when it is first used."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache, partial
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from ..errors import G4FError, ProviderNotFoundError, close_matches, kind_of, quoted
from ..secrets.key import Key, sealed
from ..secrets.known import keys_here
from ..waiting.threads import side_by_side
from . import access
from .access import check_address
from .rows import FORMER, ROWS, Row, openai_compatible

__all__ = [
    "ROWS",
    "Row",
    "able",
    "available",
    "find",
    "is_address",
    "lacks",
    "load",
    "load_at",
    "missing",
    "names_in",
    "parts",
    "plain",
    "reasons",
]

_BY_NAME = {row.name.casefold(): row for row in ROWS}
_FORMER = {name.casefold(): reason for name, reason in FORMER.items()}


def find(name: str, others: Iterable[str] = ()) -> Row:
    """Return the row called `name`, in any case, also if it is written "LM-Studio" or "llama.cpp".

    Raises ProviderNotFoundError with close matches, which may also come from the names `others`.
    """
    if not isinstance(name, str):
        raise ProviderNotFoundError(f"the name of a provider is a text, not {kind_of(name)}")
    if row := _BY_NAME.get(plain(name)):
        return row
    from ..secrets.scrubbing import Scrubber  # noqa: PLC0415 - 3 ms that only a name which nobody has needs to spend

    if isinstance(sealed(name), Key) or name != Scrubber(keys_here()).scrub(name):
        raise ProviderNotFoundError("a password or a key was given as the name of a provider")
    if former := _FORMER.get(plain(name)):
        raise ProviderNotFoundError(f"{former}. Choose another provider: python -m g4f lists them", provider=name)
    known = [*others, *(row.name for row in ROWS)]
    near = close_matches(name, known) or f" Known are: {', '.join(known)}."
    raise ProviderNotFoundError(f"there is no provider {quoted(name)}.{near}", provider=name)


def names_in(text: str) -> list[str]:
    """Return the names and addresses in a text of several, which commas or spaces part."""
    return [sealed(name) for name in text.replace(",", " ").split()]


def is_address(name: object) -> bool:
    """Whether `name` is an address, and not the name of a provider, be it with that of a model."""
    return isinstance(name, str) and "://" in name and ":" not in name.partition("://")[0]


def parts(name: str) -> tuple[str, str]:
    """Return the provider and the model of a name such as "Ollama:llama3:8b"; "" if it has no model, or is an address.

    Everything behind the first colon is the model; it is a Key where `name` is, which could be a user and a password.
    """
    if is_address(name):
        return name, ""
    end = f"{name}:".index(":")
    return str.__str__(name[:end]), name[end + 1 :]  # unlike `partition`, a slice of a Key is one


def plain(name: str) -> str:
    """Return the form of a name by which a provider is found, however the name is written."""
    return re.sub(r"[\W_]", "", name).casefold()


@cache
def _load(row: Row) -> Any:
    kind = getattr(import_module(row.module), row.kind)
    return kind(row) if row.base_url else kind


def load(name: str) -> Any:
    """Import and return the provider called `name`, or that of `load_at` if `name` is an address.

    Raises ProviderNotFoundError with close matches, InputError for a wrong address.
    """
    return load_at(name) if is_address(name) else _load(find(name))


@lru_cache(maxsize=256)
def load_at(base_url: str) -> Any:
    """Return a provider for an address, which is asked for OpenAI's chat completions if no row has it.

    Raises InputError if it is not an address. No key from the environment goes to the address of no row. Such a server
    is asked for the usage of a stream.
    """
    base_url = check_address(base_url)
    own = next((row for row in ROWS if row.base_url == base_url), None)
    name = urlsplit(base_url).netloc.rpartition("@")[2]
    return _load(own or openai_compatible(name, "", base_url, stream_usage=True))


def missing(row: Row) -> str:
    """Return why the provider of `row` cannot answer here, in one line with the remedy; "" if it can."""
    if row.base_url:
        return access.missing(row)
    reason: str = _load(row).missing()
    return reason


def reasons() -> list[str]:
    """Return for each of `ROWS` what `missing` returns, or what is wrong with its settings.

    Servers are probed in parallel, so several that hang cost the time of one.
    """
    return side_by_side([partial(_reason, row) for row in ROWS])


def _reason(row: Row) -> str:
    try:
        return missing(row)
    except G4FError as error:
        return str(error)


def available() -> Iterator[Row]:
    """Yield, in order, the rows whose provider can answer here, and may be asked if the caller names none."""
    return (row for row in ROWS if row.by_default and not missing(row))


def lacks(row: Row) -> frozenset[str]:
    """Return what the provider of `row` cannot do, in the words of `AbstractProvider.lacks`."""
    found: frozenset[str] = getattr(_load(row), "lacks", frozenset())
    return found


def able(name: str) -> list[str]:
    """Return the providers that can do what is called `name` in `lacks`, first those whose key is set.

    Empty if no row lists it as lacking: then nothing is known.
    """
    can = [row for row in ROWS if name not in lacks(row)]
    can = [row for row in can if row.by_default] if len(can) < len(ROWS) else []
    return [row.name for row in sorted(can, key=lambda row: not any(map(os.environ.get, row.keys)))]
