"""From one question to the items of its answer, the same for every face and every provider."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from time import monotonic
from typing import Any, cast

import msgspec

from .assembly import Assembly
from .errors import G4FError, ResponseError
from .logs import logged
from .printable import logger
from .providers.call import BoundCall
from .providers.cancelling import OwnCancellation
from .providers.response import FinishReason, Item, ProviderInfo
from .request import Request
from .rounds import Round, messages_in
from .shaping import Shaper
from .spending import count, counters
from .tidying import tidy
from .tools.loop import Calling, check_answered, in_rounds
from .waiting.limits import limited

__all__ = ["ask", "items", "one_answer", "stream_events", "whole"]


def ask(request: Request, answer: Assembly) -> AsyncGenerator[Item]:
    """Yield the answer of the provider, and put each item into `answer`.

    Raises TimeoutError, ResponseError for an empty answer or a wrong item, or what the provider raises. A G4FError
    names provider and model, and has the text so far in `partial`.
    """
    items = _shaped(request, answer)
    return logged(items, answer) if logger.isEnabledFor(logging.DEBUG) else items


def _opened(request: Request) -> AsyncGenerator[Item | None]:
    call = cast("BoundCall", request.call)  # a request without one is answered by the tape, and never comes here
    items, limits = call.open(), request.limits
    if not (limits.timeout or limits.stream_timeout):
        return items
    return limited(items, limits.timeout, limits.stream_timeout)


async def _shaped(request: Request, answer: Assembly) -> AsyncGenerator[Item]:
    stop, max_chunks = request.limits.stop, request.limits.max_chunks
    items, texts, shaper = _opened(request), answer.texts, None
    plain = not (stop or max_chunks)  # most text needs no shaping
    start = monotonic()
    try:
        with OwnCancellation(request.route.provider):
            try:
                async for item in items:
                    if plain and type(item) is str and "<" not in item and item.isascii() and (texts or item.strip()):
                        texts.append(item)
                        yield item
                        continue
                    if plain and shaper is None and type(item) is FinishReason:  # nothing is held back
                        answer.add(item := tidy(item))
                        yield item
                        continue
                    shaper = shaper or Shaper(answer, stop, max_chunks)
                    for piece in shaper.feed(item):
                        answer.add(piece)
                        yield piece
                    if shaper.done:
                        return
                    plain = shaper.passes_plain
            finally:
                await items.aclose()
        for piece in shaper.flush() if shaper else ():
            answer.add(piece)
            yield piece
        if not texts and answer.is_empty:
            raise ResponseError("the answer was empty: it has no text, no tool call and no reason why it ended")
    except G4FError as error:
        error.fill(answer.provider, answer.model, answer.text)
        raise
    finally:
        if counters:
            count(answer, request.messages, monotonic() - start)


def stream_events(
    request: Request, answer: Assembly, ask: Callable[[Request, Assembly], AsyncGenerator[Item]] = ask
) -> AsyncGenerator[Item]:
    """Yield the answer, and put each item into `answer`: text as `str`, everything else as events.

    One that has a schema ends with its Value, or raises SchemaError; see `typed.fitting`.
    """
    if request.fetched is not None:
        return _after_fetching(request.fetched, answer, ask)
    if request.schema is None:
        return _in_rounds(request, answer, ask)
    from .typed.fitting import fitted  # noqa: PLC0415 - 3 ms that only an answer with a schema has to spend

    def asked(messages: list[dict[str, Any]]) -> AsyncGenerator[Item]:
        again = request.followed_by([*messages_in(answer.rounds), *messages]) if messages else request
        return _in_rounds(again, answer, ask)

    return fitted(request.schema, answer, asked)


async def _after_fetching(
    fetched: Callable[[], Awaitable[Request]],
    answer: Assembly,
    ask: Callable[[Request, Assembly], AsyncGenerator[Item]],
) -> AsyncGenerator[Item]:
    async with aclosing(stream_events(await fetched(), answer, ask)) as items:
        async for item in items:
            yield item


def _in_rounds(
    request: Request, answer: Assembly, ask: Callable[[Request, Assembly], AsyncGenerator[Item]]
) -> AsyncGenerator[Item]:
    """Yield the answer to a question; with tools, a Step for each call that was made, and then the next one.

    See `tools.loop`.
    """
    toolbox, following = request.toolbox, request.following
    if toolbox is None or following is None:
        return one_answer(request, answer, ask)

    def asked(rounds: list[Round], part: Assembly, calling: Calling) -> AsyncGenerator[Item]:
        return one_answer(following(rounds) if rounds else request, part, ask, calling)

    return in_rounds(toolbox, answer, asked, request.limits.timeout)


def one_answer(
    request: Request,
    answer: Assembly,
    ask: Callable[[Request, Assembly], AsyncGenerator[Item]] = ask,
    calling: Calling | None = None,
) -> AsyncGenerator[Item]:
    """Yield one answer of the model, and put each item into `answer`. Its calls are made by `calling`.

    While a tape is on, an answer that is on it comes from there, with Replayed before it; see `Lookup.play`. For one
    that is not, `ask` asks, and it is recorded with the results of its calls.
    """
    asked = partial(ask, request, answer)
    if request.lookup is None:
        return asked() if calling is None else calling(asked)
    who = None if request.call is None else ProviderInfo(request.route.name, request.route.model)
    return request.lookup.play(who, answer, asked, calling)


def items(request: Request) -> AsyncGenerator[Item]:
    """Yield the answer."""
    return stream_events(request, request.assembly())


async def whole(request: Request) -> Any:
    """Return the text of the whole answer, or its value, if it has a schema."""
    answer = request.assembly()
    async for _ in stream_events(request, answer):
        pass
    if answer.value is not msgspec.UNSET:
        return answer.value
    if request.toolbox is not None:
        check_answered(request.toolbox, answer)
    return answer.text
