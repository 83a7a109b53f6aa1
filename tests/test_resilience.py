"""What an independent judge says of the client: llmock breaks on command, watches each attempt, and gives a verdict."""

from __future__ import annotations

import sys
import unittest
from collections.abc import Callable
from typing import Any, ClassVar
from unittest import mock

import g4f
from g4f import errors

try:
    from llmock.pytest_plugin import LLMock
    from llmock.testing import LLMockServer
except ImportError:
    LLMock = LLMockServer = None

PROVIDERS = {"OpenAI": "openai", "Gemini": "gemini", "Mistral": "mistral", "XAI": "xai"}

HARMLESS: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda far: far,
    "unavailable": lambda far: far.fail(503),
    "overloaded": lambda far: far.fail(529),
    "rate limit": lambda far: far.rate_limit(retry_after=0.2),
    "slow": lambda far: far.delay(0.1),
    "slow to begin": lambda far: far.slow_first_token(0.1),
}
"""After these there is an answer."""

FINAL: dict[str, tuple[Callable[[Any], Any], type[errors.G4FError]]] = {
    "bad request": (lambda far: far.fail(400), errors.BadRequestError),
    "wrong key": (lambda far: far.fail(401), errors.MissingAuthError),
    "unprocessable": (lambda far: far.fail(422), errors.BadRequestError),
    "too long": (lambda far: far.context_overflow(), errors.BadRequestError),
    "down": (lambda far: far.fail(500, times=3), errors.ServerError),
}
"""After these there is an error that asking again does not mend."""

BROKEN: dict[str, tuple[Callable[[Any], Any], type[errors.G4FError]]] = {
    "dropped": (lambda far: far.disconnect(after_chunks=3), errors.ResponseError),
    "cut short": (lambda far: far.truncate(after_chunks=3), errors.ResponseError),
    "nonsense": (lambda far: far.corrupt(after_chunks=3), errors.ResponseError),
    "stalled": (lambda far: far.stall(after_chunks=3, seconds=5), errors.TimeoutError),
}
"""These break a stream in the middle: an error with the text so far, after which the caller asks again."""


@unittest.skipUnless(LLMock, "needs llmock, of the test extra")
class TestVerdict(unittest.TestCase):
    """The strict verdict, warnings included, finds nothing."""

    server: ClassVar[Any]

    @classmethod
    def setUpClass(cls) -> None:
        """Start the judge, and shorten the pauses."""
        cls.server = LLMockServer()
        # Its server takes uvloop where it is installed, which cannot run where a nest package has replaced asyncio.run.
        with mock.patch.dict(sys.modules, {"uvloop": None}):
            cls.server.start()
        cls.addClassCleanup(cls.server.stop)
        shorter = mock.patch("g4f.providers.retries.FIRST", 0.1)
        shorter.start()
        cls.addClassCleanup(shorter.stop)

    def each(self, faults: dict[str, Any], check: Callable[[Any, Any, Any], None], **options: Any) -> None:
        """Check each fault at each provider, each time by a new client of a new server, and hear the verdict."""
        for row, name in PROVIDERS.items():
            for fault, what in faults.items():
                with self.subTest(row, fault=fault):
                    far = LLMock(self.server).reset().pace(20)
                    client = g4f.Client(row, base_url=far.base_url(name), api_key="k", **options)
                    check(far, client.chat.completions, what)
                    far.assert_resilient(strict=True)

    def test_harmless(self) -> None:
        """Faults that pass are waited out, whole and streamed."""

        def check(far: Any, chat: Any, fault: Any) -> None:
            fault(far)
            self.assertIn("Simulated", chat.create("Hi", "m").choices[0].message.content)
            fault(far)
            self.assertEqual("stop", list(chat.stream("Hello", "m"))[-1].choices[0].finish_reason)

        self.each(HARMLESS, check)

    def test_final(self) -> None:
        """Faults that do not pass are the right error, asked no more often than makes sense."""

        def check(far: Any, chat: Any, expected: Any) -> None:
            fault, error = expected
            for ask in (chat.create, lambda *question: list(chat.stream(*question))):
                fault(far)
                with self.assertRaises(error):
                    ask("Hi", "m")

        self.each(FINAL, check)

    def test_broken(self) -> None:
        """A stream that breaks is never taken for an answer."""

        def check(far: Any, chat: Any, expected: Any) -> None:
            fault, error = expected
            fault(far)
            with self.assertRaises(error) as caught:
                list(chat.stream("Hi", "m"))
            self.assertIn("Simulated", caught.exception.partial)
            self.assertEqual(1, len(far.requests))  # once the far side has noticed that nobody reads
            list(chat.stream("Hi", "m"))

        self.each(BROKEN, check, stream_timeout=0.5)

    def test_tools(self) -> None:
        """Tool calls, streamed in fragments, come out whole and callable."""
        tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]

        def check(far: Any, chat: Any, arguments: Any) -> None:
            far.call_tool("weather", arguments, times=2)
            whole = chat.create("Weather?", "m", tools=tools).choices[0]
            self.assertEqual("tool_calls", whole.finish_reason)
            call = whole.message.tool_calls[0].function
            pieces = [piece.choices[0].delta.tool_calls for piece in chat.stream("Weather?", "m", tools=tools)]
            functions = [part.function for piece in pieces for part in piece or ()]
            self.assertEqual(call.name, "".join(function.name or "" for function in functions))
            self.assertEqual(call.arguments, "".join(function.arguments or "" for function in functions))

        self.each({"a call": {"city": "Paris", "days": 3}}, check)


if __name__ == "__main__":
    unittest.main()
