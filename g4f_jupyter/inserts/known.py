"""The secrets of a notebook: their values are searched for in everything that is put into a question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from g4f.client.client import AsyncClient, Client
from g4f.conversation import Conversation
from g4f.secrets.known import SHORTEST, hides, keys_here, passwords_of, secrets_of
from g4f.secrets.scrubbing import Scrubber

__all__ = ["held", "scrubber_for"]

LOOKED_AT = 1000
"""Most items of a dict that are looked at."""


def scrubber_for(namespace: Mapping[str, Any]) -> Scrubber:
    """Return a scrubber that replaces the secrets of the environment and of these variables by stars."""
    return Scrubber(keys_here().union(held(namespace)))


def held(namespace: Mapping[str, Any]) -> Iterator[str]:
    """Yield the secrets in variables: by their names, within dicts, in addresses, and of clients."""
    for name, value in [*namespace.items()]:
        kind = type(value)  # its `__class__` may be code that raises
        if issubclass(kind, Client | AsyncClient | Conversation):
            yield from secrets_of(vars(value))
        elif issubclass(kind, dict) and len(value) <= LOOKED_AT:
            yield from _texts(value)
        else:
            yield from _texts({name: value})


def _texts(named: dict[Any, Any]) -> Iterator[str]:
    for name, value in named.items():
        if not issubclass(type(value), str):
            continue
        if hides(name, 0) and len(value) >= SHORTEST:  # a bare "key" is too often the name of something
            yield value
        elif "://" in value[:20]:
            yield from (found for found in passwords_of(value) if len(found) >= SHORTEST)
