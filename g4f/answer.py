"""An answer as a text that knows how it came about."""

from __future__ import annotations

from time import monotonic
from typing import Any

from .client.assemble import add_call
from .client.types import ToolCall
from .dispatch import Request
from .providers import response
from .providers.response import FinishReason, Item, ProviderInfo, Reasoning, Replayed, Trimmed, Usage

__all__ = ["Answer", "Draft"]


class Answer(str):  # noqa: SLOT000 - it has attributes
    """The text of a whole answer.

    `reasoning` is what the model thought ("" where it told nothing), `tool_calls` what it wants to be called, in the
    shape of a completion's, `usage` the tokens as the provider counted them or None, `provider` and `model` who
    answered, `seconds` how long it took from asking to the end, `finish_reason` "stop", "length", "tool_calls" or
    "content_filter", `messages` what was asked, `trimmed` how many of the oldest turns were left out for the model's
    context, `replayed` whether it is from a tape: the rest is as it was recorded.
    """

    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage | None = None
    provider: str = ""
    model: str = ""
    seconds: float = 0.0
    finish_reason: str = "stop"
    messages: tuple[dict[str, Any], ...] = ()
    trimmed: int = 0
    replayed: bool = False


class Draft:
    """An answer that is being given: add its items, then take the answer."""

    def __init__(self) -> None:
        self._who: ProviderInfo | None = None
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._calls: dict[int, ToolCall] = {}
        self._usage: Usage | None = None
        self._reason = "stop"
        self._replayed: Replayed | None = None
        self._trimmed = 0
        self._start = monotonic()

    def add(self, item: Item) -> None:
        """Take the next item of the answer."""
        match item:
            case str():
                self._texts.append(item)
            case Reasoning():
                self._thoughts.append(item.text)
            case response.ToolCall():
                add_call(self._calls, item)
            case Usage():
                self._usage = item
            case FinishReason():
                self._reason = item.reason
            case ProviderInfo():
                self._who = item
            case Replayed():
                self._replayed = item
            case Trimmed():
                self._trimmed = item.turns

    def answer(self, request: Request) -> Answer:
        """Return what has come, now, to what was asked last."""
        who = self._who or ProviderInfo(request.route.name, request.route.model)
        answer = Answer("".join(self._texts))
        answer.reasoning = "".join(self._thoughts)
        answer.tool_calls = tuple(self._calls[index] for index in sorted(self._calls))
        answer.usage = self._usage
        answer.provider, answer.model = who.provider, who.model
        answer.seconds = monotonic() - self._start if self._replayed is None else self._replayed.seconds
        answer.finish_reason = self._reason
        answer.messages = tuple(request.call.messages)
        answer.trimmed, answer.replayed = self._trimmed, self._replayed is not None
        return answer
