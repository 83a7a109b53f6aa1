"""From one question to the items of its answer, the same for every face and every provider."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

import msgspec

from .assembly import Assembly
from .attaching.attached import AttachedFile, pending_in, refreshed
from .errors import G4FError, ResponseError
from .logs import logged
from .messages import normalize, with_attached, with_images
from .models import Model
from .option_values import check_words, pop_limits, pop_proxy, pop_schema
from .printable import logger
from .providers.base_provider import Provider
from .providers.call import BoundCall, bind
from .providers.cancelling import OwnCancellation
from .providers.catalogue import load_at
from .providers.response import FinishReason, Item, ProviderInfo
from .request import Prepared, Request
from .rounds import Round, messages_in
from .routing import Route, check_keys, resolve, without_provider
from .shaping import Shaper
from .spending import count, counters
from .taping.tapes import current
from .tidying import tidy
from .tools.loop import Calling, check_answered, in_rounds
from .tools.toolbox import OF_TOOLS, toolbox_of
from .typing import Messages
from .waiting.limits import limited

if TYPE_CHECKING:
    from .taping.player import Lookup, Tape
    from .typed.schema import Schema

__all__ = ["Request", "ask", "items", "one_answer", "prepare", "stream_events", "whole"]


def prepare(
    model: Model | str,
    messages: Messages,
    provider: Provider | str | None,
    options: Mapping[str, Any],
    *,
    stream: bool = False,
) -> Request:
    """Check what the caller gave, before anything is sent. An option that is None counts as not given.

    `provider` and `options` are those that `options.in_our_words` returns; their names are in `options.Options`. A
    face has sealed them. Raises InputError, and what `resolve` and `bind` raise.
    """
    given = {name: value for name, value in options.items() if value is not None}
    images, files = given.pop("images", None), given.pop("files", None)
    limits, proxy = pop_limits(given), pop_proxy(given)
    schema = None if (asked := pop_schema(given)) is None else _asked_for(asked, given)
    normal = normalize(messages)
    if images is not None:
        normal = with_images(normal, images)
    if files is not None:
        normal = with_attached(normal, files)
    if provider is None and isinstance(address := given.get("base_url"), str):
        provider = load_at(address)
    toolbox = None if OF_TOOLS.isdisjoint(given) else toolbox_of(given)
    question = Prepared(model, provider, given, limits, proxy, stream, current(), schema, toolbox)
    content = normal[-1].get("content")
    if type(content) is list and (unfetched := list(pending_in(content))):
        return _before_fetching(question, normal, unfetched)
    return _request(question, normal)


def _request(question: Prepared, messages: list[dict[str, Any]]) -> Request:
    """Return the request for a question, with its messages."""
    given, limits, toolbox = question.options, question.limits, question.toolbox
    if (tape := question.tape) is None:
        route, lookup = resolve(question.model, question.provider), None
    else:
        route, lookup = _taped(tape, question, messages)
    if limits.stream_timeout:
        given = {**given, "stream_timeout": limits.stream_timeout}  # for a provider with a limit of its own
    if question.proxy:
        given = {**given, "proxy": question.proxy}
    keys = given.get("api_key")
    if keys is not None and not isinstance(keys, str) and isinstance(keys, Mapping):  # the first checks are quick
        check_keys(route.provider, keys)
    if limits.max_chunks or limits.stream_timeout:
        limits = limits.without_those_of(route.provider)
    following = None
    if toolbox is not None:
        following = partial(_following, question, messages)
        toolbox.sees_images = "images" not in getattr(route.provider, "lacks", ())
    if route.provider is None:
        check_words(given)
        return Request(route, None, messages, given, limits, lookup, question.schema, toolbox, following)
    call = bind(route.provider, route.model, messages, given, stream=question.stream)
    return Request(route, call, call.messages, call.options, limits, lookup, question.schema, toolbox, following)


def _before_fetching(question: Prepared, messages: list[dict[str, Any]], files: list[AttachedFile]) -> Request:
    """Return the request that fetches the files first, checked as far as that is possible without them."""

    async def fetched() -> Request:
        from .attaching.fetching import fetch  # noqa: PLC0415 - it needs aiohttp, which nothing else here does

        for file in files:
            await fetch(file, question.options | {"proxy": question.proxy}, question.limits.timeout)
        return _request(question, [*messages[:-1], refreshed(messages[-1])])

    if question.tape is None:
        return msgspec.structs.replace(_request(question, messages), fetched=fetched)
    model, provider = question.model, question.provider
    route = without_provider(model) if provider is None else resolve(model, provider)
    options, limits = question.options, question.limits
    return Request(route, None, messages, options, limits, None, question.schema, question.toolbox, None, fetched)


def _asked_for(asked: Any, given: dict[str, Any]) -> Schema:
    """Return the schema of the answer, and put what asks for it among the options. Raises InputError."""
    from .typed.schema import schema_for  # noqa: PLC0415 - 3 ms that only an answer with a schema has to spend

    schema = schema_for(asked)
    given["response_format"] = schema.format
    return schema


def _following(question: Prepared, messages: list[dict[str, Any]], rounds: list[Round]) -> Request:
    """Return the request with rounds behind the question. The model must call tools only once, if it must at all."""
    if question.options.get("tool_choice") not in (None, "auto", "none"):
        free = {name: value for name, value in question.options.items() if name != "tool_choice"}
        question = msgspec.structs.replace(question, options=free)
    return _request(question, [*messages, *messages_in(rounds)])


def _taped(tape: Tape, question: Prepared, messages: list[dict[str, Any]]) -> tuple[Route, Lookup]:
    """Return the route, and the lookup on the tape that is on.

    A question that names no provider is the same on every machine: a provider is looked for only where the tape does
    not answer.
    """
    model, provider, options = question.model, question.provider, question.options
    if question.toolbox is not None:
        options = {**options, "tools": question.toolbox.named}
    if provider is None:
        name = model.name if isinstance(model, Model) else model
        lookup = tape.lookup("", name, messages, options)
        return without_provider(model) if lookup.needs_nobody else resolve(model), lookup
    route = resolve(model, provider)
    return route, tape.lookup(route.name, route.model, messages, options)


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
    from .typed.fitting import fitted  # noqa: PLC0415 - the same

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
