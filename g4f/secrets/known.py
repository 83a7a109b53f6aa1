"""Secrets in options, in the environment, and among variables."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator, Mapping
from itertools import islice
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ..providers.rows import ROWS
from .key import DEEPEST, Key, is_secret, may_be_secret

__all__ = ["SHORTEST", "STARS", "hides", "is_environment", "keys_here", "passwords_of", "secrets_of"]

SHORTEST = 8
"""Characters that a secret has at least, to be looked for: what is shorter is a placeholder, and part of many words."""

STARS = "***"

FEW, MANY = 5, 200
"""Entries that a copy of the environment has at least, and entries of a dict that are compared with it."""


def keys_here() -> set[str]:
    """Return the secrets in the environment: keys of providers, and whatever has the name of one."""
    names = {name for row in ROWS for name in row.keys}
    found = {value for name, value in os.environ.items() if name in names or is_secret(name)}
    found.update(part for name, value in os.environ.items() if "://" in value for part in passwords_of(value))
    return {value for value in found if len(value) >= SHORTEST}


def secrets_of(value: Any, above: tuple[int, ...] = ()) -> Iterator[Key]:
    """Yield the secrets in options: each Key, and what is one by itself within a header or an address."""
    if isinstance(value, Mapping | list | tuple):
        held = value.values() if isinstance(value, Mapping) else value
        is_known = id(value) in above or len(above) > DEEPEST
        for each in () if is_known else held:
            yield from secrets_of(each, (*above, id(value)))
    elif isinstance(value, Key):
        yield from (Key(found) for found in _parts(value) if len(found) >= SHORTEST)


def _parts(secret: str) -> Iterator[str]:
    if "://" in secret:
        yield from passwords_of(secret)
        return
    yield secret
    scheme, _, rest = secret.partition(" ")
    if scheme.lower() in ("basic", "bearer", "digest", "token"):
        yield rest
    if "=" in secret:  # cookies
        yield from (part.partition("=")[2].strip() for part in secret.split(";"))


def passwords_of(address: str) -> Iterator[str]:
    """Yield the password in an address, as it is written, meant, and sent, and the values of its query."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return
    given = parts.netloc.rpartition("@")[0]
    user, _, password = given.partition(":")
    if given:
        yield b64encode(unquote(given).encode()).decode()
    for found in (password or user, *(value for _, value in parse_qsl(parts.query))):
        yield from {found, unquote(found)}


def is_environment(value: object) -> bool:
    """Whether it is the environment of this process, or a copy of most of it."""
    if value is os.environ:
        return True
    if type(value) is not dict or len(value) < FEW:
        return False
    begin = list(islice(value.items(), MANY))
    same = [name for name, held in begin if type(name) is str and type(held) is str and os.environ.get(name) == held]
    return 2 * len(same) > len(begin)


def hides(name: object, value: Any) -> bool:
    """Whether a value called `name` is a secret: a text, a number, or all that stands within it.

    Nothing of the value's own is called, which may raise.
    """
    if is_environment(value):
        return True
    kind = type(value)
    if issubclass(kind, str | bytes):
        return may_be_secret(name, str.__str__(value) if issubclass(kind, str) else repr(value)[2:-1])
    if value is None or issubclass(kind, bool | ModuleType) or callable(value) or str(name).lower() in ("key", "token"):
        return False
    return is_secret(name)
