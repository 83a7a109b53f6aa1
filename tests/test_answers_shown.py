"""Answers in code show themselves as the cell does, and what they keep can be printed."""

from __future__ import annotations

import io
import pickle
import unittest
from collections.abc import AsyncGenerator
from contextlib import redirect_stdout
from typing import Any

from IPython.terminal.interactiveshell import TerminalInteractiveShell

import g4f
from g4f.answer import Answer
from g4f.printable import printable
from g4f.providers.response import FinishReason, Item, Reasoning, Step, Usage

from .hostile import answers, wrong_in_html
from .test_magics import ChatTestCase
from .test_screens import SAFE, STEERING


class Says:
    """A provider that says what it is told to."""

    items: tuple[Item, ...] = ()

    async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[Item]:
        for item in self.items:
            yield item


def answer(*items: Item, **options: Any) -> Answer:
    """Return an answer that is made of these items."""
    provider = Says()
    provider.items = items
    chat = g4f.Conversation("m", provider)
    found: Answer = chat("?", **options)
    return found


def shown(value: object) -> dict[str, str]:
    """Return what IPython shows of a value."""
    bundle, _ = TerminalInteractiveShell.instance().display_formatter.format(value)
    return dict(bundle)


class TestShown(unittest.TestCase):
    """What IPython shows of an answer."""

    def setUp(self) -> None:
        """Show all that a notebook would."""
        formatter = TerminalInteractiveShell.instance().display_formatter
        before, formatter.active_types = formatter.active_types, formatter.format_types
        self.addCleanup(setattr, formatter, "active_types", before)

    def test_whole(self) -> None:
        """Text, Markdown in which nothing acts, thoughts folded, the mark; `repr` and `str` are those of a text."""
        items = (Reasoning("hm <b>"), "**So** <img src=x>\n\nyes", FinishReason("length"))
        text, mark = "**So** <img src=x>\n\nyes", "cut off: the limit of its length"
        found = answer(*items)
        markdown = (
            "<details><summary>Reasoning</summary>\n\nhm &lt;b>\n\n</details>\n\n"
            f"**So** &lt;img src=x>\n\nyes\n\n*[{mark}]*"
        )
        self.assertEqual({"text/plain": f"{text}\n\n[{mark}]", "text/markdown": markdown}, shown(found))
        self.assertEqual(shown(found), found._repr_mimebundle_(include=None, exclude=None))
        self.assertEqual((text, f"{text!r} [{mark}]"), (str(found), repr(found)))
        self.assertEqual({"text/plain": f"[{found!r}]"}, shown([found]))

    def test_tools(self) -> None:
        """The calls of tools stand below it: those that were made, folded, behind what was said before them."""

        def double(number: int) -> int:
            return 2 * number

        rounds = [
            ("Let me see.", g4f.providers.response.ToolCall(0, "a", "double", '{"number": 2}')),
            ("Four.",),
        ]

        class Calls(Says):
            async def create_async_generator(self, model: str, messages: Any, **_: Any) -> AsyncGenerator[Item]:
                for item in rounds.pop(0):
                    yield item

        found: Answer = g4f.Conversation("m", Calls())("?", tools=[double])
        plain = 'Four.\n\n[steps]\n\n```\nLet me see.\ndouble({"number": 2}) → 4\n```'
        self.assertEqual(plain, shown(found)["text/plain"])
        self.assertIn("Let me see.\n\n<details><summary>double", shown(found)["text/markdown"])
        with redirect_stdout(io.StringIO()) as printed:
            print(*found.steps)
        self.assertEqual('double({"number": 2}) → 4\n', printed.getvalue())
        self.assertEqual(found.steps[0], Step("a", "double", '{"number": 2}', "4", (), found.steps[0].seconds))

    def test_hostile(self) -> None:
        """Whatever the model writes or thinks, nothing acts in the Markdown, and nothing steers a terminal."""
        self.assertEqual(SAFE, shown(answer(STEERING))["text/plain"])
        made = answers(200)
        for text, thought in zip(made[::2], made[1::2], strict=True):
            bundle = shown(answer(Reasoning(thought), text))
            self.assertEqual([], wrong_in_html(bundle["text/markdown"]), (text, thought))
            for each in bundle.values():
                self.assertEqual(printable(each), each)


class TestPrinted(unittest.TestCase):
    """What is printed of it."""

    def test_usage(self) -> None:
        """The usage of an answer is printed for people; it equals that of the stream, which prints nothing."""
        usage = Usage(1200, 34, 1234, 1000)
        found = answer("a", usage).usage
        self.assertEqual("1,200 (1,000 cached) + 34 tokens", str(found))
        self.assertEqual(
            (usage, repr(usage), hash(found)), (found, repr(found), hash(pickle.loads(pickle.dumps(found))))
        )
        other = Usage(1200, 34, 1235, 1000)
        self.assertEqual([True, False] * 2, [usage == found, usage != found, found == usage, found != usage])
        self.assertEqual([False, True] * 2, [other == found, other != found, found == other, found != other])
        self.assertEqual((1200, 34), (found.prompt_tokens, found.completion_tokens) if found else None)
        self.assertIsNone(answer("a").usage)

    def test_stream(self) -> None:
        """A stream is printed as its text alone."""
        provider = Says()
        provider.items = Reasoning("hm"), "a", "b", Usage(27, 8, 35), FinishReason("stop")
        for stream in (
            g4f.ChatCompletion.create("", "?", provider, stream=True),
            g4f.Conversation("", provider).stream("?"),
        ):
            with redirect_stdout(io.StringIO()) as printed:
                print(*stream, sep="")
            self.assertEqual("ab\n", printed.getvalue())

    def test_conversation(self) -> None:
        """One turn is one turn."""
        chat = g4f.Conversation(turns=[g4f.conversation.Turn("q", "a")])
        self.assertEqual("<Conversation of 1 turn>", repr(chat))


class TestInTheKernel(ChatTestCase):
    """In a notebook."""

    def test_result(self) -> None:
        """The result of a cell is the answer, as Markdown."""
        cell = self.kernel.run("import g4f\ng4f.Conversation(provider=Echo)('*you*')")
        [(_, content)] = cell.outputs
        self.assertEqual({"text/plain": "You said *you*", "text/markdown": "You said *you*"}, content["data"])
