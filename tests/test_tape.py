"""The tape: what is asked once is answered again, the same, on every face; nothing is lost, and nothing secret kept."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import tracemalloc
import warnings
import weakref
from base64 import b64encode
from collections.abc import AsyncGenerator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import TestCase, mock

from matplotlib.figure import Figure

import g4f
from g4f import AsyncClient, ChatCompletion, Client, Model
from g4f.errors import ContextLengthError, InputError, MissingRequirementsError, ProviderNotFoundError, ResponseError
from g4f.locks import held
from g4f.providers.response import (
    FinishReason,
    Item,
    Logprobs,
    Omitted,
    ProviderInfo,
    Reasoning,
    Replayed,
    Status,
    TextWasReasoning,
    ToolCall,
    Usage,
)
from g4f.request import prepare
from g4f.routing import Route
from g4f.secrets.key import Key
from g4f.taping import question as written
from g4f.taping.file import TapeFile, read_entry
from g4f.taping.tapes import FILE, load, on

from . import script
from .clock import ClockLoop
from .faces import Answer, on_every_face
from .rows import only
from .servers import Server, hello, whole

PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
SECRET = "sk-secret-of-this-test"


class Teller:
    """Answers each question otherwise: with `items`, and how often it was asked before that."""

    def __init__(self, *items: Item) -> None:
        self.items = items or (FinishReason("stop"),)
        self.count = 0

    async def create_async_generator(self, model: str, messages: Any, **_: Any) -> AsyncGenerator[Item]:
        self.count += 1
        yield str(self.count)
        for item in self.items:
            yield item


class Breaking:
    """Begins to answer, and fails."""

    async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[Item]:
        yield "half"
        raise ResponseError("gone")


class Default(Teller):
    """Can be a default."""

    @classmethod
    async def create_async_generator(cls, model: str, messages: Any, **_: Any) -> AsyncGenerator[Item]:
        yield "by default"

    @staticmethod
    def missing() -> str:
        return ""


class Renamed(Default):
    """Names itself."""

    @classmethod
    async def create_async_generator(cls, model: str, messages: Any, **_: Any) -> AsyncGenerator[Item]:
        yield ProviderInfo("Inner", "served")
        yield "a"


class Absent(Default):
    """Cannot answer here."""

    @staticmethod
    def missing() -> str:
        return "set a key"


def ask(provider: Any, question: Any = "?", model: Any = "m", **options: Any) -> str:
    """Ask for a whole answer."""
    return ChatCompletion.create(model, question, provider, **options)


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run it in a loop of its own, and close that: `asyncio.run` may be one of a nest package, which does not."""
    with asyncio.Runner() as runner:
        return runner.run(main)


def items(provider: Any, question: Any = "?", **options: Any) -> list[Item]:
    """Ask for a stream, and drain it."""
    return list(ChatCompletion.create("m", question, provider, stream=True, **options))


def script_of(text: str) -> Any:
    """Return what a server answers that always says this."""
    return lambda _: whole({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]})


class Folder(TestCase):
    """Has a folder of its own; `tape` is the path of a tape in it."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.tape = self.folder / "answers.jsonl"

    def lines(self) -> list[dict[str, Any]]:
        """Return what is on the tape."""
        return [json.loads(line) for line in self.tape.read_text(encoding="utf-8").splitlines()]

    def questions(self, path: Path | None = None) -> list[str]:
        """Return the questions on a tape, in order of the alphabet; those on none are none."""
        path = path or self.tape
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return sorted(json.loads(line)["question"]["messages"][-1]["content"] for line in lines)

    def texts(self) -> list[str]:
        """Return the first text of each answer on the tape."""
        return [line["events"][0] for line in self.lines()]

    @contextmanager
    def warned(self, told: str) -> Iterator[None]:
        """There is one warning within, of one line, and it says this."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        self.assertEqual(1, len(caught), caught)
        line = warnings.formatwarning(caught[0].message, caught[0].category, caught[0].filename, caught[0].lineno)
        self.assertIn(told, line)
        self.assertEqual(1, line.count("\n"), line)


class Everywhere:
    """On every face."""

    def setUp(self: Any) -> None:
        super().setUp()
        self.tape = Path(self.enterContext(tempfile.TemporaryDirectory())) / "answers.jsonl"

    def test_the_same_answer(self: Any) -> None:
        """What one way of asking has recorded, every other way gives again, with all that belongs to it."""
        calls = (ToolCall(0, "id", "f", '{"a":'), ToolCall(0, "", "", "1}"))
        said = (Status("waiting"), Reasoning("hm"), "b", Reasoning("oh"), *calls, Usage(1, 2, 3, 1, 2))
        teller = Teller(*said, ProviderInfo("Real", "m-1"), FinishReason("tool_calls"))
        answer = Answer("1b", "hmoh", [("id", "f", '{"a":1}')], (1, 2, 3), "tool_calls", "m-1", "Real", 4)
        for way in self.calls:
            self.tape.unlink(missing_ok=True)
            teller.count = 0
            with g4f.tape(self.tape):
                self.assertEqual(answer, self.ask(way, teller, "m"))
            with g4f.tape(self.tape, "replay"):
                self.expect(answer, teller, "m")
            self.assertEqual(1, teller.count)

    def test_cut(self: Any) -> None:
        """An answer that ended with a stop word, or at the limit, is whole."""
        for options, text, reason in (({"stop": "t"}, "1s", "stop"), ({"max_tokens": 2}, "1stay", "length")):
            for way in self.calls:
                self.tape.unlink(missing_ok=True)
                with g4f.tape(self.tape):
                    self.assertEqual(Answer(text, finish=reason), self.ask(way, Teller("stay", "b"), "m", **options))
                with g4f.tape(self.tape, "replay"):
                    self.expect(Answer(text, finish=reason), Teller(), "m", **options)

    def test_missing(self: Any) -> None:
        """A question that is not on the tape is not asked: a line names it, and how to record it."""
        told = (
            "the tape answers.jsonl is empty or not there, and has no answer to '?' (Teller, m). Record it: ask once "
            "with G4F_TAPE=auto, or mode 'auto'"
        )
        with g4f.tape(self.tape, "replay"):
            self.expect_error(MissingRequirementsError(told, provider="Teller", model="m"), Teller, "m")

    def test_errors(self: Any) -> None:
        """An error is not recorded, nor is the part of the answer before it."""
        with g4f.tape(self.tape):
            self.expect_error(ResponseError("gone", partial="half"), Breaking, "m")
        self.assertFalse(self.tape.exists())


globals().update(on_every_face(Everywhere))


