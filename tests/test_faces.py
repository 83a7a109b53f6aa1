"""Every face serves every kind of provider, whole and streamed, with the same result."""

from __future__ import annotations

import asyncio
import builtins
import itertools
import os
import threading
import unittest
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from functools import partial
from typing import Any
from unittest import mock

from g4f import AsyncClient, ChatCompletion, Client, errors
from g4f.client.types import CompletionTokensDetails, PromptTokensDetails
from g4f.errors import ResponseError
from g4f.models import Model
from g4f.providers.base_provider import AbstractProvider, AsyncGeneratorProvider, AsyncProvider
from g4f.providers.response import FinishReason, Item, ProviderInfo, Reasoning, ToolCall, Usage

from .clock import hurried
from .faces import Answer, on_every_face

ITEMS = (
    "<thi",
    "nk>why",
    "</think>",
    "\nbe",
    Reasoning("?"),
    None,
    "cause",
    ToolCall(0, "c0", "add", '{"a": '),
    ToolCall(1, "c1", "mul"),
    ToolCall(0, arguments="1}"),
    Usage(3, 4, 7),
    FinishReason("tool_calls"),
)
EVENTS = Answer("because", "why?", [("c0", "add", '{"a": 1}'), ("c1", "mul", "")], (3, 4, 7), "tool_calls", "m")
TEXT = Answer("because", "why", [], None, "stop", "m")
WHOLE = "<think>why</think>\nbecause"


async def _flow(items: Iterable[Any]) -> AsyncGenerator[Any]:
    for item in items:
        await asyncio.sleep(0)
        yield item


class StreamOfClass(AsyncGeneratorProvider):
    """Streams."""

    @classmethod
    async def create_async_generator(cls, model: str, messages: Any, stream: bool, **_: Any) -> AsyncGenerator[Any]:
        async for item in _flow(ITEMS):
            yield item


class StreamWithoutStream(AsyncGeneratorProvider):
    """Does not ask whether it is to stream."""

    @staticmethod
    async def create_async_generator(model: str, messages: Any, **_: Any) -> AsyncGenerator[Any]:
        async for item in _flow(ITEMS):
            yield item


class StreamOfInstance:
    """Has no base, and takes no options."""

    async def create_async_generator(self, model: str, messages: Any, stream: bool = True) -> AsyncGenerator[Any]:
        async for item in _flow(ITEMS):
            yield item


class StreamAwaited:
    """Its method is a coroutine that returns the generator."""

    async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[Any]:
        return _flow(ITEMS)


class StreamOfIterator:
    """Its method returns an async iterator that is no generator."""

    def create_async_generator(self, model: str, messages: Any) -> Any:
        class Items:
            def __init__(self) -> None:
                self.items = iter(ITEMS)

            def __aiter__(self) -> Any:
                return self

            async def __anext__(self) -> Any:
                try:
                    return next(self.items)
                except StopIteration:
                    raise StopAsyncIteration from None

        return Items()


class SyncOfClass(AbstractProvider):
    """A sync generator."""

    @classmethod
    def create_completion(cls, model: str, messages: Any, stream: bool, **_: Any) -> Iterator[Any]:
        yield from ITEMS


class SyncList:
    """Returns a list."""

    def create_completion(self, model: str, messages: Any) -> list[Any]:
        return list(ITEMS)


class SyncText:
    """Returns a text."""

    def create_completion(self, model: str, messages: Any, stream: bool) -> str:
        return WHOLE


class AsyncOfClass(AsyncProvider):
    """Returns a text."""

    @classmethod
    async def create_async(cls, model: str, messages: Any, **_: Any) -> str:
        await asyncio.sleep(0)
        return WHOLE


class AsyncOfInstance:
    """Takes no options."""

    async def create_async(self, model: str, messages: Any) -> str:
        return WHOLE


PROVIDERS = (
    *((kind, EVENTS) for kind in (StreamOfClass, StreamWithoutStream, SyncOfClass)),
    *((kind(), EVENTS) for kind in (StreamOfClass, StreamOfInstance, StreamAwaited, StreamOfIterator, SyncList)),
    *((kind, TEXT) for kind in (AsyncOfClass,)),
    *((kind(), TEXT) for kind in (AsyncOfClass, AsyncOfInstance, SyncText)),
)


