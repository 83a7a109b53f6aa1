"""Client and AsyncClient: the same call, messages first, in OpenAI's shapes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine
from typing import Any, Literal, overload

from .. import bridge
from ..dispatch import Request, prepare, stream_events
from ..models import Model
from ..providers.base_provider import Provider
from ..typing import Key, Messages
from .assemble import chunks, completion
from .types import ChatCompletion, ChatCompletionChunk

__all__ = ["AsyncClient", "Client"]


class _Defaults:
    """What a client was made with: a provider, and options that each of its calls has unless it says otherwise."""

    def __init__(
        self,
        provider: Provider | str | None = None,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        proxy: str | None = None,
        timeout: float | None = None,
        stream_timeout: float | None = None,
        **options: Any,
    ) -> None:
        named = {
            "api_key": Key(api_key) if api_key else None,
            "base_url": base_url,
            "proxy": proxy,
            "timeout": timeout,
            "stream_timeout": stream_timeout,
        }
        self._provider = provider
        self._options = options | {name: value for name, value in named.items() if value is not None}

    def prepare(
        self, messages: Messages, model: Model | str, provider: Provider | str | None, options: dict[str, Any]
    ) -> Request:
        given = self._options | {name: value for name, value in options.items() if value is not None}
        return prepare(model, messages, self._provider if provider is None else provider, **given)


class Completions:
    """`client.chat.completions` of a Client."""

    def __init__(self, defaults: _Defaults) -> None:
        self._defaults = defaults

    @overload
    def create(
        self,
        messages: Messages,
        model: Model | str = "",
        *,
        provider: Provider | str | None = None,
        stream: Literal[False] = False,
        **options: Any,
    ) -> ChatCompletion: ...

    @overload
    def create(
        self,
        messages: Messages,
        model: Model | str = "",
        *,
        provider: Provider | str | None = None,
        stream: Literal[True],
        **options: Any,
    ) -> bridge.Stream[ChatCompletionChunk]: ...

    def create(
        self,
        messages: Messages,
        model: Model | str = "",
        *,
        provider: Provider | str | None = None,
        stream: bool = False,
        **options: Any,
    ) -> ChatCompletion | bridge.Stream[ChatCompletionChunk]:
        """Return a ChatCompletion; with `stream`, an iterator of ChatCompletionChunk.

        `messages` is a list or one question as text. Options are those of `g4f.ChatCompletion`.
        """
        request = self._defaults.prepare(messages, model, provider, {"stream": stream, **options})
        if stream:
            return bridge.iterate(lambda: _chunks(request))
        return bridge.run(lambda: _completion(request))

    def stream(self, messages: Messages, model: Model | str = "", **options: Any) -> bridge.Stream[ChatCompletionChunk]:
        """Return `create(…, stream=True)`."""
        return self.create(messages, model, stream=True, **options)


class AsyncCompletions:
    """`client.chat.completions` of an AsyncClient."""

    def __init__(self, defaults: _Defaults) -> None:
        self._defaults = defaults

    @overload
    def create(
        self,
        messages: Messages,
        model: Model | str = "",
        *,
        provider: Provider | str | None = None,
        stream: Literal[False] = False,
        **options: Any,
    ) -> Coroutine[Any, Any, ChatCompletion]: ...

    @overload
    def create(
        self,
        messages: Messages,
        model: Model | str = "",
        *,
        provider: Provider | str | None = None,
        stream: Literal[True],
        **options: Any,
    ) -> AsyncGenerator[ChatCompletionChunk]: ...

    def create(
        self,
        messages: Messages,
        model: Model | str = "",
        *,
        provider: Provider | str | None = None,
        stream: bool = False,
        **options: Any,
    ) -> Coroutine[Any, Any, ChatCompletion] | AsyncGenerator[ChatCompletionChunk]:
        """Return an awaitable of a ChatCompletion; with `stream`, an async iterator of ChatCompletionChunk."""
        request = self._defaults.prepare(messages, model, provider, {"stream": stream, **options})
        return _chunks(request) if stream else _completion(request)

    def stream(self, messages: Messages, model: Model | str = "", **options: Any) -> AsyncGenerator[ChatCompletionChunk]:
        """Return `create(…, stream=True)`."""
        return self.create(messages, model, stream=True, **options)


class Chat:
    """`client.chat` of a Client."""

    def __init__(self, defaults: _Defaults) -> None:
        self.completions = Completions(defaults)


class AsyncChat:
    """`client.chat` of an AsyncClient."""

    def __init__(self, defaults: _Defaults) -> None:
        self.completions = AsyncCompletions(defaults)


class Client(_Defaults):
    """`Client(provider, api_key=…, base_url=…, …).chat.completions.create(messages, model="")`, for sync code."""

    def __init__(self, provider: Provider | str | None = None, **options: Any) -> None:
        super().__init__(provider, **options)
        self.chat = Chat(self)


class AsyncClient(_Defaults):
    """The same for async code: whole answers are awaited, streams are read by `async for`."""

    def __init__(self, provider: Provider | str | None = None, **options: Any) -> None:
        super().__init__(provider, **options)
        self.chat = AsyncChat(self)


def _chunks(request: Request) -> AsyncGenerator[ChatCompletionChunk]:
    return chunks(stream_events(request), request.route.name, request.route.model or request.route.name)


def _completion(request: Request) -> Coroutine[Any, Any, ChatCompletion]:
    return completion(stream_events(request), request.route.name, request.route.model or request.route.name)
