"""What flows from a provider to a face: text is `str`, everything else one of these frozen events.

`str(event)` is "" for each of them, so `print(item, end="")` for every item of a stream prints the text.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

__all__ = [
    "Event",
    "FinishReason",
    "Item",
    "ProviderInfo",
    "Reasoning",
    "Replayed",
    "Status",
    "ToolCall",
    "Trimmed",
    "Usage",
]


class Event(msgspec.Struct, frozen=True, tag=True):
    """Base of all that is not text. In JSON its `type` is the name of its class."""

    def __str__(self) -> str:
        return ""


class Reasoning(Event, frozen=True):
    """A piece of what the model thought before or between its text."""

    text: str


class Replayed(Event, frozen=True):
    """The answer that follows is from a tape: nobody was asked. It took `seconds` when somebody was."""

    seconds: float = 0.0


class Status(Event, frozen=True):
    """What is being waited for, in a few words for people. It is no part of the answer."""

    text: str


class ToolCall(Event, frozen=True):
    """A piece of one tool call. Pieces with the same `index` belong together: join their `arguments`."""

    index: int = 0
    id: str = ""
    name: str = ""
    arguments: str = ""


class Trimmed(Event, frozen=True):
    """The oldest `turns` of a conversation were left out: with them it is longer than the model's context."""

    turns: int


class Usage(Event, frozen=True):
    """Tokens, as the provider counted them. Cached and reasoning tokens are parts of them; None: not told."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class FinishReason(Event, frozen=True):
    """Why the answer ended: "stop", "length", "tool_calls" or "content_filter"."""

    reason: str


class ProviderInfo(Event, frozen=True):
    """Who really answers, where the call did not settle it: after a fall-over, or by the server's word."""

    provider: str
    model: str


Item: TypeAlias = str | Event