class Stream(AsyncGeneratorProvider):
    """Yields `items`, then raises `error`, if there is one; `given` is what it was given."""

    def __init__(self, *items: Any, error: BaseException | None = None) -> None:
        self.items, self.error = items, error
        self.given: list[dict[str, Any]] = []

    async def create_async_generator(
        self, model: str, messages: list[dict[str, Any]], **options: Any
    ) -> AsyncGenerator[Item]:
        self.given.append({"model": model, "messages": messages, **options})
        async for item in _flow(self.items):
            yield item
        if self.error is not None:
            raise self.error


class Returns:
    """Returns `answer` from a method that may not return that."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer


class ReturnsStream(Returns):
    """From the one that streams."""

    def create_async_generator(self, model: str, messages: Any) -> Any:
        return self.answer


class ReturnsWhole(Returns):
    """From the one that is awaited."""

    async def create_async(self, model: str, messages: Any) -> Any:
        return self.answer


class ReturnsSync(Returns):
    """From the one that runs in a thread."""

    def create_completion(self, model: str, messages: Any) -> Any:
        return self.answer


class ReturnsCoroutine(Returns):
    """From the one that runs in a thread, and was written as a coroutine."""

    async def create_completion(self, model: str, messages: Any) -> Any:
        return self.answer


class Kinds:
    """Every kind of provider."""

    def test_same_result(self: Any) -> None:
        """Same text, reasoning, tool calls, usage, finish reason, model and provider."""
        for provider, expected in PROVIDERS:
            name = provider.__name__ if isinstance(provider, type) else type(provider).__name__
            with self.subTest(provider=name):
                self.expect(expected._replace(provider=name), provider, "m")

    def test_no_name_for_its_models(self: Any) -> None:
        """Model and provider are always filled: where no model is named, its default, else the provider's name."""
        provider = Stream("x")
        self.expect(Answer("x", model="Stream", provider="Stream"), provider)
        provider.default_model = "own"
        self.expect(Answer("x", model="own", provider="Stream"), provider)
        self.expect(Answer("x", model="other", provider="Stream"), provider, Model("other", best_provider=AsyncOfClass))

    def test_says_who_answers(self: Any) -> None:
        """A ProviderInfo fills provider and model, where it names one."""
        self.expect(Answer("x", model="m-2026", provider="far"), Stream(ProviderInfo("far", "m-2026"), "x"), "m")
        self.expect(Answer("x", model="m", provider="far"), Stream("x", ProviderInfo("far", "")), "m")

    def test_only_tool_calls(self: Any) -> None:
        """An answer may be a tool call alone; its finish reason is then known without being told."""
        self.expect(Answer("", "", [("c", "f", "{}")], None, "tool_calls"), Stream(ToolCall(0, "c", "f", "{}")))

    def test_only_a_reason(self: Any) -> None:
        """An answer that was filtered is empty, and says so: that is no error."""
        self.expect(Answer("", "", [], None, "content_filter"), Stream(FinishReason("content_filter")))

    def test_empty(self: Any) -> None:
        """An answer of nothing, or of nothing but usage, is an error that names the provider."""
        words = "the answer was empty: it has no text, no tool call and no reason why it ended"
        for items in ((), ("", None), (Usage(1, 0),)):
            self.expect_error(
                ResponseError(words, provider="Stream", model="m"), lambda items=items: Stream(*items), "m"
            )
        self.expect_error(
            ResponseError(words, provider="far", model="m2"), lambda: Stream(ProviderInfo("far", "m2")), "m"
        )

    def test_wrong_item(self: Any) -> None:
        """An item that is neither text nor event is an error of the tree."""
        words = "the provider yielded bytes: it may yield text and events"
        self.expect_error(ResponseError(words, provider="Stream", partial="a"), lambda: Stream("a", b"b"))

    def test_wrong_result(self: Any) -> None:
        """A method that returns what it may not is told so by its name."""
        texts = "a text or an iterable of texts"
        for kind, answer, words in (
            (ReturnsStream, ["a"], "ReturnsStream.create_async_generator returned list, not an async generator"),
            (ReturnsWhole, None, "ReturnsWhole.create_async returned None, not a text"),
            (ReturnsWhole, ["a"], "ReturnsWhole.create_async returned list, not a text"),
            (ReturnsSync, None, f"ReturnsSync.create_completion returned None, not {texts}"),
            (ReturnsSync, 5, f"ReturnsSync.create_completion returned int, not {texts}"),
            (ReturnsSync, {"a": 1}, f"ReturnsSync.create_completion returned dict, not {texts}"),
            (ReturnsSync, b"a", f"ReturnsSync.create_completion returned bytes, not {texts}"),
            (ReturnsCoroutine, "a", f"ReturnsCoroutine.create_completion returned coroutine, not {texts}"),
        ):
            with self.subTest(words):
                self.expect_error(
                    ResponseError(words, provider=kind.__name__), lambda kind=kind, answer=answer: kind(answer)
                )

    def test_error(self: Any) -> None:
        """An error of the tree says who was asked for which model, and has the text so far without reasoning."""
        self.expect_error(
            ResponseError("gone", provider="Stream", model="m", partial="ac"),
            lambda: Stream("<think>b", "</think>a", "c", error=ResponseError("gone")),
            "m",
        )

    def test_error_that_says_so_itself(self: Any) -> None:
        """What an error says of itself stays."""
        said = {"provider": "p", "model": "q", "partial": "r", "status": 500, "request_id": "i"}
        self.expect_error(ResponseError("x", **said), lambda: Stream("a", error=ResponseError("x", **said)), "m")


