"""The lines below an answer: provider, model, tokens, seconds, cost; and the same as metadata."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from g4f.answer import Answer
from g4f.prices import LEAST, charge, cost, price
from g4f.printable import counted
from g4f.providers.catalogue import ROWS
from g4f.showing import tokens_of
from g4f.spending import Spent, guess

from ..line.model_names import end_of
from .forms import about_code

__all__ = ["asked_with", "footer", "metadata", "notes", "total", "total_cost"]

SOON = 60
"""Days before the end of a model in which its answers warn of it."""

ELSEWHERE = (
    "asked in an earlier conversation, to which this cell belongs: new cells do not go on with it. "
    "A copy of the cell asks in the present one"
)


def asked_with(*, elsewhere: bool, stale: Sequence[str], hidden: int) -> list[str]:
    """Return what a reader must know of a question.

    Whether its conversation is `elsewhere`, the questions of `stale` turns above it, and `hidden` secrets.
    """
    lines = [ELSEWHERE] if elsewhere else []
    if stale:
        are, cells = ("are", "their cells") if len(stale) > 1 else ("is", "its cell")
        lines.append(f"{len(stale)} of the turns above {are} stale: run {cells} again ({_named(stale)})")
    if hidden:
        values, their = ("values were", "their") if hidden > 1 else ("value was", "its")
        lines.append(f"{hidden} secret {values} not sent: stars stand in {their} place")
    return lines


def notes(
    answer: Answer, form: str, *, elsewhere: bool = False, stale: Sequence[str] = (), hidden: int = 0
) -> list[str]:
    """Return what a reader must know of an answer.

    What it was `asked_with`, turns left out, code that is not Python, whether its model ends soon, and whether
    it stays out of the conversation.
    """
    lines = asked_with(elsewhere=elsewhere, stale=stale, hidden=hidden)
    if answer.trimmed:
        turns = "turn" if answer.trimmed == 1 else f"{answer.trimmed} turns"
        lines.append(f"without the oldest {turns}: the conversation is longer than the context")
    if omitted := about_code(answer, form):
        lines.append(omitted)
    lines += _last_days(answer)
    if not answer.says_something:
        lines.append("not added to the conversation: it has no text")
    return lines


def _last_days(answer: Answer) -> list[str]:
    """Warn of a model that ends soon, if the list of its provider is kept and says so; not in a replayed answer."""
    row = next((row for row in ROWS if row.name == answer.provider), None)
    ends = None if row is None or answer.replayed else end_of(row, answer.model)
    if ends is None or (left := (ends - datetime.now(UTC).date()).days) > SOON:
        return []
    when = f"in {counted(left, 'day')}" if left > 0 else "now"
    return [f"{answer.model} ends {when}, on {ends}: choose another model"]


def _named(questions: Sequence[str]) -> str:
    """Return the beginnings of the first questions."""
    lines = [" ".join(question.split()) for question in questions[:3]]
    shown = [f'"{line[:40]}{"…" * (len(line) > 40)}"' for line in lines]
    return ", ".join([*shown, *["…"][: len(questions) > 3]])


def footer(answer: Answer) -> str:
    """Return it in one line: "OpenAI · gpt-6-luna · 37 + 12 tokens · 0.8 s · $0.0004".

    It says how many of the first tokens were read from the provider's cache: they cost less. Where the provider did not
    count, they are a guess, "about" so many; unknown, if the answer has several rounds.
    """
    tokens = "tokens unknown"
    if answer.usage is not None:
        tokens = tokens_of(answer.usage)
    elif not answer.rounds:
        calls = [call.function.name + call.function.arguments for call in answer.tool_calls]
        about = guess([answer, answer.reasoning, *calls], answer.messages)
        tokens = f"about {counted(about, 'token')}"
    parts = [answer.provider, answer.model, tokens, f"{answer.seconds:.1f} s", charge(answer)]
    return " · ".join(part for part in parts if part)


def metadata(answer: Answer) -> dict[str, Any]:
    """Return it as the metadata of the output."""
    usage, paid = answer.usage, price(answer)
    facts = {
        "provider": answer.provider,
        "model": answer.model,
        "prompt_tokens": usage.prompt_tokens if usage is not None else None,
        "completion_tokens": usage.completion_tokens if usage is not None else None,
        "seconds": round(answer.seconds, 3),
        "finish_reason": answer.finish_reason,
        "cost_usd": float(paid) if paid is not None else None,
        "trimmed_turns": answer.trimmed or None,
        "replayed": answer.replayed or None,
    }
    return {"g4f_jupyter": {name: value for name, value in facts.items() if value is not None}}


def total(spent: Sequence[Spent]) -> str:
    """Return the tokens of several answers: "1,234", or "about 1,234" if a provider did not count them."""
    about = "about " if any(each.usage is None for each in spent) else ""
    return f"{about}{sum(each.tokens for each in spent):,}"


def total_cost(spent: Sequence[Spent]) -> str:
    """Return what several answers cost: as `cost` does, or "at least $0.0004" if the price of some is unknown."""
    prices = [price(each) for each in spent]
    known = [paid for paid in prices if paid is not None]
    paid = sum(known, Decimal())
    if len(known) == len(prices):
        return cost(paid)
    return f"at least {cost(paid)}" if paid >= LEAST else "unknown"
