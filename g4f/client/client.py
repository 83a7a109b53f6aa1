"""Client and AsyncClient: the same call, messages first. Answers have the shapes of OpenAI's chat completions."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from functools import cached_property
from typing import Any, Generic, Literal, Self, TypeVar, Unpack, overload

from ..dispatch import Request, prepare, stream_events
from ..models import Model
from ..option_values import check_words, in_our_words
from ..options import ClientOptions, Options
from ..providers.base_provider import Provider
from ..providers.response import Logprobs, PassedOver, Reasoning, Step, TextWasReasoning, ToolCall, Usage
from ..routing import merged
from ..typing import Messages
from ..waiting import bridge
from ..waiting.async_stream import AsyncStream
from .types import (
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChoiceLogprobs,
    ChunkChoice,
    CompletionMessage,
    CompletionUsage,
    Delta,
    FunctionDelta,
    ToolCallDelta,
    completion_calls,
)

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
        provider, given = in_our_words(provider, options)
        self.provider, self.model, self.options = provider, model, given
        if provider is None or isinstance(provider, str):
            check_words(given)


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
        stream: Literal[False] = False,
        **options: Unpack[ClientOptions],
    ) -> Whole: ...

    @overload
    def create(
        self, messages: Messages, model: Model | str = "", *, stream: Literal[True], **options: Unpack[ClientOptions]
    ) -> Streamed: ...

    @overload
    def create(
        self, messages: Messages, model: Model | str = "", *, stream: bool, **options: Unpack[ClientOptions]
    ) -> Whole | Streamed: ...

    def create(
        self, messages: Messages, model: Model | str = "", *, stream: bool = False, **options: Unpack[ClientOptions]
    ) -> Whole | Streamed:
        """Return a ChatCompletion; with `stream`, an iterator of ChatCompletionChunk. AsyncClient: awaited.

        `messages` is a list or one question as text. Options and errors are those of `g4f.ChatCompletion`. An option of
        the call wins over one of the client.
        """
        provider, given = in_our_words(options.pop("provider", None), options)
        own = self._defaults
        given = merged(own.provider, own.options, provider, given)
        provider = own.provider if provider is None else provider
        request = prepare(model or own.model, messages, provider, given, stream=stream)
        return self._streamed(request) if stream else self._whole(request)

    def stream(self, messages: Messages, model: Model | str = "", **options: Unpack[ClientOptions]) -> Streamed:
        """Return `create(…, stream=True)`."""
        provider, given = in_our_words(options.pop("provider", None), options)
        streamed: Streamed = self.create(messages, model, stream=True, provider=provider, **given)
        return streamed

    @overload
    def run(
        self,
        messages: Messages,
        model: Model | str = "",
        *,
        stream: Literal[False] = False,
        **options: Unpack[ClientOptions],
    ) -> Whole: ...

    @overload
    def run(
        self,
        messages: Messages,
        model: Model | str = "",
        *,
        stream: Literal[True],
        **options: Unpack[ClientOptions],
    ) -> Streamed: ...

    def run(
        self,
        messages: Messages,
        model: Model | str = "",
        *,
        stream: bool = False,
        **options: Unpack[ClientOptions],
    ) -> Whole | Streamed:
        """Return the answer to a question for which the model calls `tools`: functions, or what has some.

        It is that of `create`. `steps` has each call, with its arguments and its result. At most `max_steps` rounds of
        calls are made, 8 if nothing is said.
        """
        return self.create(messages, model, stream=stream, **options)


class Chat(Generic[Whole, Streamed]):
    """`client.chat`."""

    def __init__(self, completions: Completions[Whole, Streamed]) -> None:
        self.completions = completions


class Client(_Defaults):
    """For sync code: `Client(provider, api_key=…, …).chat.completions.create(messages, model="")`.

    It may stand in a `with`. Its connections are kept for all calls of the thread, and closed with it.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Do nothing: there are no connections that are this client's alone."""

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
    """The same for async code: whole answers are awaited, streams are read by `async for`.

    It may stand in an `async with`. Its connections are kept for all calls of the loop, and closed with it.
    """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Do nothing: there are no connections that are this client's alone."""

    @cached_property
    def chat(self) -> Chat[Coroutine[Any, Any, ChatCompletion], AsyncStream[ChatCompletionChunk]]:
        """Where `completions.create` is."""
        return Chat(Completions(self, _completion, lambda request: AsyncStream(_chunks(request))))


async def _chunks(request: Request) -> AsyncGenerator[ChatCompletionChunk]:
    """Yield a chunk for each event that adds something, and a last one with finish reason and usage."""
    id_, created, role = "", int(time.time()), "assistant"
    answer = request.assembly()

    def chunk(delta: Delta, finish: str | None = None, logprobs: ChoiceLogprobs | None = None) -> ChatCompletionChunk:
        nonlocal id_
        id_ = id_ or answer.id or _new_id()
        name, usage = answer.model or answer.provider, _usage(answer.usage) if finish else None
        choice = ChunkChoice(delta, finish, 0, logprobs)
        return ChatCompletionChunk(id_, created, name, answer.provider, [choice], usage)

    async with aclosing(stream_events(request, answer)) as events:
        async for event in events:
            match event:
                case str() | Reasoning() | ToolCall():
                    delta = _delta(event)
                case Logprobs():
                    yield chunk(Delta(), logprobs=ChoiceLogprobs.of(event.content))
                    continue
                case TextWasReasoning():  # a role begins the message anew
                    role, delta = "assistant", Delta(None, answer.reasoning)
                case PassedOver():  # so it does
                    role = "assistant"
                    continue
                case Step():  # the same
                    role, made = "assistant", chunk(Delta())
                    made.step = event
                    yield made
                    continue
                case _:
                    continue
            if role:
                delta.role, role = role, ""
            yield chunk(delta)
    yield chunk(Delta(), answer.finish_reason)


async def _completion(request: Request) -> ChatCompletion:
    """Return the whole answer."""
    created, answer = int(time.time()), request.assembly()
    async for _ in stream_events(request, answer):
        pass
    text, thoughts, reason, called = answer.text, answer.reasoning, answer.finish_reason, answer.tool_calls
    calls = completion_calls(called) if called else None
    message = CompletionMessage("assistant", text or (None if calls else ""), thoughts or None, calls)
    name = answer.model or answer.provider  # a provider that has no names for its models is one
    choice = Choice(message, reason, 0, ChoiceLogprobs.of(answer.logprobs) if answer.logprobs else None)
    id_, steps = answer.id or _new_id(), answer.steps or None
    return ChatCompletion(id_, created, name, answer.provider, [choice], _usage(answer.usage), steps=steps)


def _new_id() -> str:
    return f"chatcmpl-{os.urandom(12).hex()}"


def _usage(usage: Usage | None) -> CompletionUsage | None:
    if usage is None:
        return None
    cached, reasoning = usage.cached_tokens, usage.reasoning_tokens
    return CompletionUsage(
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.total_tokens or usage.prompt_tokens + usage.completion_tokens,
        None if cached is None else {"cached_tokens": cached},
        None if reasoning is None else {"reasoning_tokens": reasoning},
    )


def _delta(event: str | Reasoning | ToolCall) -> Delta:
    if isinstance(event, str):
        return Delta(event)
    return Delta(None, event.text) if isinstance(event, Reasoning) else Delta(tool_calls=[_tool_call_delta(event)])


def _tool_call_delta(event: ToolCall) -> ToolCallDelta:
    function = FunctionDelta(event.name or None, event.arguments or None)
    return ToolCallDelta(event.index, event.id or None, function)
