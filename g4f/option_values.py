"""The values of a call's options: under our names, checked, and the limits of the answer taken from among them."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Container, Iterable, Mapping
from functools import lru_cache
from math import nan
from numbers import Integral, Real
from typing import Any, cast, get_origin

import msgspec

from .errors import InputError, quoted
from .options import Options
from .providers.base_provider import Provider
from .providers.transport.settings import proxy_address
from .secrets.key import Key, seal, sealed

__all__ = ["AnswerLimits", "check_words", "in_our_words", "pop_limits", "pop_proxy", "pop_schema"]


class AnswerLimits(msgspec.Struct, frozen=True):
    """Where an answer ends, whatever its provider does: `timeout` and `stream_timeout` are in seconds."""

    stop: tuple[str, ...] = ()
    max_chunks: int | None = None
    timeout: float | None = None
    stream_timeout: float | None = None

    def without_those_of(self, provider: Provider) -> AnswerLimits:
        """Return the limits that must be enforced here: without those that the provider enforces itself."""
        limits = self
        if limits.max_chunks and getattr(provider, "enforces_max_tokens", False):
            limits = msgspec.structs.replace(limits, max_chunks=None)
        if limits.stream_timeout and getattr(provider, "enforces_stream_timeout", False):
            limits = msgspec.structs.replace(limits, stream_timeout=None)
        return limits


_INSTEAD = {
    "_enforce_credentials": "leave it out",
    "_extra_kwargs": "give each option by its name",
    "_strict_response_validation": "every answer is checked: leave it out",
    "access_token": "give api_key=",
    "admin_api_key": "nothing is administered here: leave it out",
    "api_base": "give base_url=",
    "api_token": "give api_key=",
    "api_version": 'give extra_query={"api-version": …}',
    "auth": 'give api_key=, or extra_headers={"Authorization": …}',
    "auth_token": 'give extra_headers={"Authorization": …}',
    "azure_ad_token": 'give extra_headers={"Authorization": …}',
    "azure_ad_token_provider": 'give extra_headers={"Authorization": …}',
    "azure_deployment": "give it as the model",
    "azure_endpoint": "give base_url=",
    "cookies": 'give extra_headers={"Cookie": …}',
    "data_residency": "give base_url=",
    "headers": "give extra_headers=",
    "host": "give base_url=",
    "http_client": "give proxy=, verify= or connect_timeout=",
    "params": "give extra_query=",
    "password": "put it into base_url, or give api_key=",
    "query": "give extra_query=",
    "session": "give proxy=, verify= or connect_timeout=",
    "set_default_headers": "make a new client, with default_headers=",
    "set_default_query": "make a new client, with default_query=",
    "ssl": "give verify=",
    "token": "give api_key=",
    "transport": "give proxy=, verify= or connect_timeout=",
    "trust_env": "proxies of the environment are used: leave it out, or give proxy=",
    "verify_ssl": "give verify=",
    "webhook_secret": "no webhooks come here: leave it out",
    "websocket_base_url": "nothing is asked by a websocket: leave it out",
    "workload_identity": "give api_key=",
}
"""Names that say how a request is sent elsewhere, and what says it here."""

_HEADERS = {"organization": "OpenAI-Organization", "project": "OpenAI-Project"}
_OURS = {"default_headers": "extra_headers", "default_query": "extra_query"}

_THEIRS = frozenset((*_OURS, *_HEADERS, "n", "proxies"))

_KNOWN = Options.__optional_keys__ | {"schema", "stream"}
"""Names that others are misspelt forms of."""


def in_our_words(provider: Provider | str | None, given: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the provider and the options of a call, by our names, in which each secret is a Key.

    Other names are `default_headers`, `default_query`, `organization`, `project` and `proxies`. A face calls this
    first: the options are sealed in place, so its own frame, too, holds no plain secret that a traceback could show.
    Raises InputError for those of a wrong kind, and for an `n` that is not 1.
    """
    if isinstance(provider, str):
        provider = sealed(provider)
    elif provider is not None and isinstance(provider, list | tuple):
        provider = [sealed(each) for each in provider]
    options = cast("dict[str, Any]", given)  # to a type checker, a TypedDict is no dict
    if not options:
        return provider, options
    options = seal(options)
    if "openai" in sys.modules:
        options = {name: value for name, value in options.items() if not _is_not_given(value)}
    return provider, _renamed(options)


def _is_not_given(value: object) -> bool:
    """Whether a value is how OpenAI's package says that an option is not given: its NOT_GIVEN, not_given or omit."""
    kind = type(value)
    return kind.__name__ in ("NotGiven", "Omit") and kind.__module__.partition(".")[0] == "openai"


