"""Limits of one provider and key, over real sockets: who waits, what is sent, and what the caller sees."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import unittest
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any
from unittest import mock

import g4f
from g4f import errors
from g4f.providers.response import Status
from g4f.providers.transport.governors import GOVERNORS, OPEN, standings

from .loops import run
from .servers import ANSWER, DONE, HANG, Server, delta, hello, stream, whole

BUSY = whole({}, 429, **{"Retry-After": "7"})
ROWS, AT_ONCE = 300, 32


class _Limited(unittest.TestCase):
    """Pauses are noted and take no time; the governors' clock moves on by them."""

    def setUp(self) -> None:
        self.pauses: list[float] = []
        GOVERNORS.clear()
        self.addCleanup(GOVERNORS.clear)
        self.enterContext(mock.patch("g4f.providers.transport.retries.sleep", self.pause))
        for module in ("governor", "governors"):
            self.enterContext(mock.patch(f"g4f.providers.transport.{module}.monotonic", self.clock))

    def clock(self) -> float:
        """Return the time of the governors."""
        return monotonic() + sum(self.pauses)

    async def pause(self, seconds: float) -> None:
        """Note a pause, and make none."""
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    def ask(self, server: Server, question: str = "Hi", **options: Any) -> Any:
        """Return the answer, or the error."""
        try:
            return g4f.ChatCompletion.create("m", question, base_url=server.url, **options)
        except errors.G4FError as error:
            return error


class TestRefused(_Limited):
    """Too many requests, as the server says."""

    def test_no_try(self) -> None:
        """It is waited for as long as the server says, and counts as no try; other failures do."""
        with Server(*[BUSY] * 5, whole({}, 503), hello) as server:
            self.assertEqual("Hello", self.ask(server, max_retries=1))
        self.assertTrue(all(7 <= pause < 7.1 for pause in self.pauses[:5]), self.pauses)

    def test_bounded(self) -> None:
        """A server that refuses for ever is not asked for ever."""
        with Server(BUSY) as server:
            error = self.ask(server)
            self.assertEqual((errors.RateLimitError, 10), (type(error), len(server.requests)))

    def test_spent(self) -> None:
        """What is refused for a day ends at once, and says so; for a minute, others end without being sent."""
        with Server(whole({}, 429, **{"Retry-After": "86400"}), hello) as server:
            for words in (
                "(HTTP 429). It can be asked again in 24 h",
                "it has refused one before, and takes the next in 24 h",
            ):
                error = self.ask(server)
                self.assertEqual(errors.RateLimitError, type(error))
                self.assertIn(words, str(error))
                self.assertAlmostEqual(86400, error.retry_after, -1)
            self.assertEqual(1, len(server.requests))
            self.pauses.append(61)
            self.assertEqual("Hello", self.ask(server))

    def test_without_retries(self) -> None:
        """With no retries at all nothing is waited for, not even the pause of another call."""
        with Server(BUSY, hello) as server:
            for seconds in (7, 7):
                error = self.ask(server, max_retries=0)
                self.assertEqual((errors.RateLimitError, 429), (type(error), error.status))
                self.assertAlmostEqual(seconds, error.retry_after, 0)
            self.assertEqual((1, []), (len(server.requests), self.pauses))

    def test_said(self) -> None:
        """A stream says what is waited for, once."""
        with Server(BUSY, hello) as server:
            items = list(self.ask(server, stream=True))
        self.assertEqual(
            [f"127.0.0.1:{server.port}: HTTP 429; waiting for the rate limit, 7.0 s"],
            [item.text for item in items if isinstance(item, Status)],
        )

    def test_all_wait(self) -> None:
        """While one waits, others in other threads wait, too, and are sent only then; a key of its own does not."""
        paused, others = threading.Event(), []

        async def pause(seconds: float) -> None:
            paused.set()
            while len(others) < 2:
                await asyncio.sleep(0.01)
            self.pauses.append(seconds)

        with Server(BUSY, hello) as server, ThreadPoolExecutor() as pool:
            self.enterContext(mock.patch("g4f.providers.transport.retries.sleep", pause))
            first = pool.submit(self.ask, server)
            paused.wait()
            second = pool.submit(lambda: list(self.ask(server, "2", stream=True)))
            self.assertEqual("Hello", self.ask(server, "3", api_key="another key"))
            others.append(server.requests[-1].json["messages"][0]["content"])
            while standings()[0].waiting < 2:
                pass
            others.append(len(server.requests))
            self.assertEqual("Hello", first.result())
            self.assertRegex(second.result()[0].text, r"^127\.0\.0\.1:\d+: waiting for the rate limit, [67]\.\d s$")
        self.assertEqual(["3", 2], others)
        self.assertEqual(4, len(server.requests))

    def test_those_that_run_already(self) -> None:
        """Calls that were sent before there was a governor count as running, until they end."""

        async def main(server: Server) -> None:
            chat = g4f.AsyncClient(base_url=server.url).chat.completions
            running = [asyncio.create_task(chat.create("1", "m")) for _ in range(2)]
            while len(server.requests) < 2:
                await asyncio.sleep(0)
            answer = g4f.ChatCompletion.create_async("m", "2", base_url=server.url, stream=True)
            self.assertIsInstance(await anext(answer), Status)
            self.assertEqual((2, 1), (standings()[0].running, standings()[0].concurrency))
            for each in running:
                each.cancel()
            await asyncio.wait(running)
            self.assertEqual(0, standings()[0].running)
            await answer.aclose()

        with Server([HANG], [HANG], BUSY) as server:
            run(main(server))

    def test_costs_nothing(self) -> None:
        """There is a governor only as long as one is needed."""
        seen, before = [], OPEN.copy()

        def looks(_: Any) -> Any:
            seen.append(len(GOVERNORS))
            return whole(ANSWER)

        with Server(looks, BUSY, looks, looks) as server:
            for _ in range(3):
                self.assertEqual("Hello", self.ask(server))
        self.assertEqual([0, 1, 0], seen)
        self.assertEqual(before, OPEN)