class TestModes(Folder):
    """auto, replay, record and off."""

    def test_auto(self) -> None:
        """What is not on the tape is asked, then it is there."""
        teller = Teller()
        for _ in range(3):
            with g4f.tape(self.tape):
                self.assertEqual("1", ask(teller))
        self.assertEqual(1, teller.count)

    def test_record(self) -> None:
        """What is on the tape is asked again, and replaced; the rest stays."""
        teller = Teller()
        with g4f.tape(self.tape):
            ask(teller, "a"), ask(teller, "b")
        with g4f.tape(self.tape, "record"):
            self.assertEqual("3", ask(teller, "a"))
        self.assertEqual({"2", "3"}, set(self.texts()))

    def test_off(self) -> None:
        """A block without a tape, within one that has one and beside the environment's."""
        with (
            g4f.tape(self.tape),
            mock.patch.dict(os.environ, G4F_TAPE="replay"),
            g4f.tape(self.tape, "off"),
        ):
            self.assertEqual("1", ask(Teller()))
        self.assertFalse(self.tape.exists())

    def test_unknown(self) -> None:
        """A misspelt mode is an error, also in the environment."""
        with self.assertRaises(InputError) as caught, g4f.tape(self.tape, "reply"):
            pass
        self.assertEqual(
            "the mode of a tape is one of auto, replay, record, off, not 'reply'. Did you mean 'replay'?",
            str(caught.exception),
        )
        with mock.patch.dict(os.environ, G4F_TAPE="1"), self.assertRaisesRegex(InputError, "^G4F_TAPE: the mode of"):
            ask(Teller())

    def test_replayed_is_told(self) -> None:
        """The stream is the same, with Replayed before it; what was waited for is not in it."""
        said = (Reasoning("hm"), "b", Usage(1, 2, 3), FinishReason("stop"))
        with g4f.tape(self.tape):
            self.assertEqual(["1", Status("w"), *said], items(Teller(Status("w"), *said)))
        with g4f.tape(self.tape):
            told, *answer = items(Teller())
        self.assertEqual(["1", *said], answer)
        self.assertIsInstance(told, Replayed)
        self.assertEqual("", str(told))

    def test_pace(self) -> None:
        """At once, or with `pace` as slowly as it came."""

        class Slow:
            async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[str]:
                for seconds in (1.5, 0, 0.25):
                    await asyncio.sleep(seconds)
                    yield "x"

        for expected, mode, pace in (([1.5, 1.5, 1.75], "auto", False), ([0] * 3, "auto", False)):
            with g4f.tape(self.tape, mode, pace=pace):
                self.assertEqual(expected, self.times(Slow()))
        with g4f.tape(self.tape, "replay", pace=True):
            self.assertEqual([1.5, 1.5, 1.75], self.times(Slow()))

    def test_seconds(self) -> None:
        """An answer took what it took when it was recorded, though it comes at once."""
        with g4f.tape(self.tape):
            g4f.Conversation("m", Teller())("?")
        (line,) = self.lines()
        self.tape.write_text(json.dumps(line | {"ms": [1200, 300]}), encoding="utf-8")
        with g4f.tape(self.tape, "replay"):
            answer = g4f.Conversation("m", Teller())("?")
        self.assertEqual(("1", True, 1.5), (answer, answer.replayed, answer.seconds))

    def times(self, provider: Any) -> list[float]:
        """Return when texts came, in seconds from the question."""

        async def main() -> list[float]:
            stream = ChatCompletion.create_async("m", "?", provider, stream=True)
            return [round(loop.now - start, 3) async for item in stream if isinstance(item, str)]

        loop = ClockLoop()
        start = loop.now
        return loop.run_to_end(main())

    def test_thoughts_without_an_opening_tag(self) -> None:
        """Text that turned out to be thoughts is thoughts in the replay, from its beginning."""
        teller = Teller("hm", "\n</think>\n\n", "b", FinishReason("stop"))
        with g4f.tape(self.tape):
            self.assertIn(TextWasReasoning(), items(teller))
        with g4f.tape(self.tape, "replay"):
            self.assertEqual("b", ask(teller))
            again = [item for item in items(teller) if not isinstance(item, Replayed)]
            self.assertEqual([Reasoning("1"), Reasoning("hm"), Reasoning("\n"), "b", FinishReason("stop")], again)
            self.assertEqual(("b", "1hm\n"), ((answer := g4f.Conversation("m", teller)("?")), answer.reasoning))

    def test_what_stands_beside(self) -> None:
        """How likely the tokens were, and what is left out, is replayed in its place."""
        beside = (Logprobs([{"token": "1", "logprob": -0.5, "top_logprobs": []}]), Omitted("an image"), "b")
        for mode in ("auto", "replay"):
            with self.subTest(mode), g4f.tape(self.tape, mode):
                self.assertEqual(beside, tuple(items(Teller(*beside)))[-3:])

    def test_trimmed(self) -> None:
        """An answer without the oldest turns answers the whole conversation, and says what it is without."""

        class Narrow(Teller):
            async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[str]:
                self.count += 1
                if len(messages) > 3:
                    raise ContextLengthError("three messages at most")
                yield "fits"

        narrow, turns = Narrow(), [g4f.conversation.Turn(f"q{number}", "a") for number in range(3)]
        for mode in ("auto", "replay"):
            with self.subTest(mode), g4f.tape(self.tape, mode):
                answer = g4f.Conversation("m", narrow, turns=turns)("?")
                asked = [message["content"] for message in answer.messages]
                self.assertEqual(("fits", 2, ["q2", "a", "?"]), (answer, answer.trimmed, asked))
                self.assertEqual((mode == "replay", 3), (answer.replayed, narrow.count))


