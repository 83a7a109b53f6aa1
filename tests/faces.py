"""The faces: where a call is made, and the four ways to make it. A contract is written once and run on each.

class Contract:
    def test_it(self) -> None:
        self.expect(Answer("Mock"), provider)

globals().update(on_every_face(Contract))
"""

from __future__ import annotations

import asyncio
import unittest
from collections.abc import AsyncIterable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar
from unittest.mock import ANY

from g4f import AsyncClient, ChatCompletion, Client
from g4f.client.types import ChatCompletion as Completion
from g4f.client.types import ChatCompletionChunk, CompletionUsage
from g4f.providers.response import (
    FinishReason,
    Item,
    PassedOver,
    ProviderInfo,
    Reasoning,
    TextWasReasoning,
    ToolCall,
    Usage,
)
from g4f.waiting import bridge

__all__ = ["Answer", "Face", "on_every_face"]

T = TypeVar("T")


class Answer(NamedTuple):
    """What a call gave. What its way of calling cannot tell is equal to everything."""

    text: str
    reasoning: str = ANY
    calls: list[tuple[str, str, str]] = ANY
    usage: tuple[int, int, int] | None = ANY
    finish: str = ANY
    model: str = ANY
    provider: str = ANY
    chunks: int = ANY


def _of_items(items: Iterable[Item]) -> Answer:
    items = list(items)
    failed = max((place for place, item in enumerate(items) if isinstance(item, PassedOver)), default=0)
    ends = max((place for place, item in enumerate(items) if isinstance(item, TextWasReasoning)), default=0)
    items = [Reasoning(item) if isinstance(item, str) and place < ends else item for place, item in enumerate(items)]
    calls: dict[int, list[str]] = {}
    usage, finish, model, provider = None, ANY, ANY, ANY
    for item in items:
        match item:
            case ToolCall():
                pieces = (item.id, item.name, item.arguments)
                calls[item.index] = [a + b for a, b in zip(calls.get(item.index, ("",) * 3), pieces, strict=True)]
            case Usage():
                usage = (item.prompt_tokens, item.completion_tokens, item.total_tokens)
            case FinishReason():
                finish = item.reason
            case ProviderInfo():
                model, provider = item.model or ANY, item.provider
    return Answer(
        "".join(item for item in items if isinstance(item, str)),
        "".join(item.text for item in items[failed:] if isinstance(item, Reasoning)),
        [tuple(call) for call in calls.values()],
        usage,
        finish,
        model,
        provider,
        len([item for item in items if isinstance(item, str | Reasoning)]),
    )


def _told(usage: CompletionUsage | None) -> tuple[int, int, int] | None:
    return usage and (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens)