class Given:
    """What a provider is given."""

    def test_only_what_the_caller_gave(self: Any) -> None:
        """Model, new messages, whether to stream, and the caller's options that are not None."""
        messages = [{"role": "user", "content": "?", "name": None}]
        provider = Stream("x")
        for way in self.calls:
            with self.subTest(way):
                self.ask(way, provider, "m", messages, temperature=0.5, seed=None, stop="#", max_tokens=7)
                expected = {
                    "model": "m",
                    "messages": [{"role": "user", "content": "?"}],
                    "stream": way.endswith("streamed"),
                    "temperature": 0.5,
                    "stop": ["#"],
                    "max_tokens": 7,
                }
                self.assertEqual(expected, provider.given.pop())
                self.ask(way, provider, stop=None, max_tokens=0, timeout=60, stream_timeout=60)
                self.assertEqual({"model", "messages", "stream", "stream_timeout"}, set(provider.given.pop()))

    def test_stream_only_where_it_is_taken(self: Any) -> None:
        """`create_async` gives a whole text: it hears of `stream` only where it asks for it by name."""
        given: list[dict[str, Any]] = []

        class Anything:
            async def create_async(self, model: str, messages: Any, **options: Any) -> str:
                given.append(options)
                return "x"

        class Named:
            async def create_async(self, model: str, messages: Any, stream: bool) -> str:
                given.append({"stream": stream})
                return "x"

        for way in self.calls:
            with self.subTest(way):
                given.clear()
                self.ask(way, Anything())
                self.ask(way, Named())
                self.assertEqual([{}, {"stream": way.endswith("streamed")}], given)

    def test_kept_for_it(self: Any) -> None:
        """A provider that takes no options is served: limit, stop words and proxy are not its affair."""
        self.expect(
            Answer("be", "why?", finish="stop"), StreamOfInstance(), max_tokens=9, stop=["?", "cause"], proxy="http://p"
        )

    def test_proxy(self: Any) -> None:
        """`G4F_PROXY` is read at each call; an explicit proxy wins, and "" is none."""
        provider = Stream("x")

        def given(way: str, **options: Any) -> Any:
            self.ask(way, provider, **options)
            return provider.given.pop().get("proxy")

        for way in self.calls:
            with self.subTest(way), mock.patch.dict(os.environ):
                os.environ.pop("G4F_PROXY", None)
                self.assertEqual(None, given(way))
                os.environ["G4F_PROXY"] = "http://env:1"
                self.assertEqual("http://env:1", given(way))
                self.assertEqual("http://env:1", given(way, proxy=None))
                self.assertEqual("http://own:2", given(way, proxy="http://own:2"))
                self.assertEqual(None, given(way, proxy=""))
                os.environ["G4F_PROXY"] = ""
                self.assertEqual(None, given(way))

    def test_cannot_change_the_callers_list(self: Any) -> None:
        """A provider that changes its messages changes its own."""

        class Changes:
            async def create_async(self, model: str, messages: list[Any]) -> str:
                messages[0]["content"] = "changed"
                messages.append("more")
                return "x"

        messages = [{"role": "user", "content": "?"}]
        self.expect(Answer("x"), Changes(), messages=messages)
        self.assertEqual([{"role": "user", "content": "?"}], messages)