class TestSameQuestion(Folder):
    """What determines an answer, and what does not."""

    def recorded(self, *asked: Any, **options: Any) -> str:
        with g4f.tape(self.tape):
            return ask(*asked, **options)

    def test_same(self) -> None:
        """How a question is sent does not count: stream, key, proxy, limits of time, headers; nor the shape it had."""
        teller = Teller()
        first = self.recorded(teller, "hi", temperature=1, tools=[{"a": 1, "b": 2}])
        message = {"content": "hi", "role": "user", "name": None}
        for question, options in (
            ("hi", {"api_key": SECRET}),
            ("hi", {"proxy": "http://127.0.0.1:1", "verify": False, "max_retries": 5}),
            ("hi", {"timeout": 5, "stream_timeout": 5, "connect_timeout": 1, "first_timeout": 1}),
            ("hi", {"extra_headers": {"Authorization": SECRET}, "seed": None}),
            ([message], {"temperature": 1.0, "tools": ({"b": 2.0, "a": 1},)}),
        ):
            with self.subTest(options):
                given = {"temperature": 1, "tools": [{"a": 1, "b": 2}]} | options
                self.assertEqual(first, self.recorded(teller, question, **given))
        with g4f.tape(self.tape):
            self.assertEqual(first, items(teller, "hi", temperature=1, tools=[{"a": 1, "b": 2}])[1])
        self.assertEqual(1, teller.count)

    def test_port(self) -> None:
        """Nor does the port that the system gave to a server on this machine; a port that someone chose does."""
        with Server(hello) as server:
            first = self.recorded(server.url), self.recorded(None, "hi", base_url=server.url)
        with g4f.tape(self.tape, "replay"):
            for port in (34567, 45678):
                again = f"http://127.0.0.1:{port}/v1"
                self.assertEqual(first, (ask(again), ask(None, "hi", base_url=again)))
            with self.assertRaises(MissingRequirementsError):
                ask("http://127.0.0.1:1234/v1")

    def test_two_servers(self) -> None:
        """Two servers of this machine are two, in one block and in several, whatever their ports."""
        with Server(script_of("one")) as one, Server(script_of("two")) as two:
            for _ in range(2):
                with g4f.tape(self.tape):
                    self.assertEqual(["one", "two"], [ask(each.url) for each in (one, two)])
            self.tape.unlink()
            for _ in range(2):
                for server, text in ((one, "one"), (two, "two")):
                    with g4f.tape(self.tape):
                        self.assertEqual((text, text), (ask(server.url), ask(None, "hi", base_url=server.url)))
            self.assertEqual((3, 3), (len(one.requests), len(two.requests)))
        self.assertEqual({"127.0.0.1:…", "127.0.0.1:…2"}, {line["question"]["provider"] for line in self.lines()})
        with g4f.tape(self.tape, "replay"):
            self.assertEqual(["one", "two"], [ask(f"http://127.0.0.1:{port}/v1") for port in (34567, 45678)])
        with g4f.tape(self.tape, "replay"):
            self.assertEqual(["two", "one"], [ask(each.url) for each in (two, one)])

    def test_server_that_moved(self) -> None:
        """One of two servers that takes another port replays what it answered, and the other keeps its own."""
        with Server(script_of("one")) as one:
            with Server(script_of("two")) as two, g4f.tape(self.tape):
                self.assertEqual(["one", "two"], [ask(each.url) for each in (one, two)])
            with Server(script_of("new")) as moved, g4f.tape(self.tape):
                self.assertEqual(["two", "one"], [ask(each.url) for each in (moved, one)])
                self.assertEqual([], moved.requests)
                with Server(script_of("third")) as third:
                    self.assertEqual("third", ask(third.url))

    def test_odd_ports(self) -> None:
        """A tape with ports that there are not is passed over in one line."""
        with Server(hello) as server, g4f.tape(self.tape):
            ask(server.url)
        (line,) = self.lines()
        for ports in ({"…": 70000}, {"…": -1}, {"…" + "9" * 5000: 40000}, {"…": "x"}, []):
            self.tape.write_text(json.dumps(line | {"ports": ports}), encoding="utf-8")
            with self.subTest(ports), self.warned("line 1 is no answer of a tape"), g4f.tape(self.tape, "replay"):
                self.assertRaises(MissingRequirementsError, ask, "http://127.0.0.1:45678/v1")

    def test_port_that_someone_chose(self) -> None:
        """Below 32768 no system gives one: 30000 and 30001 are two servers."""
        for port, told in ((30000, "30000"), (30001, "30001"), (32767, "32767"), (32768, "…"), (60999, "…")):
            for host in ("127.0.0.1", "localhost", "[::1]"):
                url = f"http://{host}:{port}/v1"
                asked = json.loads(written.question(f"{host}:{port}", "m", [], {"base_url": url}))
                self.assertEqual(f"http://{host}:{told}/v1", asked["options"]["base_url"])
                self.assertEqual(f"{host}:{told}", asked["provider"])

    def test_other(self) -> None:
        """Everything else counts: who is asked, every message, every option, every image."""

        class Another(Teller):
            pass

        image = [{"type": "image_url", "image_url": {"url": PIXEL}}]
        other = [{"type": "image_url", "image_url": {"url": PIXEL.replace("AAAAAP", "AAABBP")}}]
        sound = [{"type": "input_audio", "input_audio": {"data": "UklGRg", "format": "wav"}}]
        quiet = [{"type": "input_audio", "input_audio": {"data": "UklGRh", "format": "wav"}}]
        asked = [
            (Teller, "m", "hi", {}),
            (Another, "m", "hi", {}),
            (Teller, "n", "hi", {}),
            (Teller, "m", "ho", {}),
            *((Teller, "m", [{"role": "user", "content": parts}], {}) for parts in (image, other, sound, quiet)),
            (Teller, "m", [{"role": "system", "content": "be"}, {"role": "user", "content": "hi"}], {}),
            (Teller, "m", "hi", {"stop": "x"}),
            (Teller, "m", "hi", {"max_tokens": 9}),
            (Teller, "m", "hi", {"temperature": 0.5}),
            (Teller, "m", "hi", {"base_url": "http://127.0.0.1:1/v1"}),
            (Teller, "m", "hi", {"extra_body": {"a": True}}),
            (Teller, "m", "hi", {"extra_body": {"a": 1.5}}),
            (Teller, "m", "hi", {"extra_body": {"a": float("nan")}}),
            (Teller, "m", "hi", {"extra_body": {"a": float("inf")}}),
        ]
        for kind, model, question, options in asked:
            self.recorded(kind(), question, model, **options)
        self.assertEqual(len(asked), len({line["key"] for line in self.lines()}))

    def test_list(self) -> None:
        """Several providers are one question, in their order; who answered is in the answer."""

        class Another(Teller):
            pass

        for providers in ([Teller(), Another()], [Another(), Teller()]):
            self.recorded(g4f.providers.retry_provider.IterListProvider(providers))
        self.assertEqual({"Teller Another", "Another Teller"}, {line["question"]["provider"] for line in self.lines()})
        with g4f.tape(self.tape, "replay"):
            client = Client(g4f.providers.retry_provider.IterListProvider([Another(), Teller()]))
            self.assertEqual("Another", client.chat.completions.create("?", "m").provider)

    def test_written(self) -> None:
        """What is written is short and readable: hashes of what is inline, no key, no password."""
        sound = {"type": "input_audio", "input_audio": {"data": "UklGRg", "format": "wav"}}
        question = [{"role": "user", "content": ["hé", {"type": "image_url", "image_url": {"url": PIXEL}}, sound]}]
        options = {
            "api_key": SECRET,
            "base_url": "http://me:pass@127.0.0.1:1/v1?api-version=1&key=in-query",
            "extra_body": {"k": Key("sk-x"), "auth": {"a": ["in-body"]}, "max_tokens": 5, "tokenizer": "a"},
            "extra_query": {"q": "in-query"},
        }
        self.recorded(Teller(), question, stop=("a", "b"), **options)
        (line,) = self.lines()
        text = self.tape.read_text(encoding="utf-8")
        for word in (SECRET, "sk-x", "pass", "in-query", "in-body", "R0lGOD", "UklGRg"):
            self.assertNotIn(word, text)
        self.assertIn("hé", text)
        self.assertEqual(["key", "n", "tape", "question", "events"], [*line][:5])
        self.assertEqual(
            {
                "base_url": "http://127.0.0.1:1/v1",
                "extra_body": {"k": "***", "auth": {"a": ["***"]}, "max_tokens": 5, "tokenizer": "a"},
                "stop": ["a", "b"],
            },
            line["question"]["options"],
        )
        url = line["question"]["messages"][0]["content"][1]["image_url"]["url"]
        self.assertRegex(url, "^data:image/gif;sha256,[0-9a-f]{64}$")

    def test_secrets(self) -> None:
        """No secret of an option is written: not by its name, its place or its look, however deep it stands."""
        secret = "tok_9f8a7s6d5f4g3h2j"
        schema = {"type": "string", "description": "given by the user"}
        schema |= {"default": secret, "enum": [secret], "examples": [secret]}
        function = {"name": "f", "parameters": {"properties": {"api_key": schema, "n": {"type": "integer"}}}}
        address = f"https://me:{secret}@host/path?api_key={secret}"
        pieces = [
            {"api_key": secret},
            {"X-Api-Key": (secret,)},
            {"password": {"a": [secret]}},
            {"secret": secret.encode()},
            {"headers": {"X-Any": secret}},
            {"cookies": {"any": secret}},
            {"authorization": secret},
            {"note": f"Bearer {secret}"},
            {"url": address},
            {f"Bearer {secret}": 1},
            {"dsn": FinishReason(secret)},
        ]
        nested = [piece for each in pieces for piece in (each, {"a": [each]}, [{"b": ({"c": each},)}])]
        tools = [{"type": "mcp", "server_url": address, **each} for each in pieces if "url" not in each]
        cases = [
            *({"extra_body": piece} for piece in nested if isinstance(piece, dict)),
            *({"plugins": piece} for piece in nested),
            *({"tools": [tool]} for tool in [*tools, {"type": "function", "function": function}]),
            *({name: {"X": secret}} for name in ("extra_headers", "default_headers", "extra_query", "default_query")),
            *({name: secret} for name in ("organization", "prompt_cache_key", "safety_identifier", "user")),
            {"metadata": {"a": secret}},
            {"proxy": f"http://me:{secret}@host:1"},
            {"proxies": {"https": f"http://me:{secret}@host:1"}},
            {"base_url": f"http://me:{secret}@127.0.0.1:1/v1?a={secret}"},
            {"images": address},
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"token": secret}}}},
        ]
        for options in cases:
            self.tape.unlink(missing_ok=True)
            with self.subTest(options):
                self.recorded(Teller(), "?", **options)
                text = self.tape.read_text(encoding="utf-8")
                self.assertNotIn(secret, text)
                self.assertNotIn(b64encode(secret.encode()).decode(), text)
        (line,) = self.lines()
        self.assertIn("json_schema", line["question"]["options"]["response_format"]["type"])

    def test_schema(self) -> None:
        """What a schema says of a parameter counts, also of one that is called like a secret."""
        for what in ("given by the user", "from the vault"):
            schema = {"properties": {"password": {"type": "string", "description": what}, "n": {"default": 5}}}
            self.recorded(Teller(), tools=[{"type": "function", "function": {"name": "f", "parameters": schema}}])
        found = [line["question"]["options"]["tools"][0]["function"]["parameters"] for line in self.lines()]
        self.assertEqual(2, len(found))
        self.assertEqual({"default": 5}, found[0]["properties"]["n"])
        self.assertEqual(
            {"given by the user", "from the vault"}, {each["properties"]["password"]["description"] for each in found}
        )

    def test_figure(self) -> None:
        """A figure has the same key in each version of matplotlib, drawn or read; another has another."""
        for version in ("1.0", "9.9"):
            for height in (1, 2):
                figure = Figure()
                figure.subplots().plot([0, height])
                figure.savefig(file := self.folder / "figure.png", metadata={"Software": f"matplotlib {version}"})
                with mock.patch("matplotlib.__version__", version):
                    for image in (figure, file, file.read_bytes()):
                        self.recorded(Teller(), images=image)
        self.assertEqual(4, len(self.lines()))

    def test_broken_image(self) -> None:
        """What only begins like a PNG, or ends too early, is a question like others."""
        start = b64encode(b"\x89PNG\r\n\x1a\n").decode()
        for data in (start, f"{start[:-1]}A", f"{start}AAAA", f"{start}!", f"{start[:11]}"):
            image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
            with self.subTest(data):
                asked = written.question("", "m", [{"role": "user", "content": [image]}], {})
                self.assertIn(b"data:image/png;sha256,", asked)

    def test_not_json(self) -> None:
        """A question that cannot be written is refused, unsent; without a tape it is asked."""
        teller = Teller()
        loop: list[Any] = []
        loop.append(loop)
        for value in (object(), loop, "\ud800"):
            with self.subTest(repr(value)[:20]), self.assertRaisesRegex(InputError, "cannot be written on a tape: "):
                self.recorded(teller, "?", extra=value)
        self.assertEqual((0, "1"), (teller.count, ask(teller, extra=object())))

    def test_key_in_a_text(self) -> None:
        """An answer is not recorded if a key stands in it or in its question, be it in pieces; that is told."""
        name = "OPENAI_API_KEY"
        for provider, question, given in (
            (Teller(), f"My key is {SECRET}.", {"api_key": SECRET}),
            (Teller(SECRET[:5], SECRET[5:]), "?", {"api_key": SECRET}),
            (Teller(SECRET), "?", {}),
            (Teller(ToolCall(arguments=SECRET[:7]), ToolCall(arguments=SECRET[7:])), "?", {}),
        ):
            with mock.patch.dict(os.environ, {name: SECRET}), self.warned("is not recorded on the tape answers.jsonl"):
                self.recorded(provider, question, **given)
        self.assertFalse(self.tape.exists())


