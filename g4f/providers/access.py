"""Addresses and keys of providers, from the caller or the environment."""

from __future__ import annotations

import os
import re
import sys
from base64 import b64encode
from functools import lru_cache
from importlib import import_module
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from ..errors import InputError, MissingAuthError, kind_of, quoted
from ..secrets.key import Key, sealed
from .rows import Row

__all__ = ["Parted", "address", "check_address", "is_local", "is_usual", "key", "missing", "parted", "shown"]

PROBE = 0.2
"""Seconds to connect to a server on this machine, and then for its answer; a slower one does not count as running."""

_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to connect to, not to listen on
"""Where to reach a server that listens on all addresses of this machine."""

_PORTS = {"http": 80, "https": 443}

_VARIABLE = re.compile(r"\{(\w+)\}")
_VERSION = re.compile(r"/v\d+\w*$")


def address(row: Row, base_url: str | None = None) -> str:
    """Return the base address: the caller's, the environment's, or the row's.

    Raises InputError if it is not an address, MissingAuthError if the row needs a variable that is not set.
    """
    return _own_address(row) if base_url is None else _versioned(row.version, check_address(base_url))


def check_address(base_url: str) -> str:
    """Return `base_url` without a slash at its end. Raises InputError if it is not an http(s) address."""
    if not isinstance(base_url, str) or not (address := _checked(base_url)):
        raise InputError(f"base_url must be like https://host/v1, not {quoted(sealed(base_url))}")
    return address


@lru_cache(maxsize=256)
def _checked(base_url: str) -> str:
    """Return `base_url` without a slash at its end; "" if it is not an address."""
    path, mark, query = base_url.strip().partition("?")
    return sealed(f"{path.rstrip('/')}{mark}{query}") if _is_address(base_url.strip()) else ""


@lru_cache(maxsize=256)
def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def key(row: Row, base_url: str | None = None, api_key: str | None = None) -> Key | None:
    """Return the key to send: the caller's, or the row's, which is for the row's own host only.

    None if none is needed or known. Raises MissingAuthError that names the variable, before anything is sent.
    """
    if api_key is not None:
        return _clean(api_key, "api_key")
    if not (row.keys or row.optional_keys) or (base_url is not None and not _is_own(row, base_url)):
        return None
    for name in row.optional_keys:
        if value := Key(os.environ.get(name, "")):
            return _clean(value, name)
    for name in row.keys:
        if value := Key(os.environ.get(name) or _colab_secret(name)):
            return _clean(value, name)
    if not row.keys:
        return None
    raise MissingAuthError(f"{row.name} needs a key: set {' or '.join(row.keys)}, or give api_key=.", provider=row.name)


def missing(row: Row) -> str:
    """Return why the provider of `row` cannot be asked, in one line with the remedy; "" if it can.

    Secrets of Colab are not read here, because that may open a dialogue. They are once the provider is named.
    """
    elsewhere = any(map(os.environ.get, row.address_keys))
    unset = [name for name in _VARIABLE.findall(row.base_url) if not elsewhere and not os.environ.get(name)]
    is_given = row.is_free and "google.colab" in sys.modules  # its own key is there without a dialogue
    if row.keys and not is_given and not any(os.environ.get(name) for name in row.keys):
        secret = (
            f", or ask {row.name} by name if a secret of Colab is called so" if "google.colab" in sys.modules else ""
        )
        unset.append(" or ".join(row.keys) + secret)
    if unset:
        return f"set {' and '.join(unset)}"
    url = _own_address(row)
    return "" if not is_local(url) or _answers(row, url) else f"start its server at {shown(url)}, with a model"


def shown(url: str) -> str:
    """Return `url` without user, password and query; stars if it is not an address."""
    if not _is_address(url):
        return "***"
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


class Parted(NamedTuple):
    """An address in parts. `password` is the value of the header for its user and password, "" if it has none."""

    given: str
    url: str
    query: str
    password: Key


@lru_cache(maxsize=256)
def parted(address: str) -> Parted:
    """Split an address, so that its secrets are no longer in the address."""
    parts = urlsplit(address)
    user, _, host = parts.netloc.rpartition("@")
    basic = Key(f"Basic {b64encode(unquote(user).encode()).decode()}" if user else "")
    return Parted(address, f"{parts.scheme}://{host}{parts.path}", parts.query and Key(parts.query), basic)


