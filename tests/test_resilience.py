"""What an independent judge says of the client: llmock breaks on command, watches each attempt, and gives a verdict."""

from __future__ import annotations

import json
import sys
import threading
import unittest
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar
from unittest import mock

import pytest

import g4f
from g4f import errors

try:
    from llmock.pytest_plugin import LLMock
    from llmock.scenarios import Reply, ToolCall
    from llmock.testing import LLMockServer
except ImportError:
    LLMock = LLMockServer = Reply = ToolCall = None

PROVIDERS = {
    "OpenAI": "openai",
    "Anthropic": "anthropic",
    "Gemini": "gemini",
    "Groq": "groq",
    "Mistral": "mistral",
    "Together": "together",
    "XAI": "xai",
}
"""Each row whose protocol the judge speaks, and the judge's name for it."""

SOON = 0.02
"""Seconds that a passing fault asks to wait."""

HARMLESS: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda far: far,
    **{
        str(status): lambda far, status=status: far.fail(status, retry_after=SOON)
        for status in (408, 409, 429, 500, 502, 503, 504, 529)
    },
    "rate limit": lambda far: far.rate_limit(times=2, retry_after=SOON),
    "no word when": lambda far: far.fail(500),
    "slow": lambda far: far.delay(0.05),
    "slow to begin": lambda far: far.slow_first_token(0.05),
}
"""After these there is an answer."""

FINAL: dict[str, tuple[Callable[[Any], Any], type[errors.G4FError]]] = {
    "bad request": (lambda far: far.fail(400), errors.BadRequestError),
    "wrong key": (lambda far: far.fail(401), errors.MissingAuthError),
    "no credit": (lambda far: far.fail(402), errors.PaymentRequiredError),
    "not allowed": (lambda far: far.fail(403), errors.MissingAuthError),
    "not there": (lambda far: far.fail(404), errors.ResponseStatusError),
    "too large": (lambda far: far.fail(413), errors.BadRequestError),
    "unprocessable": (lambda far: far.fail(422), errors.BadRequestError),
    "not made": (lambda far: far.fail(501), errors.ServerError),
    "too long": (lambda far: far.context_overflow(), errors.ContextLengthError),
    "longer than the window": (lambda far: far.limits(context_window=1), errors.ContextLengthError),
    "down": (lambda far: far.outage(status=500), errors.ServerError),
}
"""After these there is an error that asking again does not mend."""

BROKEN: dict[str, tuple[Callable[[Any, int], Any], type[errors.G4FError], dict[str, float]]] = {
    "dropped": (lambda far, after: far.disconnect(after_chunks=after), errors.ResponseError, {}),
    "cut short": (lambda far, after: far.truncate(after_chunks=after), errors.ResponseError, {}),
    "nonsense": (lambda far, after: far.corrupt(after_chunks=after), errors.ResponseError, {}),
    "stalled": (
        lambda far, after: far.stall(after_chunks=after, seconds=60),
        errors.TimeoutError,
        {"stream_timeout": 2},
    ),
}
"""These break a stream after so many chunks: an error with the text so far, after which the caller asks again."""

TOOLS = [
    {
        "type": "function",
        "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
    }
]


def weather(city: str, days: int = 1) -> str:
    """Tell the weather."""
    return f"{days} days of rain in {city}"


PARIS, RAIN = {"city": "Paris", "days": 3}, "3 days of rain in Paris"

LOOPS: dict[str, tuple[Callable[[Any], Any], list[tuple[bool, str]]]] = {
    "a call": (lambda far: far.call_tool("weather", PARIS), [(False, RAIN)]),
    "two at once": (
        lambda far: far.add(Reply(tool_calls=(ToolCall("weather", PARIS), ToolCall("weather", {"city": "Rome"})))),
        [(False, "1 days of rain in Rome"), (False, RAIN)],
    ),
    "of another type": (lambda far: far.call_tool("weather", {"city": 1}), [(True, "$.city")]),
    "cut arguments": (lambda far: far.call_tool("weather", PARIS).break_tool_call(), [(True, "the arguments ")]),
    "unknown": (lambda far: far.call_tool("weather", PARIS).break_tool_call("unknown_tool"), [(True, "no tool")]),
    "without end": (lambda far: far.call_tool("weather", PARIS, times=None), [(False, RAIN)] * 3),
}
"""Calls that the far side wants, and of each one whether it fails, and words of its result."""


