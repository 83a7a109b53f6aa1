"""One answer, put together from its events. Every shape of an answer is made of this."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from .providers.response import (
    AskedAgain,
    FinishReason,
    Item,
    Logprobs,
    PassedOver,
    ProviderInfo,
    ProviderState,
    Reasoning,
    Refusal,
    Replayed,
    Status,
    Step,
    TextWasReasoning,
    ToolCall,
    Trimmed,
    Usage,
    Value,
)
from .rounds import MadeCall, Round

__all__ = ["Assembly"]


class Assembly:
    """What has come of an answer so far: add each item, and read it at any time.

    It begins with the provider and model of the route; a ProviderInfo that comes later knows better.
    """

    __slots__ = (
        "_calls",
        "_has_others",
        "_made",
        "_reason",
        "_spent",
        "_thoughts",
        "info",
        "logprobs",
        "model",
        "provider",
        "refused",
        "replayed",
        "rounds",
        "state",
        "steps",
        "texts",
        "trimmed",
        "usage",
        "value",
    )

    provider: str
    model: str
    texts: list[str]
    """The pieces of the text; behind rounds of calls, of that of the last one."""
    rounds: list[Round]
    """The rounds that ended: calls of tools that were made, with their results."""
    steps: list[Step]
    """Each of these calls, and those of the round that has not ended, in the order in which they ended."""
    info: ProviderInfo | None
    """What the server says of itself and of its answer, such as its own name for it; None if it said nothing."""
    logprobs: list[dict[str, Any]]
    """How likely its tokens were, if that was asked for."""
    state: ProviderState | None
    """What its provider needs back to go on from it, if there is anything."""
    usage: Usage | None
    """The tokens of all rounds, or None where the provider did not count them."""
    trimmed: int
    """How many of the oldest turns were left out."""
    refused: bool
    """Whether the text is the model's refusal to answer."""
    replayed: Replayed | None
    """What says that the answer is from a tape, if it is."""

    value: Any
    """What it says, of the type that was asked for; UNSET before its end, and where none was."""

    def __init__(self, provider: str = "", model: str = "") -> None:
        self.provider, self.model = provider, model
        self.texts, self.logprobs = [], []
        self.rounds, self.steps = [], []
        self.info = self.usage = self.replayed = self.state = None
        self.refused = False
        self.trimmed, self.value = 0, UNSET
        self._spent: Usage | None = None  # by the rounds that ended, and by an answer that did not fit
        self._made = 0  # calls of the rounds that ended
        self._thoughts: list[str] = []
        self._calls: dict[int, list[ToolCall]] = {}
        self._reason = ""
        self._has_others = False  # whether there is more to the answer, such as a part that is no text

    def add(self, item: Item) -> None:
        """Add the next item of the answer."""
        match item:
            case str():
                self.texts.append(item)
            case Reasoning():
                self._thoughts.append(item.text)
            case ToolCall():
                self._calls.setdefault(item.index, []).append(item)
            case FinishReason():
                self._reason = item.reason
            case TextWasReasoning():
                self._thoughts += self.texts
                self.texts.clear()
            case PassedOver():
                self._thoughts.clear()
                self._has_others = False
            case AskedAgain():
                self._begin_anew()
            case Value():
                self.value = item.value
            case _:
                self._add_beside(item)

    def _begin_anew(self) -> None:
        """Forget what came of an answer in whose place another one follows."""
        for each in (self.texts, self._thoughts, self._calls, self.logprobs):
            each.clear()
        self._spent, self._reason, self._has_others, self.state, self.refused = self.usage, "", False, None, False

    def _add_beside(self, event: Item) -> None:
        """Add what stands beside the answer, or a part of it that is left out."""
        match event:
            case Usage():
                self.usage = event if self._spent is None else _sum(self._spent, event)
            case Step():
                self.steps.append(event)
            case ProviderInfo():
                self.provider, self.model, self.info = event.provider, event.model or self.model, event
            case Logprobs():
                self.logprobs += event.content
            case ProviderState():
                self.state = event
            case Refusal():
                self.refused = True
            case Replayed():
                self.replayed = Replayed(event.seconds + (self.replayed.seconds if self.replayed else 0))
            case Trimmed():
                self.trimmed = event.turns
            case Status():
                pass
            case _:
                self._has_others = True

    @property
    def made_calls(self) -> tuple[MadeCall, ...]:
        """The calls of this round, with the results that have come. Each has an id of its own."""
        found = {step.id: step for step in self.steps[self._made :]}
        made: dict[str, MadeCall] = {}
        for number, call in enumerate(self.tool_calls):
            id_ = call.id if call.id and call.id not in made else f"call_{len(self.rounds)}_{number}"
            step = found.get(id_)
            result, images = (step.result, step.images) if step else (None, ())
            made[id_] = MadeCall(id_, call.name, call.arguments, result, images)
        return tuple(made.values())

    @property
    def is_called(self) -> bool:
        """Whether the calls of this round were made: the model goes on with their results."""
        return len(self.steps) > self._made

    def end_round(self) -> Round:
        """End the round, whose calls were made, and return it. What is added next is of another answer of the model."""
        ended = Round(self.made_calls, self.text, self.reasoning, self.state)
        self.rounds.append(ended)
        self._made, self._spent, self._reason, self.state = len(self.steps), self.usage, "", None
        for each in (self.texts, self.logprobs, self._thoughts, self._calls):
            each.clear()
        return ended

    @property
    def is_empty(self) -> bool:
        """Whether nothing came that answers: a count of tokens or a status does not."""
        answers = self.texts or self._thoughts or self._calls or self._reason or self._has_others
        return not (answers or self.replayed or self.trimmed or self.rounds)

    @property
    def text(self) -> str:
        """The text."""
        return "".join(self.texts)

    @property
    def reasoning(self) -> str:
        """What the model thought, "" where it did not say."""
        return "".join(self._thoughts)

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tool calls in the order in which they began, each joined from its pieces."""
        return [_joined(pieces) for pieces in self._calls.values()]

    @property
    def finish_reason(self) -> str:
        """Why the answer ended; where the provider did not say, "tool_calls" if there are any, else "stop"."""
        return self._reason or ("tool_calls" if self._calls else "stop")


def _sum(one: Usage, other: Usage) -> Usage:
    """Return the tokens of two answers of a model. The tier is that of the last which says it."""

    def both(a: int | None, b: int | None) -> int | None:
        return None if a is None and b is None else (a or 0) + (b or 0)

    return Usage(
        one.prompt_tokens + other.prompt_tokens,
        one.completion_tokens + other.completion_tokens,
        (one.total_tokens or one.prompt_tokens + one.completion_tokens)
        + (other.total_tokens or other.prompt_tokens + other.completion_tokens),
        both(one.cached_tokens, other.cached_tokens),
        both(one.reasoning_tokens, other.reasoning_tokens),
        both(one.written_tokens, other.written_tokens),
        other.tier or one.tier,
    )


def _joined(pieces: list[ToolCall]) -> ToolCall:
    """Return one call. Of several ids or names, the last that is not empty counts."""
    latest = pieces[::-1]
    return ToolCall(
        pieces[0].index,
        next((piece.id for piece in latest if piece.id), ""),
        next((piece.name for piece in latest if piece.name), ""),
        "".join(piece.arguments for piece in pieces),
    )