class TestNobody(Folder):
    """A question that names no provider is the same everywhere, whoever could answer it."""

    def test_absent(self) -> None:
        """Where nobody can answer, the tape does, and tells who did."""
        with only(Default), g4f.tape(self.tape):
            self.assertEqual("by default", ask(None, model=""))
        for kinds in ((), (Absent,)):
            for mode in ("auto", "replay"):
                with only(*kinds), g4f.tape(self.tape, mode):
                    whole = Client().chat.completions.create("?")
                    self.assertEqual(("by default", "Default"), (whole.choices[0].message.content, whole.provider))
                    self.assertEqual("by default", ask(None, model="", images=None))

    def test_names_itself(self) -> None:
        """Where the answer itself names who gave it, the tape tells that, and not what the route said."""
        for _ in range(2):
            with only(Renamed), g4f.tape(self.tape):
                whole = Client().chat.completions.create("?")
                self.assertEqual(("Inner", "served"), (whole.provider, whole.model))

    def test_model(self) -> None:
        """A model by its name too."""
        for provider, mode in ((Default, "auto"), (None, "replay")):
            with g4f.tape(self.tape, mode):
                self.assertEqual("by default", ask(None, model=Model("m", "", provider)))

    def test_no_key(self) -> None:
        """Where the key is missing, or the server is gone, the tape answers all the same; it holds no key."""
        with mock.patch.dict(os.environ):
            os.environ.pop("OPENAI_API_KEY", None)
            with Server(hello) as server:
                url = server.url
                with g4f.tape(self.tape):
                    self.assertEqual("Hello", ask("OpenAI", base_url=url, api_key=SECRET))
                    self.assertEqual(1, len(server.requests))
            with g4f.tape(self.tape, "replay"):
                self.assertEqual("Hello", ask("openai", base_url=url))
        self.assertNotIn(SECRET, self.tape.read_text(encoding="utf-8"))

    def test_missing(self) -> None:
        """What is not on the tape either: in "replay" nobody is looked for, in "auto" it is as without a tape."""
        for kind in (Default, Absent):
            missing = self.assertRaisesRegex(MissingRequirementsError, "no answer to '[?]'[.] Record it")
            with only(kind), g4f.tape(self.tape, "replay"), missing:
                ask(None, model="")
        with only(Absent), g4f.tape(self.tape), self.assertRaises(ProviderNotFoundError):
            ask(None, model="")

    def test_lost_meanwhile(self) -> None:
        """An answer that is taken off the tape after the call, before its first item, is missing: nobody is asked."""
        with only(Default), g4f.tape(self.tape):
            ask(None, model="")
        for mode in ("auto", "replay"):
            before = self.tape.read_bytes()
            with self.subTest(mode), only(Default), g4f.tape(self.tape, mode):
                stream = ChatCompletion.create("", "?", stream=True)
                self.tape.unlink()
                with self.assertRaisesRegex(MissingRequirementsError, "no answer to '[?]'[.] Record it") as caught:
                    list(stream)
                self.assertEqual("", caught.exception.provider)
            self.tape.write_bytes(before)

    def test_route(self) -> None:
        """A request that the tape answers says that nobody was looked for, and is checked all the same."""
        with only(Default), g4f.tape(self.tape):
            ask(None, model="")
        with only(Absent), g4f.tape(self.tape):
            request = prepare("", "?", None, {})
            self.assertEqual((Route(None, "tape", ""), None), (request.route, request.call))
            self.assertEqual([{"role": "user", "content": "?"}], request.messages)
        with g4f.tape(self.tape, "replay"), self.assertRaisesRegex(InputError, "Did you mean 'temperature'"):
            prepare("", "?", None, {"temprature": 1})

    def test_wrong(self) -> None:
        """What cannot be asked is refused as without a tape."""
        for mode in ("auto", "replay"):
            with g4f.tape(self.tape, mode):
                self.assertRaises(InputError, ask, None, model=["m"])
                self.assertRaises(InputError, ask, Teller(), "")
                self.assertRaises(ProviderNotFoundError, ask, "Opnai")


class TestRepeated(Folder):
    """The same question again."""

    async def leave(self, provider: Any) -> None:
        """Leave an answer at its first item."""
        stream = ChatCompletion.create_async("m", "?", provider, stream=True)
        await anext(stream)
        await stream.aclose()

    def test_order(self) -> None:
        """All answers of the session that asked are there, in order; after the last, the last again."""
        for mode in ("auto", "record"):
            with self.subTest(mode):
                self.tape.unlink(missing_ok=True)
                teller = Teller()
                with g4f.tape(self.tape, mode):
                    self.assertEqual(["1", "2", "3"], [ask(teller) for _ in range(3)])
                for _ in range(2):
                    with g4f.tape(self.tape):
                        self.assertEqual(["1", "2", "3", "3"], [ask(teller) for _ in range(4)])

    def test_default_provider(self) -> None:
        """Also where no provider is named: the second time somebody is looked for again."""
        teller = Teller()
        with mock.patch.dict(g4f.models.ModelUtils.convert, {"t": Model("t", "", teller)}):
            with g4f.tape(self.tape):
                self.assertEqual(["1", "2"], [ask(None, model="t") for _ in range(2)])
            with g4f.tape(self.tape, "replay"):
                self.assertEqual(["1", "2", "2"], [ask(None, model="t") for _ in range(3)])

    def test_together(self) -> None:
        """Asked at the same time, they are kept in the order in which they were asked."""

        class Late(Teller):
            async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[Item]:
                self.count += 1
                text = str(self.count)
                for _ in range(10 - self.count):
                    await asyncio.sleep(0)
                yield text

        async def main(teller: Any) -> list[str]:
            return await asyncio.gather(*(ChatCompletion.create_async("m", "?", teller) for _ in range(3)))

        for _ in range(2):
            with g4f.tape(self.tape):
                self.assertEqual(["1", "2", "3"], run(main(Late())))
        self.assertEqual(["1", "2", "3"], self.texts())

    def test_failed(self) -> None:
        """One that failed, or was left early, does not count: the next takes its place."""

        class Once(Teller):
            async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[Item]:
                self.count += 1
                yield str(self.count)
                if self.count == 1:
                    raise ResponseError("gone")
                yield "!"

        teller = Once()
        with g4f.tape(self.tape):
            self.assertRaises(ResponseError, ask, teller)
            run(self.leave(teller))
            self.assertEqual(["3!", "4!"], [ask(teller) for _ in range(2)])
        self.assertEqual([(0, "3"), (1, "4")], [(line["n"], line["events"][0]) for line in self.lines()])

    def test_left_early(self) -> None:
        """A replay that is left early does not count either: the order is that of the session that recorded."""
        with g4f.tape(self.tape):
            ask(teller := Teller()), ask(teller)
        with g4f.tape(self.tape, "replay"):
            run(self.leave(teller))
            self.assertEqual(["1", "2"], [ask(teller) for _ in range(2)])

    def test_cancelled(self) -> None:
        """What is cancelled is not recorded."""

        async def main() -> None:
            begun = asyncio.Event()

            class Hanging:
                async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[str]:
                    yield "half"
                    begun.set()
                    await asyncio.Event().wait()

            task = asyncio.ensure_future(ChatCompletion.create_async("m", "?", Hanging()))
            await begun.wait()
            task.cancel()
            await asyncio.wait([task])
            self.assertTrue(task.cancelled())

        with g4f.tape(self.tape):
            run(main())
        self.assertFalse(self.tape.exists())

    def test_put_on_again(self) -> None:
        """A tape that is put on again goes on where it was."""
        player = load(self.tape)
        teller = Teller()
        for expected in ("1", "2"):
            with on(player):
                self.assertEqual(expected, ask(teller))


