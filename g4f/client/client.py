"""Client and AsyncClient: the same call, messages first, in OpenAI's shapes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from functools import cached_property
from typing import Any, Generic, TypeVar, Unpack, overload

from ..dispatch import Request, prepare, stream_events
from ..models import Model
from ..options import AnyOptions, Options, StreamedOptions, WholeOptions, check_words, in_our_words
from ..providers.base_provider import Provider
from ..routing import merged
from ..secrets.key import seal, sealed
from ..typing import Messages
from ..waiting import bridge
from .assemble import chunks, completion
from .types import ChatCompletion, ChatCompletionChunk

__all__ = ["AsyncClient", "Chat", "Client", "Completions"]

Whole = TypeVar("Whole")
Streamed = TypeVar("Streamed")


class _Defaults:
    """The provider, model and options of a client. They hold for each call that does not give others.

    A key, an address and headers belong to the client's own provider; if it has none, to the one that is asked.
    """

    def __init__(
        self,
        provider: Provider | str | None = None,
        *,
        model: Model | str = "",
        **options: Unpack[Options],
    ) -> None:
        """Raise InputError for an option that only other clients have.

        Of theirs, `default_headers`, `default_query`, `organization`, `project` and `proxies` are understood.
        """
        provider = self._provider = sealed(provider)
        self._model = model
        self._options = in_our_words(seal(options))
        if provider is None or isinstance(provider, str):
            check_words(self._options)

    def prepare(
        self, messages: Messages, model: Model | str, provider: Provider | str | None, options: dict[str, Any]
    ) -> Request:
        """Return the request of one call: an option of the call wins over one of the client."""
        given = merged(self._provider, self._options, in_our_words(options) | {"provider": provider})
        return prepare(model or self._model, messages, given.pop("provider", self._provider), **given)


class Completions(Generic[Whole, Streamed]):
    """`client.chat.completions`. Two functions, `whole` and `streamed`, turn a request into what the client returns."""

    def __init__(
        self, defaults: _Defaults, whole: Callable[[Request], Whole], streamed: Callable[[Request], Streamed]
    ) -> None:
        self._defaults, self._whole, self._streamed = defaults, whole, streamed

    @overload
    def create(
        self,
        messages: Messages,
        model: Model | str = "",
        *,
        provider: Provider | str | None = None,
        **options: Unpack[WholeOptions],
    ) -> Whole: ...

    @overload
    def create(
        self,
        messages: Messages,
        model: Model | str = "",
        *,
        provider: Provider | str | None = None,
        **options: Unpack[StreamedOptions],
    ) -> Streamed: ...

    @overload
    def create(
        self,
        messages: Messages,
        model: Model | str = "",
        *,
        provider: Provider | str | None = None,
        **options: Unpack[AnyOptions],
    ) -> Whole | Streamed: ...

    def create(
        self,
        messages: Messages,
        model: Model | str = "",
        *,
        provider: Provider | str | None = None,
        stream: bool = False,
        **options: Unpack[Options],
    ) -> Whole | Streamed:
        """Return a ChatCompletion; with `stream`, an iterator of ChatCompletionChunk. AsyncClient: awaited.

        `messages` is a list or one question as text. Options and errors are those of `g4f.ChatCompletion`.
        """
        provider = sealed(provider)
        request = self._defaults.prepare(messages, model, provider, {**seal(options), "stream": stream})
        return self._streamed(request) if stream else self._whole(request)

    def stream(
        self,
        messages: Messages,
        model: Model | str = "",
        *,
        provider: Provider | str | None = None,
        **options: Unpack[Options],
    ) -> Streamed:
        """Return `create(…, stream=True)`."""
        provider = sealed(provider)
        return self._streamed(self._defaults.prepare(messages, model, provider, {**seal(options), "stream": True}))


class Chat(Generic[Whole, Streamed]):
    """`client.chat`."""

    def __init__(self, completions: Completions[Whole, Streamed]) -> None:
        self.completions = completions


class Client(_Defaults):
    """For sync code: `Client(provider, api_key=…, …).chat.completions.create(messages, model="")`."""

    @cached_property
    def chat(self) -> Chat[ChatCompletion, bridge.Stream[ChatCompletionChunk]]:
        """Where `completions.create` is."""
        return Chat(
            Completions(
                self,
                lambda request: bridge.run(lambda: _completion(request)),
                lambda request: bridge.iterate(lambda: _chunks(request)),
            )
        )


class AsyncClient(_Defaults):
    """The same for async code: whole answers are awaited, streams are read by `async for`."""

    @cached_property
    def chat(self) -> Chat[Coroutine[Any, Any, ChatCompletion], AsyncGenerator[ChatCompletionChunk]]:
        """Where `completions.create` is."""
        return Chat(Completions(self, _completion, _chunks))


def _chunks(request: Request) -> AsyncGenerator[ChatCompletionChunk]:
    return chunks(stream_events(request), request.route.name, request.route.model)


def _completion(request: Request) -> Coroutine[Any, Any, ChatCompletion]:
    return completion(stream_events(request), request.route.name, request.route.model)