class Cuts:
    """Limit, stop words and reasoning, on the way out."""

    def test_max_tokens(self: Any) -> None:
        """A provider that does not keep to the limit is cut after so many chunks, whole and streamed."""
        provider = Stream("a", "b", "c", FinishReason("stop"))
        for limit, text, finish in (
            (1, "a", "length"),
            (2, "ab", "length"),
            (3, "abc", "length"),
            (4, "abc", "stop"),
            (0, "abc", "stop"),
            (None, "abc", "stop"),
        ):
            with self.subTest(limit=limit):
                self.expect(Answer(text, finish=finish, chunks=len(text)), provider, max_tokens=limit)

    def test_kept_by_the_provider(self: Any) -> None:
        """One that keeps to it itself is not cut, and its usage is not lost."""
        provider = Stream("a", "b", "c", Usage(1, 2, 3), FinishReason("length"))
        provider.enforces_max_tokens = True
        self.expect(Answer("abc", "", [], (1, 2, 3), "length"), provider, max_tokens=2)

    def test_stop(self: Any) -> None:
        """The text before the word is kept, wherever the pieces are cut, whole and streamed."""
        text = "a STOP b"
        for start, end in itertools.combinations(range(len(text) + 1), 2):
            provider = Stream(text[:start], text[start:end], text[end:], FinishReason("length"))
            self.expect(Answer("a ", "", [], None, "stop"), provider, stop=["b", "STOP"])

    def test_reads_no_further(self: Any) -> None:
        """Once the answer was cut, the provider is closed and asked for nothing more."""
        read: list[str] = []

        class Endless:
            async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[str]:
                try:
                    for _ in range(100):
                        read.append("x")
                        yield "x"
                finally:
                    read.append("closed")

        for options in ({"stop": "xx"}, {"max_tokens": 2}):
            for way in self.calls:
                with self.subTest(way, **options):
                    read.clear()
                    self.ask(way, Endless(), **options)
                    self.assertEqual(["x", "x", "closed"], read)

    def test_no_stop(self: Any) -> None:
        """What looked like the beginning of a stop word is not lost at the end, nor told twice."""
        end = FinishReason("stop")
        for items in (("a ST",), ("a ", "ST", end), ("a S", "T", end, Usage(1, 1, 2)), ("a ST", Reasoning("r"))):
            with self.subTest(items=items):
                self.expect(Answer("a ST", finish=mock.ANY), Stream(*items), stop="STOP")

    def test_think(self: Any) -> None:
        """`<think>…</think>` becomes reasoning wherever the pieces are cut, also when its end is missing."""
        for text, said, thought in (
            ("<think>\na\n</think>\n\nc", "c", "\na\n"),
            ("a<thin", "a<thin", ""),
            ("<think>a</thin", "", "a</thin"),
            ("hm\n</think>\n\nc", "c", "hm\n"),
        ):
            for cut in range(len(text) + 1):
                with self.subTest(text=text, cut=cut):
                    self.expect(Answer(said, thought), Stream(text[:cut], text[cut:], FinishReason("stop")))


