"""The logger `g4f`: who is asked, when it began and how it ended; never what was said, never a key."""

from __future__ import annotations

import asyncio
import logging
import unittest
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

from g4f import ChatCompletion, Client
from g4f.errors import ResponseError
from g4f.providers.response import FinishReason, Item, Usage
from g4f.providers.retry_provider import IterListProvider

from . import script

SECONDS = r"\d+\.\d{3} s"


class Says:
    """Yields `items`, then raises `error`, if there is one."""

    def __init__(self, *items: Item, error: BaseException | None = None) -> None:
        self.items, self.error = items, error

    async def create_async_generator(self, model: str, messages: Any, api_key: str = "") -> AsyncGenerator[Item]:
        for item in self.items:
            await asyncio.sleep(0)
            yield item
        if self.error is not None:
            raise self.error


class TestLines(unittest.TestCase):
    """The debug lines of one call."""

    def lines(self, provider: Any, *expected: str, **options: Any) -> None:
        """Ask with a secret in messages, key and answer, and compare the lines."""
        messages = [{"role": "user", "content": "SECRET question"}]
        with self.assertLogs("g4f", logging.DEBUG) as logs, suppress(ResponseError, KeyError):
            Client(provider, api_key="sk-SECRET").chat.completions.create(messages, "m", **options)
        lines = [record.getMessage() for record in logs.records]
        self.assertEqual({logging.DEBUG}, {record.levelno for record in logs.records})
        self.assertEqual(len(expected), len(lines), lines)
        for pattern, line in zip(expected, lines, strict=True):
            self.assertRegex(line, f"^{pattern}$")
        self.assertNotIn("SECRET", repr([vars(record) for record in logs.records]))

    def test_answer(self) -> None:
        """Route, start, first event, and the end with its usage."""
        self.lines(
            Says("SECRET answer", Usage(3, 4, 7), FinishReason("stop")),
            "route: Says, model 'm'",
            "start: Says, model 'm'",
            f"first event: Says after {SECONDS}",
            rf"end: Says, after {SECONDS}, Usage\(prompt_tokens=3, completion_tokens=4, total_tokens=7, .*\)",
        )

    def test_usage_not_told(self) -> None:
        """An answer without usage says so."""
        self.lines(
            Says("SECRET answer"),
            "route: Says, model 'm'",
            "start: Says, model 'm'",
            f"first event: Says after {SECONDS}",
            f"end: Says, after {SECONDS}, no usage",
        )

    def test_failure(self) -> None:
        """The end names the kind of the error, not its words."""
        for error in (ResponseError("SECRET"), KeyError("SECRET")):
            self.lines(
                Says(error=error),
                "route: Says, model 'm'",
                "start: Says, model 'm'",
                f"end: Says, {type(error).__name__} after {SECONDS}, no usage",
            )

    def test_falling_over(self) -> None:
        """Who was passed over and why, and who answered."""
        bad, good = Says(error=KeyError("SECRET")), Says("SECRET answer")
        bad.name, good.name = "bad", "good"  # type: ignore[attr-defined]
        self.lines(
            IterListProvider([bad, good]),
            "route: bad good, model 'm'",
            "start: bad good, model 'm'",
            "passed over: bad, KeyError",
            f"first event: good after {SECONDS}",
            f"end: good, after {SECONDS}, no usage",
        )

    def test_left_early(self) -> None:
        """A stream that its reader leaves ends with a line, too."""

        class Waits:
            async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[Item]:
                yield "a"
                await asyncio.Event().wait()

        stream = ChatCompletion.create("m", "?", Waits(), stream=True)
        with self.assertLogs("g4f", logging.DEBUG) as logs, stream:
            next(stream)
        self.assertRegex(logs.output[-1], f"end: Waits, CancelledError after {SECONDS}")

    def test_off(self) -> None:
        """Without a level of debug there is no line."""
        with self.assertNoLogs("g4f", logging.INFO):
            ChatCompletion.create("m", "?", Says("a"))


class TestQuiet(unittest.TestCase):
    """A program that sets up no logging sees none."""

    def test_null_handler(self) -> None:
        """The logger has a NullHandler and no level of its own; nothing is written."""
        out = script.run(
            """
            import logging, g4f
            logger = logging.getLogger("g4f")
            assert [logging.NullHandler] == [type(handler) for handler in logger.handlers], logger.handlers
            assert logger.level == logging.NOTSET and logger.propagate
            assert not logging.getLogger().handlers
            logger.warning("no handler of last resort")
            """
        )
        self.assertEqual("", out)
