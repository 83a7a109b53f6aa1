"""How requests are sent, as a caller, a client or the environment may set it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ...errors import InputError, kind_of
from ...secrets.key import Key
from ...secrets.known import secrets_of

__all__ = ["TRANSPORT", "USUAL", "Settings", "environment_proxy", "mapping", "private", "proxy_address"]

_PRIVATE = ("api_key", "base_url", "extra_headers", "extra_query")


FLEX = 900.0
"""Seconds until an answer of the tier "flex" begins, as OpenAI advises."""

MOST_RETRIES = 1000
"""More are a mistake."""

MOST_AT_ALL = 10**9
"""A larger limit is a mistake."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How requests are sent. Each field may be set for a call or a client; all but the last three as `G4F_…`, too.

    Times are in seconds: to connect, until the answer begins, and of silence within it. `verify` says whether
    certificates are checked, or is the path of a file with the certificates of trusted authorities.

    The last three limit all calls of this process that go to the same address with the same key: how many are sent at
    once, and how many requests and tokens within a minute. They hold while a call has them, and for a minute after it.
    """

    proxy: str | None = None
    verify: bool | str = True
    max_retries: int = 2
    connect_timeout: float = 10.0
    first_timeout: float = 300.0
    stream_timeout: float = 60.0
    concurrency: int | None = None
    rpm: int | None = None
    tpm: int | None = None

    @property
    def is_limited(self) -> bool:
        """Whether a limit is set."""
        return self.rpm is not None or self.tpm is not None or self.concurrency is not None

    @classmethod
    def pop_from(cls, options: dict[str, Any]) -> Settings:
        """Remove the settings from `options`, and return them. Raises InputError for a wrong type or value.

        A caller's `stream_timeout` also limits the time until the answer begins. One of the tier "flex" may begin late.
        """
        given: dict[str, Any] = {name: value for name, variable in _VARIABLES if (value := os.environ.get(variable))}
        if options:
            given |= _given(cls, options)
        if not given:
            return USUAL
        given["verify"] = _verify(given.get("verify", True))
        try:
            settings = msgspec.convert(given, cls, strict=False)
        except (msgspec.ValidationError, UnicodeEncodeError) as error:
            raise InputError(f"a setting has the wrong type: {error}") from None
        times = settings.connect_timeout, settings.first_timeout, settings.stream_timeout
        if not all(seconds > 0 for seconds in times):  # nor is NaN
            raise InputError("connect_timeout, first_timeout and stream_timeout must be more than 0 seconds")
        if not 0 <= settings.max_retries <= MOST_RETRIES:
            raise InputError(f"max_retries must be a whole number from 0 to {MOST_RETRIES}")
        for name in _LIMITS:
            if (limit := getattr(settings, name)) is not None and not 0 < limit <= MOST_AT_ALL:
                raise InputError(f"{name} must be a whole number from 1 to {MOST_AT_ALL}; leave it out for no limit")
        return settings


def _given(cls: type[Settings], options: dict[str, Any]) -> dict[str, Any]:
    """Remove the settings from the options of a call, and return them, with what follows from them."""
    given = {name: value for name in cls.__struct_fields__ if (value := options.pop(name, None)) is not None}
    if given.get("proxy"):
        given["proxy"] = proxy_address(given["proxy"], "proxy=")
    if "stream_timeout" in given:
        given.setdefault("first_timeout", given["stream_timeout"])
    if options.get("service_tier") == "flex":
        given.setdefault("first_timeout", FLEX)
    return given


def _verify(given: Any) -> Any:
    """Return `verify` as a text or a bool: the environment has only texts, and a path may be a Path."""
    if isinstance(given, os.PathLike):
        return os.fspath(given)
    return _WORDS.get(given.strip().lower(), given) if isinstance(given, str) else given


_WORDS = {"0": False, "false": False, "no": False, "off": False, "1": True, "true": True, "yes": True, "on": True}
TRANSPORT = frozenset((*_PRIVATE, *Settings.__struct_fields__))
"""Options that say where and how a request is sent. They are no part of the question."""

USUAL = Settings()

_LIMITS = ("concurrency", "rpm", "tpm")

_VARIABLES = [
    (name, f"G4F_{name.upper()}")
    for name in Settings.__struct_fields__
    if name not in ("proxy", "concurrency", "rpm", "tpm")
]
"""The variable of each in the environment: to look for one that is not there takes half a microsecond.

`G4F_PROXY` is read elsewhere, for all kinds of providers. Limits belong to a call, a client or a batch.
"""


def private(options: Mapping[str, Any]) -> set[str]:
    """Return the names of the options that belong to one provider, and must not be given to another one.

    These are key, address, headers and query, and every option that holds a secret, such as `extra_body`.
    """
    return {
        name
        for name, value in options.items()
        if name in _PRIVATE or (name not in TRANSPORT and next(secrets_of(value), None))
    }


def proxy_address(given: object, what: str) -> Key:
    """Return the address of a proxy. As in curl, it is an HTTP proxy if it has no scheme.

    Raises InputError that names it as `what`, but does not show it: it may hold a password.
    """
    if not isinstance(given, str):
        raise InputError(f"{what} must be an address like http://host:port, not {kind_of(given)}")
    address = Key(given.strip() if "://" in given or "@" in given else f"http://{given.strip()}")
    if not _is_proxy(address):
        form = "socks5h://host:1080" if address.lower().startswith("socks") else "http://host:port"
        raise InputError(f"{what} must be an address like {form}")
    return address


def _is_proxy(address: Key) -> bool:
    try:
        parts = urlsplit(address)
        known = parts.scheme in ("http", "https") or parts.scheme.startswith("socks")
        return known and bool(parts.hostname) and parts.port != 0 and parts.netloc.count("@") < 2
    except ValueError:
        return False


def mapping(option: str, given: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the value of an option that must be a dict; {} if it is not given. Raises InputError."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InputError(f"{option} must be a dict, not {kind_of(given)}")
    for name, value in given.items():
        if not isinstance(name, str):
            raise InputError(f"the names in {option} must be texts: {name!r} is {kind_of(name)}")
        if option == "extra_headers" and not (isinstance(value, str) and value.isprintable()):
            raise InputError(f"extra_headers[{name!r}] must be a text of one line")
    return given


def environment_proxy(url: str) -> str | None:
    """Return the proxy that the environment names for `url`, by the rules of curl and of Python's urllib."""
    for name in _HTTPS_PROXIES if url.startswith("https") else _HTTP_PROXIES:
        if proxy := os.environ.get(name):
            proxy = Key(proxy)
            from urllib.request import proxy_bypass  # noqa: PLC0415 - 13 ms that only this has to spend

            return None if proxy_bypass(urlsplit(url).netloc) else proxy_address(proxy, f"the proxy of {name}")
    return None


_HTTP_PROXIES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
_HTTPS_PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