class Waits(AsyncGeneratorProvider):
    """Gives a text, then waits for ever."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.waits = threading.Event()

    async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[str]:
        for text in self.texts:
            yield text
        self.waits.set()
        await asyncio.Event().wait()


class WaitsWhole(Waits):
    """Waits for ever before it gives its text."""

    create_async_generator = None  # type: ignore[assignment]

    async def create_async(self, model: str, messages: Any) -> str:
        self.waits.set()
        await asyncio.Event().wait()
        return ""


class WaitsInThread(Waits):
    """Gives a text, then blocks its thread until it is released."""

    create_async_generator = None  # type: ignore[assignment]

    def __init__(self, *texts: str) -> None:
        super().__init__(*texts)
        self.released = threading.Event()

    def create_completion(self, model: str, messages: Any) -> Iterator[str]:
        yield from self.texts
        self.waits.set()
        self.released.wait()


class Timeouts:
    """`timeout` and `stream_timeout`."""

    LIMITS = (
        ({"timeout": 20}, "no whole answer within 20 s (timeout)"),
        ({"stream_timeout": 20}, "silent for more than 20 s (stream_timeout)"),
    )

    def test_async_provider(self: Any) -> None:
        """A provider that says nothing more is ended by either, with the text so far."""
        made: list[Waits] = []

        def make(kind: type[Waits], *texts: str) -> Waits:
            made.append(kind(*texts))
            return made[-1]

        def waits() -> bool:
            return made[-1].waits.is_set()

        for kind, *texts in ((Waits,), (Waits, "a", "b"), (WaitsWhole,)):
            for options, words in self.LIMITS:
                with self.subTest(provider=kind, **options), hurried(waits):
                    error = errors.TimeoutError(words, provider=kind.__name__, model="m", partial="".join(texts))
                    self.expect_error(error, partial(make, kind, *texts), "m", **options)

    def test_sync_provider(self: Any) -> None:
        """So is one that blocks in a thread."""
        for way, (options, words) in zip(list(self.calls)[:2], self.LIMITS, strict=True):
            provider = WaitsInThread("a")
            self.addCleanup(provider.released.set)
            with (
                self.subTest(way),
                hurried(provider.waits.is_set),
                self.assertRaises(errors.TimeoutError) as caught,
            ):
                self.ask(way, provider, **options)
            self.assertEqual((words, "a"), (str(caught.exception), caught.exception.partial))

    def test_builtin(self: Any) -> None:
        """It is a builtin TimeoutError too."""
        provider = Waits()
        with hurried(provider.waits.is_set), self.assertRaises(builtins.TimeoutError):
            self.ask(next(iter(self.calls)), provider, timeout=20)


class TestReaderOfItsOwnLoop(unittest.TestCase):
    """A sync reader's loop stands still while it does not ask."""

    def test_pause_is_not_silence(self) -> None:
        """However long it pauses, the provider is not to blame, and comes to its next word."""
        loops: list[asyncio.AbstractEventLoop] = []

        class Slow:
            async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[str]:
                loops.append(asyncio.get_running_loop())
                yield "a"
                for _ in range(50):
                    await asyncio.sleep(0)
                yield "b"

        readers: dict[str, Callable[[], Iterator[Any]]] = {
            "create": lambda: ChatCompletion.create("", "?", Slow(), stream=True, stream_timeout=30),
            "Client": lambda: Client(Slow(), stream_timeout=30).chat.completions.stream("?"),
        }
        for name, reader in readers.items():
            with self.subTest(name):
                stream = reader()
                next(stream)
                loop = loops.pop()
                real = loop.time
                with mock.patch.object(loop, "time", lambda real=real: real() + 1000):
                    self.assertGreaterEqual(len(list(stream)), 1)


class TestClient(unittest.TestCase):
    """What a client was made with."""

    def test_defaults(self) -> None:
        """Each call has the client's provider and options, unless it says otherwise; None says nothing."""
        provider, other = Stream("x"), Stream("y")
        with asyncio.Runner() as runner:
            for options, seed in (({}, 1), ({"seed": 2}, 2), ({"seed": None, "provider": None}, 1)):
                whole = Client(provider, seed=1).chat.completions.create("?", **options)
                awaited = runner.run(AsyncClient(provider, seed=1).chat.completions.create("?", **options))
                self.assertEqual([seed, seed], [given["seed"] for given in provider.given])
                self.assertEqual(["Stream", "Stream"], [whole.provider, awaited.provider])
                provider.given.clear()
        Client(provider, seed=1).chat.completions.create("?", provider=other)
        self.assertEqual(([], 1), (provider.given, other.given[0]["seed"]))

    def test_chat(self) -> None:
        """`client.chat.completions` is the same one each time."""
        client = Client(Stream("x"))
        self.assertIs(client.chat.completions, client.chat.completions)


