"""An answer as a text that knows how it came about."""

from __future__ import annotations

from typing import Any

from .assembly import Assembly
from .client.types import CompletionToolCall, completion_calls
from .providers.response import Usage

__all__ = ["Answer"]


class Answer(str):  # noqa: SLOT000 - it has attributes
    """The text of a whole answer, which knows how it came about.

    One that is replayed from a tape is as it was recorded.
    """

    reasoning: str = ""
    """What the model thought; "" where it did not say."""
    tool_calls: tuple[CompletionToolCall, ...] = ()
    """The tools that the model wants to be called, in the shape of a completion's."""
    usage: Usage | None = None
    """The tokens as the provider counted them; None where it did not."""
    provider: str = ""
    """The name of the provider that answered."""
    model: str = ""
    """The name of the model that answered."""
    seconds: float = 0.0
    """How long the answer took, from the call to its end."""
    finish_reason: str = "stop"
    """Why it ended: "stop", "length", "tool_calls" or "content_filter"."""
    messages: tuple[dict[str, Any], ...] = ()
    """The messages that were sent."""
    trimmed: int = 0
    """How many of the oldest turns were left out, so that the rest fits the model's context."""
    replayed: bool = False
    """Whether it is from a tape."""

    @classmethod
    def of(cls, assembly: Assembly, messages: list[dict[str, Any]], seconds: float) -> Answer:
        """Return the answer to `messages` that was put together. `seconds` is what it took, if it is not replayed."""
        answer = cls(assembly.text)
        answer.reasoning, answer.tool_calls = assembly.reasoning, tuple(completion_calls(assembly.tool_calls))
        answer.usage, answer.finish_reason = assembly.usage, assembly.finish_reason
        answer.provider, answer.model = assembly.provider, assembly.model
        answer.seconds = assembly.replayed.seconds if assembly.replayed else seconds
        answer.messages = tuple(messages)
        answer.trimmed, answer.replayed = assembly.trimmed, assembly.replayed is not None
        return answer
