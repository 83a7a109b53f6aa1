"""How requests are sent: what a caller, a client or the environment may set."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

import msgspec

from ...errors import InputError, kind_of
from ...secrets.known import secrets_of
from ...typing import Key

__all__ = ["TRANSPORT", "Settings", "environment_proxy", "private", "proxy_address"]

_PRIVATE = ("api_key", "base_url", "extra_headers", "extra_query")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How requests are sent. Each may be set for a call, for a client, or as `G4F_…` in the environment.

    All times are in seconds: to connect, until the answer begins, and of silence within it. `verify` is whether
    certificates are checked, or the path of a file with those of the authorities to trust.
    """

    proxy: str | None = None
    verify: bool | str = True
    max_retries: int = 2
    connect_timeout: float = 10.0
    first_timeout: float = 300.0
    stream_timeout: float = 60.0

    @classmethod
    def pop_from(cls, options: dict[str, Any]) -> Settings:
        """Return the settings in `options`, which are taken out of it. Raises InputError for one of a wrong kind.

        A `stream_timeout` that the caller gives is the limit for the beginning too.
        """
        given: dict[str, Any] = {}
        if options.get("proxy"):
            options["proxy"] = proxy_address(options["proxy"], "proxy=")
        for name, variable in _VARIABLES.items():
            value = options.pop(name, None)
            if value is None and variable:
                value = os.environ.get(variable) or None
            elif name == "stream_timeout":
                given.setdefault("first_timeout", value)
            if value is not None:
                given[name] = value
        if "verify" in given:
            given["verify"] = _verify(given["verify"])
        try:
            settings = msgspec.convert(given, cls, strict=False)
        except msgspec.ValidationError as error:
            raise InputError(f"a setting is of the wrong kind: {error}") from None
        if min(settings.connect_timeout, settings.first_timeout, settings.stream_timeout) <= 0:
            raise InputError("connect_timeout, first_timeout and stream_timeout must be seconds, more than 0")
        if settings.max_retries < 0:
            raise InputError("max_retries must be 0 or more")
        return settings


def _verify(given: Any) -> Any:
    """Return what `verify` says: the environment has only texts, and a path may be a Path."""
    if isinstance(given, os.PathLike):
        return os.fspath(given)
    return _WORDS.get(given.strip().lower(), given) if isinstance(given, str) else given


_WORDS = {"0": False, "false": False, "no": False, "off": False, "1": True, "true": True, "yes": True, "on": True}
TRANSPORT = frozenset((*_PRIVATE, *Settings.__struct_fields__))
"""Options that say where a request goes, and how: no part of a question, and nothing to who sends no request."""

_VARIABLES = {name: f"G4F_{name.upper()}" for name in Settings.__struct_fields__} | {"proxy": ""}
"""What sets each in the environment; that of `proxy` has its place in the walk already."""


def private(options: Mapping[str, Any]) -> set[str]:
    """Return the names of those options that belong to one provider, and are given to no other.

    That are key, address, headers and query, and others in which there is a secret, such as `extra_body`.
    """
    return {
        name
        for name, value in options.items()
        if name in _PRIVATE or (name not in TRANSPORT and next(secrets_of(value), None))
    }


def proxy_address(given: object, what: str) -> Key:
    """Return the address of a proxy; without a scheme it is one of HTTP, as curl takes it.

    Raises InputError that says `what` it is, and not what it holds: there may be a password in it.
    """
    if not isinstance(given, str):
        raise InputError(f"{what} must be an address like http://host:port, not {kind_of(given)}")
    address = Key(given.strip() if "://" in given or "@" in given else f"http://{given.strip()}")
    if not _is_proxy(address):
        form = "socks5h://host:1080" if address.lower().startswith("socks") else "http://host:port"
        raise InputError(f"{what} is no address like {form}")
    return address


def _is_proxy(address: Key) -> bool:
    try:
        parts = urlsplit(address)
        known = parts.scheme in ("http", "https") or parts.scheme.startswith("socks")
        return known and bool(parts.hostname) and parts.port != 0 and parts.netloc.count("@") < 2
    except ValueError:
        return False


def environment_proxy(url: str) -> str | None:
    """Return the proxy that the environment names for `url`, in the way of curl and of Python's own urllib."""
    scheme = url.partition(":")[0]
    for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY"):
        if proxy := Key(os.environ.get(name, "")):
            return None if proxy_bypass(urlsplit(url).netloc) else proxy_address(proxy, f"the proxy of {name}")
    return None