class TestItems(unittest.TestCase):
    """The shape of a stream of text and events."""

    def items(self, *items: Item, **options: Any) -> list[Item]:
        return list(ChatCompletion.create("", "?", Stream(*items), stream=True, **options))

    def test_order(self) -> None:
        """Events come where they came; text that was held back comes before the reason why it ended."""
        usage, end = Usage(1, 2, 3), FinishReason("stop")
        self.assertEqual(["a", usage, "b", end], self.items("a", usage, "b", end))
        self.assertEqual(["a ", "ST", end], self.items("a ", "ST", end, stop="STOP"))

    def test_one_end(self) -> None:
        """What was cut here ended here, whatever the provider says."""
        length = FinishReason("length")
        self.assertEqual(["ST", length], self.items("ST", FinishReason("stop"), stop="STOP", max_tokens=1))
        self.assertEqual(["a", length], self.items("a", "b", FinishReason("stop"), max_tokens=1))

    def test_prints_as_its_text(self) -> None:
        """Joined as text, a stream is its text."""
        self.assertEqual("ab", "".join(map(str, self.items("a", Usage(1, 2, 3), Reasoning("r"), "b"))))


class TestChunks(unittest.TestCase):
    """The shape of a stream of chunks."""

    def test_shape(self) -> None:
        """One id for all; the role comes first; the last has no content, but finish reason and usage."""
        first, second, last = Client(Stream("a", Usage(1, 2, 3), "b")).chat.completions.stream("?", "m")
        self.assertEqual(1, len({chunk.id for chunk in (first, second, last)}))
        self.assertEqual({("m", "Stream")}, {(chunk.model, chunk.provider) for chunk in (first, second, last)})
        self.assertEqual("chat.completion.chunk", first.object)
        self.assertEqual(("assistant", "a"), (first.choices[0].delta.role, first.choices[0].delta.content))
        self.assertEqual((None, "b"), (second.choices[0].delta.role, second.choices[0].delta.content))
        for chunk in (first, second):
            self.assertEqual((None, None), (chunk.choices[0].finish_reason, chunk.usage))
        self.assertEqual((None, "stop"), (last.choices[0].delta.content, last.choices[0].finish_reason))
        self.assertEqual(3, last.usage.total_tokens if last.usage else 0)

    def test_cut(self) -> None:
        """A stream cut to n chunks gives n of them and a final one."""
        chunks = list(Client(Stream(*"abc")).chat.completions.stream("?", max_tokens=2))
        self.assertEqual(["a", "b", None], [chunk.choices[0].delta.content for chunk in chunks])
        self.assertEqual([None, None, "length"], [chunk.choices[0].finish_reason for chunk in chunks])

    def test_usage_details(self) -> None:
        """The parts of the usage are where OpenAI has them; a total that was not told is the sum."""
        usage = Client(Stream("a", Usage(5, 7, 0, 2, 3))).chat.completions.create("?").usage
        assert usage is not None
        self.assertEqual(12, usage.total_tokens)
        self.assertEqual(PromptTokensDetails(2), usage.prompt_tokens_details)
        self.assertEqual(CompletionTokensDetails(3), usage.completion_tokens_details)

    def test_dumps(self) -> None:
        """Whole answers and chunks can be dumped, to dicts and to JSON."""
        whole = Client(Stream("a", ToolCall(0, "c", "f", "{}"))).chat.completions.create("?", "m")
        dumped = whole.model_dump()
        self.assertEqual("chat.completion", dumped["object"])
        message = dumped["choices"][0]["message"]
        self.assertEqual(("assistant", "a", None), (message["role"], message["content"], message["reasoning"]))
        self.assertEqual(
            [{"id": "c", "function": {"name": "f", "arguments": "{}"}, "type": "function"}], message["tool_calls"]
        )
        self.assertIn('"finish_reason":"tool_calls"', whole.model_dump_json())
        for chunk in Client(Stream("a")).chat.completions.stream("?"):
            self.assertIn('"object":"chat.completion.chunk"', chunk.model_dump_json())


for _contract in (Kinds, Given, Cuts, Timeouts):
    globals().update(on_every_face(_contract))
