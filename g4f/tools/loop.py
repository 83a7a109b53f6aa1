"""The loop: ask, make the calls that the answer wants, ask again with their results."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TypeAlias

from ..assembly import Assembly
from ..errors import G4FError, ResponseError
from ..printable import counted
from ..providers.response import FinishReason, Item
from ..rounds import Round
from ..waiting.limits import limited
from .toolbox import Toolbox

__all__ = ["Calling", "check_answered", "in_rounds"]

Calling: TypeAlias = Callable[[Callable[[], AsyncGenerator[Item]]], AsyncGenerator[Item]]
"""Yields the items of an answer of the model, and then a Step for each call of it that was made."""

STUCK = 3
"""Rounds in a row in which every call failed, after which it is of no use to go on."""


async def in_rounds(
    toolbox: Toolbox,
    answer: Assembly,
    ask: Callable[[list[Round], Assembly, Calling], AsyncGenerator[Item]],
    timeout: float | None,  # noqa: ASYNC109 - that of the whole answer, and of its tools
) -> AsyncGenerator[Item]:
    """Yield the answers of the model, round by round, and put all into `answer`, whose text is that of the last.

    `ask` asks the question with the rounds that ended. It puts one answer into the assembly that it gets, and has its
    calls made by what it gets behind that: within a tape, which keeps their results.
    """

    async def calling(asked: Callable[[], AsyncGenerator[Item]]) -> AsyncGenerator[Item]:
        if toolbox.sources:
            await toolbox.list_sources()
        async with aclosing(asked()) as items:
            async for item in items:
                yield item
        async with aclosing(_made(toolbox, answer)) as steps:
            async for step in steps:
                yield step

    rounds = _rounds(answer, lambda part: ask(answer.rounds, part, calling))
    try:
        async with aclosing(limited(rounds, timeout, None) if timeout else rounds) as items:
            async for item in items:
                yield item
    except G4FError as error:
        error.fill(answer.provider, answer.model, answer.text)
        raise


async def _rounds(answer: Assembly, ask: Callable[[Assembly], AsyncGenerator[Item]]) -> AsyncGenerator[Item]:
    is_replayed = True
    while True:
        part = Assembly(answer.provider, answer.model)
        async with aclosing(ask(part)) as items:
            async for item in items:
                answer.add(item)
                yield item
        is_replayed = is_replayed and part.replayed is not None
        if not answer.is_called:
            break
        answer.end_round()
    if not is_replayed:  # one round that was asked makes it another answer than the recorded one
        answer.replayed = None


async def _made(toolbox: Toolbox, answer: Assembly) -> AsyncGenerator[Item]:
    """Make the calls with which `answer` ends, and yield a Step for each; or say that there were enough of them."""
    calls = answer.made_calls
    if not toolbox.runs(calls):
        return
    if len(answer.rounds) >= toolbox.max_steps or _is_stuck(answer):
        yield FinishReason("max_steps")
        return
    async with aclosing(toolbox.run(calls)) as steps:
        async for step in steps:
            yield step


def check_answered(toolbox: Toolbox, answer: Assembly) -> None:
    """Raise ResponseError for an answer that has no text, because the model was still calling these tools."""
    if answer.texts or not toolbox.runs(answer.made_calls):
        return
    why = "their results are not on the tape: record it again" if answer.replayed else "that was max_steps"
    rounds = counted(len(answer.rounds), "round")
    message = f"the model gives no answer, but calls tools again after {rounds} of calls: {why}"
    raise ResponseError(message, provider=answer.provider, model=answer.model)


def _is_stuck(answer: Assembly) -> bool:
    """Whether no call of the last rounds succeeded."""
    count = sum(len(each.calls) for each in answer.rounds[-STUCK:])
    return len(answer.rounds) >= STUCK and all(step.failed for step in answer.steps[-count:])
