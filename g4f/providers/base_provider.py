"""What a provider is.

A provider is a class, or an instance, with one of three methods. It gets the model's name, the normalised
messages, and the caller's options, no others.

create_async_generator(model, messages, stream, …)   async generator of text and events
create_async(model, messages, …)                     coroutine of the whole text
create_completion(model, messages, stream, …)        sync, in a thread: text, or an iterable of them

`stream` says whether the caller wants a stream. A method gets it if its signature has it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self, TypeAlias

__all__ = [
    "METHODS",
    "AbstractProvider",
    "AsyncGeneratorProvider",
    "AsyncProvider",
    "ModelName",
    "Provider",
]

METHODS = ("create_async_generator", "create_async", "create_completion")
"""The methods that answer. Of several, a provider uses the first."""


class ModelName(str):
    """The name of a model in a provider's list, which may know when the model ends."""

    __slots__ = ("ends",)

    ends: str
    """The day, such as "2027-01-14", from which on it will not answer; "" if none is known."""

    def __new__(cls, name: str, ends: str = "") -> Self:
        """Make it."""
        made = super().__new__(cls, name)
        made.ends = ends
        return made


class AbstractProvider:
    """Base of all providers, and of those whose `create_completion` is sync. Its flags promise nothing."""

    working: ClassVar[bool] = True
    """False makes every call raise ProviderNotWorkingError."""

    default_model: str = ""
    """The model to ask if the caller names none."""

    enforces_max_tokens: bool = False
    """Whether the provider enforces `max_tokens` itself. If not, an answer is cut after so many chunks."""

    enforces_stream_timeout: bool = False
    """Whether the provider enforces `stream_timeout` itself, because it knows better what is silence."""

    asks_again: bool = False
    """Whether it sends a request that failed again, up to `max_retries` times."""

    takes_signatures: bool = False
    """Whether ids of tool calls are given with the signatures in them, which belong to one vendor."""

    follows_schemas: Literal["", "none", "strict", "any"] = ""
    """Which JSON schemas of a `response_format` an answer follows: those of OpenAI's strict mode, or any.

    For a `schema=` that it does not follow, the schema is put into the system prompt instead. "" is "any" for one whose
    method has a parameter `response_format`, "none" for others.
    """

    takes_files: bool = False
    """Whether it reads a PDF as a file. One that does not gets the text of a PDF that was attached."""

    lacks: frozenset[str] = frozenset()
    """What it cannot do: options, such as "seed", types of `response_format`, such as "json_schema", and in messages
    "images", "files" and "sound".

    A question that needs one of these is refused before it is sent.
    """


class AsyncProvider(AbstractProvider):
    """Base of providers whose `create_async` returns the whole text."""


class AsyncGeneratorProvider(AbstractProvider):
    """Base of providers whose `create_async_generator` streams."""


Provider: TypeAlias = Any
"""A class or an instance with one of the three methods. The base classes above are a convenience."""
