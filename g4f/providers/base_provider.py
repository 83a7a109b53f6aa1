"""What a provider is.

A provider is a class, or an instance, with one of three methods. Each is given the model's name, the
normalised messages, and the options of the caller, no others.

create_async_generator(model, messages, stream, …)   async generator of text and events
create_async(model, messages, …)                     coroutine of the whole text
create_completion(model, messages, stream, …)        sync, in a thread: text, or an iterable of them

`stream` says whether the caller asked for a stream. It is given where the signature takes it.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeAlias

__all__ = [
    "METHODS",
    "AbstractProvider",
    "AsyncGeneratorProvider",
    "AsyncProvider",
    "Provider",
    "is_provider",
    "provider_name",
]

METHODS = ("create_async_generator", "create_async", "create_completion")
"""What a provider answers with: the first of these that it has."""


class AbstractProvider:
    """Base of all, and of providers whose `create_completion` is sync. Its flags say the least."""

    working: ClassVar[bool] = True
    """False makes every call raise ProviderNotWorkingError."""

    default_model: str = ""
    """The model that is asked when the caller names none."""

    enforces_max_tokens: bool = False
    """Whether the provider itself keeps to `max_tokens`. Where not, an answer is cut after so many chunks."""

    enforces_stream_timeout: bool = False
    """Whether the provider itself keeps to `stream_timeout`, and knows better what is silence."""

    takes_signatures: bool = False
    """Whether the ids of tool calls are given with the signatures that stand in them, which are one vendor's."""

    lacks: frozenset[str] = frozenset()
    """What it cannot do: options, such as "seed"; types of `response_format`, such as "json_schema"; and "images".

    A question that asks for one is refused unsent.
    """


class AsyncProvider(AbstractProvider):
    """Base of providers whose `create_async` gives the whole text at once."""


class AsyncGeneratorProvider(AbstractProvider):
    """Base of providers whose `create_async_generator` streams."""


Provider: TypeAlias = Any
"""A class or an instance with one of the three methods; the bases above are a convenience."""


def provider_name(provider: Provider) -> str:
    """Return the name of a class, or an instance's own `name`, or its class's."""
    if isinstance(provider, type):
        return provider.__name__
    name = getattr(provider, "name", None)
    return name if isinstance(name, str) and name else type(provider).__name__


def is_provider(value: object) -> bool:
    """Whether `value` has a method to answer with."""
    return any(callable(getattr(value, kind, None)) for kind in METHODS)
