"""Client and AsyncClient: the same call, messages first. Answers have the shapes of OpenAI's chat completions."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import aclosing
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Literal, NoReturn, Self, TypeVar, Unpack, overload

import msgspec

from ..assembly import Assembly
from ..dispatch import stream_events
from ..models import Model
from ..option_values import in_our_words
from ..options import ClientOptions
from ..providers.response import (
    AskedAgain,
    Logprobs,
    PassedOver,
    ProviderInfo,
    Reasoning,
    Step,
    TextWasReasoning,
    ToolCall,
    Usage,
)
from ..request import Request, prepare
from ..routing import merged
from ..typing import Messages
from ..waiting import bridge
from ..waiting.async_stream import AsyncStream
from .defaults import Defaults
from .elsewhere import ELSEWHERE_IN_COMPLETIONS, absent
from .listing import AsyncModelList, Models
from .types import (
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChoiceLogprobs,
    ChunkChoice,
    CompletionMessage,
    CompletionTokensDetails,
    CompletionUsage,
    Delta,
    ListedModel,
    ModelList,
    PromptTokensDetails,
    ToolCallDelta,
    TypedDelta,
    TypedMessage,
    completion_calls,
)

__all__ = ["AsyncClient", "Chat", "Client", "Completions"]

Whole = TypeVar("Whole")
Streamed = TypeVar("Streamed")


class Completions(Generic[Whole, Streamed]):
    """`client.chat.completions`. Two functions, `whole` and `streamed`, turn a request into what the client returns.

    The second one also gets whether the usage comes in a chunk of its own.
    """

    def __init__(
        self, defaults: Defaults, whole: Callable[[Request], Whole], streamed: Callable[[Request, bool], Streamed]
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
        if not stream:
            return self._whole(prepare(model or own.model, messages, provider, given))
        request = prepare(model or own.model, messages, provider, given, stream=True)
        shown = given.get("stream_options")
        return self._streamed(request, isinstance(shown, Mapping) and bool(shown.get("include_usage")))

    def parse(self, messages: Messages, model: Model | str = "", **options: Unpack[ClientOptions]) -> Whole:
        """Return `create(…)`: with a type as `response_format`, its value is `choices[0].message.parsed`."""
        provider, given = in_our_words(options.pop("provider", None), options)
        whole: Whole = self.create(messages, model, provider=provider, **given)
        return whole

    def stream(self, messages: Messages, model: Model | str = "", **options: Unpack[ClientOptions]) -> Streamed:
        """Return `create(…, stream=True)`."""
        provider, given = in_our_words(options.pop("provider", None), options)
        streamed: Streamed = self.create(messages, model, stream=True, provider=provider, **given)
        return streamed

    run = create
    """The same: a model that may call `tools` is asked until it answers, at most `max_steps` times."""

    if not TYPE_CHECKING:  # a type checker would let any name pass

        def __getattr__(self, name: str) -> NoReturn:
            raise absent("client.chat.completions", name, ELSEWHERE_IN_COMPLETIONS)


class Chat(Generic[Whole, Streamed]):
    """`client.chat`."""

    def __init__(self, completions: Completions[Whole, Streamed]) -> None:
        self.completions = completions


class Client(Defaults):
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
                lambda request, apart: bridge.iterate(lambda: _chunks(request, apart=apart)),
            )
        )

    @cached_property
    def models(self) -> Models[ModelList, ListedModel]:
        """Where `list` and `retrieve` are."""
        return Models(self, bridge.run, bridge.run)


class AsyncClient(Defaults):
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
        return Chat(Completions(self, _completion, lambda request, apart: AsyncStream(_chunks(request, apart=apart))))

    @cached_property
    def models(self) -> Models[AsyncModelList, Coroutine[Any, Any, ListedModel]]:
        """Where `list` and `retrieve` are."""
        return Models(self, AsyncModelList, lambda make: make())


async def _chunks(request: Request, *, apart: bool) -> AsyncGenerator[ChatCompletionChunk]:
    """Yield a chunk for each event that adds something, and a last one with finish reason and usage.

    If the usage is to stand `apart`, as in OpenAI's streams, it comes behind that one, in a chunk that has no choice.
    """
    answer = request.assembly()
    id_, created, fingerprint = "", int(time.time()), None
    role, refuses = "assistant", False

    def chunk(delta: Delta, finish: str | None = None, logprobs: ChoiceLogprobs | None = None) -> ChatCompletionChunk:
        nonlocal id_, created, fingerprint
        if not id_:
            id_, created, fingerprint, _ = _head(answer, created)
        name, choices = answer.model or answer.provider, [ChunkChoice(delta, finish, 0, logprobs)]
        return ChatCompletionChunk(id_, created, name, answer.provider, choices, None, fingerprint)

    async with aclosing(stream_events(request, answer)) as events:
        async for event in events:
            match event:
                case str() | Reasoning() | ToolCall():
                    delta = _delta(event, refuses=refuses)
                case Logprobs():
                    yield chunk(Delta(), logprobs=ChoiceLogprobs.of(event.content))
                    continue
                case TextWasReasoning():  # a role begins the message anew
                    role, delta = "assistant", Delta(None, answer.reasoning)
                case Step():  # so it does
                    role, made = "assistant", chunk(Delta())
                    made.step = event
                    yield made
                    continue
                case _:
                    refuses = answer.refused
                    role = "assistant" if isinstance(event, PassedOver | AskedAgain) else role  # so it does
                    continue
            if role:
                delta.role, role = role, ""
            yield chunk(delta)
    delta = Delta() if request.schema is None else TypedDelta(parsed=_parsed(answer))
    last, usage = chunk(delta, answer.finish_reason), _usage(answer.usage)
    last.service_tier = (answer.usage and answer.usage.tier) or None
    if apart and usage:
        yield last
        last = msgspec.structs.replace(last, choices=[])
    last.usage = usage
    yield last


async def _completion(request: Request) -> ChatCompletion:
    """Return the whole answer."""
    began, answer = int(time.time()), request.assembly()
    async for _ in stream_events(request, answer):
        pass
    text, thoughts, reason, called = answer.text, answer.reasoning, answer.finish_reason, answer.tool_calls
    calls = completion_calls(called) if called else None
    kind = CompletionMessage if request.schema is None else TypedMessage
    message = kind("assistant", text or (None if calls else ""), thoughts or None, calls)
    if isinstance(message, TypedMessage):
        message.parsed = _parsed(answer)
    if answer.state is not None:
        message.provider_state = answer.state.to_message()["provider_state"]
    if answer.refused:
        message.content, message.refusal = None, text
    name = answer.model or answer.provider  # a provider that has no names for its models is one
    choice = Choice(message, reason, 0, ChoiceLogprobs.of(answer.logprobs) if answer.logprobs else None)
    id_, created, fingerprint, request_id = _head(answer, began)
    usage, tier = _usage(answer.usage), (answer.usage and answer.usage.tier) or None
    own = (answer.provider, [choice], usage, fingerprint, tier, request_id)
    return ChatCompletion(id_, created, name, *own, steps=answer.steps or None)


def _head(answer: Assembly, began: int) -> tuple[str, int, str | None, str | None]:
    """Return an answer's id, time, fingerprint and request id, as the server says; else an id of ours and `began`."""
    info = answer.info or _UNSAID
    id_ = info.id or f"chatcmpl-{os.urandom(12).hex()}"
    return id_, info.created or began, info.fingerprint or None, info.request_id or None


_UNSAID = ProviderInfo("", "")


def _parsed(answer: Assembly) -> Any:
    return None if answer.value is msgspec.UNSET else answer.value


def _usage(usage: Usage | None) -> CompletionUsage | None:
    if usage is None:
        return None
    cached, written, reasoning = usage.cached_tokens, usage.written_tokens, usage.reasoning_tokens
    return CompletionUsage(
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.total_tokens or usage.prompt_tokens + usage.completion_tokens,
        None if cached is None and written is None else PromptTokensDetails(cached, written),
        None if reasoning is None else CompletionTokensDetails(reasoning),
    )


def _delta(event: str | Reasoning | ToolCall, *, refuses: bool) -> Delta:
    if isinstance(event, str):
        return Delta(refusal=event) if refuses else Delta(event)
    return Delta(None, event.text) if isinstance(event, Reasoning) else Delta(tool_calls=[ToolCallDelta.of(event)])
