"""From one question to the items of its answer, the same for every face and every provider."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

import msgspec

from .assembly import Assembly
from .errors import G4FError, ResponseError
from .messages import normalize, with_images
from .models import Model
from .option_values import AnswerLimits, check_words, pop_limits, pop_proxy, pop_schema
from .printable import logger
from .providers.base_provider import Provider
from .providers.call import BoundCall, OwnCancellation, bind
from .providers.catalogue import load_at
from .providers.response import FinishReason, Item, ProviderInfo
from .routing import Route, check_keys, resolve, without_provider
from .shaping import Shaper
from .spending import count, counters
from .taping.tapes import current
from .tidying import tidy
from .typing import Messages
from .waiting.limits import limited

if TYPE_CHECKING:
    from .taping.player import Lookup, Tape
    from .typed.schema import Schema

__all__ = ["Request", "ask", "items", "prepare", "stream_events", "whole"]


class Request(msgspec.Struct, frozen=True):
    """A question that may be sent: checked, with its route and the call that will be made.

    `call` is None where nobody was looked for, because the tape answers; see `routing.without_provider`.
    """

    route: Route
    call: BoundCall | None
    messages: list[dict[str, Any]]
    options: dict[str, Any]
    limits: AnswerLimits
    lookup: Lookup | None
    schema: Schema | None = None

    def assembly(self) -> Assembly:
        """Return an empty answer to this question."""
        return Assembly(self.route.name, self.route.model)

    def followed_by(self, messages: list[dict[str, Any]]) -> Request:
        """Return the question with `messages` behind it."""
        call, lookup = self.call, self.lookup and self.lookup.followed_by(messages)
        if call is not None:
            call = msgspec.structs.replace(call, messages=[*call.messages, *messages])
        return msgspec.structs.replace(self, call=call, messages=[*self.messages, *messages], lookup=lookup)


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
    images, limits, proxy = given.pop("images", None), pop_limits(given), pop_proxy(given)
    schema = None if (asked := pop_schema(given)) is None else _asked_for(asked, given)
    normal = normalize(messages)
    if images is not None:
        normal = with_images(normal, images)
    if provider is None and isinstance(address := given.get("base_url"), str):
        provider = load_at(address)
    tape = current()
    route, lookup = (resolve(model, provider), None) if tape is None else _taped(tape, model, provider, normal, given)
    if limits.stream_timeout:
        given["stream_timeout"] = limits.stream_timeout  # for a provider with a limit of its own
    if proxy:
        given["proxy"] = proxy
    keys = given.get("api_key")
    if keys is not None and not isinstance(keys, str) and isinstance(keys, Mapping):  # the first checks are quick
        check_keys(route.provider, keys)
    if limits.max_chunks or limits.stream_timeout:
        limits = _without_its_own(limits, route.provider)
    if route.provider is None:
        check_words(given)
        return Request(route, None, normal, given, limits, lookup, schema)
    call = bind(route.provider, route.model, normal, given, stream=stream)
    return Request(route, call, call.messages, call.options, limits, lookup, schema)


def _asked_for(asked: Any, given: dict[str, Any]) -> Schema:
    """Return the schema of the answer, and put what asks for it among the options. Raises InputError."""
    from .typed.schema import schema_for  # noqa: PLC0415 - 3 ms that only an answer with a schema has to spend

    schema = schema_for(asked)
    given["response_format"] = schema.format
    return schema


def _without_its_own(limits: AnswerLimits, provider: Provider) -> AnswerLimits:
    """Return the limits that must be enforced here: without those that the provider enforces itself."""
    if limits.max_chunks and getattr(provider, "enforces_max_tokens", False):
        limits = limits._replace(max_chunks=None)
    if limits.stream_timeout and getattr(provider, "enforces_stream_timeout", False):
        limits = limits._replace(stream_timeout=None)
    return limits


def _taped(
    tape: Tape,
    model: Model | str,
    provider: Provider | str | None,
    messages: list[dict[str, Any]],
    options: dict[str, Any],
) -> tuple[Route, Lookup]:
    """Return the route, and the lookup on the tape that is on.

    A question that names no provider is the same on every machine: a provider is looked for only where the tape does
    not answer.
    """
    if provider is None:
        lookup = tape.lookup("", model.name if isinstance(model, Model) else model, messages, options)
        return without_provider(model) if lookup.needs_nobody else resolve(model), lookup
    route = resolve(model, provider)
    return route, tape.lookup(route.name, route.model, messages, options)


def ask(request: Request, answer: Assembly) -> AsyncGenerator[Item]:
    """Yield the answer of the provider, and put each item into `answer`.

    Raises TimeoutError, ResponseError for an empty answer or a wrong item, or what the provider raises. A G4FError
    names provider and model, and has the text so far in `partial`.
    """
    items = _shaped(request, answer)
    return _logged(items, answer) if logger.isEnabledFor(logging.DEBUG) else items


def _opened(request: Request) -> AsyncGenerator[Item | None]:
    call = cast("BoundCall", request.call)  # a request without one is answered by the tape, and never comes here
    items, (_, _, timeout, silence) = call.open(), request.limits
    return limited(items, timeout, silence) if timeout or silence else items


async def _shaped(request: Request, answer: Assembly) -> AsyncGenerator[Item]:
    stop, max_chunks, *_ = request.limits
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


async def _logged(items: AsyncGenerator[Item], answer: Assembly) -> AsyncGenerator[Item]:
    """Yield `items`, and log when they begin and end, and what was used.

    The log never has content: neither of messages and answers, nor of errors, which may quote them.
    """
    start, begun, how = monotonic(), False, ""
    logger.debug("start: %s, model %r", answer.provider, answer.model)
    try:
        async with aclosing(items):
            async for item in items:
                if not begun and not answer.is_empty:
                    begun = True
                    logger.debug("first event: %s after %.3f s", answer.provider, monotonic() - start)
                yield item
    except BaseException as error:
        how = f" {type(error).__name__}"
        raise
    finally:
        usage = repr(answer.usage) if answer.usage else "no usage"
        logger.debug("end: %s,%s after %.3f s, %s", answer.provider, how, monotonic() - start, usage)


def stream_events(
    request: Request, answer: Assembly, ask: Callable[[Request, Assembly], AsyncGenerator[Item]] = ask
) -> AsyncGenerator[Item]:
    """Yield the answer, and put each item into `answer`: text as `str`, everything else as events.

    One that has a schema ends with its Value, or raises SchemaError; see `typed.fitting`.
    """
    if request.schema is None:
        return _played(request, answer, ask)
    from .typed.fitting import fitted  # noqa: PLC0415 - the same

    return fitted(
        request.schema,
        answer,
        lambda messages: _played(request.followed_by(messages) if messages else request, answer, ask),
    )


def _played(
    request: Request, answer: Assembly, ask: Callable[[Request, Assembly], AsyncGenerator[Item]]
) -> AsyncGenerator[Item]:
    """Yield the answer to one request.

    While a tape is on, an answer that is on it comes from there, with Replayed before it; see `Lookup.play`. For one
    that is not, `ask` asks, and it is recorded.
    """
    if request.lookup is None:
        return ask(request, answer)
    who = None if request.call is None else ProviderInfo(request.route.name, request.route.model)
    return request.lookup.play(who, answer, lambda: ask(request, answer))


def items(request: Request) -> AsyncGenerator[Item]:
    """Yield the answer."""
    return stream_events(request, request.assembly())


async def whole(request: Request) -> Any:
    """Return the text of the whole answer, or its value, if it has a schema."""
    answer = request.assembly()
    async for _ in stream_events(request, answer):
        pass
    return answer.text if answer.value is msgspec.UNSET else answer.value
