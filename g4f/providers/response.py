"""What a provider yields: text is `str`, everything else is one of these frozen events.

`str(event)` is "" for each of them, so `print(item, end="")` for every item of a stream prints the text.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

__all__ = [
    "AskedAgain",
    "Event",
    "FinishReason",
    "Item",
    "Logprobs",
    "Omitted",
    "PassedOver",
    "ProviderInfo",
    "ProviderState",
    "Reasoning",
    "Refusal",
    "Replayed",
    "Status",
    "Step",
    "TextWasReasoning",
    "ToolCall",
    "Trimmed",
    "Usage",
    "Value",
]


class Event(msgspec.Struct, frozen=True, tag=True):
    """Base of all events. In JSON its `type` is the name of its class."""

    def __str__(self) -> str:
        return ""


class Logprobs(Event, frozen=True):
    """How likely the tokens of the answer were, for a piece of it, if `logprobs` were asked for.

    Each is a dict as in OpenAI's `choices[0].logprobs.content`: `token`, `logprob`, and perhaps `top_logprobs`.
    """

    content: list[dict[str, Any]]


class Omitted(Event, frozen=True):
    """A part of the answer that is left out because it is no text: `what` says in a few words what it is."""

    what: str


class Reasoning(Event, frozen=True):
    """A piece of the model's thoughts, before or between its text."""

    text: str


class Refusal(Event, frozen=True):
    """The text that follows is no answer: in it, the model refuses to give one."""


class Replayed(Event, frozen=True):
    """The answer that follows is from a tape: no provider was asked. It took `seconds` when it was recorded."""

    seconds: float = 0.0


class Status(Event, frozen=True):
    """What the call waits for, in a few words for people. It is not part of the answer."""

    text: str


class PassedOver(Status, frozen=True):
    """The provider that thought so far has failed, and another one is asked: those thoughts are not of the answer."""


class AskedAgain(Status, frozen=True):
    """The answer does not fit its schema, and another one follows: what came so far is not of the answer."""


class Step(Event, frozen=True):
    """A call of a tool that was made, and what came of it: the model sees `result` and `images` next.

    `arguments` is JSON text, as the model wrote it, `images` are data URLs, and `seconds` is how long it took. What a
    call that `failed` gave is why.
    """

    id: str
    name: str
    arguments: str
    result: str
    images: tuple[str, ...] = ()
    seconds: float = 0.0
    failed: bool = False


class TextWasReasoning(Event, frozen=True):
    """The text so far was the model's thoughts: the server left out the tag that opens them, and now came the end."""


class ToolCall(Event, frozen=True):
    """A piece of one tool call. Pieces with the same `index` belong together: join their `arguments`."""

    index: int = 0
    id: str = ""
    name: str = ""
    arguments: str = ""


class Trimmed(Event, frozen=True):
    """The oldest turns, so many, of a conversation were left out, because it is longer than the model's context."""

    turns: int


class Usage(Event, frozen=True):
    """Tokens, as the provider counted them. Cached and reasoning tokens are parts of the others; None if not given.

    `written_tokens` are those of the question that were put into the provider's cache. `tier` is its word for the
    service that was paid for, such as "flex"; "" if it has none.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    written_tokens: int | None = None
    tier: str = ""


class FinishReason(Event, frozen=True):
    """Why the answer ended: "stop", "length", "tool_calls" or "content_filter", or what else the server says.

    `words` are the server's explanation, "" if it gave none.
    """

    reason: str
    words: str = ""


class ProviderInfo(Event, frozen=True, omit_defaults=True):
    """The provider and model that really answer, if the call left it open: after a fall-over, or as the server says.

    `id` is the server's own name for the answer, `request_id` that for the request, `fingerprint` that for what the
    model ran on; "" if it has not given one. `created` is when the answer began, by the server's clock, in seconds
    since 1970, or 0.
    """

    provider: str
    model: str
    id: str = ""
    created: int = 0
    fingerprint: str = ""
    request_id: str = ""


class ProviderState(Event, frozen=True):
    """What a provider needs back with the answer to go on from it, such as its thoughts, signed or encrypted.

    `items` are in its own form. They are never shown, and go to no other provider.
    """

    provider: str
    items: list[Any]

    def to_message(self) -> dict[str, Any]:
        """Return it as a message of an answer carries it."""
        return {"provider_state": {"provider": self.provider, "items": self.items}}


class Value(Event, frozen=True):
    """What an answer says, of the type that was asked for by `schema=`. It comes at the end, once all text came."""

    value: Any


Item: TypeAlias = str | Event
