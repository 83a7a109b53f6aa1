"""What is read is bounded: time, memory and turns of the loop, whatever a far side sends."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import tracemalloc
import unittest
from collections.abc import Callable
from typing import Any

import g4f
from g4f.assembly import Assembly
from g4f.errors import BadRequestError, G4FError, ResponseError
from g4f.providers.response import Reasoning
from g4f.providers.transport.held import LONGEST, MOST
from g4f.providers.transport.lines import Lines
from g4f.providers.transport.sse import ErrorPayload, Events
from g4f.shaping import BLANK, BLOCKS, Shaper
from tests.servers import DONE, HANG, Request, Server, Step, delta, event, whole
from tests.servers import stream as streamed

from . import loops
from .cost import LINEAR, growth

KEY = "sk-abcdefghijklmnop-secret-7890"
MB = 2**20
PROVIDERS = ("OpenAI", "Anthropic", "Gemini", "Ollama")
DEEP = "[" * 10_000 + "]" * 10_000


class Seen:
    """What a call came to: its text or its error, how much memory it took, and how often others had their turn."""

    def __init__(self, result: str | G4FError, peak: int, turns: int) -> None:
        self.result, self.peak, self.turns = result, peak, turns


def see(url: str, provider: str = "OpenAI", **options: Any) -> Seen:
    """Ask, and look at what else happens meanwhile."""

    async def both() -> Seen:
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        other = asyncio.create_task(others())
        given = {"provider": provider, "base_url": url, "api_key": KEY, "max_retries": 0, "stream": False} | options
        result: str | G4FError
        try:
            result = await g4f.ChatCompletion.create_async("m", "q", **given)
        except G4FError as error:
            result = error
        other.cancel()
        return Seen(result, tracemalloc.get_traced_memory()[1], turns)

    tracemalloc.start()
    try:
        return loops.run(both())
    finally:
        tracemalloc.stop()


class TestTime(unittest.TestCase):
    """Eight times as much costs about eight times as much, wherever it is cut."""

    def linear(self, work: Callable[[int], object], size: int) -> None:
        """Check it."""
        self.assertLess(growth(work, size), LINEAR)

    def test_events(self) -> None:
        """Comments one a read, lines and events without an end, each end of a line."""
        pieces = (b": c\n", b": c\r", b"data: x\n", b"x", b"\n", b": c\n\n", b": " + b"c" * 4096 + b"\n")
        for piece in pieces:
            with self.subTest(piece[:10]):
                self.linear(lambda size, piece=piece: self.fed(Events(), piece, size), 1_500)

    def test_lines(self) -> None:
        """A line without an end, and blank ones."""
        for piece in (b"x", b"\n", b"x\n"):
            with self.subTest(piece):
                self.linear(lambda size, piece=piece: self.fed(Lines(), piece, size), 4_000)

    def test_tags(self) -> None:
        """Tags of reasoning, half ones, and texts for stop words, in one piece."""
        for piece in ("<think></think>", "<think>", "<", "`<think>", "<think>a</think>b"):
            for stop in ((), ("STOP", "ab")):
                with self.subTest(piece, stop=stop):
                    self.linear(lambda size, piece=piece, stop=stop: self.shaped(piece * size, stop), 4_000)

    @staticmethod
    def fed(frames: Events | Lines, piece: bytes, times: int) -> None:
        for _ in range(times):
            frames.feed(piece)
        frames.end()

    @staticmethod
    def shaped(text: str, stop: tuple[str, ...]) -> None:
        shaper = Shaper(Assembly(), stop)
        shaper.feed(text)
        shaper.flush()


class TestHeld(unittest.TestCase):
    """What is not whole yet is held, up to a limit."""

    def test_comments_are_not_held(self) -> None:
        """Comment lines, one a read, take no memory, and the event behind them comes."""
        events = Events()
        tracemalloc.start()
        try:
            for _ in range(20_000):
                events.feed(b": still here\n")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        self.assertLess(peak, 100_000)
        self.assertEqual([b"1"], events.feed(b"data: 1\n\n"))
        self.assertEqual("", events.full)

    def test_full(self) -> None:
        """A line that is too long, and an event of too many lines or values, say so, however they are cut."""
        cases = (
            (b"x" * 65536, LONGEST // 65536, "16 MB"),
            (b"data: a\n" * 1000, MOST // 1000 + 40, f"{MOST:,} values"),
            (b"[]," * 1000, MOST // 2000 + 200, f"{MOST:,} values"),
        )
        for piece, times, told in cases:
            with self.subTest(told):
                events = Events()
                events.feed(b"data: ")
                for _ in range(times):
                    events.feed(piece)
                events.feed(piece)
                self.assertIn(told, events.full)

    def test_errors_are_kept(self) -> None:
        """What a line of its own says of an error is kept over a read that ends with it, as all lines that count."""
        for first, second, expected in ((b"error: x\n", b"\n", b" x"), (b"event: error\n", b"data: x\n\n", b"x")):
            events = Events()
            self.assertEqual([], events.feed(first))
            (payload,) = events.feed(second)
            self.assertEqual((ErrorPayload, expected), (type(payload), bytes(payload)))

    def test_not_full(self) -> None:
        """An event of 10 MB is whole."""
        events = Events()
        events.feed(b"data: ")
        for _ in range(160):
            events.feed(b"x" * 65536)
        self.assertEqual("", events.full)
        (payload,) = events.feed(b"\n\n")
        self.assertEqual(160 * 65536, len(payload))


class TestAnswers(unittest.TestCase):
    """Over a real socket: an error in one line, little memory, and other tasks have their turn."""

    def bounded(self, steps: list[Step], told: str, kind: type[G4FError] = ResponseError, **options: Any) -> Seen:
        with Server(steps) as server:
            seen = see(server.url, **options)
        self.assertIsInstance(seen.result, kind, seen.result)
        self.assertIn(told, str(seen.result))
        self.assertLess(seen.peak, 50 * MB)
        return seen

    def test_without_an_end(self) -> None:
        """20 MB of a line, of an event, or of a body."""
        for provider in PROVIDERS:
            with self.subTest(provider):
                frames = "application/x-ndjson" if provider == "Ollama" else "text/event-stream"
                for kind in (frames, "application/json"):
                    steps = [*streamed(b"data: ", *[b"x" * MB] * 20, end=False, Content_Type=kind), HANG]
                    self.bounded(steps, "16 MB", provider=provider)

    def test_many_values(self) -> None:
        """Small values, of which each takes many bytes once it is read."""
        self.bounded(whole(b'{"usage": [' + b"[]," * 1_000_000 + b"1]}"), "values")
        self.bounded(streamed(b'data: {"usage": [', *[b"1.5," * 100_000] * 10, b"1]}\n\n"), "values")

    def test_gzip_bombs(self) -> None:
        """A little that becomes much: whole, streamed, and refused."""
        blanks = gzip.compress(b"\n" * 20 * MB, 1)
        zeros = gzip.compress(b"\0" * 40 * MB, 1)
        packed = {"Content_Encoding": "gzip"}
        seen = self.bounded(whole(blanks, kind="text/event-stream", **packed), "more than 200 times")
        self.assertGreater(seen.turns, 20)
        self.bounded(whole(zeros, **packed), "16 MB")
        self.bounded(whole(zeros, 400, **packed), "HTTP 400", BadRequestError)

    def test_much_that_says_nothing(self) -> None:
        """A hundred thousand blank lines, comments, or empty events before the answer do not hide it."""
        for nothing in (b"\n", b": c\n", b"data:\n\n", b"data: {}\n\n"):
            with self.subTest(nothing):
                with Server(streamed(nothing * 100_000, delta("Hello", "stop"), DONE)) as server:
                    seen = see(server.url)
                self.assertEqual("Hello", seen.result)
                self.assertLess(seen.peak, 50 * MB)

    def test_tags_at_the_beginning(self) -> None:
        """Of very many thoughts before the text, the first count: the others are text, and take no time."""
        pieces = Shaper(Assembly()).feed("<think>a</think>" * 1000)
        self.assertEqual([Reasoning("a")] * BLOCKS, pieces[:BLOCKS])
        self.assertEqual(["<think>a</think>" * (1000 - BLOCKS)], pieces[BLOCKS:])
        self.assertEqual(["</think>" * 999], Shaper(Assembly()).feed("</think>" * 1000))

    def test_blanks_at_the_beginning(self) -> None:
        """Blanks are held back for a tag that may follow, but not for ever."""
        shaper = Shaper(Assembly())
        given = [shaper.feed("\n") for _ in range(BLANK)]
        self.assertEqual([[]] * (BLANK - 1), given[:-1])
        self.assertEqual([["\n" * BLANK]], given[-1:])


class TestNested(unittest.TestCase):
    """JSON that is nested 10,000 deep, wherever it stands, is an error of the tree."""

    def setUp(self) -> None:
        """Collect no garbage: its finalizers would run as deep as what is read, and fail there."""
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)

    def test_answers(self) -> None:
        """In known fields and unknown ones, in errors and in what a status refuses."""
        bodies = [f'{{"{name}": {DEEP}}}' for name in ("choices", "content", "candidates", "message", "error", "x")]
        for provider in PROVIDERS:
            for body in (*bodies, DEEP):
                for answer in (whole(body.encode()), whole(body.encode(), 400), streamed(event(body), DONE)):
                    with self.subTest(provider, body=body[:20]), Server(answer) as server:
                        self.assertIsInstance(see(server.url, provider).result, G4FError)

    def test_arguments(self) -> None:
        """In the arguments of a call, at each depth that a decoder may take and an encoder may not."""
        for depth in (100, 300, 500, 800, 960, 990, 3000):
            arguments = json.loads('{"a": 1}') | {"b": "@"}
            call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": arguments}}
            body = json.dumps({"choices": [{"message": {"tool_calls": [call]}, "finish_reason": "stop"}]})
            body = body.replace('"@"', "[" * depth + "]" * depth)
            with self.subTest(depth), Server(whole(body.encode())) as server:
                result = see(server.url).result
                self.assertTrue(result == "" or isinstance(result, ResponseError), result)

    def test_models(self) -> None:
        """In a list of models."""
        with Server(whole(f'{{"data": {DEEP}}}'.encode())) as server:
            result = see(server.url, server.url, api_key=None, base_url=None).result
            self.assertIsInstance(result, G4FError)

    def test_conversation(self) -> None:
        """In what should be a conversation, which also must be a text."""
        for text in (DEEP, f'{{"turns": {DEEP}}}', "9" * 5000, "\ud83d", 5, None):
            with self.subTest(str(text)[:20].encode("ascii", "replace")):
                self.assertRaises(g4f.errors.InputError, g4f.Conversation.from_json, text)


class TestBeside(unittest.TestCase):
    """What stands beside an answer does not destroy it."""

    def test_usage(self) -> None:
        """Counts as other languages write them count; where none can be read, there is no usage."""
        long = "9" * 5000
        for told, expected in (
            ('{"prompt_tokens": 1.0, "completion_tokens": "2", "total_tokens": 3}', (1, 2, 3)),
            ('{"prompt_tokens": -1, "completion_tokens": 1e400, "total_tokens": 1.5}', (0, 0, 2)),
            (f'{{"prompt_tokens": {long}, "completion_tokens": "{long}", "total_tokens": true}}', None),
            (
                '{"prompt_tokens": [], "completion_tokens": {}, "prompt_tokens_details": 5, "total_tokens": NaN}',
                None,
            ),
        ):
            body = f'{{"choices": [{{"message": {{"content": "Hi"}}, "finish_reason": "stop"}}], "usage": {told}}}'
            with self.subTest(told[:40]), Server(whole(body.encode())) as server:
                answer = g4f.Client(provider="OpenAI", base_url=server.url, api_key=KEY).chat.completions.create(
                    "q", "m"
                )
                usage = answer.usage
                self.assertEqual("Hi", answer.choices[0].message.content)
                counts = usage and (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens)
                self.assertEqual(expected, counts)

    def test_of_another_form(self) -> None:
        """A usage that is none, and an error that is empty."""
        for more in ({"usage": 5}, {"usage": []}, *({"error": empty} for empty in (None, "", {}, [], 0))):
            body = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], **more}

            def answer(request: Request, body: dict[str, Any] = body, more: dict[str, Any] = more) -> list[Step]:
                stream = request.json.get("stream")
                return streamed(event({**json.loads(delta("Hi", "stop")[6:]), **more}), DONE) if stream else whole(body)

            for stream in (False, True):
                with self.subTest(more, stream=stream), Server(answer) as server:
                    given = {"provider": "OpenAI", "base_url": server.url, "api_key": KEY}
                    if stream:
                        parts = g4f.ChatCompletion.create("m", "q", stream=True, **given)
                        self.assertEqual("Hi", "".join(part for part in parts if isinstance(part, str)))
                    else:
                        self.assertEqual("Hi", g4f.ChatCompletion.create("m", "q", **given))