class TestWhere(Folder):
    """The tape of a call is that of the place where it is made."""

    def setUp(self) -> None:
        super().setUp()
        self.other = self.folder / "other.jsonl"

    def test_made_here_read_later(self) -> None:
        """A stream, or an awaitable, that is made in the block is of the block."""
        client = AsyncClient(Teller())
        with g4f.tape(self.tape):
            stream = ChatCompletion.create("m", "a", Teller(), stream=True)
            waiting = client.chat.completions.create("b", "m")
        list(stream)
        run(waiting)
        self.assertEqual(2, len(self.lines()))

    def test_threads(self) -> None:
        """Threads ask in the block of who started them, and in their own."""

        def own(question: str) -> str:
            with g4f.tape(self.other):
                return ask(Teller(), question)

        with ThreadPoolExecutor(2) as pool:
            pool.submit(int).result()
            with g4f.tape(self.tape):
                list(pool.map(lambda question: ask(Teller(), question), "ab"))
                list(pool.map(own, "cde"))
            list(pool.map(lambda question: ask(Teller(), question), "fg"))
        self.assertEqual((2, 3), (len(self.lines()), len(self.other.read_bytes().splitlines())))

    def test_older_thread(self) -> None:
        """A thread that began before the block, such as one for another user, is not in it; one that began in it is."""
        go, done = threading.Event(), threading.Event()

        def other() -> None:
            go.wait(script.PATIENCE)
            self.assertEqual("1", ask(Teller(), "another user's"))
            done.set()

        older = threading.Thread(target=other)
        older.start()
        with g4f.tape(self.tape):
            go.set()
            self.assertTrue(done.wait(script.PATIENCE))
            newer = threading.Thread(target=ask, args=(Teller(), "mine"))
            newer.start()
            newer.join()
        older.join()
        (line,) = self.lines()
        self.assertEqual("mine", line["question"]["messages"][0]["content"])

    def test_work_of_others(self) -> None:
        """What another thread starts, or hands to a pool, while the block runs, is not in the block; its own is."""
        go, pool, fresh = threading.Event(), self.enterContext(ThreadPoolExecutor(1)), ThreadPoolExecutor(1)
        pool.submit(int).result()

        def other() -> None:
            go.wait(script.PATIENCE)
            for each in (pool, fresh):
                each.submit(ask, Teller(), "another user's").result()
            thread = threading.Thread(target=ask, args=(Teller(), "another user's"))
            thread.start()
            thread.join()

        older = threading.Thread(target=other)
        older.start()
        with g4f.tape(self.tape), fresh:
            pool.submit(ask, Teller(), "a").result()
            fresh.submit(ask, Teller(), "b").result()
            go.set()
            older.join()
            nested = threading.Thread(target=lambda: fresh.submit(ask, Teller(), "c").result())
            nested.start()
            nested.join()
        self.assertEqual(["a", "b", "c"], self.questions())

    def test_loop_of_another_thread(self) -> None:
        """A call that the block hands to the loop of another thread is in it, a call that others hand to it is not."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()

        def hand_over(question: str) -> None:
            asyncio.run_coroutine_threadsafe(ChatCompletion.create_async("m", question, Teller()), loop).result()

        go = threading.Event()
        others = threading.Thread(target=lambda: go.wait(script.PATIENCE) and hand_over("another user's"))
        others.start()
        with g4f.tape(self.tape):
            hand_over("mine")
            go.set()
            others.join()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        self.assertEqual(["mine"], self.questions())

    def test_after_the_block(self) -> None:
        """What was copied from the block, or started in it, is without its tape once it has ended."""

        async def main() -> None:
            go = asyncio.Event()

            async def late() -> None:
                await go.wait()
                await ChatCompletion.create_async("m", "late", Teller())

            with g4f.tape(self.tape):
                task = asyncio.ensure_future(late())
                await asyncio.sleep(0)
            go.set()
            await task

        run(main())
        with g4f.tape(self.other):
            with g4f.tape(self.tape):
                context = contextvars.copy_context()
            context.run(ask, Teller(), "around")
        context.run(ask, Teller(), "after")
        self.assertEqual(([], ["around"]), (self.questions(), self.questions(self.other)))

    def test_threads_start_as_before(self) -> None:
        """After the last block threads and pools are as they were before the first."""
        before = threading.Thread.start, ThreadPoolExecutor.submit
        with g4f.tape(self.tape), g4f.tape(self.other):
            self.assertNotEqual(before, (threading.Thread.start, ThreadPoolExecutor.submit))
        self.assertEqual(before, (threading.Thread.start, ThreadPoolExecutor.submit))

    def test_thread_is_freed(self) -> None:
        """A thread that began in a block is freed like any other, as soon as it has ended."""
        gc.disable()
        self.addCleanup(gc.enable)
        with g4f.tape(self.tape):
            thread = threading.Thread(target=int)
            thread.start()
            thread.join()
            left = weakref.ref(thread)
            del thread
            self.assertIsNone(left())

    def test_patched_by_others(self) -> None:
        """What others have put in their place, before the block or in it, is called, and stays, and may go again."""
        seen: list[str] = []

        def patched(owner: type, name: str, word: str) -> Any:
            before = getattr(owner, name)

            def call(*given: Any) -> Any:
                seen.append(word)
                return before(*given)

            return mock.patch.object(owner, name, call)

        def asked(*questions: str) -> list[str]:
            """Ask in a thread, and in a pool, which starts another. Return who was called meanwhile."""
            seen.clear()
            for question in questions:
                thread = threading.Thread(target=ask, args=(Teller(), question))
                thread.start()
                thread.join()
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(ask, Teller(), question).result()
            return sorted(set(seen))

        for owner, name in ((threading.Thread, "start"), (ThreadPoolExecutor, "submit")):
            with self.subTest(name), patched(owner, name, "early"):
                with g4f.tape(self.tape):
                    late = patched(owner, name, "late")
                    late.start()
                    self.assertEqual(["early", "late"], asked("a"))
                self.assertEqual(["early", "late"], asked("outside"))
                with g4f.tape(self.tape, "record"):
                    self.assertEqual(["early", "late"], asked("b"))
                late.stop()
                with g4f.tape(self.tape, "record"):
                    self.assertEqual(["early"], asked("c"))
                self.assertEqual(list("aabbcc"), sorted(self.questions()))
                self.tape.unlink()
        with g4f.tape(self.tape):
            asked("d")
        self.assertEqual(["d", "d"], self.questions())

    def test_main_thread(self) -> None:
        """A block in a thread has nothing of what the main thread asks meanwhile."""
        inside, go = threading.Event(), threading.Event()

        def block() -> None:
            with g4f.tape(self.tape):
                inside.set()
                go.wait(script.PATIENCE)

        thread = threading.Thread(target=block)
        thread.start()
        self.assertTrue(inside.wait(script.PATIENCE))
        self.assertEqual("1", ask(Teller(), "beside"))
        go.set()
        thread.join()
        self.assertFalse(self.tape.exists())

    def test_tasks(self) -> None:
        """Tasks side by side each have their own; one that has none stays without."""

        async def in_block(path: Path, inside: asyncio.Event, go: asyncio.Event) -> None:
            with g4f.tape(path):
                inside.set()
                await go.wait()
                await ChatCompletion.create_async("m", path.name, Teller())

        async def main() -> None:
            go, inside = asyncio.Event(), (asyncio.Event(), asyncio.Event())
            paths = (self.tape, self.other)
            tasks = [asyncio.ensure_future(in_block(*each, go)) for each in zip(paths, inside, strict=True)]
            await asyncio.gather(*(each.wait() for each in inside))
            self.assertEqual("1", await ChatCompletion.create_async("m", "beside", Teller()))
            go.set()
            await asyncio.gather(*tasks)

        run(main())
        for path in (self.tape, self.other):
            self.assertEqual(path.name, json.loads(path.read_bytes())["question"]["messages"][0]["content"])

    def test_contexts(self) -> None:
        """A loop, or a context, that was there before the block is in it while the block runs it."""
        context = contextvars.copy_context()
        with asyncio.Runner() as runner:
            runner.run(asyncio.sleep(0))
            with g4f.tape(self.tape):
                runner.run(ChatCompletion.create_async("m", "a", Teller()))
                context.run(ask, Teller(), "b")
            runner.run(ChatCompletion.create_async("m", "c", Teller()))
        self.assertEqual(2, len(self.lines()))

    def test_generator(self) -> None:
        """A block that is left in another context than it was entered in, as in a fixture, ends all the same."""

        @contextmanager
        def fixture() -> Iterator[None]:
            with g4f.tape(self.tape):
                yield

        block = fixture()
        contextvars.copy_context().run(block.__enter__)
        ask(Teller(), "a")
        contextvars.copy_context().run(block.__exit__, None, None, None)
        ask(Teller(), "b")
        self.assertEqual(1, len(self.lines()))

    def test_environment(self) -> None:
        """G4F_TAPE is for all calls of the process, G4F_TAPE_FILE names the tape; a block wins."""
        teller = Teller()
        with mock.patch.dict(os.environ, G4F_TAPE="auto", G4F_TAPE_FILE=str(self.tape)):
            self.assertEqual("1", ask(teller, "a"))
            with ThreadPoolExecutor(1) as pool:
                self.assertEqual("2", pool.submit(ask, teller, "b").result())
            with g4f.tape(self.other):
                self.assertEqual("3", ask(teller, "a"))
            self.assertEqual("4", ask(teller, "a"), "the session that asked asks again")
        self.assertEqual("5", ask(teller, "a"))
        self.assertEqual(3, len(self.lines()))

    def test_current_folder(self) -> None:
        """Without a name it is in the folder where the process is, and stays there when that changes."""
        code = f"""
            import os, g4f
            from g4f import ChatCompletion
            from tests.mocks import AsyncProviderMock
            os.chdir({str(self.folder)!r})
            with g4f.tape():
                os.chdir("/")
                ChatCompletion.create("", "hi", AsyncProviderMock)
            """
        script.run(code)
        self.assertEqual([FILE], [path.name for path in self.folder.iterdir()])


class TestFile(Folder):
    """What stands in the file: nothing is lost, and nothing left behind."""

    def fill(self, *questions: str) -> None:
        with g4f.tape(self.tape):
            for question in questions:
                ask(Teller(), question)

    def test_sorted(self) -> None:
        """The order in which answers come makes no other file; a new one adds its line, and changes no other."""
        self.fill(*"abcde")
        first = self.tape.read_bytes()
        self.tape.unlink()
        self.fill(*"edcba")
        self.assertEqual(first, self.tape.read_bytes())
        self.fill("f")
        added = self.tape.read_bytes().splitlines()
        self.assertEqual(first.splitlines(), [line for line in added if line in first])
        self.assertEqual(6, len(added))
        self.assertEqual(["answers.jsonl"], [path.name for path in self.folder.iterdir()])

    def test_small(self) -> None:
        """The tape of a notebook is in order all the time: it is small."""
        with g4f.tape(self.tape):
            for question in "edcba":
                ask(Teller(), question)
                lines = self.tape.read_bytes().splitlines()
                self.assertEqual(sorted(line.strip() for line in lines), lines)

    LONG = " ".join(["long"] * 2000)
    """A question so long that a tape of a few is not small."""

    def test_added(self) -> None:
        """An answer is added to a long tape without changing what is there; the end of the block puts it in order."""
        self.fill(*(f"{name} {self.LONG}" for name in "hgfedcba"))
        before = self.tape.read_bytes()
        with g4f.tape(self.tape):
            for question in "yxz":
                ask(Teller(), question)
                self.assertTrue(self.tape.read_bytes().startswith(before))
            with g4f.tape(self.tape, "replay"):
                self.assertEqual(["1"] * 3, [ask(Teller(), question) for question in "xyz"])
        lines = self.tape.read_bytes().splitlines()
        self.assertEqual((11, sorted(lines)), (len(lines), lines))
        self.assertLessEqual(set(before.splitlines()), set(lines))
        self.assertEqual(["answers.jsonl"], [path.name for path in self.folder.iterdir()])

    def test_process_ends(self) -> None:
        """The end of the process puts the tape of G4F_TAPE in order, and one that was read later than its block."""
        for where in ("contextlib.nullcontext()", f"g4f.tape({str(self.tape)!r})"):
            self.tape.unlink(missing_ok=True)
            code = f"""
                import contextlib, os
                from tests.test_tape import *
                os.environ.update(G4F_TAPE="auto", G4F_TAPE_FILE={str(self.tape)!r})
                with {where}:
                    streams = [
                        ChatCompletion.create("m", f"{{name}} {{TestFile.LONG}}", Teller(), stream=True)
                        for name in "hgfedcba"
                    ]
                for stream in streams:
                    list(stream)
                """
            self.assertEqual("", script.run(code))
            lines = self.tape.read_bytes().splitlines()
            self.assertEqual((8, sorted(lines)), (len(lines), lines))

    def killed(self, mode: str) -> None:
        """Record "2" to eight questions in a process that is killed before its tape is in order."""
        code = f"""
            from tests.test_tape import *
            teller = Teller()
            with g4f.tape({str(self.tape)!r}, {mode!r}):
                for name in "hgfedcba":
                    teller.count = 1
                    ask(teller, f"{{name}} {{TestFile.LONG}}")
                print(end="", flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
            """
        self.assertRaisesRegex(AssertionError, "ended with -9", script.run, "import signal\n" + textwrap.dedent(code))

    def test_killed(self) -> None:
        """What a killed process has recorded is read, whatever its order; half a line at the end costs no other."""
        questions = [f"{name} {self.LONG}" for name in "abcdefgh"]
        self.killed("auto")
        left = self.tape.read_bytes()
        self.assertNotEqual(sorted(left.splitlines()), left.splitlines())
        self.tape.write_bytes(left + left.splitlines()[0][:-2])
        with self.warned("kept: line 9 is no answer of a tape"), g4f.tape(self.tape, "replay"):
            self.assertEqual(["2"] * 8, [ask(Teller(), question) for question in questions])
        with self.warned("kept: line 9 is no answer of a tape"), g4f.tape(self.tape):
            self.assertEqual(
                ["2", "1", "2"], [ask(Teller(), question) for question in (questions[0], "i", questions[7])]
            )
        lines = self.tape.read_bytes().splitlines()
        self.assertEqual((10, sorted(lines[:9])), (len(lines), lines[:9]))
        self.assertEqual({line.strip() for line in left.splitlines()} - {*lines}, set())

    def test_killed_while_it_replaced(self) -> None:
        """Of the answers that a killed process has replaced, the last ones are given, and stay."""
        questions = [f"{name} {self.LONG}" for name in "abcdefgh"]
        self.fill(*questions)
        self.killed("record")
        for mode in ("replay", "auto"):
            with warnings.catch_warnings(), g4f.tape(self.tape, mode):
                warnings.simplefilter("error")
                self.assertEqual(["2"] * 8, [ask(Teller(), question) for question in questions])
                if mode == "auto":
                    ask(Teller(), "new")
        self.assertEqual(["1"] + ["2"] * 8, sorted(self.texts()))

    def test_half_a_line_that_becomes_whole(self) -> None:
        """A line that another process is just writing is an answer as soon as it is whole, and no longer odd."""
        self.fill("a", "b")
        whole = self.tape.read_bytes()
        self.tape.write_bytes(whole[:-30])
        file = TapeFile(self.tape)
        for data, expected in ((whole[:-30], (1, 1)), (whole, (2, 0))):
            self.tape.write_bytes(data)
            file.read()
            self.assertEqual(expected, (len(file.answers), len(file.odd)))

    def test_read_while_it_is_written(self) -> None:
        """What is read of a line that another is just writing is no line of its own, nor is its rest."""
        self.fill("a")
        line = self.tape.read_bytes().replace(b'["1"', b'["%s"' % (b"x" * 20_000))
        self.tape.unlink()

        def write() -> None:
            for number in range(50):
                with held(self.tape, "it cannot be written"), self.tape.open("ab", buffering=0) as file:
                    rest = b" " + line.replace(b'"n":0', b'"n":%d' % number)
                    while rest:
                        rest = rest[file.write(rest[:500]) :]

        file = TapeFile(self.tape)
        with ThreadPoolExecutor(1) as pool:
            writer = pool.submit(write)
            while not writer.done():
                file.read()
                self.assertEqual([], file.odd)
        file.read()
        self.assertEqual([50], [len(numbers) for numbers in file.answers.values()])

    def test_replaced_while_it_is_read(self) -> None:
        """An answer is the right one, also where the file is replaced after it was looked at."""
        self.fill("a", "b")
        last, file, before = self.lines()[-1], TapeFile(self.tape), self.tape.lstat()
        file.read()
        self.fill(*(f"{number}" for number in range(20)))
        with mock.patch.object(Path, "lstat", return_value=before):
            self.assertEqual(last, json.loads(file.line(last["key"], 0) or ""))

    def test_gone(self) -> None:
        """A tape whose folder is gone when it would be put in order says nothing."""
        folder = self.folder / "gone"
        folder.mkdir()
        with warnings.catch_warnings(), g4f.tape(folder / "tape.jsonl"):
            warnings.simplefilter("error")
            for name in "hgfedcba":
                ask(Teller(), f"{name} {self.LONG}")
            shutil.rmtree(folder)

    def test_changed_in_place(self) -> None:
        """A tape that an editor changes in place, and makes longer, is read again."""
        self.fill("a", "b")
        with g4f.tape(self.tape, "replay"):
            self.assertEqual("1", ask(Teller(), "a"))
            self.tape.write_bytes(self.tape.read_bytes().replace(b'["1"', b'["another"'))
            self.assertEqual(["another", "another"], [ask(Teller(), question) for question in "ab"])

    def test_not_in_memory(self) -> None:
        """Of a tape that is open, only the places of its answers are in memory."""
        self.fill("a")
        line = self.tape.read_bytes()
        with self.tape.open("wb") as file:
            for number in range(1000):
                file.write(line.replace(b'"n":0', b'"n":%d' % number).replace(b'["1"', b'["%s"' % (b"x" * 10_000)))
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        file = TapeFile(self.tape)
        file.read()
        self.assertLess(tracemalloc.get_traced_memory()[1], 2**20)

    def test_odd_lines(self) -> None:
        """A torn or foreign line is told once, with its number, and stays when others are written."""
        self.fill("a", "b")
        good = self.tape.read_bytes().splitlines()
        odd = [good[0][:40], b'{"role": "user"}', b"<<<<<<< HEAD", b"\xff\xfe", b"[" * 100_000, b"7"]
        self.tape.write_bytes(b"\r\n".join([odd[0], good[0], *odd[1:], b"", good[1]]))
        teller = Teller("!")
        with (
            self.warned("lines that are passed over, and kept: line 1 is no answer of a tape; line 3 is"),
            g4f.tape(self.tape),
        ):
            self.assertEqual("1", ask(teller, "a"))
            self.assertEqual("1!", ask(teller, "c"))
        self.assertEqual(1, teller.count)
        lines = self.tape.read_bytes().splitlines()
        self.assertEqual((3, odd), (len(lines) - len(odd), lines[3:]))
        self.assertLessEqual(set(good), set(lines))

    def test_twice(self) -> None:
        """Of two answers to the same question the first is given, the other told, and kept; twice the same is one."""
        self.fill("a")
        (line,) = self.tape.read_bytes().splitlines()
        other = line.replace(b'["1"', b'["2"')
        self.tape.write_bytes(b"\n".join([line, other, line]))
        with self.warned("line 2 answers a question that has another answer above"), g4f.tape(self.tape):
            self.assertEqual(["1", "1"], [ask(Teller(), "a") for _ in range(2)])
            ask(Teller(), "b")
        self.assertEqual(
            sorted([line, other]), sorted(each for each in self.tape.read_bytes().splitlines() if b'"a"' in each)
        )
        self.assertEqual(3, len(self.lines()))

    def test_newer(self) -> None:
        """A tape of a newer version is neither read nor written: one line says so."""
        self.fill("a")
        newer = self.tape.read_bytes() + b'{"tape": 2, "new": []}\n'
        self.tape.write_bytes(newer)
        for mode in ("auto", "replay"):
            with g4f.tape(self.tape, mode), self.assertRaises(InputError) as caught:
                ask(Teller(), "a")
            self.assertEqual(
                "line 2 of the tape answers.jsonl is of version 2, and this g4f reads 1: pip install --upgrade "
                "g4f-jupyter",
                str(caught.exception),
            )
        with self.warned("is of version 2"), g4f.tape(self.tape, "record"):
            self.assertEqual("1", ask(Teller(), "a"))
        self.assertEqual(newer, self.tape.read_bytes())

    def test_broken(self) -> None:
        """An answer that someone broke is an error that names it, not another answer."""
        self.fill("a")
        self.tape.write_bytes(self.tape.read_bytes().replace(b'["1"', b'["1",{"type":"Unknown"}'))
        with (
            g4f.tape(self.tape),
            self.assertRaisesRegex(InputError, "^the answer [0-9a-f]{8} on the tape .* is broken"),
        ):
            ask(Teller(), "a")

    def test_not_to_be_read(self) -> None:
        """A folder is no tape."""
        with g4f.tape(self.folder), self.assertRaisesRegex(InputError, "cannot be read: Is a directory"):
            ask(Teller())

    def test_read_only(self) -> None:
        """A read-only tape, or none in a folder that is not there, answers, asks, and warns once."""
        self.fill("a")
        self.tape.chmod(0o444)
        before = self.tape.read_bytes()
        for path, expected in ((self.tape, ["1", "1", "2"]), (self.folder / "none" / "answers.jsonl", ["1", "2", "3"])):
            teller = Teller()
            with self.warned("answers are not recorded on the tape answers.jsonl: "), g4f.tape(path):
                self.assertEqual(expected, [ask(teller, question) for question in "abc"])
            with self.assertRaisesRegex(InputError, "cannot be written: "), g4f.tape(path, "record"):
                pass
        self.assertEqual(before, self.tape.read_bytes())

    def test_full(self) -> None:
        """Where the disk is full, the old tape stays, whole, and so does an answer that can only be added to it."""
        self.fill("a")
        before = self.tape.read_bytes()
        full = OSError(28, "No space left on device")
        with mock.patch.object(Path, "replace", side_effect=full), self.warned("not put in order"), g4f.tape(self.tape):
            self.assertEqual("1", ask(Teller(), "b"))
            self.assertEqual("1", ask(Teller(), "c"))
        self.assertTrue(self.tape.read_bytes().startswith(before))
        self.assertEqual((3, 1), (len(self.lines()), len(list(self.folder.iterdir()))))

    def test_not_to_be_written(self) -> None:
        """An answer that has events of the provider's own is given, and not recorded."""

        class Own(Usage, frozen=True):
            pass

        with self.warned("not recorded"), g4f.tape(self.tape):
            self.assertEqual(["1", Own(1)], items(Teller(Own(1))))
        self.assertFalse(self.tape.exists())

    def test_half_of_a_character(self) -> None:
        """A half of a character is recorded as what it is shown as."""
        with g4f.tape(self.tape):
            self.assertEqual(["1", "\ufffd"], items(Teller("\ud800")))
        self.assertEqual("1\ufffd", "".join(self.lines()[0]["events"]))

    def test_own_text(self) -> None:
        """A text of the provider's own kind is text, and an event that is no part of an answer is left out."""

        class Text(str):
            __slots__ = ()

        with g4f.tape(self.tape):
            items(Teller(Text("x"), Replayed()))
        self.assertEqual(["1", "x"], self.lines()[0]["events"])

    def test_link(self) -> None:
        """A link stays one, and a file keeps who may read it."""
        self.fill("a")
        self.tape.chmod(0o640)
        link = self.folder / "link.jsonl"
        link.symlink_to(self.tape)
        with g4f.tape(link):
            ask(Teller(), "b")
        self.assertTrue(link.is_symlink())
        self.assertEqual((2, 0o640), (len(self.lines()), stat.S_IMODE(self.tape.stat().st_mode)))

    def test_processes(self) -> None:
        """Several processes record on one tape at the same time, and nothing of theirs is lost."""
        code = """
            import g4f, sys
            from g4f import ChatCompletion
            from tests.mocks import AsyncProviderMock
            with g4f.tape({path!r}):
                for number in range(25):
                    ChatCompletion.create("", f"{name} {{number}} {{'.' * 3000}}", AsyncProviderMock)
            """
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda name: script.run(code.format(path=str(self.tape), name=name)), "abc"))
        self.assertEqual(75, len({line["key"] for line in self.lines()}))
        self.assertEqual(["answers.jsonl"], [path.name for path in self.folder.iterdir()])

    def test_threads(self) -> None:
        """So do threads, with one tape or with several on the same file."""
        with ThreadPoolExecutor(4) as pool, g4f.tape(self.tape):
            one = [pool.submit(ask, Teller(), f"{number}") for number in range(20)]
            several = [pool.submit(self.fill, f"own {number}") for number in range(20)]
            for each in one + several:
                each.result()
        self.assertEqual(40, len(self.lines()))

    def test_by_another(self) -> None:
        """What another has recorded meanwhile is there at once."""
        with g4f.tape(self.tape, "replay"):
            self.assertRaises(MissingRequirementsError, ask, Teller(), "a")
            script.run(
                f"import g4f\nfrom tests.test_tape import *\nwith g4f.tape({str(self.tape)!r}): ask(Teller(), 'a')"
            )
            self.assertEqual("1", ask(Teller(), "a"))

    def test_not_decoded(self) -> None:
        """Opening a tape decodes no answer."""
        self.fill("a")
        broken = self.tape.read_bytes().replace(b'["1"', b'["1",{"type":"Unknown"}')
        self.tape.write_bytes(broken)
        file = TapeFile(self.tape)
        file.read()
        self.assertEqual(1, len(file.answers))


