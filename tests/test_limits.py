"""How long an answer may take, and how long it may be silent, on a clock that the test drives."""

from __future__ import annotations

import asyncio
import unittest
from collections.abc import AsyncGenerator, Callable
from typing import Any, cast
from unittest import mock

from g4f import ChatCompletion, errors
from g4f.errors import InputError
from g4f.providers.base_provider import AsyncGeneratorProvider
from g4f.request import prepare
from g4f.waiting.limits import TICKS, Limits

from .clock import ClockLoop

Pieces = Callable[[], AsyncGenerator[str]]


class _Timed(AsyncGeneratorProvider):
    """Yields what `pieces` yields."""

    def __init__(self, pieces: Pieces) -> None:
        self.pieces = pieces

    async def create_async_generator(self, model: str, messages: list[dict[str, str]]) -> AsyncGenerator[str]:
        async for piece in self.pieces():
            yield piece


class _Case(unittest.TestCase):
    def setUp(self) -> None:
        self.loop = ClockLoop()
        self.addCleanup(self.loop.close)
        self.start = self.loop.now

    @property
    def elapsed(self) -> float:
        return self.loop.now - self.start

    def read(
        self, *gaps: float, pauses: float = 0.0, timeout: float | None = None, silence: float | None = None
    ) -> str:
        """Read an answer whose pieces come after `gaps` seconds, and pause for `pauses` seconds at each."""

        async def pieces() -> AsyncGenerator[str]:
            for gap in gaps:
                await asyncio.sleep(gap)
                yield "."

        async def main() -> str:
            texts = []
            async for item in ChatCompletion.create_async(
                "", "?", _Timed(pieces), stream=True, timeout=timeout, stream_timeout=silence
            ):
                texts.append(str(item))
                await asyncio.sleep(pauses)
            return "".join(texts)

        return str(self.loop.run_to_end(main()))


class TestSilence(_Case):
    """`stream_timeout` is the longest silence between two events."""

    def test_within(self) -> None:
        """Any number of shorter silences is no silence."""
        self.assertEqual("....", self.read(9, 9, 9, 9, silence=10))
        self.assertAlmostEqual(36, self.elapsed)

    def test_before_the_first(self) -> None:
        """A provider that never says a word ends after so many seconds."""
        with self.assertRaisesRegex(errors.TimeoutError, r"^silent for more than 10 s \(stream_timeout\)$"):
            self.read(1e6, silence=10)
        self.assertAlmostEqual(10, self.elapsed)

    def test_after_the_first(self) -> None:
        """The silence counts from the last event, and the text before it is in `partial`."""
        with self.assertRaises(errors.TimeoutError) as caught:
            self.read(7.3, 8.1, 11, silence=10)
        self.assertAlmostEqual(25.4, self.elapsed)
        self.assertEqual("..", caught.exception.partial)

    def test_pause_of_the_reader(self) -> None:
        """Time in which the reader does not ask is not silence."""
        self.assertEqual("...", self.read(9, 9, 9, pauses=100, silence=10))
        self.assertAlmostEqual(327, self.elapsed)

    def test_loop_that_stood_still(self) -> None:
        """When the loop did not run, as between two items of a sync reader, at most one tick of it counts."""
        for stood in (1.0, 9.0, 11.0, 1000.0):
            for hops in (0, 5):
                with self.subTest(stood=stood, hops=hops):
                    loop = ClockLoop()

                    async def main(loop: ClockLoop = loop, stood: float = stood, hops: int = hops) -> str:
                        async def pieces() -> AsyncGenerator[str]:
                            yield "a"
                            await asyncio.sleep(10 - 10 / TICKS - 0.5)
                            for _ in range(hops):
                                await asyncio.sleep(0)
                            yield "b"

                        answer = ChatCompletion.create_async("", "?", _Timed(pieces), stream=True, stream_timeout=10)
                        task = asyncio.create_task(_drained(answer))
                        await asyncio.sleep(0.5)
                        loop.now += stood
                        return await task

                    self.assertEqual("ab", loop.run_to_end(main()))

    def test_silence_after_it_stood_still(self) -> None:
        """A silence that goes on after the loop stood still ends the answer all the same."""
        loop = self.loop

        async def main() -> None:
            async def pieces() -> AsyncGenerator[str]:
                yield "a"
                await asyncio.sleep(1e6)

            answer = ChatCompletion.create_async("", "?", _Timed(pieces), stream=True, stream_timeout=10)
            task = asyncio.create_task(_drained(answer))
            await asyncio.sleep(0.5)
            loop.now += 1000
            with self.assertRaises(errors.TimeoutError):
                await task

        loop.run_to_end(main())
        self.assertTrue(1010 - 10 / TICKS <= self.elapsed <= 1010.5, self.elapsed)


