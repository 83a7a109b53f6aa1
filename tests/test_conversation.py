"""Conversations, without a notebook."""

from __future__ import annotations

import asyncio
import unittest
from collections.abc import AsyncGenerator, Callable
from typing import Any

from g4f import Conversation
from g4f.conversation import Turn
from g4f.errors import InputError, ResponseError
from g4f.providers.base_provider import AsyncGeneratorProvider

from .loops import run

Messages = list[dict[str, Any]]


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


async def _drained(chat: Conversation, question: str) -> str:
    return "".join([item async for item in chat.astream(question) if isinstance(item, str)])


FACES: dict[str, Callable[[Conversation, str], str]] = {
    "call": lambda chat, question: chat(question),
    "stream": lambda chat, question: "".join(map(str, chat.stream(question))),
    "acall": lambda chat, question: run(chat.acall(question)),
    "astream": lambda chat, question: run(_drained(chat, question)),
}


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

    def test_left_early(self) -> None:
        """An answer that is left before its end does not enter."""
        chat = Conversation(provider=Stuck)
        with chat.stream("a") as items:
            next(items)
        self.assertEqual([], chat.turns)

    def test_bad_question(self) -> None:
        """An empty question, or one that is no text, is refused at the call."""
        for question in ("", " \n", None, ["a"]):
            for name, ask in FACES.items():
                with self.subTest(name, question=question), self.assertRaises(InputError):
                    ask(Conversation(provider=Count), question)  # type: ignore[arg-type] # it is wrong on purpose

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
        chat = Conversation("m", Count, system="s", turns=[Turn("a", "b", "Count", "m")], api_key="sk-secret")
        text = chat.to_json()
        self.assertNotIn("sk-secret", text)
        again = Conversation.from_json(text)
        self.assertEqual(("m", "Count", "s", chat.turns), (again.model, again.provider, again.system, again.turns))

    def test_wrong_json(self) -> None:
        """Anything else is refused in one line."""
        for text in ("", "[]", "{}", '{"turns": [{"question": 1}]}'):
            with self.subTest(text), self.assertRaisesRegex(InputError, "to_json"):
                Conversation.from_json(text)

    def test_readable(self) -> None:
        """In a notebook the conversation reads as Markdown, in which nothing runs."""
        chat = Conversation(turns=[Turn("why <b>?", "so <img>")])
        self.assertEqual("**why &lt;b>?**\n\nso &lt;img>", chat._repr_markdown_())
        self.assertEqual("<Conversation of 1 turns>", repr(chat))