def _renamed(options: dict[str, Any]) -> dict[str, Any]:
    if _THEIRS.isdisjoint(options):
        return options
    options = {name: value for name, value in options.items() if value is not None}
    if options.pop("n", 1) != 1:
        raise InputError("n must be 1: a call gives one answer. Ask several times instead, at once with asyncio.gather")
    headers = {_HEADERS[name]: options.pop(name) for name in _HEADERS if name in options}
    for name, ours in _OURS.items():
        given = [options.pop(each, {}) for each in (name, ours)]
        if not all(isinstance(each, Mapping) for each in given):
            raise InputError(f"{name} and {ours} must be dicts")
        if both := {**given[0], **(headers if ours == "extra_headers" else {}), **given[1]}:
            options[ours] = both
    if (proxies := options.pop("proxies", None)) is not None and "proxy" not in options:
        options["proxy"] = _one_proxy(proxies)
    return options


def _one_proxy(proxies: object) -> object:
    """Return the proxy, which the caller gave as a text, or as a dict for each scheme."""
    if not isinstance(proxies, Mapping):
        return proxies
    given = list(dict.fromkeys(proxy for proxy in proxies.values() if proxy and isinstance(proxy, str)))
    if len(given) != 1:
        raise InputError("proxies must be the same proxy for every scheme: give it as proxy=")
    return given[0]


def check_words(options: Mapping[str, Any], taken: Container[str] = ()) -> None:
    """Raise InputError for an option that says how a request is sent by another name than ours, or nearly by ours.

    Not so for those that are `taken` by a provider. All others go into the question as they are.
    """
    for name in options:
        if name in taken or name in _KNOWN:
            continue
        if instead := _INSTEAD.get(name):
            raise InputError(f"there is no option {name!r} here: {instead}")
        if near := _near(name):
            raise InputError(f"there is no option {name!r}. Did you mean {near!r}?")


@lru_cache(maxsize=256)
def _near(name: str) -> str:
    return next(iter(difflib.get_close_matches(name.casefold(), sorted(_KNOWN), 1, cutoff=0.88)), "")


def pop_limits(given: dict[str, Any]) -> AnswerLimits:
    """Return the limits among the options, which are removed; `stop` and `max_tokens` stay there, normalised.

    Without a `timeout`, `G4F_TIMEOUT` counts. Raises InputError.
    """
    timeout, silence = given.pop("timeout", None), given.pop("stream_timeout", None)
    if timeout is None and (value := os.environ.get("G4F_TIMEOUT")):
        timeout = _number_of_environment(value)
    words: tuple[str, ...] = ()
    limit = None
    if "stop" in given and (words := _stop_words(given.pop("stop"))):
        given["stop"] = list(words)
    if "max_tokens" in given and (limit := _limit(given.pop("max_tokens"))):
        given["max_tokens"] = limit
    if timeout is not None:
        timeout = _seconds("timeout", timeout)
    if silence is not None:
        silence = _seconds("stream_timeout", silence)
    return AnswerLimits(words, limit, timeout, silence)


def pop_proxy(given: dict[str, Any]) -> str:
    """Return the proxy among the options, which is removed, else that of `G4F_PROXY`, else "". Raises InputError."""
    if (proxy := given.pop("proxy", None)) is not None:
        return proxy_address(proxy, "proxy=") if proxy else ""
    held = os.environ.get("G4F_PROXY")
    return proxy_address(Key(held), "the proxy of G4F_PROXY") if held else ""


def pop_schema(given: dict[str, Any]) -> Any:
    """Return the type or schema of the answer among the options, which is removed; None if there is none.

    As in OpenAI's clients, a type may also stand in `response_format`. Raises InputError for both.
    """
    schema, form = given.pop("schema", None), given.get("response_format")
    if schema is not None and form is not None:
        raise InputError("schema and response_format both say what form the answer has: give one of them")
    if form is not None and (isinstance(form, type) or get_origin(form) is not None):
        del given["response_format"]
        return form
    return schema


def _stop_words(stop: object) -> tuple[str, ...]:
    words = (stop,) if isinstance(stop, str) or not isinstance(stop, Iterable) else tuple(stop)
    if not all(isinstance(word, str) and word for word in words):
        raise InputError(f"stop must be a text or a list of texts, none of them empty, not {quoted(stop)}")
    return words


def _limit(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < 0:
        raise InputError(f"max_tokens must be a positive whole number, or 0 or None for no limit, not {quoted(value)}")
    return int(value) or None


def _number_of_environment(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise InputError(f"G4F_TIMEOUT: timeout must be a number of seconds, not {quoted(value)}") from None


def _seconds(name: str, value: object) -> float:
    try:
        seconds = float(value) if isinstance(value, Real) and not isinstance(value, bool) else nan
    except OverflowError:
        seconds = nan
    if not seconds > 0:
        raise InputError(f"{name} must be a number of seconds above 0, or None for no limit, not {quoted(value)}")
    return seconds