class TestWhole(_Case):
    """`timeout` is the longest whole answer."""

    def test_within(self) -> None:
        """An answer that ends in time is whole."""
        self.assertEqual("...", self.read(3, 3, 3, timeout=10))

    def test_beyond(self) -> None:
        """One that does not is ended at that time, however lively it is."""
        with self.assertRaisesRegex(errors.TimeoutError, r"^no whole answer within 10 s \(timeout\)$") as caught:
            self.read(*[3] * 9, timeout=10, silence=5)
        self.assertAlmostEqual(10, self.elapsed)
        self.assertEqual("...", caught.exception.partial)

    def test_while_the_reader_has_an_item(self) -> None:
        """A reader is never interrupted at its own work: it hears of the end when it asks for more."""
        with self.assertRaises(errors.TimeoutError):
            self.read(3, 3, pauses=20, timeout=10)
        self.assertAlmostEqual(23, self.elapsed)

    def test_fraction(self) -> None:
        """Seconds may be fractions, and are told as they were given."""
        with self.assertRaisesRegex(errors.TimeoutError, r"within 0\.25 s"):
            self.read(1, timeout=0.25)


class TestEnvironment(unittest.TestCase):
    """`G4F_TIMEOUT` is the longest whole answer where a call sets none."""

    def test_environment(self) -> None:
        """It is read at each call; the call's own wins; what is no number of seconds is said before asking."""
        provider = _Timed(cast("Any", None))
        for value, given, expected in (("3", None, 3.0), ("3", 4, 4.0), ("", None, None), (" 2.5", None, 2.5)):
            with self.subTest(value=value, given=given), mock.patch.dict("os.environ", G4F_TIMEOUT=value):
                self.assertEqual(expected, prepare("", "?", provider, {"timeout": given}).limits.timeout)
        for value in ("soon", "0", "-1"):
            with self.subTest(value=value), mock.patch.dict("os.environ", G4F_TIMEOUT=value):
                self.assertRaisesRegex(InputError, "timeout must be", prepare, "", "?", provider, {})


class TestCancellation(_Case):
    """A timeout is told apart from other cancellations."""

    def test_cancelled_by_another(self) -> None:
        """Who cancels the reading task gets a CancelledError, also when the time is up in the same step."""

        async def main() -> None:
            async def pieces() -> AsyncGenerator[str]:
                await asyncio.sleep(1e6)
                yield ""

            async def cancel() -> None:
                await asyncio.sleep(10)
                task.cancel()

            answer = ChatCompletion.create_async("", "?", _Timed(pieces), stream=True, stream_timeout=10)
            task = asyncio.create_task(_drained(answer))
            other = asyncio.create_task(cancel())
            with self.assertRaises(asyncio.CancelledError):
                await task
            await other
            self.assertEqual(1, task.cancelling())

        self.loop.run_to_end(main())

    def test_leaves_no_cancellation(self) -> None:
        """After a timeout the task that read goes on as if nothing had been."""

        async def main() -> None:
            with self.assertRaises(errors.TimeoutError), Limits(None, 10):
                await asyncio.sleep(1e6)
            task = asyncio.current_task()
            assert task is not None
            self.assertEqual(0, task.cancelling())
            await asyncio.sleep(0)

        self.loop.run_to_end(main())

    def test_swallowed(self) -> None:
        """A provider that swallows the cancellation ends all the same."""

        async def main() -> None:
            async def pieces() -> AsyncGenerator[str]:
                try:
                    await asyncio.sleep(1e6)
                except asyncio.CancelledError:
                    yield "late"
                yield "later"

            answer = ChatCompletion.create_async("", "?", _Timed(pieces), stream=True, stream_timeout=10)
            with self.assertRaises(errors.TimeoutError):
                await _drained(answer)

        self.loop.run_to_end(main())

    def test_left_after_it(self) -> None:
        """A reader who leaves after the time was up is told nothing."""

        async def main() -> int:
            async def pieces() -> AsyncGenerator[str]:
                try:
                    await asyncio.sleep(1e6)
                except asyncio.CancelledError:
                    yield "late"

            answer = ChatCompletion.create_async("", "?", _Timed(pieces), stream=True, stream_timeout=10)
            self.assertEqual("late", await anext(answer))
            await answer.aclose()
            task = asyncio.current_task()
            assert task is not None
            return task.cancelling()

        self.assertEqual(0, self.loop.run_to_end(main()))

    def test_no_timer_left(self) -> None:
        """A stream that ended leaves no timer behind."""

        async def main() -> list[object]:
            async def pieces() -> AsyncGenerator[str]:
                yield "."

            await _drained(
                ChatCompletion.create_async("", "?", _Timed(pieces), stream=True, timeout=60, stream_timeout=60)
            )
            return [handle for handle in self.loop._scheduled if not handle.cancelled()]  # type: ignore[attr-defined]

        self.assertEqual([], self.loop.run_to_end(main()))


async def _drained(answer: AsyncGenerator[object]) -> str:
    return "".join([str(item) async for item in answer])
