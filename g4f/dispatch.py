"""The spine: one question, one stream of items, whoever asks and whoever answers."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from time import monotonic
from typing import Any, NamedTuple

from .errors import G4FError, InputError, ResponseError
from .limits import Limits
from .messages import normalize
from .models import Model
from .providers.base_provider import Provider, open_stream, own_cancellation
from .providers.response import Event, FinishReason, Item, ProviderInfo, Reasoning, Usage
from .routing import Route, resolve
from .shaping import Shaper
from .typing import Messages

__all__ = ["Request", "prepare", "stream_events", "text"]

logger = logging.getLogger("g4f")


class Request(NamedTuple):
    """A question that may be sent: checked, and with its route."""

    route: Route
    messages: list[dict[str, Any]]
    stream: bool
    stop: tuple[str, ...]
    max_chunks: int | None
    timeout: float | None
    stream_timeout: float | None
    options: dict[str, Any]


def prepare(
    model: Model | str,
    messages: Messages,
    provider: Provider | str | None,
    *,
    stream: bool = False,
    max_tokens: int | None = None,
    stop: str | Sequence[str] | None = None,
    timeout: float | None = None,
    stream_timeout: float | None = None,
    **options: Any,
) -> Request:
    """Check what the caller gave, before anything is sent.

    `timeout` is the longest whole answer, `stream_timeout` the longest silence between two events, in seconds.
    Raises InputError, or what `routing.resolve` raises.
    """
    words = _stop_words(stop)
    _check_number("max_tokens", max_tokens, int)
    _check_number("timeout", timeout, float)
    _check_number("stream_timeout", stream_timeout, float)
    normal = normalize(messages)
    route = resolve(model, provider)
    if max_tokens:
        options["max_tokens"] = max_tokens
    if words:
        options["stop"] = list(words)
    if not options.get("proxy"):
        options.pop("proxy", None)
        if proxy := os.environ.get("G4F_PROXY"):
            options["proxy"] = proxy
    cut = None if getattr(route.provider, "enforces_max_tokens", False) else max_tokens
    return Request(route, normal, stream, words, cut or None, timeout, stream_timeout, options)


async def stream_events(request: Request) -> AsyncGenerator[Item]:
    """Yield the answer: text as `str`, all else as events, and a FinishReason where the answer was cut here.

    Raises TimeoutError, ResponseError for an empty answer or a wrong item, or what the provider raises. An error
    of the tree leaves with provider, model, and in `partial` the text so far.
    """
    route, record, shaper = request.route, _Record(request.route), Shaper(request.stop, request.max_chunks)
    try:
        with own_cancellation(route.provider), Limits(request.timeout, request.stream_timeout) as limits:
            answer = open_stream(
                route.provider, route.model, request.messages, stream=request.stream, options=request.options
            )
            async with aclosing(answer) as items:
                async for item in items:
                    pieces = shaper.feed(item) if isinstance(item, str) else _event(item, shaper)
                    for piece in pieces:
                        record.add(piece)
                        limits.handing_over()
                        yield piece
                    if shaper.done:
                        return
                    limits.waiting()
        for piece in shaper.flush():
            record.add(piece)
            yield piece
        if record.empty:
            raise ResponseError("the answer was empty: it ended without text, tool call or reason")
    except G4FError as error:
        error.provider = error.provider or route.name
        error.model = error.model or route.model
        error.partial = error.partial or record.text()
        record.error = type(error).__name__
        raise
    finally:
        record.close()


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
            return [item]
    raise ResponseError(f"the provider yielded {type(item).__name__}: it may yield text and events")


class _Record:
    """What one answer was so far: its text, and for the log when it began and what it used. Never logs content."""

    __slots__ = ("_began", "_debug", "_route", "_start", "_texts", "_usage", "empty", "error")

    def __init__(self, route: Route) -> None:
        self.empty, self.error = True, ""
        self._route, self._texts = route, [""]
        self._usage: Usage | None = None
        self._debug, self._began, self._start = logger.isEnabledFor(logging.DEBUG), False, monotonic()
        if self._debug:
            logger.debug("start: %s, model %r", route.name, route.model)

    def add(self, item: Item) -> None:
        if isinstance(item, str):
            self._texts.append(item)
        elif isinstance(item, Usage):
            self._usage = item
        elif isinstance(item, ProviderInfo):
            return
        self.empty = False
        if self._debug and not self._began:
            self._began = True
            logger.debug("first event: %s after %.3f s", self._route.name, monotonic() - self._start)

    def text(self) -> str:
        return "".join(self._texts)

    def close(self) -> None:
        if self._debug:
            end = f"{self.error} " if self.error else ""
            logger.debug("end: %s %safter %.3f s, %s", self._route.name, end, monotonic() - self._start, self._usage)


async def text(request: Request) -> str:
    """Return the text of the whole answer."""
    async with aclosing(stream_events(request)) as items:
        return "".join([item async for item in items if isinstance(item, str)])


def _stop_words(stop: str | Sequence[str] | None) -> tuple[str, ...]:
    words = (stop,) if isinstance(stop, str) else tuple(stop or ())
    if not all(isinstance(word, str) and word for word in words):
        raise InputError(f"stop must be a text or a list of texts, none of them empty, not {stop!r}")
    return words


def _check_number(name: str, value: float | None, kind: type[int] | type[float]) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, kind)) or not value >= 0:
        unit = "a whole number, 0 or None for no limit" if kind is int else "seconds, more than 0"
        raise InputError(f"{name} must be {unit}, not {value!r}")
    if kind is float and not value > 0:
        raise InputError(f"{name} must be seconds, more than 0, not {value!r}")
