"""Options by the names that other clients have for them: what they are here, or what to give instead."""

from __future__ import annotations

import difflib
from collections.abc import Container, Mapping
from functools import lru_cache
from typing import Any

from .errors import InputError
from .providers.transport.settings import TRANSPORT

__all__ = ["check_words", "in_our_words"]

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

_OF_QUESTIONS = """
    extra_body frequency_penalty images logit_bias logprobs max_completion_tokens max_tokens metadata modalities
    parallel_tool_calls prediction presence_penalty prompt_cache_key reasoning_effort response_format seed service_tier
    stop store stream stream_options temperature timeout tool_choice tools top_k top_logprobs top_p user verbosity
"""

_KNOWN = frozenset((*TRANSPORT, *_OURS, *_HEADERS, *_OF_QUESTIONS.split(), "proxies"))
"""Names that others are misspelt forms of."""


def in_our_words(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options by our names: `default_headers`, `default_query`, `organization`, `project`, `proxies`.

    Raises InputError for those of a wrong kind.
    """
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
    given = list({proxy for proxy in proxies.values() if proxy})
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
