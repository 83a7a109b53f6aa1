"""An answer that has a schema: its value at the end, after one round of repair where the first answer does not fit."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, TypeAlias

import msgspec

from ..assembly import Assembly
from ..errors import G4FError, SchemaError
from ..providers.response import AskedAgain, Item, Value
from ..wire import written
from .reading import Problem, find
from .schema import Schema

__all__ = ["Ask", "fitted"]

Ask: TypeAlias = Callable[[list[dict[str, Any]]], AsyncGenerator[Item]]
"""Asks the question with these messages behind it, and puts each item into the answer."""

_CUT = {
    "length": "it was cut off: the limit of its length. Raise max_tokens",
    "content_filter": "it was cut off: the provider's content filter",
}
"""Reasons why an answer ended that another one would end with, too."""


async def fitted(schema: Schema, answer: Assembly, ask: Ask) -> AsyncGenerator[Item]:
    """Yield the answer, and at its end the Value that fits the schema. An answer that calls tools alone has none.

    Where the first answer does not fit, AskedAgain says so, and a second one follows. Raises SchemaError with the last
    whole text if that does not fit either, or cannot be had, or if the answer was cut.
    """
    async with aclosing(ask([])) as items:
        async for item in items:
            yield item
    if answer.value is not msgspec.UNSET or (answer.tool_calls and not answer.text.strip()):
        return
    if problems := _problems(schema, answer):
        if answer.finish_reason in _CUT:
            raise _error(schema, answer, problems)
        async with aclosing(_second(schema, answer, ask, problems)) as items:
            async for item in items:
                yield item
        if problems := _problems(schema, answer):
            raise _error(schema, answer, problems)
    yield Value(answer.value)


async def _second(schema: Schema, answer: Assembly, ask: Ask, problems: list[Problem]) -> AsyncGenerator[Item]:
    """Yield the second answer, which takes the place of the first. If it cannot be had, the first one stays."""
    text = answer.text
    yield _put(answer, AskedAgain(f"the answer does not fit {schema.name}, asking once more: {problems[0]}"))
    try:
        async with aclosing(ask(_repair(schema, text, problems))) as items:
            async for item in items:
                yield item
    except G4FError as error:
        yield _put(answer, AskedAgain("asking once more failed, the first answer stays"))
        yield _put(answer, text)
        raise _error(schema, answer, problems, f". Asking once more failed: {error}") from error


def _put(answer: Assembly, item: Item) -> Item:
    answer.add(item)
    return item


def _problems(schema: Schema, answer: Assembly) -> list[Problem]:
    """Put the value into the answer if it fits; else return why it does not."""
    found = find(answer.text, schema.reads)
    if not found.problems:
        answer.value = found.value
    elif answer.finish_reason in _CUT:
        return [Problem("$", _CUT[answer.finish_reason])]
    return found.problems


def _repair(schema: Schema, text: str, problems: list[Problem]) -> list[dict[str, Any]]:
    reasons = "\n".join(f"{problem.path}: {problem.reason}" for problem in problems)
    words = (
        f"That answer does not fit:\n{reasons}\n\nAnswer once more, with the whole JSON alone. "
        f"It follows this JSON schema:\n{written(schema.format.schema)}"
    )
    said = [{"role": "assistant", "content": text}] if text.strip() else []
    return [*said, {"role": "user", "content": words}]


def _error(schema: Schema, answer: Assembly, problems: list[Problem], more: str = "") -> SchemaError:
    shown = "; ".join(map(str, problems[:3])) + f"; and {len(problems) - 3} more" * (len(problems) > 3)
    error = SchemaError(f"the answer does not fit {schema.name}: {shown}{more}", problems)
    error.fill(answer.provider, answer.model, answer.text)
    return error
