"""The faces in every event loop: what they answer, and what comes of a provider that fails."""

from __future__ import annotations

import asyncio
import itertools
import unittest
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any, TypeVar

import g4f
from g4f import AsyncClient, ChatCompletion, Client
from g4f.errors import NestAsyncioError, ResponseError
from g4f.waiting import bridge

from . import script
from .mocks import (
    AsyncGeneratorProviderMock,
    AsyncProviderMock,
    ProviderMock,
    ScriptedAsyncGeneratorProvider,
    ScriptedAsyncProvider,
    ScriptedProvider,
)

try:
    import nest_asyncio2
except ImportError:
    nest_asyncio2 = None

T = TypeVar("T")

DEFAULT_MESSAGES = [{"role": "user", "content": "Hello"}]
PROVIDERS = (ProviderMock, AsyncProviderMock, AsyncGeneratorProviderMock)


class TestChatCompletion(unittest.TestCase):
    """Sync calls where no loop runs, and where one runs that cannot be nested."""

    async def run_exception(self) -> str:
        return ChatCompletion.create(g4f.models.default, DEFAULT_MESSAGES, AsyncProviderMock)

    def test_exception(self) -> None:
        """A sync call inside a loop that is not nestable raises NestAsyncioError."""
        if hasattr(asyncio.SelectorEventLoop, "_nest_patched"):
            self.skipTest("another test has made loops nestable: test_exception_in_a_fresh_process is the same")
        with self.assertRaises(NestAsyncioError):
            asyncio.run(self.run_exception())

    def test_exception_in_a_fresh_process(self) -> None:
        """So it does wherever nothing was patched before."""
        name = "tests.test_asyncio.TestChatCompletion.test_exception"
        script.run(
            f"""
            import io, unittest
            suite = unittest.defaultTestLoader.loadTestsFromName({name!r})
            result = unittest.TextTestRunner(io.StringIO()).run(suite)
            assert (1, [], []) == (result.testsRun, result.skipped, result.errors + result.failures), result
            """
        )

    def test_create(self) -> None:
        """Every kind of provider gives its text."""
        for provider in PROVIDERS:
            with self.subTest(provider):
                answer = ChatCompletion.create(g4f.models.default, DEFAULT_MESSAGES, provider)
                self.assertEqual("Mock", answer)

    def test_create_generator(self) -> None:
        """Every kind of provider gives a stream of its text."""
        for provider in PROVIDERS:
            with self.subTest(provider):
                answer = ChatCompletion.create(g4f.models.default, DEFAULT_MESSAGES, provider, stream=True)
                self.assertEqual(["Mock"], list(answer))

    def test_await_callback(self) -> None:
        """`max_tokens=0` is no limit."""
        client = Client(provider=AsyncGeneratorProviderMock)
        answer = client.chat.completions.create(DEFAULT_MESSAGES, "", max_tokens=0)
        self.assertEqual("Mock", answer.choices[0].message.content)


class TestChatCompletionAsync(unittest.IsolatedAsyncioTestCase):
    """Async calls."""

    async def test_base(self) -> None:
        """A sync provider is awaited."""
        answer = await ChatCompletion.create_async(g4f.models.default, DEFAULT_MESSAGES, ProviderMock)
        self.assertEqual("Mock", answer)

    async def test_async(self) -> None:
        """An async provider is awaited."""
        answer = await ChatCompletion.create_async(g4f.models.default, DEFAULT_MESSAGES, AsyncProviderMock)
        self.assertEqual("Mock", answer)

    async def test_create_generator(self) -> None:
        """A streaming provider is awaited."""
        answer = await ChatCompletion.create_async(g4f.models.default, DEFAULT_MESSAGES, AsyncGeneratorProviderMock)
        self.assertEqual("Mock", answer)