class Clock:
    """The judge's clock of each server: only the pauses of the client move it on, so no busy machine adds its own.

    The judge has written a request down before the client sees the answer's end, and looks at no clock after that.
    """

    def __init__(self) -> None:
        self.now: defaultdict[str, float] = defaultdict(float)

    def monotonic(self) -> float:
        """Return the time, as it is in the thread of a server: no two are the same."""
        self.now[self._server()] += 1e-6
        return self.now[self._server()]

    async def pause(self, seconds: float) -> None:
        """Let so many seconds pass, in the thread of the client."""
        self.now[self._server()] += seconds

    @staticmethod
    def _server() -> str:
        """Return the name of a server's thread; its client's begins with it."""
        return threading.current_thread().name.partition("_")[0]


@pytest.mark.filterwarnings("ignore:The 'alias' attribute:UserWarning")  # of the judge's parts: as an error, it fails
@unittest.skipUnless(LLMock, "needs llmock, of the test extra")
class TestVerdict(unittest.TestCase):
    """The strict verdict, warnings included, finds nothing."""

    servers: ClassVar[dict[str, Any]]
    threads: ClassVar[dict[str, ThreadPoolExecutor]]

    @classmethod
    def setUpClass(cls) -> None:
        """Start a judge for each provider, and a thread to ask it."""
        cls.servers = {row: LLMockServer() for row in PROVIDERS}
        cls.threads = {}
        clock = Clock()
        for name in ("llmock.middleware.time", "llmock.ratelimit.time"):
            cls.enterClassContext(mock.patch(name, clock))
        cls.enterClassContext(mock.patch("g4f.providers.transport.governor.monotonic", clock.monotonic))
        cls.enterClassContext(mock.patch("g4f.providers.transport.retries.sleep", clock.pause))
        # They take uvloop where it is installed, which cannot run where a nest package has replaced asyncio.run.
        with mock.patch.dict(sys.modules, {"uvloop": None}):
            for row in PROVIDERS:
                cls.servers[row].start()
                cls.addClassCleanup(cls.servers[row].stop)
                cls.threads[row] = ThreadPoolExecutor(1, cls.servers[row]._thread.name)
                cls.addClassCleanup(cls.threads[row].shutdown)

    def each(self, faults: dict[str, Any], check: Callable[[Any, Any, Any], None]) -> None:
        """Check each fault at each provider: faults one after the other, providers at the same time."""
        judged = {
            (row, fault): self.threads[row].submit(self.judge, row, what, check)
            for row in PROVIDERS
            for fault, what in faults.items()
        }
        for (row, fault), verdict in judged.items():
            with self.subTest(row, fault=fault):
                verdict.result()

    def judge(self, row: str, what: Any, check: Callable[[Any, Any, Any], None]) -> None:
        """Check one fault by a new client of a server that has forgotten all others, and hear the verdict."""
        far = LLMock(self.servers[row]).reset()
        check(far, g4f.Client(row, base_url=far.base_url(PROVIDERS[row]), api_key="k").chat.completions, what)
        far.assert_resilient(strict=True)

    def test_harmless(self) -> None:
        """Faults that pass are waited out, whole and streamed."""

        def check(far: Any, chat: Any, fault: Any) -> None:
            fault(far)
            self.assertIn("Simulated", chat.create("Hi", "m").choices[0].message.content)
            fault(far)
            self.assertEqual("stop", list(chat.stream("Hello", "m"))[-1].choices[0].finish_reason)

        self.each(HARMLESS, check)

    def test_quota(self) -> None:
        """A quota that is used up is waited for as long as the far side says, no shorter and not much longer."""

        def check(far: Any, chat: Any, tokens: int) -> None:
            far.limits(tpm=60 * tokens)
            chat.create("Hi", "m", max_tokens=60 * tokens - 100)
            list(chat.stream("Hi", "m", max_tokens=200))
            self.assertEqual([200, 429, 200], [request.status for request in far.requests])

        self.each({"1000 tokens a second": 1000}, check)

    def test_final(self) -> None:
        """Faults that do not pass are the right error, asked no more often than makes sense."""

        def check(far: Any, chat: Any, expected: Any) -> None:
            fault, error = expected
            for ask in (chat.create, lambda *question: list(chat.stream(*question))):
                fault(far)
                with self.assertRaises(errors.G4FError) as caught:
                    ask("Is that too long?", "m")
                self.assertIs(error, type(caught.exception), caught.exception)

        self.each(FINAL, check)

    def test_broken(self) -> None:
        """A stream that breaks is never taken for an answer, neither at its beginning nor in its middle."""

        def check(far: Any, chat: Any, expected: Any) -> None:
            far.pace(20).reply("Simulated, in more words than any protocol has chunks before the first.", times=None)
            fault, error, options = expected
            for after, partial in ((0, ""), (5, "Simulated")):
                fault(far, after)
                before = len(far.requests)
                with self.assertRaises(errors.G4FError) as caught:
                    list(chat.stream("Hi", "m", **options))
                self.assertIs(error, type(caught.exception), caught.exception)
                self.assertEqual(partial, caught.exception.partial[: len(partial) or None])
                self.assertEqual(before + 1, len(far.requests))  # once the far side has noticed that nobody reads
                list(chat.stream("Hi", "m"))

        self.each(BROKEN, check)

    def test_tools(self) -> None:
        """Tool calls, streamed in fragments, come out whole, and as the model has made them, be they wrong."""

        def check(far: Any, chat: Any, fault: Any) -> None:
            far.call_tool("weather", {"city": "Paris", "days": 3}, times=2)
            if fault:
                far.break_tool_call(fault, times=2)
            whole = chat.create("Weather?", "m", tools=TOOLS).choices[0]
            self.assertEqual("tool_calls", whole.finish_reason)
            call = whole.message.tool_calls[0].function
            pieces = [piece.choices[0].delta.tool_calls for piece in chat.stream("Weather?", "m", tools=TOOLS)]
            functions = [part.function for piece in pieces for part in piece or ()]
            self.assertEqual(call.name, "".join(function.name or "" for function in functions))
            self.assertEqual(fault != "unknown_tool", call.name == "weather")
            if fault != "malformed_arguments":  # which are cut only where they are text
                arguments = "".join(function.arguments or "" for function in functions)
                self.assertEqual(json.loads(call.arguments), json.loads(arguments))

        self.each({"a call": "", "cut arguments": "malformed_arguments", "unknown": "unknown_tool"}, check)

    def test_functions(self) -> None:
        """Functions are called as the model says, whole and streamed, in each protocol, also in OpenAI's Responses.

        A call that is wrong goes back to it, so that it answers all the same; calls without end are ended.
        """

        def check(far: Any, chat: Any, case: Any) -> None:
            begin, expected = case
            options: dict[str, Any] = {"tools": [weather], "max_steps": 3}
            responses = g4f.Client("OpenAI", base_url=far.base_url("openai"), api_key="k", protocol="responses")
            for each in (chat, responses.chat.completions):
                begin(far)
                whole = each.create("Weather?", "m", **options)
                far.reset()
                begin(far)
                pieces = list(each.stream("Weather?", "m", **options))
                far.reset()
                ends = whole.choices[0].finish_reason, pieces[-1].choices[0].finish_reason
                self.assertEqual(("max_steps" if len(expected) == 3 else "stop",) * 2, ends)
                for steps in (whole.steps, [piece.step for piece in pieces if piece.step]):
                    made = sorted((step.failed, step.result) for step in steps)
                    self.assertEqual([failed for failed, _ in expected], [failed for failed, _ in made])
                    for (_, words), (_, result) in zip(expected, made, strict=True):
                        self.assertIn(words, result)

        self.each(LOOPS, check)


if __name__ == "__main__":
    unittest.main()
