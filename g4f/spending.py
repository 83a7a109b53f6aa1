"""What answers have used. Each counter is told of every answer at its end, be it whole, cut, failed or interrupted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol
from weakref import WeakSet

from .assembly import Assembly
from .providers.response import Usage

__all__ = ["LETTERS", "Counter", "Spent", "count", "counters", "guess", "tokens_used"]

LETTERS = 4
"""Characters of a token, about: only the provider has the tokenizer."""


class Spent(NamedTuple):
    """What one answer has used. `tokens` is a guess if the provider gave no `usage`."""

    provider: str
    model: str
    usage: Usage | None
    tokens: int
    seconds: float


class Counter(Protocol):
    """Counts what answers have used."""

    def spend(self, spent: Spent) -> None:
        """Count what an answer has used."""


counters: WeakSet[Counter] = WeakSet()
"""All counters, such as the session of a notebook."""


def count(answer: Assembly, messages: Iterable[Mapping[str, Any]], seconds: float) -> None:
    """Tell the counters what an answer to `messages` has used, as far as it came. One that never began used nothing.

    A replayed answer has used what it had when it was recorded, so that a tape gives the same totals.
    """
    if not counters or not (answer.usage or _began(answer)):
        return
    texts = (answer.text, answer.reasoning, *(call.name + call.arguments for call in answer.tool_calls))
    tokens = tokens_used(answer.usage, texts, messages)
    seconds = answer.replayed.seconds if answer.replayed else seconds
    spent = Spent(answer.provider, answer.model, answer.usage, tokens, seconds)
    for counter in list(counters):
        counter.spend(spent)


def tokens_used(usage: Usage | None, texts: Iterable[str], messages: Iterable[Mapping[str, Any]]) -> int:
    """Return the tokens of a question and the texts of its answer; a guess, if the provider gave no usage."""
    return guess(texts, messages) if usage is None else _total(usage)


def _began(answer: Assembly) -> bool:
    """Whether anything came of the answer itself: that turns were left out of the question is not of it."""
    return not answer.is_empty and bool(not answer.trimmed or answer.text or answer.reasoning or answer.tool_calls)


def _total(usage: Usage) -> int:
    return max(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)


def guess(texts: Iterable[str], messages: Iterable[Mapping[str, Any]]) -> int:
    """Return about how many tokens the `texts` of an answer and its question are. Images are not counted."""
    size = sum(map(len, texts))
    for message in messages:
        content = message.get("content") or ""
        parts = [content] if isinstance(content, str) else [str(part.get("text", "")) for part in content]
        size += sum(map(len, parts))
    return -(-size // LETTERS)
