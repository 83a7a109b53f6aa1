"""Conversations, without a notebook."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import signal
import tempfile
import threading
import unittest
from collections.abc import AsyncGenerator, Callable
from typing import Any

from g4f import Conversation
from g4f.conversation import PendingTurn, Turn
from g4f.errors import ContextLengthError, InputError, ResponseError
from g4f.providers.base_provider import AsyncGeneratorProvider
from g4f.providers.response import FinishReason, Reasoning, ToolCall, Trimmed, Usage

from .loops import run
from .servers import Server, hello

Messages = list[dict[str, Any]]
Question = str | dict[str, Any]


class Count(AsyncGeneratorProvider):
    """Answers with the number of messages it was given, in two pieces."""

    @classmethod
    async def create_async_generator(cls, model: str, messages: Messages, **_: Any) -> AsyncGenerator[str]:
        """Answer."""
        yield "#"
        yield str(len(messages))


class Stuck(AsyncGeneratorProvider):
    """Never comes to its end."""

    @classmethod
    async def create_async_generator(cls, model: str, messages: Messages, **_: Any) -> AsyncGenerator[str]:
        """Answer."""
        yield "so far"
        await asyncio.Event().wait()


class Half(AsyncGeneratorProvider):
    """Fails after a piece."""

    @classmethod
    async def create_async_generator(cls, model: str, messages: Messages, **_: Any) -> AsyncGenerator[str]:
        """Answer."""
        yield "half"
        raise ResponseError("gone")


class Narrow(AsyncGeneratorProvider):
    """Repeats all that it was given; has a context of six words."""

    @classmethod
    async def create_async_generator(cls, model: str, messages: Messages, **_: Any) -> AsyncGenerator[str]:
        """Answer."""
        words = " ".join(message["content"] for message in messages).split()
        if len(words) > 6:
            raise ContextLengthError(f"{len(words)} words are more than 6")
        yield " ".join(words)


async def _drained(chat: Conversation, question: Question) -> str:
    return "".join([item async for item in chat.astream(question) if isinstance(item, str)])


async def _read(pending: PendingTurn) -> None:
    async for _ in pending.items(enters=False):
        pass


FACES: dict[str, Callable[[Conversation, Question], str]] = {
    "call": lambda chat, question: chat(question),
    "stream": lambda chat, question: "".join(item for item in chat.stream(question) if isinstance(item, str)),
    "acall": lambda chat, question: run(chat.acall(question)),
    "astream": lambda chat, question: run(_drained(chat, question)),
}


class Weather(AsyncGeneratorProvider):
    """Calls a tool for each word of the question, and answers with the results."""

    sent: list[Messages] = []  # noqa: RUF012 - of the last test

    @classmethod
    async def create_async_generator(cls, model: str, messages: Messages, **_: Any) -> AsyncGenerator[Any]:
        """Answer."""
        cls.sent.append(messages)
        results = [message["content"] for message in messages if message["role"] == "tool"]
        if messages[-1]["role"] == "tool":
            yield " and ".join(results)
            return
        yield Reasoning("hm")
        yield "Let me see."
        for number, word in enumerate(messages[-1]["content"].split()):
            yield ToolCall(number, f"c{number}", word, "{}")


class TestTools(unittest.TestCase):
    """Calls of tools in a conversation."""

    def setUp(self) -> None:
        """Begin."""
        self.chat = Conversation("m", Weather, system="s")
        Weather.sent.clear()

    def test_results(self) -> None:
        """The results are asked instead of a text, on every face; all of it is one turn, and stays in its place."""
        for name, ask in FACES.items():
            with self.subTest(name):
                self.setUp()
                ask(self.chat, "sun moon")
                self.assertEqual('hot and {"degrees": -3}', ask(self.chat, {"sun": "hot", "c1": {"degrees": -3}}))
                function = [{"name": word, "arguments": "{}"} for word in ("sun", "moon")]
                calls = [{"id": f"c{n}", "type": "function", "function": each} for n, each in enumerate(function)]
                exchange = [
                    {"role": "system", "content": "s"},
                    {"role": "user", "content": "sun moon"},
                    {"role": "assistant", "content": "Let me see.", "reasoning": "hm", "tool_calls": calls},
                    {"role": "tool", "tool_call_id": "c0", "content": "hot"},
                    {"role": "tool", "tool_call_id": "c1", "content": '{"degrees": -3}'},
                ]
                self.assertEqual(exchange, Weather.sent[-1])
                answered = [*exchange, {"role": "assistant", "content": 'hot and {"degrees": -3}'}]
                self.assertEqual(answered, self.chat.to_messages())
                self.assertEqual(1, len(self.chat.turns))
                ask(self.chat, "stars")
                self.assertEqual([*answered, {"role": "user", "content": "stars"}], Weather.sent[-1])

    def test_without_results(self) -> None:
        """A call that got no result keeps its place all the same, with a result that says so: services want one."""
        self.chat("sun")
        self.chat("moon")
        roles = [message["role"] for message in Weather.sent[-1]]
        self.assertEqual(["system", "user", "assistant", "tool", "user"], roles)
        self.assertEqual("no result was given", Weather.sent[-1][3]["content"])
        self.assertEqual(["sun", "moon"], [turn.question for turn in self.chat.turns])

    def test_wrong_results(self) -> None:
        """Results that are missing, too many, of nothing or no JSON are refused before anything is sent."""
        for results, told in (
            ({}, "wanted for: 'sun', 'moon'; given are: "),
            ({"sun": "x"}, "'moon'"),
            ({"a": 1}, "'a'"),
        ):
            with self.subTest(results):
                self.setUp()
                with self.assertRaisesRegex(InputError, "wanted for: none"):
                    self.chat({"sun": "hot"})
                self.chat("sun moon")
                with self.assertRaisesRegex(InputError, told):
                    self.chat(results)
                with self.assertRaisesRegex(InputError, "what JSON can hold"):
                    self.chat({"sun": object(), "moon": "x"})
                self.assertEqual(1, len(Weather.sent))
                self.assertEqual("x and y", self.chat({"c0": "x", "c1": "y"}))

    def test_same_tool(self) -> None:
        """A tool that is called twice has its results by the ids of the calls."""
        self.chat("sun sun")
        with self.assertRaisesRegex(InputError, "wanted for: 'c0', 'c1'"):
            self.chat({"sun": "hot"})
        self.assertEqual("a and b", self.chat({"c1": "b", "c0": "a"}))

    def test_failure(self) -> None:
        """If the answer to results fails, the calls wait for them as before."""
        self.chat("sun")
        with self.assertRaises(ResponseError):
            self.chat({"sun": "hot"}, provider=Half)
        self.assertEqual("warm", self.chat({"sun": "warm"}))

    def test_half_a_character(self) -> None:
        """Half a character in a call, or in its result, is replaced: the conversation can be sent and saved."""
        self.chat("\ud83d")
        self.chat({"\ufffd": "\ud83d"})
        self.assertIn('"result": "\ufffd"', self.chat.to_json())

    def test_saved(self) -> None:
        """Calls and results are saved, loaded and shown."""
        self.chat("sun")
        again = Conversation.from_json(self.chat.to_json(), provider=Weather)
        self.assertEqual(self.chat.turns, again.turns)
        again({"sun": "hot"})
        self.assertEqual(again.turns, Conversation.from_json(again.to_json(), provider=Weather).turns)
        self.assertIn("sun({})", again._repr_markdown_())


class TestConversation(unittest.TestCase):
    """Every face gives the same answers and keeps the same turns."""

    def test_goes_on(self) -> None:
        """Each question is asked with the turns before it."""
        for name, ask in FACES.items():
            with self.subTest(name):
                chat = Conversation("m", Count, system="s")
                self.assertEqual(["#2", "#4"], [ask(chat, "a"), ask(chat, "b")])
                self.assertEqual([Turn("a", "#2", "Count", "m"), Turn("b", "#4", "Count", "m")], chat.turns)

    def test_failure(self) -> None:
        """A question that failed does not enter."""
        for name, ask in FACES.items():
            with self.subTest(name):
                chat = Conversation(provider=Half)
                with self.assertRaises(ResponseError):
                    ask(chat, "a")
                self.assertEqual([], chat.turns)

    def test_no_text(self) -> None:
        """An answer without text does not enter, as no service takes an empty message; one that calls a tool does."""

        class Filtered(AsyncGeneratorProvider):
            @classmethod
            async def create_async_generator(cls, model: str, messages: Messages, **_: Any) -> AsyncGenerator[Any]:
                """Think, and say nothing."""
                yield Reasoning("hm")
                yield " \n"
                yield FinishReason("content_filter")

        for name, ask in FACES.items():
            with self.subTest(name):
                chat = Conversation(provider=Filtered)
                self.assertEqual("", ask(chat, "a").strip())
                self.assertEqual([], chat.turns)

    def test_left_early(self) -> None:
        """An answer that is left before its end does not enter."""
        chat = Conversation(provider=Stuck)
        with chat.stream("a") as items:
            next(items)
        self.assertEqual([], chat.turns)

    def test_interrupted_at_its_end(self) -> None:
        """An interrupt that comes too late to cut an answer raises, and the turn is whole; else it is not there."""

        class Late(AsyncGeneratorProvider):
            @classmethod
            async def create_async_generator(cls, model: str, messages: Messages) -> AsyncGenerator[str]:
                for number in range(3):
                    if model == str(number):
                        signal.raise_signal(signal.SIGINT)
                    yield str(number)
                if model == "waits":
                    signal.raise_signal(signal.SIGINT)
                    await asyncio.Event().wait()
                if model == "end":
                    signal.raise_signal(signal.SIGINT)

        for name in ("call", "stream"):
            for model in ("0", "1", "2", "end", "waits"):
                with self.subTest(name, model=model):
                    chat = Conversation(model, Late)
                    self.assertRaises(KeyboardInterrupt, FACES[name], chat, "q")
                    self.assertEqual([] if model == "waits" else [Turn("q", "012", "Late", model)], chat.turns)

    def test_bad_question(self) -> None:
        """An empty question, or one that is no text, is refused at the call."""
        for question in ("", " \n", None, ["a"]):
            for name, ask in FACES.items():
                with self.subTest(name, question=question), self.assertRaises(InputError):
                    ask(Conversation(provider=Count), question)  # type: ignore[arg-type] # it is wrong on purpose

    def test_answer(self) -> None:
        """A call's answer is its text, and knows who gave it, what was asked, thought, used, and why it ended."""

        class Thinks(AsyncGeneratorProvider):
            @classmethod
            async def create_async_generator(cls, model: str, messages: Messages) -> AsyncGenerator[Any]:
                for item in (Reasoning("h"), Reasoning("m"), "a", "b", Usage(1, 2, 3), FinishReason("length")):
                    yield item

        answers = {"call": Conversation("m", Thinks)("q"), "acall": run(Conversation("m", Thinks).acall("q"))}
        for name, answer in answers.items():
            with self.subTest(name):
                self.assertEqual(("ab", "hm", Usage(1, 2, 3)), (answer, answer.reasoning, answer.usage))
                self.assertEqual(("Thinks", "m", "length"), (answer.provider, answer.model, answer.finish_reason))
                self.assertEqual(({"role": "user", "content": "q"},), answer.messages)
                self.assertGreater(answer.seconds, 0)
                self.assertEqual(answer, pickle.loads(pickle.dumps(answer)))

    def test_longer_than_the_context(self) -> None:
        """The oldest turns are left out until the rest fits, the log says so, and no turn is lost."""
        turns = [Turn(f"q{number}", "a") for number in range(6)]
        for name, ask in FACES.items():
            chat = Conversation("m", Narrow, system="s", turns=turns)
            with self.subTest(name), self.assertLogs("g4f", "WARNING") as logs:
                self.assertEqual("s q4 a q5 a new", ask(chat, "new"))
                self.assertIn("oldest 4 of 6 turns are left out", logs.output[-1])
                self.assertEqual([*turns, Turn("new", "s q4 a q5 a new", "Narrow", "m")], chat.turns)
        items = list(Conversation(provider=Narrow, turns=turns).stream("new"))
        self.assertEqual([Trimmed(1), Trimmed(2), Trimmed(4)], items[:3])
        self.assertEqual(4, Conversation(provider=Narrow, turns=turns)("new").trimmed)
        with self.assertRaises(ContextLengthError):
            Conversation(provider=Narrow)("one two three four five six seven")

    def test_side_by_side(self) -> None:
        """Questions asked at the same time lose no turn, and stand in their order, whichever answer ends first."""

        async def asked(order: list[str]) -> Conversation:
            gates = {name: asyncio.Event() for name in "abcd"}

            class Gated(AsyncGeneratorProvider):
                @classmethod
                async def create_async_generator(cls, model: str, messages: Messages, **_: Any) -> AsyncGenerator[str]:
                    """Answer when the gate opens."""
                    await gates[messages[-1]["content"]].wait()
                    yield str(len(messages))

            chat = Conversation(provider=Gated, turns=[Turn("above", "0")])
            tasks = {name: asyncio.create_task(_drained(chat, name)) for name in gates}
            await asyncio.sleep(0)  # each has been asked
            for name in order:
                gates[name].set()
                await tasks[name]
            return chat

        for order in ("abcd", "dcba", "cadb", "bdac"):
            with self.subTest(order):
                chat = run(asked(list(order)))
                self.assertEqual(["above", *"abcd"], [turn.question for turn in chat.turns])
                self.assertEqual({"3"}, {turn.answer for turn in chat.turns[1:]})

    def test_gathered(self) -> None:
        """So it is with `gather`, and after a failure among them."""

        async def gathered() -> Conversation:
            chat = Conversation(provider=Count)
            calls = [chat.acall(name, provider=Half if name == "2" else Count) for name in "0123"]
            await asyncio.gather(*calls, return_exceptions=True)
            return chat

        self.assertEqual(["0", "1", "3"], [turn.question for turn in run(gathered()).turns])

    def test_threads(self) -> None:
        """Threads that ask at the same time lose no turn."""
        chat, start = Conversation(provider=Count), threading.Barrier(8)

        def ask(number: int) -> None:
            start.wait()
            for each in range(20):
                chat(f"{number} {each}")

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        questions = [turn.question for turn in chat.turns]
        self.assertEqual(160, len(set(questions)))
        for number in range(8):
            self.assertEqual([f"{number} {each}" for each in range(20)], [q for q in questions if q[0] == str(number)])

    def test_late_stream(self) -> None:
        """A stream that is read after later questions stands above them; a turn that was removed meanwhile is gone."""
        chat = Conversation(provider=Count)
        first = chat.stream("first")
        second = chat.stream("second")
        chat("third")
        self.assertEqual(["#", "1"], list(second))
        chat.turns.pop()
        self.assertEqual(["#", "1"], list(first))
        self.assertEqual(["first", "second"], [turn.question for turn in chat.turns])

    def test_replaced_meanwhile(self) -> None:
        """A turn that replaces another while a question waits for its answer does not move that question above it."""
        chat = Conversation(provider=Count, turns=[Turn("old", "0")])
        late = chat.stream("late")
        again = chat.prepare("new", above=[])
        run(_read(again))
        again.enter(instead_of=chat.turns[0])
        self.assertEqual(["#", "3"], list(late))
        self.assertEqual(["new", "late"], [turn.question for turn in chat.turns])

    def test_copies(self) -> None:
        """A conversation pickles and copies with its turns."""
        chat = Conversation("m", "Local", system="s", turns=[Turn("a", "b")])
        for again in (pickle.loads(pickle.dumps(chat)), copy.deepcopy(chat)):
            self.assertEqual(chat.to_messages(), again.to_messages())

    def test_fork(self) -> None:
        """A fork has the turns so far; what is asked of one does not enter the other."""
        chat = Conversation(provider=Count)
        chat("a")
        other = chat.fork()
        other("b")
        self.assertEqual(["a"], [turn.question for turn in chat.turns])
        self.assertEqual(["a", "b"], [turn.question for turn in other.turns])

    def test_json(self) -> None:
        """JSON keeps turns, system prompt, model and provider, and never an option, so never a key."""
        chat = Conversation(
            "m", Count, system="s", turns=[Turn("a", "b", "Count", "m", finish_reason="length")], api_key="sk-secret"
        )
        text = chat.to_json()
        self.assertNotIn("sk-secret", text)
        again = Conversation.from_json(text)
        self.assertEqual(("m", "Count", "s", chat.turns), (again.model, again.provider, again.system, again.turns))

    def test_wrong_json(self) -> None:
        """Anything else is refused in one line."""
        texts: list[Any] = ["", "[]", "{}", '{"turns": [{"question": 1}]}', '{"x": ' + "[" * 10_000, "\ud800", 5, None]
        texts += [b"\xff", b"\0", '{"turns": [], "model": ' + "9" * 5000 + "}"]
        for text in texts:
            with self.subTest(repr(text)[:50]), self.assertRaisesRegex(InputError, "to_json") as caught:
                Conversation.from_json(text)
            self.assertTrue(str(caught.exception).isprintable())
            self.assertLess(len(str(caught.exception)), 300)

    def test_wrong_image(self) -> None:
        """An image that no question could be asked with is refused when it is loaded; no file is read for it."""
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            file.write(b"\x89PNG\r\n\x1a\n")
            file.flush()
            for url in ("data:,x", "data:text/html;base64,PGI+", file.name, f"file://{file.name}", "", "ftp://h/a.png"):
                turns = [{"question": "q", "answer": "a"}, {"question": "q", "answer": "a", "images": [url]}]
                with (
                    self.subTest(url),
                    self.assertRaisesRegex(InputError, "wrote: turn 2: .*(must be|is no)"),
                ):
                    Conversation.from_json(json.dumps({"turns": turns}))
        url = "https://h/a.png"
        chat = Conversation.from_json(json.dumps({"turns": [{"question": "q", "answer": "a", "images": [url]}]}))
        self.assertEqual(url, chat.to_messages()[0]["content"][1]["image_url"]["url"])

    def test_chooses_no_address(self) -> None:
        """A history asks no address that stands in it, and says so without a password; a name is asked as it was."""
        with Server(hello) as server:
            at = server.url.removeprefix("http://")
            for named in (
                server.url,
                f"http://u:secret@{at}?key=secret",
                f"OpenAI {server.url}",
                f"Nobody,{server.url}",
            ):
                with self.subTest(named), self.assertLogs("g4f", "WARNING") as logs:
                    chat = Conversation.from_json(json.dumps({"turns": [], "provider": named}))
                    self.assertIsNone(chat.provider)
                    self.assertRegex(logs.output[0], "names the address .*not asked: give provider=… to ask there$")
                    self.assertNotIn("secret", logs.output[0])
            for named in ("host:8000", "//h/v1", "u@h"):
                with self.subTest(named), self.assertLogs("g4f", "WARNING"):
                    self.assertIsNone(Conversation.from_json(json.dumps({"turns": [], "provider": named})).provider)
            self.assertEqual([], server.requests)
            with self.assertNoLogs("g4f", "WARNING"):
                chat = Conversation.from_json(
                    '{"turns": [], "model": "m", "provider": "http://h"}', provider=server.url
                )
                self.assertEqual("Hello", chat("q"))
                names = "OpenAI Local"
                self.assertEqual(names, Conversation.from_json(f'{{"turns": [], "provider": "{names}"}}').provider)
        self.assertEqual(1, len(server.requests))

    def test_no_password(self) -> None:
        """Of an address that is asked, JSON has no more than scheme, host and port."""
        for given, expected in (
            ("http://u:secret@h:1/v1?key=secret#secret", "http://h:1"),
            ("OpenAI, https://secret@h/secret", "OpenAI https://h"),
            ("http://u:secret/w@h", ""),
            ("http://[::1", ""),
            ("LM-Studio", "LM-Studio"),
        ):
            with self.subTest(given):
                self.assertEqual(expected, json.loads(Conversation("m", given).to_json()).get("provider", ""))

    def test_readable(self) -> None:
        """In a notebook the conversation reads as Markdown, in which nothing runs."""
        chat = Conversation(turns=[Turn("why <b>?", "so <img>")])
        self.assertEqual("**why &lt;b>?**\n\nso &lt;img>", chat._repr_markdown_())
        self.assertEqual("<Conversation of 1 turn>", repr(chat))
