"""The spine: one question, one stream of items, whoever asks and whoever answers."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from numbers import Integral, Real
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from .errors import G4FError, InputError, ResponseError, kind_of
from .messages import normalize, with_images
from .models import Model
from .options import in_our_words
from .printable import logger
from .providers.base_provider import Provider
from .providers.call import BoundCall, OwnCancellation, bind, check_keys
from .providers.catalogue import load_at
from .providers.response import Event, FinishReason, Item, ProviderInfo, Reasoning, Status, Usage
from .providers.transport.settings import proxy_address
from .routing import Route, resolve
from .shaping import Shaper
from .taping.tapes import current
from .typing import Key, Messages, seal, sealed
from .waiting.limits import Limits
from .wire import whole

if TYPE_CHECKING:
    from .taping.player import Take

__all__ = ["Request", "asked", "prepare", "stream_events", "text"]


class Request(msgspec.Struct, frozen=True):
    """A question that may be sent: checked, with its route and the call that will be made."""

    route: Route
    call: BoundCall
    stop: tuple[str, ...]
    max_chunks: int | None
    timeout: float | None
    stream_timeout: float | None
    take: Take | None


def prepare(
    model: Model | str,
    messages: Messages,
    provider: Provider | str | None,
    *,
    stream: bool = False,
    max_tokens: int | None = None,
    stop: str | Iterable[str] | None = None,
    timeout: float | None = None,
    stream_timeout: float | None = None,
    proxy: str | None = None,
    images: Any = None,
    **options: Any,
) -> Request:
    """Check what the caller gave, before anything is sent. An option that is None counts as not given.

    `timeout` is the longest whole answer, `stream_timeout` the longest silence between events, in seconds.
    Where not given, `timeout` is `G4F_TIMEOUT`, and `proxy` `G4F_PROXY`; "" is none. `images`, one or a list, are seen
    with the last question. `api_key` is the key of who is asked, of a list the first that takes one; a dict has keys by
    the names of providers. Raises InputError, and what `resolve` raises.
    """
    options, provider = in_our_words(seal(options)), sealed(provider)
    words, limit = _stop_words(stop), _limit(max_tokens)
    longest, silence = _seconds("timeout", _or_environment(timeout)), _seconds("stream_timeout", stream_timeout)
    normal = normalize(messages)
    if images is not None:
        normal = with_images(normal, images)
    if provider is None and isinstance(address := options.get("base_url"), str):
        provider = load_at(address)
    if proxy is None and (proxy := options.pop("proxy", None)) is None:
        proxy = _of_environment("G4F_PROXY")
    given = {name: value for name, value in options.items() if value is not None}
    if limit:
        given["max_tokens"] = limit
    if words:
        given["stop"] = list(words)
    route, take = _routed(model, provider, normal, given)
    if silence:
        given["stream_timeout"] = silence  # for a provider with a limit of its own
    if proxy:
        given["proxy"] = proxy_address(proxy, "proxy=")
    keys = given.get("api_key")
    if not isinstance(keys, str | None) and isinstance(keys, Mapping):
        check_keys(route.provider, keys)
    cut = None if getattr(route.provider, "enforces_max_tokens", False) else limit
    silence = None if getattr(route.provider, "enforces_stream_timeout", False) else silence
    call = bind(route.provider, route.model, normal, given, stream=stream)
    return Request(route, call, words, cut, longest, silence, take)


def _routed(
    model: Model | str, provider: Provider | str | None, messages: list[dict[str, Any]], options: dict[str, Any]
) -> tuple[Route, Take | None]:
    """Return who is asked, and the question on the tape that is on, if one is.

    A question that names no provider is the same on every machine: who could answer it is not looked for here unless
    it will be asked.
    """
    tape = current()
    if tape is None:
        return resolve(model, provider), None
    if provider is None:
        take = tape.take("", model.name if isinstance(model, Model) else model, messages, options)
        return resolve(model, take if take.needs_nobody else None), take
    route = resolve(model, provider)
    return route, tape.take(route.name, route.model, messages, options)


async def asked(request: Request) -> AsyncGenerator[Item]:
    """Yield the answer of the provider.

    Raises TimeoutError, ResponseError for an empty answer or a wrong item, or what the provider raises. An
    error of the tree leaves with provider, model, and in `partial` the text so far.
    """
    route, shaper = request.route, Shaper(request.stop, request.max_chunks)
    with _Record(route) as record:
        with OwnCancellation(route.provider), Limits(request.timeout, request.stream_timeout) as limits:
            async with aclosing(request.call.open()) as items:
                async for item in items:
                    pieces = shaper.feed(item) if isinstance(item, str) else _event(item, shaper)
                    while True:
                        for piece in pieces:
                            record.add(piece)
                            limits.handing_over()
                            yield piece
                        if not shaper.pauses:
                            break
                        if shaper.done:
                            return
                        await asyncio.sleep(0)
                        pieces = shaper.go_on()
                    limits.waiting()
        for piece in shaper.flush():
            record.add(piece)
            yield piece
        if record.empty:
            raise ResponseError("the answer was empty: no text, no tool call, no word why it ended")


def stream_events(request: Request, ask: Callable[[Request], AsyncGenerator[Item]] = asked) -> AsyncGenerator[Item]:
    """Yield the answer: text as `str`, all else as events, and a FinishReason where the answer was cut here.

    While a tape is on, an answer that is on it comes from there, with Replayed before it; see `Take.play`. What is not
    is asked for by `ask`, and recorded.
    """
    if request.take is None:
        return ask(request)
    return request.take.play(ProviderInfo(request.route.name, request.route.model), lambda: ask(request))


def _event(item: object, shaper: Shaper) -> list[Item]:
    """Return what goes out for an item that is not text."""
    match item:
        case None:
            return []
        case Reasoning():
            return shaper.reason(item)
        case FinishReason():
            held = shaper.flush()
            return held if shaper.done else [*held, item]
        case Event():
            return [_whole(item)]
    raise ResponseError(f"the provider yielded {kind_of(item)}: it may yield text and events")


def _whole(event: Event) -> Event:
    """Return `event` without halves of characters, which can be neither sent nor saved."""
    texts = {name: text for name in event.__struct_fields__ if isinstance(text := getattr(event, name), str)}
    broken = {name: whole(text) for name, text in texts.items() if not text.isascii()}
    return msgspec.structs.replace(event, **broken) if broken else event


class _Record:
    """What one answer was so far: its text, for errors; when it began and what it used, for the log.

    The log never has content: neither of messages and answers, nor of errors, which may quote them.
    """

    __slots__ = ("_began", "_debug", "_start", "_texts", "_usage", "_who", "empty")

    def __init__(self, route: Route) -> None:
        self.empty = True
        self._who = (route.name, route.model)
        self._texts: list[str] = []
        self._usage: Usage | None = None
        self._debug, self._began, self._start = logger.isEnabledFor(logging.DEBUG), False, monotonic()

    def __enter__(self) -> Self:
        if self._debug:
            logger.debug("start: %s, model %r", *self._who)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, G4FError):
            error.fill(*self._who, "".join(self._texts))
        if self._debug:
            seconds, usage = monotonic() - self._start, repr(self._usage) if self._usage else "usage not told"
            how = f" {kind.__name__}" if kind else ""
            logger.debug("end: %s,%s after %.3f s, %s", self._who[0], how, seconds, usage)

    def add(self, item: Item) -> None:
        if isinstance(item, str):
            self._texts.append(item)
        elif isinstance(item, Usage):
            self._usage = item
            return
        elif isinstance(item, ProviderInfo):
            self._who = (item.provider, item.model or self._who[1])
            return
        elif isinstance(item, Status):
            return
        self.empty = False
        if self._debug and not self._began:
            self._began = True
            logger.debug("first event: %s after %.3f s", self._who[0], monotonic() - self._start)


async def text(request: Request) -> str:
    """Return the text of the whole answer."""
    return "".join([item async for item in stream_events(request) if isinstance(item, str)])


def _of_environment(name: str) -> str:
    """Return the proxy that the environment sets, or "". Raises InputError that names the variable."""
    held = Key(os.environ.get(name, ""))
    return proxy_address(held, f"the proxy of {name}") if held else held


def _stop_words(stop: object) -> tuple[str, ...]:
    if stop is None:
        return ()
    words = (stop,) if isinstance(stop, str) or not isinstance(stop, Iterable) else tuple(stop)
    if not all(isinstance(word, str) and word for word in words):
        raise InputError(f"stop must be a text or a list of texts, none of them empty, not {stop!r}")
    return words


def _limit(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < 0:
        raise InputError(f"max_tokens must be a positive whole number, or 0 or None for no limit, not {value!r}")
    return int(value) or None


def _or_environment(given: object) -> object:
    """Return what the caller gave, else the seconds that the environment sets."""
    value = os.environ.get("G4F_TIMEOUT") if given is None else None
    if not value:
        return given
    try:
        return float(value)
    except ValueError:
        raise InputError(f"G4F_TIMEOUT: timeout must be a number of seconds, not {value!r}") from None


def _seconds(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real) or not float(value) > 0:
        raise InputError(f"{name} must be a number of seconds above 0, or None for no limit, not {value!r}")
    return float(value)