class TestChatCompletionNestAsync(unittest.IsolatedAsyncioTestCase):
    """Calls inside a running loop that is nestable."""

    def setUp(self) -> None:
        if nest_asyncio2 is None:
            self.skipTest("nest_asyncio2 is not installed")
        nest_asyncio2.apply()

    async def test_create(self) -> None:
        """Async calls work in it as in any other."""
        answer = await ChatCompletion.create_async(g4f.models.default, DEFAULT_MESSAGES, ProviderMock)
        self.assertEqual("Mock", answer)

    async def test_nested(self) -> None:
        """A sync call inside the running loop gives the answer."""
        answer = ChatCompletion.create(g4f.models.default, DEFAULT_MESSAGES, AsyncProviderMock)
        self.assertEqual("Mock", answer)

    async def test_nested_generator(self) -> None:
        """So it does on a streaming provider."""
        answer = ChatCompletion.create(g4f.models.default, DEFAULT_MESSAGES, AsyncGeneratorProviderMock)
        self.assertEqual("Mock", answer)


def _joined(items: Iterable[Any]) -> str:
    return "".join(item for item in items if isinstance(item, str))


def _content(answer: Any) -> str:
    choice = answer.choices[0]
    return (choice.message if hasattr(choice, "message") else choice.delta).content or ""


async def _read(items: AsyncIterable[T]) -> list[T]:
    return [item async for item in items]


SYNC: dict[str, Callable[[Any], str]] = {
    "create": lambda provider: ChatCompletion.create("", "hi", provider),
    "create, stream": lambda provider: _joined(ChatCompletion.create("", "hi", provider, stream=True)),
    "Client": lambda provider: _content(Client(provider).chat.completions.create("hi")),
    "Client, stream": lambda provider: _joined(map(_content, Client(provider).chat.completions.stream("hi"))),
}


def _leave(stream: bridge.Stream[T]) -> T:
    with stream as items:
        return next(items)


async def _leave_async(stream: AsyncGenerator[T]) -> T:
    async with aclosing(stream) as items:
        return await anext(items)


SYNC_LEFT: dict[str, Callable[[Any], str]] = {
    "create": lambda provider: _leave(ChatCompletion.create("", "hi", provider, stream=True)),
    "Client": lambda provider: _content(_leave(Client(provider).chat.completions.stream("hi"))),
}


async def _client_left(provider: Any) -> str:
    return _content(await _leave_async(AsyncClient(provider).chat.completions.stream("hi")))


ASYNC_LEFT: dict[str, Callable[[Any], Coroutine[Any, Any, str]]] = {
    "create_async": lambda provider: _leave_async(ChatCompletion.create_async("", "hi", provider, stream=True)),
    "AsyncClient": _client_left,
}


async def _client(provider: Any) -> str:
    return _content(await AsyncClient(provider).chat.completions.create("hi"))


async def _client_stream(provider: Any) -> str:
    return _joined(map(_content, await _read(AsyncClient(provider).chat.completions.stream("hi"))))


async def _create_stream(provider: Any) -> str:
    return _joined(await _read(ChatCompletion.create_async("", "hi", provider, stream=True)))


ASYNC: dict[str, Callable[[Any], Coroutine[Any, Any, str]]] = {
    "create_async": lambda provider: ChatCompletion.create_async("", "hi", provider),
    "create_async, stream": _create_stream,
    "AsyncClient": _client,
    "AsyncClient, stream": _client_stream,
}


