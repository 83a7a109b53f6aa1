"""Where a provider of the catalogue is, and what lets one in: addresses and keys, from the caller or the environment."""

from __future__ import annotations

import os
import re
import socket
import sys
from importlib import import_module
from urllib.parse import urlsplit

from ..errors import InputError, MissingAuthError
from ..typing import Key
from .rows import Row

__all__ = ["address", "check_address", "is_local", "key", "missing"]

PROBE = 0.1
"""Seconds in which a server on this machine must accept a connection to count as running."""

_VARIABLE = re.compile(r"\{(\w+)\}")


def address(row: Row, base_url: str | None = None) -> str:
    """Return the base address to ask: the caller's, the environment's, or the row's.

    Raises InputError if it is no address, MissingAuthError if the row needs a variable that is not set.
    """
    if base_url is not None:
        return check_address(base_url)
    return _own_address(row)


def check_address(base_url: str) -> str:
    """Return `base_url` without a slash at its end. Raises InputError if it is not http(s)://host…"""
    parts = urlsplit(base_url.strip()) if isinstance(base_url, str) else urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"base_url must be like https://host/v1, not {base_url!r}")
    return base_url.strip().rstrip("/")


def key(row: Row, base_url: str | None = None, api_key: str | None = None) -> Key | None:
    """Return the key to send: the caller's, or the row's, which goes to the row's own host only.

    None where none is needed. Raises MissingAuthError that names the variable, before anything is sent.
    """
    if api_key is not None:
        return _clean(api_key, "api_key")
    if not row.keys or (base_url is not None and not _is_own(row, base_url)):
        return None
    for name in row.keys:
        if value := os.environ.get(name) or _colab_secret(name):
            return _clean(value, name)
    raise MissingAuthError(f"{row.name} needs a key: set {' or '.join(row.keys)}, or give api_key=.", provider=row.name)


def missing(row: Row) -> str:
    """Return why the provider of `row` cannot be asked, in one line with the remedy; "" if it can."""
    lacking = [name for name in _VARIABLE.findall(row.base_url) if not os.environ.get(name)]
    if lacking and not _from_environment(row):
        return f"set {' and '.join(lacking)}"
    if row.keys and not any(os.environ.get(name) for name in row.keys):
        return f"set {' or '.join(row.keys)}"
    if is_local(_own_address(row)) and not _answers(_own_address(row)):
        return f"start its server at {_own_address(row)}"
    return ""


def is_local(url: str) -> bool:
    """Whether `url` is on this machine."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _own_address(row: Row) -> str:
    found = _from_environment(row)
    if found:
        return check_address(found)
    filled = _VARIABLE.sub(lambda variable: os.environ.get(variable[1], "").rstrip("/"), row.base_url)
    lacking = [name for name in _VARIABLE.findall(row.base_url) if not os.environ.get(name)]
    if lacking:
        raise MissingAuthError(f"{row.name} needs an address: set {' and '.join(lacking)}.", provider=row.name)
    return check_address(filled)


def _from_environment(row: Row) -> str:
    return next((value for name in row.base_urls if (value := os.environ.get(name))), "")


def _is_own(row: Row, base_url: str) -> bool:
    """Whether `base_url` is on the row's own host, by the same scheme and port."""
    own, given = urlsplit(_own_address(row)), urlsplit(base_url)
    return (own.scheme, own.hostname, own.port) == (given.scheme, given.hostname, given.port)


def _clean(value: str, name: str) -> Key:
    value = value.strip()
    if not value.isascii() or not value.isprintable() or not value:
        raise InputError(f"{name} holds no key: it is empty, or has characters that no key has")
    return Key(value)


def _colab_secret(name: str) -> str:
    """Return the secret `name` of a Colab notebook; "" elsewhere, or where the notebook may not read it."""
    if "google.colab" not in sys.modules:
        return ""
    userdata = import_module("google.colab.userdata")
    try:
        return str(userdata.get(name) or "")
    except (userdata.SecretNotFoundError, userdata.NotebookAccessError):
        return ""


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port or 80), PROBE).close()
    except OSError:
        return False
    return True
