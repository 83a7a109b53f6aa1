"""The options of a call: their names and types. What is done with their values is in `option_values`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Required, TypedDict

from .models import Model
from .providers.base_provider import Provider

__all__ = [
    "NOT_GIVEN",
    "AnyOptions",
    "CallOptions",
    "ClientOptions",
    "Options",
    "ProviderOptions",
    "SchemaOptions",
    "StreamedOptions",
    "TypedCallOptions",
    "TypedOptions",
    "WholeOptions",
]


NOT_GIVEN: None = None
"""The value of an option that is not given: what code written for OpenAI's package calls so is None here."""


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

    # How many are sent: limits of all calls to the same address with the same key, in this process
    concurrency: int | None  # the most calls at once
    rpm: int | None  # the most requests within a minute
    tpm: int | None  # the most tokens within a minute, of questions and answers

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
    tools: Any  # what the model may call: functions, servers of tools, or dicts with schemas, whose calls are yours
    tool_choice: str | Mapping[str, Any] | None  # "auto", "none", "required", or one of them
    parallel_tool_calls: bool | None  # whether it may call several at once
    response_format: Any  # {"type": "json_object"}, or a "json_schema"; or a class, which is another name for schema

    # How the provider handles the request
    cache_prompt: bool | None  # of Local: go on from the last question
    metadata: Mapping[str, str] | None  # labels for the provider's own lists
    prompt_cache_key: str | None  # requests with the same key share a cache
    protocol: str | None  # "responses" or "chat", for a server that may speak either of OpenAI's
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
    files: Any  # one file or a list of them, read with the last question: paths, patterns, addresses, open files, bytes
    max_steps: int | None  # the most rounds of calls of tools: 8
    confirm: bool | Callable[[str, str], Any] | None  # whether each call is asked for, or who says if it may be made


class SchemaOptions(Options, total=False):
    """The options of a call, and the type of its answer."""

    schema: Any  # what the answer must be: a class with fields, a type such as list[str], or a dict with a JSON schema


class TypedOptions(Options, total=False):
    """Those of a call for a whole answer that has a type."""

    schema: Required[Any]
    stream: Literal[False]


class WholeOptions(Options, total=False):
    """Those of a call for a whole answer."""

    stream: Literal[False]


class StreamedOptions(SchemaOptions, total=False):
    """Those of a call for a stream."""

    stream: Required[Literal[True]]


class AnyOptions(SchemaOptions, total=False):
    """Those of a call for either."""

    stream: Required[bool]


class ClientOptions(SchemaOptions, total=False):
    """Those of a call of a client."""

    provider: Provider | str | None  # a class, an instance, a name, or several names


class CallOptions(Options, total=False):
    """Those of a call of a conversation."""

    provider: Provider | str | None  # the same
    model: Model | str  # "" for the default


class TypedCallOptions(CallOptions, SchemaOptions, total=False):
    """Those of a call of a conversation, and the type of its answer."""