def is_usual(row: Row, url: str) -> bool:
    """Whether `url` is on the server of the row, and not on another one, which the caller or the environment names."""
    own = _VARIABLE.sub(lambda found: os.environ.get(found[1], ""), row.base_url)
    return urlsplit(url).netloc == urlsplit(own).netloc


def is_local(url: str) -> bool:
    """Whether `url` is on this machine."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _own_address(row: Row) -> str:
    """Return the environment's address, or the row's. Errors name the variable, because its value may be a secret."""
    try:
        return _found_address(row)
    except ValueError:  # such as InputError
        names = [*row.address_keys, *_VARIABLE.findall(row.base_url)]
        like = _VARIABLE.sub("https://host", row.base_url)
        text = f"{' or '.join(filter(os.environ.get, names))} must hold an address like {like}"
        raise InputError(text, provider=row.name) from None


def _found_address(row: Row) -> str:
    if elsewhere := _elsewhere(row):
        return _versioned(row.version, check_address(elsewhere))
    for name in _VARIABLE.findall(row.base_url):
        if not os.environ.get(name):
            raise MissingAuthError(f"{row.name} needs an address: set {name}.", provider=row.name)
    if row.former_urls:
        return next((url for url in (row.base_url, *row.former_urls) if _answers(row, url)), row.base_url)
    filled = _VARIABLE.sub(lambda found: os.environ[found[1]].rstrip("/"), row.base_url)
    return _versioned(row.version, check_address(filled))


@lru_cache(maxsize=256)
def _versioned(version: str, url: str) -> str:
    """Return the address with the row's version at its end, if the row has one and the address has none.

    A version may have several parts, of which the address may have the first.
    """
    path, mark, query = url.partition("?")
    if version and not _VERSION.search(path):
        first = version.rpartition("/")[0]
        path = f"{path.removesuffix(f'/{first}')}/{version}"
    return sealed(f"{path}{mark}{query}")


def _elsewhere(row: Row) -> str:
    """Return the address that the environment gives instead of the row's, or ""."""
    given = next((value for name in row.address_keys if (value := os.environ.get(name))), "")
    return _completed(given, row.base_url) if given and is_local(row.base_url) else given


def _completed(host: str, own: str) -> str:
    """Return the address of a local server, of which `host` may be a part: "host", ":port", "host:port/path".

    Like Ollama's client with OLLAMA_HOST, takes missing parts from `own`, and the loopback address for a server that
    listens on all addresses. Raises ValueError if it is not an address.
    """
    scheme, _, rest = host.strip().rpartition("://")
    given, ours = urlsplit(f"//{rest}"), urlsplit(own)
    port = given.port or (None if scheme else ours.port)
    name = given.hostname or ours.hostname or ""
    name = _LOOPBACK.get(name, name)
    at = f"[{name}]" if ":" in name else name
    return f"{scheme or ours.scheme}://{at}{f':{port}' if port else ''}{given.path}"


def _is_own(row: Row, base_url: str) -> bool:
    """Whether `base_url` has the host, scheme and port of the row's own address."""
    own, given = (
        (parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme))
        for parts in map(urlsplit, (_own_address(row), check_address(base_url)))
    )
    return own == given


def _clean(value: str, name: str) -> Key:
    if not isinstance(value, str):
        raise InputError(f"{name} must be a text, not {kind_of(value)}")
    value = Key(value.strip())
    if not value.isascii() or not value.isprintable() or not value:
        raise InputError(f"{name} is not a key: it is empty, or has characters that no key has")
    return value


def _colab_secret(name: str) -> str:
    """Return the secret `name` of a Colab notebook; "" elsewhere, or if the notebook may not read it."""
    if "google.colab" not in sys.modules:
        return ""
    userdata = import_module("google.colab.userdata")
    try:
        return str(userdata.get(name) or "")
    except (userdata.SecretNotFoundError, userdata.NotebookAccessError, userdata.TimeoutException):
        return ""


def _answers(row: Row, url: str) -> bool:
    """Whether a server that lists models answers: other programs use the same well-known ports."""
    from http.client import HTTPConnection, HTTPException  # noqa: PLC0415 - 10 ms that only a probe needs

    parts, (path, mark) = urlsplit(url), row.probe
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=PROBE)
    given = next(filter(None, map(os.environ.get, row.optional_keys)), None)
    try:
        connection.request("GET", f"{parts.path}{path}", headers={"Authorization": f"Bearer {given}"} if given else {})
        answer = connection.getresponse()
        return answer.status == 200 and mark.encode() in answer.read(2**20)
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