class TestNear(Folder):
    """What a missing question is told."""

    def test_near(self) -> None:
        """It says in what it differs from the nearest on the tape; long ones are cut."""
        with g4f.tape(self.tape):
            ask(Teller(), "hi", seed=1)
            ask(Teller(), "hi", "n", seed=2, top_p=1)
        for model, question, options, told in (
            ("m", "hi", {"seed": 3}, "One that it answers differs in options. Record"),
            ("o", "hi", {"seed": 3}, "One that it answers differs in model and options. Record"),
            ("m", "ho", {"seed": 1}, "no answer to 'ho' (Teller, m). Record"),
            ("m", "hu" * 50, {}, f"no answer to '{('hu' * 50)[:59]}…' (Teller, m). Record"),
        ):
            with g4f.tape(self.tape, "replay"), self.assertRaises(MissingRequirementsError) as caught:
                ask(Teller(), question, model, **options)
            self.assertIn(told, str(caught.exception))


class TestCommand(Folder):
    """`python -m g4f tape`."""

    def setUp(self) -> None:
        super().setUp()
        with g4f.tape(self.tape):
            ask(Teller(), "What is\nit?")
            ask(Teller(), "long " * 30)

    def command(self, *words: str) -> tuple[int, str, str]:
        command = [sys.executable, "-W", "error", "-m", "g4f", "tape", *words]
        done = subprocess.run(command, env=script.environment(), capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_list(self) -> None:
        """Keys, who was asked, and the beginnings of questions and answers, as a table."""
        code, out, err = self.command("list", str(self.tape))
        self.assertEqual((0, ""), (code, err))
        head, *rows = out.splitlines()
        self.assertEqual(["key", "n", "provider", "model", "question", "answer"], head.split())
        self.assertEqual(2, len(rows))
        self.assertTrue(any("  'What is it?'" in row and row.endswith("'1'") for row in rows), rows)
        self.assertTrue(any("'long long long long long long long long…'" in row for row in rows), rows)

    def test_check_and_prune(self) -> None:
        """What is wrong has its number and a reason; it is removed, and then nothing is wrong."""
        path = str(self.tape)
        self.assertEqual((0, "2 answers, nothing wrong\n", ""), self.command("check", path))
        good = self.tape.read_bytes().splitlines()
        odd = [good[0].replace(b'["1"', b'["2"'), good[0].replace(b'"n":0', b'"n":1').replace(b'["1"', b"[1")]
        odd += [good[1].replace(b'"n":0', b'"n":2').replace(b'"m"', b'"M"'), b'{"key":"a']
        self.tape.write_bytes(b"\n".join([*good, b"", *odd]))
        code, out, _ = self.command("check", path)
        expected = ["line 4 answers a question that has another", "line 5 is broken: ", "line 6 has another question"]
        for told, line in zip([*expected, "line 7 is no answer", "4 answers, 4 wrong"], out.splitlines(), strict=True):
            self.assertIn(told, line)
        self.assertEqual(1, code)
        self.assertEqual((0, "removed 4 lines\n", ""), self.command("prune", path))
        self.assertEqual(good, self.tape.read_bytes().splitlines())

    def test_prune_keys(self) -> None:
        """The answers with these keys are removed, others and what is odd stay."""
        first, second = self.tape.read_bytes().splitlines()
        self.tape.write_bytes(b"\n".join([first, second, b"odd"]))
        self.assertEqual((0, "removed 1 line\n", ""), self.command("prune", str(self.tape), read_entry(first).key[:8]))
        self.assertEqual([second, b"odd"], self.tape.read_bytes().splitlines())

    def test_cannot(self) -> None:
        """One line on stderr, and nothing is changed."""
        before = self.tape.read_bytes()
        for words, told in (
            (("list", str(self.folder / "none")), "there is no tape "),
            (("check", str(self.folder)), "cannot be read: Is a directory"),
            (("prune", str(self.tape), "zz"), "there is no answer with the key zz"),
        ):
            code, out, err = self.command(*words)
            self.assertEqual((2, "", 1), (code, out, len(err.splitlines())), err)
            self.assertIn(told, err)
        self.assertEqual(before, self.tape.read_bytes())


class TestShortened(TestCase):
    """Texts in a line."""

    def test_length(self) -> None:
        """One that fits stays as it is, a longer one ends with an ellipsis, within the length."""
        for text, expected in (("abc", "abc"), ("abcd", "abcd"), ("abcde", "abc…")):
            with self.subTest(text):
                self.assertEqual(expected, written.shortened(text, 4))


class TestLazy(TestCase):
    """A tape costs nothing where none is on."""

    def test_not_loaded(self) -> None:
        """What a tape needs is loaded with the first tape."""
        code = """
            import sys
            from g4f import ChatCompletion
            from tests.mocks import AsyncProviderMock
            ChatCompletion.create("", "hi", AsyncProviderMock)
            print([name for name in sys.modules if name.startswith("g4f.taping.") and name != "g4f.taping.tapes"])
            """
        self.assertEqual("[]\n", script.run(code))