def _of_completion(whole: Completion) -> Answer:
    (choice,) = whole.choices
    calls = [(call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls or ()]
    text, reasoning = choice.message.content or "", choice.message.reasoning or ""
    return Answer(text, reasoning, calls, _told(whole.usage), choice.finish_reason, whole.model, whole.provider)


def _of_chunks(chunks: Iterable[ChatCompletionChunk]) -> Answer:
    *pieces, last = chunks
    deltas = [piece.choices[0].delta for piece in pieces]
    begun = max((place for place, delta in enumerate(deltas) if delta.role), default=0)  # for the last time
    calls: dict[int, list[str]] = {}
    for delta in deltas:
        for call in delta.tool_calls or ():
            pieced = (call.id or "", call.function.name or "", call.function.arguments or "")
            calls[call.index] = [a + b for a, b in zip(calls.get(call.index, ("",) * 3), pieced, strict=True)]
    return Answer(
        "".join(delta.content or "" for delta in deltas[begun:]),
        "".join(delta.reasoning or "" for delta in deltas[begun:]),
        [tuple(call) for call in calls.values()],
        _told(last.usage),
        last.choices[0].finish_reason,
        last.model,
        last.provider,
        len([delta for delta in deltas if not delta.tool_calls]),
    )


async def _list(items: AsyncIterable[T]) -> list[T]:
    return [item async for item in items]


def _create(model: Any, messages: Any, provider: Any, options: dict[str, Any]) -> Answer:
    return Answer(ChatCompletion.create(model, messages, provider, **options))


def _create_streamed(model: Any, messages: Any, provider: Any, options: dict[str, Any]) -> Answer:
    return _of_items(ChatCompletion.create(model, messages, provider, stream=True, **options))


def _client(model: Any, messages: Any, provider: Any, options: dict[str, Any]) -> Answer:
    return _of_completion(Client(provider).chat.completions.create(messages, model, **options))


def _client_streamed(model: Any, messages: Any, provider: Any, options: dict[str, Any]) -> Answer:
    return _of_chunks(Client().chat.completions.stream(messages, model, provider=provider, **options))


async def _create_async(model: Any, messages: Any, provider: Any, options: dict[str, Any]) -> Answer:
    return Answer(await ChatCompletion.create_async(model, messages, provider, **options))


async def _create_async_streamed(model: Any, messages: Any, provider: Any, options: dict[str, Any]) -> Answer:
    stream = ChatCompletion.create_async(model, messages, provider, stream=True, **options)
    return _of_items(await _list(stream))


async def _async_client(model: Any, messages: Any, provider: Any, options: dict[str, Any]) -> Answer:
    return _of_completion(await AsyncClient(provider).chat.completions.create(messages, model, **options))


async def _async_client_streamed(model: Any, messages: Any, provider: Any, options: dict[str, Any]) -> Answer:
    stream = AsyncClient().chat.completions.stream(messages, model, provider=provider, **options)
    return _of_chunks(await _list(stream))


SYNC = {
    "create": _create,
    "create, streamed": _create_streamed,
    "Client": _client,
    "Client, streamed": _client_streamed,
}
ASYNC = {
    "create_async": _create_async,
    "create_async, streamed": _create_async_streamed,
    "AsyncClient": _async_client,
    "AsyncClient, streamed": _async_client_streamed,
}


class Face(unittest.TestCase):
    """Calls that are made in one kind of place."""

    calls: dict[str, Callable[..., Any]] = SYNC

    def here(self, call: Callable[..., Any], *args: Any) -> Answer:
        """Make one of the `calls` in this place."""
        raise NotImplementedError

    def ask(self, way: str, provider: Any, model: Any = "", messages: Any = "?", **options: Any) -> Answer:
        """Make the call of this name."""
        return self.here(self.calls[way], model, messages, provider, options)

    def expect(self, expected: Answer, provider: Any, model: Any = "", messages: Any = "?", **options: Any) -> None:
        """Every call gives this answer."""
        for way in self.calls:
            with self.subTest(way):
                self.assertEqual(expected, self.ask(way, provider, model, messages, **options))

    def expect_error(
        self, expected: BaseException, provider: Any, model: Any = "", messages: Any = "?", **options: Any
    ) -> None:
        """Every call raises an error of just this kind, with these words, and what its attributes say.

        `provider` makes one for each call.
        """
        for way in self.calls:
            with self.subTest(way):
                with self.assertRaises(type(expected)) as caught:
                    self.ask(way, provider(), model, messages, **options)
                self.assertIs(type(expected), type(caught.exception))
                self.assertEqual(str(expected), str(caught.exception))
                for name, value in vars(expected).items():
                    if value:
                        self.assertEqual(value, getattr(caught.exception, name), name)


class Sync(Face):
    """Sync calls where no loop runs."""

    def here(self, call: Callable[..., Any], *args: Any) -> Answer:
        """Call it."""
        return call(*args)


class Nested(Face):
    """Sync calls inside a running loop that is nestable."""

    def setUp(self) -> None:
        super().setUp()
        self.runner = self.enterContext(asyncio.Runner())
        bridge.make_nestable(self.runner.get_loop())

    def here(self, call: Callable[..., Any], *args: Any) -> Answer:
        """Call it in a task of the loop."""

        async def inside() -> Answer:
            return call(*args)

        return self.runner.run(inside())


class Threaded(Face):
    """Sync calls in a worker thread."""

    def setUp(self) -> None:
        super().setUp()
        self.pool = self.enterContext(ThreadPoolExecutor(1))

    def here(self, call: Callable[..., Any], *args: Any) -> Answer:
        """Call it in the thread."""
        return self.pool.submit(call, *args).result()


class Async(Face):
    """Async calls."""

    calls = ASYNC

    def setUp(self) -> None:
        super().setUp()
        self.runner = self.enterContext(asyncio.Runner())

    def here(self, call: Callable[..., Any], *args: Any) -> Answer:
        """Await it."""
        return self.runner.run(call(*args))


def on_every_face(contract: type, *faces: type[Face]) -> dict[str, type[Face]]:
    """Return the test classes of `contract`, a class without a base, by their names: one for each face."""
    made = {}
    for face in faces or (Sync, Nested, Threaded, Async):
        name = f"{contract.__name__}{face.__name__}"
        members = {"__module__": contract.__module__, "__doc__": contract.__doc__}
        made[name] = type(name, (contract, face), members)
    return made
