"""The options of a call: their names and types, and what to give instead of the names that other clients have."""

from __future__ import annotations

import difflib
import os
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import lru_cache
from math import nan
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple, Required, TypedDict, cast

from .errors import InputError, quoted
from .models import Model
from .providers.base_provider import Provider
from .providers.transport.settings import proxy_address
from .secrets.key import Key, seal, sealed

__all__ = [
    "AnswerLimits",
    "AnyOptions",
    "CallOptions",
    "Options",
    "ProviderOptions",
    "StreamedOptions",
    "WholeOptions",
    "check_words",
    "in_our_words",
    "pop_limits",
    "pop_proxy",
]


class ProviderOptions(TypedDict, total=False):
    """The options that a provider reads, or that say how its request is sent. None is the same as not given.

    A provider may take others: they go to it as they are, and a type checker lets them pass in `extra_body={…}`, which
    is added to the request, or as `**more` of a `dict[str, Any]`.
    """

    # Where a request goes, and with which credentials
    api_key: str | Mapping[str, str] | None  # the key, or keys by the names of providers
    base_url: str | None  # the address of the server, up to "/v1"
    extra_headers: Mapping[str, str] | None  # headers that are added to the request
    extra_query: Mapping[str, Any] | None  # the same for the query of its address
    extra_body: Mapping[str, Any] | None  # the same for its JSON
    default_headers: Mapping[str, str] | None  # another name for extra_headers
    default_query: Mapping[str, Any] | None  # another name for extra_query
    organization: str | None  # the header OpenAI-Organization
    project: str | None  # the header OpenAI-Project
    proxies: str | Mapping[str, str] | None  # another name for proxy; a dict has it for each scheme

    # How it is sent
    verify: bool | str | os.PathLike[str] | None  # whether certificates are checked, or a file of authorities to trust
    max_retries: int | None  # how often a request that failed is sent again: 2
    connect_timeout: float | None  # the longest time to connect, in seconds: 10
    first_timeout: float | None  # the longest time until the answer begins, in seconds: 300

    # What the model does
    temperature: float | None  # 0 for the likeliest answer, more for others
    top_p: float | None  # only the likeliest tokens, up to this sum of probabilities
    top_k: int | None  # only so many of the likeliest tokens
    min_p: float | None  # only tokens that are this likely, compared with the likeliest
    seed: int | None  # the same seed gives the same answer, as far as the provider can
    presence_penalty: float | None  # against tokens that were used at all
    frequency_penalty: float | None  # against tokens, the more often they were used
    repeat_penalty: float | None  # the same in llama.cpp's measure
    logit_bias: Mapping[str, float] | None  # for or against tokens, by their number
    logprobs: bool | None  # whether probabilities are asked for
    top_logprobs: int | None  # for how many tokens at each place
    max_completion_tokens: int | None  # OpenAI's newer name for max_tokens, sent as it is
    reasoning_effort: str | None  # "none", "minimal", "low", "medium", "high"
    verbosity: str | None  # "low", "medium", "high"
    modalities: Sequence[str] | None  # what the answer may be, such as ["text"]
    prediction: Mapping[str, Any] | None  # a text that the answer will resemble

    # Tools and forms
    tools: Sequence[Mapping[str, Any]] | None  # the functions that the model may call, with their schemas
    tool_choice: str | Mapping[str, Any] | None  # "auto", "none", "required", or one of them
    parallel_tool_calls: bool | None  # whether it may call several at once
    response_format: Mapping[str, Any] | None  # {"type": "json_object"}, or a "json_schema"

    # How the provider handles the request
    cache_prompt: bool | None  # of Local: go on from the last question
    metadata: Mapping[str, str] | None  # labels for the provider's own lists
    prompt_cache_key: str | None  # requests with the same key share a cache
    service_tier: str | None  # such as "flex" or "priority"
    store: bool | None  # whether the provider keeps the answer
    stream_options: Mapping[str, Any] | None  # what a stream has besides the answer
    user: str | None  # the provider's label for the person who asks


class Options(ProviderOptions, total=False):
    """The options of a call."""

    max_tokens: int | None  # the longest answer, in tokens; 0 for no limit
    stop: str | Iterable[str] | None  # texts before which the answer ends
    timeout: float | None  # the longest time for a whole answer, in seconds: `G4F_TIMEOUT`
    stream_timeout: float | None  # the longest silence, in seconds
    proxy: str | None  # the address of a proxy, "" for none: `G4F_PROXY`
    images: Any  # one image or a list of them, seen with the last question


class WholeOptions(Options, total=False):
    """Those of a call for a whole answer."""

    stream: Literal[False]


class StreamedOptions(Options, total=False):
    """Those of a call for a stream."""

    stream: Required[Literal[True]]


class AnyOptions(Options, total=False):
    """Those of a call for either."""

    stream: Required[bool]


class CallOptions(Options, total=False):
    """Those of a call of a conversation, which may ask somebody else."""

    model: Model | str
    provider: Provider | str | None


class AnswerLimits(NamedTuple):
    """Where an answer ends, whatever its provider does: `timeout` and `stream_timeout` are in seconds."""

    stop: tuple[str, ...] = ()
    max_chunks: int | None = None
    timeout: float | None = None
    stream_timeout: float | None = None


_INSTEAD = {
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
    "headers": "give extra_headers=",
    "host": "give base_url=",
    "http_client": "give proxy=, verify= or connect_timeout=",
    "params": "give extra_query=",
    "password": "put it into base_url, or give api_key=",
    "query": "give extra_query=",
    "session": "give proxy=, verify= or connect_timeout=",
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

_THEIRS = frozenset((*_OURS, *_HEADERS, "proxies"))

_KNOWN = Options.__optional_keys__ | {"stream"}
"""Names that others are misspelt forms of."""


def in_our_words(provider: Provider | str | None, given: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the provider and the options of a call, by our names, in which each secret is a Key.

    Other names are `default_headers`, `default_query`, `organization`, `project` and `proxies`. A face calls this
    first: the options are sealed in place, so its own frame, too, holds no plain secret that a traceback could show.
    Raises InputError for those of a wrong kind.
    """
    if isinstance(provider, str):
        provider = sealed(provider)
    elif provider is not None and isinstance(provider, list | tuple):
        provider = [sealed(each) for each in provider]
    options = cast("dict[str, Any]", given)  # to a type checker, a TypedDict is no dict
    return provider, _renamed(seal(options)) if options else options


def _renamed(options: dict[str, Any]) -> dict[str, Any]:
    if _THEIRS.isdisjoint(options):
        return options
    options = {name: value for name, value in options.items() if value is not None}
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