class TestSet(_Limited):
    """Limits that the caller sets."""

    def test_concurrency(self) -> None:
        """No more are sent at once, over threads and loops, whole and streamed."""
        far = _Counting()
        with Server(far.answer) as server, ThreadPoolExecutor() as pool:
            options: dict[str, Any] = {"base_url": server.url, "concurrency": 2}

            async def many() -> list[Any]:
                chat = g4f.AsyncClient(**options).chat.completions
                return await asyncio.gather(*(chat.create(str(number), "m") for number in range(8)))

            loops = [pool.submit(run, many()) for _ in range(2)]
            threads = [pool.submit(self.ask, server, concurrency=2) for _ in range(4)]
            streams = [pool.submit(lambda: list(self.ask(server, stream=True, concurrency=2))) for _ in range(4)]
            for each in (*loops, *threads, *streams):
                each.result()
        self.assertEqual((2, 24), (far.most, len(server.requests)))

    def test_in_the_loop_of_an_answer(self) -> None:
        """A question that is asked while an answer is read, which nobody reads on meanwhile, is answered."""
        long = stream(*[delta("Hel"), b"", delta("x" * 10) * 40_000, delta(finish="stop"), DONE])

        with Server(long, hello, long, hello) as server:
            for item in self.ask(server, stream=True, concurrency=1):
                self.assertEqual("Hello", self.ask(server, concurrency=1) if item == "Hel" else "Hello")

    def test_timeout(self) -> None:
        """Waiting for a limit is part of `timeout`, and no silence; a call that gave up waits no more."""
        with Server(hello) as server:
            self.ask(server, rpm=1)
            items: list[Any] = []
            with self.assertRaisesRegex(errors.TimeoutError, "timeout"):
                items.extend(self.ask(server, rpm=1, stream=True, timeout=0.4, stream_timeout=0.1))
            self.assertEqual((1, 0), (len(server.requests), standings()[0].waiting))

    def test_said(self) -> None:
        """A stream says what is waited for: a time, or others."""
        with Server(hello, hello, [HANG]) as server:
            self.ask(server, rpm=1)
            self.assertRegex(
                next(self.ask(server, rpm=1, stream=True)).text, r": waiting for the rate limit, [56]\d\.\d s"
            )
            hangs = threading.Thread(target=self.ask, args=(server,), kwargs={"timeout": 3, "rpm": 9}, daemon=True)
            self.ask(server, rpm=9)
            hangs.start()
            server.hangs.wait()
            self.assertRegex(
                next(self.ask(server, rpm=9, concurrency=1, stream=True)).text, r"until one of the 1 calls that run has"
            )
        hangs.join()

    def test_cancelled(self) -> None:
        """A call that is cancelled while it waits has left."""

        async def main(server: Server) -> None:
            chat = g4f.AsyncClient(base_url=server.url, concurrency=1).chat.completions
            first = asyncio.create_task(chat.create("1", "m"))
            waiting = [asyncio.create_task(chat.create("2", "m")) for _ in range(2)]
            while not server.hangs.is_set() or standings()[0].waiting < 2:
                await asyncio.sleep(0)
            waiting[0].cancel()
            await asyncio.wait(waiting[:1])
            self.assertEqual((1, 1), (standings()[0].waiting, standings()[0].running))
            first.cancel()
            self.assertEqual("Hello", (await waiting[1]).choices[0].message.content)

        with Server([HANG], hello) as server:
            run(main(server))

    def test_bad_input(self) -> None:
        """What is no limit is refused in one line, before anything is sent."""
        for name in ("concurrency", "rpm", "tpm"):
            for value in (0, -1, 1.5, float("nan"), float("inf"), "many", True, [1], 10**10, ""):
                with self.subTest(name, value=value), Server(hello) as server:
                    error = self.ask(server, **{name: value})
                    self.assertEqual((errors.InputError, 0), (type(error), len(server.requests)), error)
                    self.assertIn(name, str(error))
                    self.assertNotIn("\n", str(error))

    @unittest.skipUnless(hasattr(os, "fork"), "needs fork")
    def test_fork(self) -> None:
        """A forked child has no calls of its parent's that run or wait."""
        with Server(*[[HANG]], hello) as server:
            child = [sys.executable, "-W", "ignore", "-c", FORK, server.url]
            done = subprocess.run(child, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(("0 Hello\n", "", 0), (done.stdout, done.stderr, done.returncode))


class TestMany(_Limited):
    """A batch, of which the server refuses a part."""

    def ask_all(self, server: Server) -> set[str]:
        """Ask all questions, some at once, and return the answers."""

        async def main() -> set[str]:
            chat, free = g4f.AsyncClient(base_url=server.url).chat.completions, asyncio.Semaphore(AT_ONCE)

            async def ask(number: int) -> str:
                async with free:
                    return str((await chat.create(str(number), "m")).choices[0].message.content)

            return set(await asyncio.gather(*map(ask, range(ROWS))))

        return run(main())

    def test_each_is_answered(self) -> None:
        """Nothing is lost where every fifth is refused, or every twentieth fails, and nothing is sent in vain."""
        for every, refused, most in ((5, whole({}, 429, **{"Retry-After": "1"}), 380), (20, whole({}, 500), 320)):
            asked = 0

            def answer(_: Any, every: int = every, refused: Any = refused) -> Any:
                nonlocal asked
                asked += 1
                return whole(ANSWER) if asked % every else refused

            with self.subTest(every), Server(answer) as server:
                self.assertEqual({"Hello"}, self.ask_all(server))
                self.assertLessEqual(len(server.requests), most)


class _Counting:
    """How many requests are answered at once, at most: each takes a moment."""

    def __init__(self) -> None:
        self.most = self.running = 0

    def answer(self, request: Any) -> Any:
        """Answer it."""
        self.running += 1
        self.most = max(self.most, self.running)
        return _Steps(hello(request), self.ended)

    def ended(self) -> None:
        """Note that an answer is about to be sent."""
        self.running -= 1


class _Steps(list[Any]):
    """The steps of an answer, which begins after a moment. `ended` is called before its last step."""

    def __init__(self, steps: list[Any], ended: Callable[[], None]) -> None:
        super().__init__([0.02, *steps])
        self._ended = ended

    def __iter__(self) -> Any:
        for number, step in enumerate(super().__iter__(), 1):
            if number == len(self):
                self._ended()
            yield step


FORK = """
import os, sys, threading, time, g4f
from g4f.providers.transport.governors import standings
def ask(): return g4f.ChatCompletion.create("m", "Hi", base_url=sys.argv[1], concurrency=1)
for _ in range(2): threading.Thread(target=ask, daemon=True).start()
while not standings() or not standings()[0].waiting: time.sleep(0.01)
if os.fork():
    os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
print(len(standings()), ask(), flush=True)
os._exit(0)
"""


if __name__ == "__main__":
    unittest.main()