class ExceptionContract:
    """What comes of a provider that fails, the same on every face; a subclass says where the calls are made.

    The loop is closed by then in no face, so that only the call itself can have closed the provider.
    """

    calls: dict[str, Callable[[Any], Any]] = SYNC
    left: dict[str, Callable[[Any], Any]] = SYNC_LEFT

    def ask(self, call: Callable[[Any], Any], provider: Any) -> str:
        """Return the answer's text."""
        raise NotImplementedError

    def each(self: Any, *texts: str, error: BaseException | None = None) -> Any:
        """Yield call and provider: every call of the face on a fresh provider of every kind."""
        for name, call in self.calls.items():
            for kind in (ScriptedProvider, ScriptedAsyncProvider, ScriptedAsyncGeneratorProvider):
                provider = kind(*texts, error=error)
                with self.subTest(name, kind=kind.__name__):
                    yield call, provider
                    self.assertEqual(1, provider.closed)

    def test_answer(self: Any) -> None:
        """A provider that does not fail gives its text, and is closed."""
        for call, provider in self.each("Mo", "ck"):
            self.assertEqual("Mock", self.ask(call, provider))

    def test_raises(self: Any) -> None:
        """What a provider raises before any text comes out as it is."""
        for call, provider in self.each(error=KeyError("key")):
            with self.assertRaises(KeyError) as caught:
                self.ask(call, provider)
            self.assertIs(provider.error, caught.exception)

    def test_raises_late(self: Any) -> None:
        """So does what it raises after some text."""
        for call, provider in self.each("Mo", error=KeyError("key")):
            with self.assertRaises(KeyError) as caught:
                self.ask(call, provider)
            self.assertIs(provider.error, caught.exception)

    def test_raises_of_the_tree(self: Any) -> None:
        """An error of the tree says who was asked, and keeps the text so far."""
        for call, provider in self.each("Mo", error=ResponseError("half")):
            provider.error = ResponseError("half")
            with self.assertRaises(ResponseError) as caught:
                self.ask(call, provider)
            self.assertIs(provider.error, caught.exception)
            self.assertEqual(type(provider).__name__, caught.exception.provider)
            self.assertEqual("" if isinstance(provider, ScriptedAsyncProvider) else "Mo", caught.exception.partial)

    def test_cancelled(self: Any) -> None:
        """A provider that is cancelled, but not by the caller, is an error of the tree."""
        for texts in ((), ("Mo",)):
            for call, provider in self.each(*texts, error=asyncio.CancelledError()):
                with self.assertRaisesRegex(ResponseError, f"{type(provider).__name__} cancelled its own answer"):
                    self.ask(call, provider)

    def test_left_early(self: Any) -> None:
        """A stream that is closed after its first text closes the provider, be it one without end."""
        for name, leave in self.left.items():
            for kind in (ScriptedProvider, ScriptedAsyncGeneratorProvider):
                with self.subTest(name, kind=kind.__name__):
                    provider = kind()
                    provider.texts = itertools.repeat("Mock")
                    self.assertEqual("Mock", self.ask(leave, provider))
                    self.assertTrue(provider.left.wait(script.PATIENCE))
                    self.assertEqual(1, provider.closed)

    def test_empty(self: Any) -> None:
        """An answer without text is an error of the tree."""
        for texts in ((), ("",)):
            for call, provider in self.each(*texts):
                with self.assertRaisesRegex(ResponseError, "empty"):
                    self.ask(call, provider)


class TestExceptionsSync(ExceptionContract, unittest.TestCase):
    """Sync calls where no loop runs."""

    def ask(self, call: Callable[[Any], Any], provider: Any) -> str:
        """Call here."""
        return str(call(provider))


class TestExceptionsInThread(ExceptionContract, unittest.TestCase):
    """Sync calls in a worker thread."""

    def setUp(self) -> None:
        self.pool = self.enterContext(ThreadPoolExecutor(1))

    def ask(self, call: Callable[[Any], Any], provider: Any) -> str:
        """Call in the thread."""
        return str(self.pool.submit(call, provider).result())


class TestExceptionsAsync(ExceptionContract, unittest.TestCase):
    """Async calls."""

    calls = ASYNC
    left = ASYNC_LEFT

    def setUp(self) -> None:
        self.runner = self.enterContext(asyncio.Runner())

    def ask(self, call: Callable[[Any], Any], provider: Any) -> str:
        """Await the call."""
        return str(self.runner.run(call(provider)))


class TestExceptionsNested(ExceptionContract, unittest.TestCase):
    """Sync calls inside a running loop."""

    def setUp(self) -> None:
        self.runner = self.enterContext(asyncio.Runner())
        bridge.make_nestable(self.runner.get_loop())

    def ask(self, call: Callable[[Any], Any], provider: Any) -> str:
        """Call inside the loop."""

        async def inside() -> str:
            return str(call(provider))

        return self.runner.run(inside())
