"""From one question to the items of its answer, the same for every face and every provider."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from numbers import Integral, Real
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack, cast

import msgspec

from .assembly import Assembly
from .errors import G4FError, InputError, ResponseError, kind_of
from .messages import normalize, with_images
from .models import Model
from .options import ProviderOptions, check_words, in_our_words
from .printable import logger
from .providers.base_provider import Provider
from .providers.call import BoundCall, OwnCancellation, bind, check_keys
from .providers.catalogue import load_at
from .providers.response import Event, FinishReason, Item, ProviderInfo, Reasoning
from .providers.transport.settings import proxy_address
from .routing import Route, resolve, without_provider
from .secrets.key import Key, seal, sealed
from .shaping import Shaper
from .spending import count
from .taping.tapes import current
from .typing import Messages
from .waiting.limits import Limits
from .wire import whole

if TYPE_CHECKING:
    from .taping.player import Lookup

__all__ = ["Request", "ask", "prepare", "stream_events", "text"]


class Request(msgspec.Struct, frozen=True):
    """A question that may be sent: checked, with its route and the call that will be made.

    `call` is None where nobody was looked for, because the tape answers; see `routing.without_provider`.
    """

    route: Route
    call: BoundCall | None
    messages: list[dict[str, Any]]
    options: dict[str, Any]
    stop: tuple[str, ...]
    max_chunks: int | None
    timeout: float | None
    stream_timeout: float | None
    lookup: Lookup | None


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
    **options: Unpack[ProviderOptions],
) -> Request:
    """Check what the caller gave, before anything is sent. An option that is None counts as not given.

    `timeout` is the longest time for a whole answer, `stream_timeout` the longest silence between events, in seconds.
    Without `timeout` or `proxy`, `G4F_TIMEOUT` and `G4F_PROXY` count; "" is no proxy. `images`, one or a list, are seen
    with the last question. `api_key` is the key of the provider, in a list of the first one that takes a key; a dict
    has keys by the names of providers. Raises InputError, and what `resolve` raises.
    """
    others, provider = in_our_words(seal(options)), sealed(provider)
    words, limit = _stop_words(stop), _limit(max_tokens)
    longest, silence = _seconds("timeout", _or_environment(timeout)), _seconds("stream_timeout", stream_timeout)
    normal = normalize(messages)
    if images is not None:
        normal = with_images(normal, images)
    if provider is None and isinstance(address := others.get("base_url"), str):
        provider = load_at(address)
    if proxy is None and (proxy := others.pop("proxy", None)) is None:
        proxy = _of_environment("G4F_PROXY")
    given = {name: value for name, value in others.items() if value is not None}
    if limit:
        given["max_tokens"] = limit
    if words:
        given["stop"] = list(words)
    route, lookup = _routed(model, provider, normal, given)
    if silence:
        given["stream_timeout"] = silence  # for a provider with a limit of its own
    if proxy:
        given["proxy"] = proxy_address(proxy, "proxy=")
    cut = None if getattr(route.provider, "enforces_max_tokens", False) else limit
    silence = None if getattr(route.provider, "enforces_stream_timeout", False) else silence
    call = _call(route, normal, given, stream=stream)
    if call is not None:
        normal, given = call.messages, call.options
    return Request(route, call, normal, given, words, cut, longest, silence, lookup)


def _routed(
    model: Model | str, provider: Provider | str | None, messages: list[dict[str, Any]], options: dict[str, Any]
) -> tuple[Route, Lookup | None]:
    """Return the route, and the lookup on the tape that is on, if one is.

    A question that names no provider is the same on every machine: a provider is looked for only where the tape does
    not answer.
    """
    tape = current()
    if tape is None:
        return resolve(model, provider), None
    if provider is None:
        lookup = tape.lookup("", model.name if isinstance(model, Model) else model, messages, options)
        return without_provider(model) if lookup.needs_nobody else resolve(model), lookup
    route = resolve(model, provider)
    return route, tape.lookup(route.name, route.model, messages, options)


def _call(route: Route, messages: list[dict[str, Any]], options: dict[str, Any], *, stream: bool) -> BoundCall | None:
    """Return how the provider of a route will be asked; None where nobody was looked for. Raises what `bind` raises."""
    keys = options.get("api_key")
    if not isinstance(keys, str | None) and isinstance(keys, Mapping):
        check_keys(route.provider, keys)
    if route.provider is None:
        check_words(options)
        return None
    return bind(route.provider, route.model, messages, options, stream=stream)


async def ask(request: Request) -> AsyncGenerator[Item]:
    """Yield the answer of the provider.

    Raises TimeoutError, ResponseError for an empty answer or a wrong item, or what the provider raises. A G4FError
    names provider and model, and has the text so far in `partial`.
    """
    route, shaper = request.route, Shaper(request.stop, request.max_chunks)
    call = cast("BoundCall", request.call)  # a request without one is answered by the tape, and never comes here
    with _Record(route, request.messages) as record:
        add = record.add
        with OwnCancellation(route.provider), Limits(request.timeout, request.stream_timeout) as limits:
            async with aclosing(call.open()) as items:
                async for item in items:
                    pieces = shaper.feed(item) if isinstance(item, str) else _event(item, shaper)
                    while True:
                        for piece in pieces:
                            add(piece)
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
            add(piece)
            yield piece
        if record.answer.is_empty:
            raise ResponseError("the answer was empty: it has no text, no tool call and no reason why it ended")


def stream_events(request: Request, ask: Callable[[Request], AsyncGenerator[Item]] = ask) -> AsyncGenerator[Item]:
    """Yield the answer: text as `str`, everything else as events; a FinishReason if it was cut here.

    While a tape is on, an answer that is on it comes from there, with Replayed before it; see `Lookup.play`. For one
    that is not, `ask` asks, and it is recorded.
    """
    if request.lookup is None:
        return ask(request)
    who = None if request.call is None else ProviderInfo(request.route.name, request.route.model)
    return request.lookup.play(who, lambda: ask(request))


def _event(item: object, shaper: Shaper) -> list[Item]:
    """Return what is yielded for an item that is not text."""
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
    """What one answer is so far: for errors its text, for the log when it began, and what it used for who counts.

    The log never has content: neither of messages and answers, nor of errors, which may quote them.
    """

    __slots__ = ("_began", "_debug", "_messages", "_start", "add", "answer")

    add: Callable[[Item], None]
    """Add the next item. Without a log this is the assembly's own method: nothing more is paid per chunk."""

    def __init__(self, route: Route, messages: list[dict[str, Any]]) -> None:
        self.answer, self._messages = Assembly(route.name, route.model), messages
        self._debug, self._began, self._start = logger.isEnabledFor(logging.DEBUG), False, monotonic()
        self.add = self._add_and_log if self._debug else self.answer.add

    def __enter__(self) -> Self:
        if self._debug:
            logger.debug("start: %s, model %r", self.answer.provider, self.answer.model)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        answer = self.answer
        if isinstance(error, G4FError):
            error.fill(answer.provider, answer.model, answer.text)
        count(answer, self._messages, seconds := monotonic() - self._start)
        if self._debug:
            usage = repr(answer.usage) if answer.usage else "no usage"
            how = f" {kind.__name__}" if kind else ""
            logger.debug("end: %s,%s after %.3f s, %s", answer.provider, how, seconds, usage)

    def _add_and_log(self, item: Item) -> None:
        self.answer.add(item)
        if not self._began and not self.answer.is_empty:
            self._began = True
            logger.debug("first event: %s after %.3f s", self.answer.provider, monotonic() - self._start)


async def text(request: Request) -> str:
    """Return the text of the whole answer."""
    return "".join([item async for item in stream_events(request) if isinstance(item, str)])


def _of_environment(name: str) -> str:
    """Return the proxy that the environment sets, or "". Raises InputError that names the variable."""
    if not (held := os.environ.get(name)):
        return ""
    return proxy_address(Key(held), f"the proxy of {name}")


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
