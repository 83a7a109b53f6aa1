"""The bridge: where a sync call waits, what is left of it, and what an interrupt does."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import signal
import sys
import threading
import unittest
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import monotonic
from typing import Any, TypeVar
from unittest import mock

import psutil

from g4f.errors import NestAsyncioError, ResponseError
from g4f.waiting import bridge, runners

from . import script

T = TypeVar("T")

PRELUDE = """
import asyncio, os, signal, sys, threading
from g4f.waiting import bridge
from g4f.errors import NestAsyncioError

async def loop_here():
    await asyncio.sleep(0)
    return asyncio.get_running_loop()

async def three():
    for number in range(3):
        yield number
        await asyncio.sleep(0)
"""


def run(code: str, *options: str) -> str:
    """Return what a script writes that begins with the lines above."""
    return script.run(PRELUDE + code, *options)


def interrupted(code: str, *, times: int = 1) -> str:
    """Likewise, of one that is interrupted after each of its first lines, `times` of them."""
    return script.interrupted(PRELUDE + code, times=times)


async def loop_here() -> asyncio.AbstractEventLoop:
    """Return where this runs, after one turn of it."""
    await asyncio.sleep(0)
    return asyncio.get_running_loop()


class Source:
    """Numbers without end, or to `limit`; each read is a suspension of the provider, and `closed` its clean-up."""

    def __init__(self, limit: int = sys.maxsize) -> None:
        self.limit = limit
        self.closed = threading.Event()

    async def __call__(self) -> AsyncGenerator[int]:
        try:
            for number in range(self.limit):
                yield number
                await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0)
            self.closed.set()


class Inside:
    """The same tests on either kind of runner: `inside` calls a function where sync calls wait."""

    def inside(self, function: Callable[[], T]) -> T:
        raise NotImplementedError


class OnOwnLoop(Inside):
    """Where no loop runs."""

    def inside(self, function: Callable[[], T]) -> T:
        return function()


class OnNestedLoop(Inside):
    """Where a loop runs."""

    def inside(self, function: Callable[[], T]) -> T:
        async def step() -> T:
            return function()

        with asyncio.Runner() as runner:
            bridge.make_nestable(runner.get_loop())
            return runner.run(step())


class TestOwnLoop(unittest.TestCase):
    """Where no loop runs: the thread's own loop."""

    def test_is_kept(self) -> None:
        """The next call of the thread waits on the same loop, and so do streams."""
        first = bridge.run(loop_here)

        async def where() -> AsyncGenerator[object]:
            yield await loop_here()

        self.assertEqual([first, first], [bridge.run(loop_here), *bridge.iterate(where)])

    def test_ends_with_the_thread(self) -> None:
        """Each thread has its own; its end closes it, even if an exception outlives the thread, and all is closed."""

        async def fails() -> None:
            await asyncio.to_thread(int)
            loops.append(asyncio.get_running_loop())
            raise ValueError

        def work() -> None:
            try:
                bridge.run(fails)
            except ValueError as error:
                errors.append(error)
            loops.append(bridge.run(loop_here))

        loops: list[asyncio.AbstractEventLoop] = [bridge.run(loop_here)]
        errors: list[ValueError] = []
        gc.collect()  # what other tests have left
        files, known = psutil.Process().num_fds(), threading.enumerate()
        for _ in range(3):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        own, *theirs = loops
        new = [each for each in threading.enumerate() if each not in known]
        self.assertEqual([], [each for each in new if isinstance(each, threading._DummyThread)])
        self.assertLessEqual(psutil.Process().num_fds(), files)
        self.assertEqual([True] * 6, [loop.is_closed() for loop in theirs])
        self.assertFalse(own.is_closed())
        self.assertEqual([own, 3], [bridge.run(loop_here), len(set(theirs) - {own})])

    def test_end_of_the_thread_cleans_up(self) -> None:
        """A stream that the thread left open, or any async generator, is cleaned up with it; reading on says so."""
        source, other = Source(), Source()
        kept = other()

        async def begin() -> int:
            return await anext(kept)

        def work() -> bridge.Stream[int]:
            self.assertEqual(0, bridge.run(begin))
            stream = bridge.iterate(source)
            self.assertEqual(0, next(stream))
            return stream

        with ThreadPoolExecutor(1) as pool:
            stream = pool.submit(work).result()
        self.assertEqual([True, True], [source.closed.is_set(), other.closed.is_set()])
        with self.assertRaisesRegex(ResponseError, "cut off"):
            list(stream)
        self.assertEqual([], list(stream))

    def test_fork(self) -> None:
        """A forked child has a loop of its own; neither its calls nor its end disturb the parent's loops and streams.

        Be it forked between two calls, or by one, or while another thread waits.
        """
        out = run(
            """
async def woken():  # by another thread, through the loop's own pipe
    return await asyncio.to_thread(lambda: "woken")

async def theirs():
    try:
        yield 1
        await asyncio.Event().wait()
    finally:
        print("closed by the parent" if os.getpid() == parent else "closed by a child")

def leave_hard(): os._exit(0)

def child():
    assert bridge.run(loop_here) is not ours
    assert [0, 1, 2] == list(bridge.iterate(three)) and bridge.run(woken) == "woken"
    leave()

async def inside():
    return os.fork()

async def busy():
    begun.set()
    await asyncio.to_thread(go.wait)

ours, parent = bridge.run(loop_here), os.getpid()
begun, go = threading.Event(), threading.Event()
for leave, fork in (
    (sys.exit, os.fork),
    (leave_hard, os.fork),
    (leave_hard, lambda: bridge.run(inside)),
):
    if leave is leave_hard:
        stream = bridge.iterate(theirs)
        assert next(stream) == 1
        thread = threading.Thread(target=bridge.run, args=(busy,))
        thread.start()
        begun.wait()
    pid = fork()
    if not pid:
        child()
    assert os.waitpid(pid, 0)[1] == 0
    assert ours is bridge.run(loop_here) and bridge.run(woken) == "woken"
    if leave is leave_hard:
        stream.close()
        go.set()
        thread.join()
        go.clear()
        begun.clear()
""",
            "-W",
            "ignore::DeprecationWarning",  # fork among threads
        )
        self.assertEqual("closed by the parent\n" * 2, out)

    def test_exit_is_silent(self) -> None:
        """A program that ends with streams open, read or not, here or in a thread, cleans up and says nothing."""
        out = run(
            """
async def open_end():
    try:
        while True:
            yield 1
            await asyncio.sleep(0)
    finally:
        await asyncio.sleep(0)
        print("closed")

unread, half, streams = bridge.iterate(open_end), bridge.iterate(open_end), []
next(half)

def work():
    streams.append(bridge.iterate(open_end))
    next(streams[0])

thread = threading.Thread(target=work)
thread.start()
thread.join()
""",
            "-X",
            "dev",
        )
        self.assertEqual("closed\nclosed\n", out)

    def test_exit_under_a_daemon_thread(self) -> None:
        """A program ends while a daemon thread waits: what that holds, it never gets to give back."""
        for call in (
            "bridge.run(wait)",
            "next(bridge.iterate(items))",
            "bridge.run(wait_inside)",
        ):
            with self.subTest(call):
                out = run(
                    f"""
waits = threading.Event()

async def wait():
    waits.set()
    await asyncio.Event().wait()

async def wait_inside():
    bridge.make_nestable(asyncio.get_running_loop())
    bridge.run(wait)

async def items():
    await wait()
    yield

threading.Thread(target=lambda: {call}, daemon=True).start()
waits.wait()
print("ends")
""",
                    "-X",
                    "dev",
                )
                self.assertEqual("ends\n", out)


class TestNestedLoop(unittest.IsolatedAsyncioTestCase):
    """Inside a loop that can be nested."""

    async def asyncSetUp(self) -> None:
        self.loop = asyncio.get_running_loop()
        bridge.make_nestable(self.loop)

    async def test_waits_on_the_running_loop(self) -> None:
        """The call runs on the very loop, and its other tasks go on meanwhile."""
        self.assertIs(self.loop, bridge.run(loop_here))
        ticks = []

        async def tick() -> None:
            while True:
                ticks.append(1)
                await asyncio.sleep(0)

        bystander = asyncio.create_task(tick())
        self.assertEqual([0, 1, 2], list(bridge.iterate(Source(3))))
        self.assertGreater(len(ticks), 2)
        bystander.cancel()

    async def test_call_inside_a_call(self) -> None:
        """A provider may make sync calls itself, several deep."""

        async def deep(level: int) -> int:
            return level + bridge.run(lambda: deep(level - 1)) if level else sum(bridge.iterate(Source(3)))

        self.assertEqual(9, bridge.run(lambda: deep(3)))

    async def test_in_a_callback(self) -> None:
        """A sync call may be made where no task runs."""
        answer = self.loop.create_future()
        self.loop.call_soon(lambda: answer.set_result(bridge.run(loop_here)))
        self.assertIs(self.loop, await answer)

    async def test_read_in_another_thread(self) -> None:
        """A stream that was begun on the running loop stays on it when another thread reads on, or closes it."""
        here, source = set(), Source(100)

        async def where() -> AsyncGenerator[int]:
            async for number in source():
                here.add(threading.get_ident())
                yield number

        stream = bridge.iterate(where)
        self.assertEqual(0, next(stream))
        self.assertEqual(list(range(1, 50)), await asyncio.to_thread(lambda: [next(stream) for _ in range(49)]))
        self.assertEqual(50, next(stream))
        await asyncio.to_thread(stream.close)
        self.assertTrue(await asyncio.to_thread(source.closed.wait, script.PATIENCE))
        self.assertEqual({threading.get_ident()}, here)

    async def test_finalizer(self) -> None:
        """A stream that is dropped inside a task's step does not run the loop there, but closes at its next turns."""
        source, ticks = Source(), []
        stream = bridge.iterate(source)
        next(stream)
        self.loop.call_soon(ticks.append, 1)
        del stream
        self.assertEqual([[], False], [ticks, source.closed.is_set()])
        self.assertTrue(await asyncio.to_thread(source.closed.wait, script.PATIENCE))

    def test_closed_where_its_loop_stands_still(self) -> None:
        """`close()` waits for the clean-up also where the loop of the stream does not run any more."""
        source = Source()

        async def begin() -> bridge.Stream[int]:
            stream = bridge.iterate(source)
            next(stream)
            return stream

        with asyncio.Runner() as runner:
            bridge.make_nestable(runner.get_loop())
            runner.run(begin()).close()
            self.assertTrue(source.closed.is_set())

    async def test_not_in_this_thread(self) -> None:
        """A worker thread of that program waits on its own loop."""
        self.assertIsNot(self.loop, await asyncio.to_thread(bridge.run, loop_here))


class TestPatches(unittest.TestCase):
    """Which loops are nestable, and who made them so: each in a process where nothing was patched before."""

    def test_first_call_in_the_same_step(self) -> None:
        """A loop may be made nestable and nested in one step, while others wait their turn in that very step."""
        run(
            """
done, end = [], asyncio.Event()
def call(number):
    bridge.make_nestable(asyncio.get_running_loop())
    for _ in range(3):
        assert bridge.run(loop_here) is asyncio.get_running_loop()
        assert [0, 1, 2] == list(bridge.iterate(three))
    done.append(number)
    if number == 0:  # the outermost, which ends last
        end.set()

async def main():
    loop = asyncio.get_running_loop()
    for number in range(5):
        loop.call_soon(call, number)
        loop.call_soon(done.append, number)
    await end.wait()
    assert sorted(done) == sorted([*range(5)] * 2), done

asyncio.run(main())
"""
        )

    def test_nest_asyncio2(self) -> None:
        """A loop that the program has made nestable by nest_asyncio2 is nested."""
        run(
            """
import nest_asyncio2
async def main():
    nest_asyncio2.apply()
    assert bridge.run(loop_here) is asyncio.get_running_loop()
    assert [0, 1, 2] == list(bridge.iterate(three))
with asyncio.Runner() as runner:
    runner.run(main())
"""
        )

    def test_nest_asyncio(self) -> None:
        """So is one that was made nestable by nest_asyncio; `make_nestable` replaces that patch."""
        run(
            """
import nest_asyncio
async def main():
    loop = asyncio.get_running_loop()
    nest_asyncio.apply()
    for _ in range(2):
        assert bridge.run(loop_here) is loop
        assert [0, 1, 2] == list(bridge.iterate(three))
        bridge.make_nestable(loop)
        assert hasattr(asyncio, "_nest_asyncio2") and hasattr(loop, "_nest_asyncio2")
        nest_asyncio.apply()
    await asyncio.sleep(0)
with asyncio.Runner() as runner:
    runner.run(main())
"""
        )

    def test_own_loop_once_patched(self) -> None:
        """The patch is one of the class: a thread's own loop works on, inside another loop and inside itself."""
        run(
            """
class Other(asyncio.SelectorEventLoop):
    pass
async def main():
    bridge.make_nestable(asyncio.get_running_loop())
    assert [1, 2] == list(stream)
async def own():
    return list(stream)
for kind in (Other, asyncio.SelectorEventLoop):
    stream = bridge.iterate(three)
    assert next(stream) == 0
    with asyncio.Runner(loop_factory=kind) as runner:
        runner.run(main())
    stream = bridge.iterate(three)
    assert next(stream) == 0
    assert [1, 2] == bridge.run(own)
"""
        )


class TestRefusals(unittest.TestCase):
    """Where a sync call must not wait: NestAsyncioError, before anything is created."""

    def assert_refused(self, *words: str) -> None:
        """Be refused, whole and as a stream, with these words."""
        for call in (bridge.run, bridge.iterate):
            with self.subTest(call), self.assertRaises(NestAsyncioError) as caught:
                call(lambda: self.fail("created"))  # type: ignore[arg-type]
            for word in words:
                self.assertIn(word, str(caught.exception))

    def test_other_program(self) -> None:
        """Inside another program's loop, and inside a provider's own code, the error names the three ways out."""
        run(
            """
from tests.test_bridge import TestRefusals
async def main():
    TestRefusals().assert_refused("create_async", "asyncio.to_thread", "nest_asyncio2.apply()", "UnixSelectorEventLoop")
asyncio.run(main())
bridge.run(main)
"""
        )

    def test_stream_of_elsewhere(self) -> None:
        """A stream that was begun outside is not read inside such a loop, but may be closed there, or read outside."""
        run(
            """
closed = []
async def hundred():
    try:
        for number in range(100):
            yield number
            await asyncio.sleep(0)
    finally:
        closed.append(1)
half, left, unread = (bridge.iterate(hundred) for _ in range(3))
got = [next(half)]
next(left)
async def main():
    for stream in (half, unread):
        try:
            for number in stream:
                got.append(number)
        except NestAsyncioError:
            continue
        raise AssertionError
    left.close()
asyncio.run(main())
assert list(range(100)) == [*got, *half] == list(unread) and [] == list(left) and len(closed) == 3, closed
"""
        )

    def test_packages_missing(self) -> None:
        """Without nest_asyncio2, making a loop nestable names it."""
        script.run(
            """
import asyncio, sys
sys.modules["nest_asyncio2"] = sys.modules["nest_asyncio"] = None
from g4f.waiting import bridge
from g4f.errors import NestAsyncioError
async def main():
    try:
        bridge.make_nestable(asyncio.get_running_loop())
    except NestAsyncioError as error:
        assert "pip install nest_asyncio2" in str(error)
    else:
        raise AssertionError
asyncio.run(main())
"""
        )

    def test_uvloop(self) -> None:
        """Inside uvloop the error names its type, the async API and the thread."""
        uvloop = optional(self, "uvloop")

        async def main() -> None:
            self.assert_refused("uvloop.Loop loop, which cannot be nested", "create_async", "asyncio.to_thread")
            with self.assertRaisesRegex(NestAsyncioError, "uvloop"):
                bridge.make_nestable(asyncio.get_running_loop())
            self.assertIsNot(asyncio.get_running_loop(), await asyncio.to_thread(bridge.run, loop_here))

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())

    def test_trio(self) -> None:
        """Inside trio the error says so; in a thread of trio's the call works."""
        trio = optional(self, "trio")

        async def main() -> None:
            self.assert_refused("inside trio", "trio.to_thread.run_sync")
            await trio.to_thread.run_sync(bridge.run, loop_here)

        trio.run(main)


class Abandonment(Inside):
    """However a stream is left, the provider is closed, and nothing stays behind."""

    def assert_closed(self: Any, leave: Callable[[bridge.Stream[int]], object]) -> None:
        """Leave a stream after two items; the provider is closed when that returns, or at the loop's next turn."""
        source = Source()

        def work() -> None:
            stream = bridge.iterate(source)
            self.assertEqual([0, 1], [next(stream), next(stream)])
            leave(stream)
            del stream
            gc.collect()
            if not source.closed.is_set():
                bridge.run(lambda: asyncio.to_thread(source.closed.wait, script.PATIENCE))

        self.inside(work)
        self.assertTrue(source.closed.is_set())

    def test_close(self: Any) -> None:
        """`close()` waits for the clean-up; the stream is over then."""

        def work() -> None:
            source = Source()
            stream = bridge.iterate(source)
            next(stream)
            stream.close()
            self.assertTrue(source.closed.is_set())
            self.assertEqual([], list(stream))
            stream.close()

        self.inside(work)

    def test_with(self: Any) -> None:
        """So does the end of a `with`, also if it is left by an exception."""

        def work() -> None:
            source = Source()
            with suppress(ZeroDivisionError), bridge.iterate(source) as stream:
                for number in stream:
                    _ = 1 // (3 - number)
            self.assertTrue(source.closed.is_set())

        self.inside(work)

    def test_break(self: Any) -> None:
        """A loop over the stream that is left by `break` leaves no reference, and so closes."""
        source = Source()

        def work() -> None:
            for number in bridge.iterate(source):
                if number == 2:
                    break

        def turn() -> None:
            work()
            bridge.run(loop_here)
            bridge.run(loop_here)

        self.inside(turn)
        self.assertTrue(source.closed.is_set())

    def test_last_reference(self: Any) -> None:
        """So does the loss of the last reference."""
        self.assert_closed(lambda _: None)

    def test_garbage(self: Any) -> None:
        """So does the collector, when the stream is part of a cycle."""

        def leave(stream: bridge.Stream[int]) -> None:
            cycle: list[object] = [stream]
            cycle.append(cycle)

        self.assert_closed(leave)

    def test_close_in_another_thread(self: Any) -> None:
        """Any thread may close it."""

        def leave(stream: bridge.Stream[int]) -> None:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(stream.close).result()

        self.assert_closed(leave)

    def test_dropped_in_another_thread(self: Any) -> None:
        """Any thread may have the last reference."""
        source, dropped = Source(), []

        class Noted(list[object]):
            def __del__(self) -> None:
                dropped.append(threading.get_ident())

        def work() -> None:
            stream = bridge.iterate(source)
            self.assertEqual([0, 1], [next(stream), next(stream)])
            box, alone = Noted([stream]), threading.Event()
            del stream
            with ThreadPoolExecutor(1) as pool:
                held = pool.submit(lambda _: alone.wait(script.PATIENCE), box)
                del box
                alone.set()
                self.assertTrue(held.result())
            self.assertNotIn(threading.get_ident(), dropped)
            if not source.closed.is_set():
                bridge.run(lambda: asyncio.to_thread(source.closed.wait, script.PATIENCE))

        self.inside(work)
        self.assertTrue(source.closed.is_set())
        self.assertEqual(1, len(dropped))

    def test_never_read(self: Any) -> None:
        """A stream that is never read has never begun: its factory is not called."""

        def work() -> None:
            unread = bridge.iterate(lambda: self.fail("created"))
            closed = bridge.iterate(lambda: self.fail("created"))
            closed.close()
            self.assertEqual([], list(closed))
            del unread

        self.inside(work)

    def test_error_that_nobody_reads(self: Any) -> None:
        """A provider that fails further on than the reader reads is nobody's error, and is not logged as unseen."""

        async def fails() -> AsyncGenerator[int]:
            yield 0
            yield 1
            raise ValueError

        def work() -> None:
            stream = bridge.iterate(fails)
            next(stream)
            bridge.run(loop_here)
            del stream
            gc.collect()

        with self.assertNoLogs("asyncio"):
            self.inside(work)

    def test_nothing_left(self: Any) -> None:
        """2,000 calls and streams, whole and left early, leave no task, no file and no handle."""

        def rounds(count: int) -> Counter[str]:
            for _ in range(count):
                loop = bridge.run(loop_here)
                list(bridge.iterate(Source(2)))
                with bridge.iterate(Source()) as stream:
                    next(stream)
                next(bridge.iterate(Source()))
            bridge.run(loop_here)
            gc.collect()
            left = Counter(type(each).__name__ for each in gc.get_objects())
            left["file"] = psutil.Process().num_fds()
            left["ready"] = len(loop._ready)  # type: ignore[attr-defined]
            return left

        def work() -> None:
            before = rounds(10)
            # What a test before this one has left may go meanwhile, and the interpreter keeps what it has looked up.
            self.assertEqual([], [kind for kind, count in (rounds(2000) - before).items() if count > 200])

        self.inside(work)


class Pace(Inside):
    """How far a provider may be ahead of its reader, and its reader behind."""

    def test_ahead(self: Any) -> None:
        """A provider that never waits is stopped when it is so many items ahead."""
        made = []

        async def numbers() -> AsyncGenerator[int]:
            for number in range(10 * bridge.LIMIT):
                made.append(number)
                yield number

        def work() -> None:
            with bridge.iterate(numbers) as stream:
                self.assertEqual(0, next(stream))
                for _ in range(3):
                    bridge.run(loop_here)
                self.assertLessEqual(len(made), bridge.LIMIT + 1)
                self.assertEqual(list(range(1, 2 * bridge.LIMIT)), [next(stream) for _ in range(1, 2 * bridge.LIMIT)])

        self.inside(work)

    def test_behind(self: Any) -> None:
        """A provider that works without ever waiting hands over what it has."""
        made = []

        async def slow() -> AsyncGenerator[int]:
            for number in range(5):
                made.append(number)
                yield number
                until = monotonic() + 2 * bridge.HANDOVER
                while monotonic() < until:
                    pass

        def work() -> None:
            stream = bridge.iterate(slow)
            self.assertEqual(0, next(stream))
            self.assertLess(len(made), 5)
            self.assertEqual([1, 2, 3, 4], list(stream))

        self.inside(work)


class Contexts(Inside):
    """A provider lives in one task and one context, from its first item to its clean-up."""

    def test_context_variables(self: Any) -> None:
        """It sees the reader's variables, and keeps those that it sets between items."""
        var = contextvars.ContextVar("var", default="")

        async def tagged() -> AsyncGenerator[str]:
            for tag in "abc":
                yield var.get()
                var.set(var.get() + tag)
                await asyncio.sleep(0)
            yield var.get()

        def work() -> None:
            var.set("reader ")
            self.assertEqual(["reader ", "reader a", "reader ab", "reader abc"], list(bridge.iterate(tagged)))
            self.assertEqual("reader ", var.get())

        contextvars.copy_context().run(self.inside, work)

    def test_timeout(self: Any) -> None:
        """`asyncio.timeout` around items fires."""

        async def slow() -> AsyncGenerator[int]:
            async with asyncio.timeout(None) as limit:
                yield 1
                await asyncio.sleep(0)
                yield 2
                limit.reschedule(asyncio.get_running_loop().time() + 0.01)
                await asyncio.Event().wait()

        def work() -> None:
            stream = bridge.iterate(slow)
            self.assertEqual([1, 2], [next(stream), next(stream)])
            self.assertRaises(TimeoutError, next, stream)
            self.assertEqual([], list(stream))

        self.inside(work)

    def test_task_group(self: Any) -> None:
        """`asyncio.TaskGroup` around items works, also where the reader leaves between them."""

        async def grouped() -> AsyncGenerator[int]:
            async with asyncio.TaskGroup() as group:
                group.create_task(loop_here())
                for number in range(3):
                    yield number
                    await asyncio.sleep(0)

        self.assert_scopes(grouped)

    def test_anyio(self: Any) -> None:
        """So do anyio's task groups and cancel scopes."""
        anyio = optional(self, "anyio")

        async def grouped() -> AsyncGenerator[int]:
            async with anyio.create_task_group() as group:
                group.start_soon(loop_here)
                with anyio.CancelScope():
                    for number in range(3):
                        yield number
                        await asyncio.sleep(0)

        self.assert_scopes(grouped)

    def assert_scopes(self: Any, grouped: Callable[[], AsyncGenerator[int]]) -> None:
        """Read to the end, and leave early: neither raises."""

        def work() -> None:
            self.assertEqual([0, 1, 2], list(bridge.iterate(grouped)))
            with bridge.iterate(grouped) as stream:
                self.assertEqual(0, next(stream))

        self.inside(work)


class Threads(Inside):
    """A stream is one thread's at a time, but any thread's."""

    def test_read_in_another_thread(self: Any) -> None:
        """A stream that is made here and read elsewhere needs nothing of this thread, which may wait for that one."""

        def work() -> None:
            stream = bridge.iterate(Source(3))
            with ThreadPoolExecutor(1) as pool:
                self.assertEqual([0, 1, 2], pool.submit(list, stream).result())

        self.inside(work)

    def test_read_on_here(self: Any) -> None:
        """A stream that was begun in a thread which lives on may be read on here, and there again."""

        def work() -> None:
            with ThreadPoolExecutor(1) as pool:
                stream = pool.submit(bridge.iterate, Source(300)).result()
                got = [call() for _ in range(100) for call in (pool.submit(next, stream).result, lambda: next(stream))]
                self.assertEqual(list(range(300)), got + list(stream))

        self.inside(work)

    def test_close_under_a_reader(self: Any) -> None:
        """Who reads while another thread closes sees the end of the stream."""
        begun = threading.Event()

        async def stuck() -> AsyncGenerator[int]:
            yield 0
            begun.set()
            await asyncio.Event().wait()

        def work() -> None:
            with ThreadPoolExecutor(1) as pool:
                stream = bridge.iterate(stuck)
                read = pool.submit(list, stream)
                begun.wait(script.PATIENCE)
                stream.close()
                self.assertEqual([0], read.result(script.PATIENCE))

        self.inside(work)

    def test_close_at_any_moment_of_a_reader(self: Any) -> None:
        """So does who is only beginning to read, or has just been given an item, which is not lost."""
        closed: list[int] = []

        async def one() -> AsyncGenerator[int]:
            yield 0
            await asyncio.Event().wait()

        def first(*_: object) -> None:
            """Close the stream in another thread, before this one goes on: once."""
            if not closed:
                closed.append(1)
                closer = threading.Thread(target=stream.close)
                closer.start()
                closer.join(script.PATIENCE)

        def before(method: Any) -> Any:
            return lambda *args: (first(), method(*args))[1]

        def behind(method: Any) -> Any:
            return lambda *args: (method(*args), first())[0]

        def work() -> None:
            nonlocal stream
            for owner, name, moment, read, expected in (
                (bridge.Stream, "_refill", before, 0, []),
                (bridge, "find_runner", behind, 0, []),
                (bridge.Stream, "_refill", behind, 0, [0]),
                (bridge.Stream, "_listen", before, 1, []),
            ):
                with self.subTest(name, read=read):
                    closed.clear()
                    stream = bridge.iterate(one)
                    self.assertEqual([0][:read], [next(stream) for _ in range(read)])
                    with mock.patch.object(owner, name, moment(getattr(owner, name))):
                        self.assertEqual(expected, list(stream))

        stream: bridge.Stream[int]
        self.inside(work)


async def stuck() -> None:
    """Wait for ever."""
    await asyncio.Event().wait()


def interrupt_soon() -> None:
    """Send SIGINT when the loop is at its next turn."""
    asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)


class Interrupts(Inside):
    """SIGINT while a sync call waits in the main thread."""

    def assert_interrupted(self: Any, call: Callable[[], object]) -> None:
        """KeyboardInterrupt comes, handlers and bystanders are as before, and the next call works."""

        def work() -> None:
            before = signal.getsignal(signal.SIGINT)
            loop = bridge.run(loop_here)
            bystander = loop.create_task(stuck())
            self.assertRaises(KeyboardInterrupt, call)
            self.assertIs(before, signal.getsignal(signal.SIGINT))
            for _ in range(3):
                self.assertIs(loop, bridge.run(loop_here))
            self.assertFalse(bystander.done())
            bystander.cancel()
            bridge.run(loop_here)
            bridge.run(loop_here)
            self.assertLessEqual(len(asyncio.all_tasks(loop)), 1)

        self.inside(work)

    def test_first(self: Any) -> None:
        """The first cancels the call and waits for its clean-up."""
        cleaned = []

        async def call() -> None:
            try:
                interrupt_soon()
                await stuck()
            finally:
                await loop_here()
                cleaned.append(True)

        self.assert_interrupted(lambda: bridge.run(call))
        self.assertEqual([True], cleaned)

    def test_second(self: Any) -> None:
        """The second raises at once, whatever the clean-up still does."""

        async def call() -> None:
            try:
                interrupt_soon()
                await stuck()
            finally:
                interrupt_soon()
                await stuck()

        self.assert_interrupted(lambda: bridge.run(call))

    def test_stream(self: Any) -> None:
        """A stream is cancelled, cleaned up, and over."""
        cleaned = []

        async def items() -> AsyncGenerator[int]:
            try:
                yield 0
                interrupt_soon()
                await stuck()
            finally:
                await loop_here()
                cleaned.append(True)

        def work() -> None:
            stream = bridge.iterate(items)
            try:
                list(stream)
            finally:
                self.assertEqual([True], cleaned)
                self.assertEqual([], list(stream))

        self.assert_interrupted(work)

    def test_stream_second(self: Any) -> None:
        """A stream whose clean-up hangs is left at the second."""

        async def items() -> AsyncGenerator[int]:
            try:
                interrupt_soon()
                await stuck()
                yield 0
            finally:
                interrupt_soon()
                await stuck()

        self.assert_interrupted(lambda: list(bridge.iterate(items)))

    def test_before_there_is_a_task(self: Any) -> None:
        """One that comes while the call is being made stops it before its first step."""
        begun = []

        def make() -> Any:
            signal.raise_signal(signal.SIGINT)
            return call()

        async def call() -> None:
            begun.append(True)

        self.assert_interrupted(lambda: bridge.run(make))
        self.assertEqual([], begun)

    def test_after_the_result(self: Any) -> None:
        """One that comes when the call is done already is not lost."""

        async def call() -> None:
            signal.raise_signal(signal.SIGINT)

        self.assert_interrupted(lambda: bridge.run(call))

    def test_error_of_the_clean_up(self: Any) -> None:
        """A clean-up that fails does not hide it."""

        async def call() -> None:
            try:
                interrupt_soon()
                await stuck()
            finally:
                raise ValueError

        self.assert_interrupted(lambda: bridge.run(call))

    def test_second_in_another_task(self: Any) -> None:
        """One that hits another task of the loop does that task no harm."""
        cleaning = threading.Event()

        async def bystander() -> None:
            while not cleaning.is_set():
                await asyncio.sleep(0)
            signal.raise_signal(signal.SIGINT)
            await stuck()

        async def call() -> None:
            try:
                interrupt_soon()
                await stuck()
            finally:
                cleaning.set()
                await stuck()

        def work() -> None:
            task = bridge.run(loop_here).create_task(bystander())
            try:
                bridge.run(call)
            finally:
                self.assertFalse(task.done())
                task.cancel()

        self.assert_interrupted(work)

    def test_second_where_nothing_waits(self: Any) -> None:
        """One that hits the call's own code, which does not give way, raises right there."""
        survived = []

        async def call() -> None:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            survived.append(True)

        self.assert_interrupted(lambda: bridge.run(call))
        self.assertEqual([], survived)

    def test_third(self: Any) -> None:
        """The third raises wherever it hits, even where nobody is left to restore the handler from before."""

        async def call() -> None:
            asyncio.get_running_loop().call_soon(again)
            await stuck()

        def again() -> None:
            for _ in range(3):
                signal.raise_signal(signal.SIGINT)
            survived.append(True)

        def work() -> None:
            before = signal.getsignal(signal.SIGINT)
            runners._Interrupts(bridge.run(loop_here))
            with self.assertRaises(KeyboardInterrupt):
                for _ in range(3):
                    signal.raise_signal(signal.SIGINT)
            self.assertIs(before, signal.getsignal(signal.SIGINT))

        survived: list[bool] = []
        self.assert_interrupted(lambda: bridge.run(call))
        self.assertEqual([], survived)
        self.inside(work)

    def test_second_too_late(self: Any) -> None:
        """A second that comes when the call is over already raises nowhere later."""

        async def call() -> None:
            loop = asyncio.get_running_loop()
            loop.call_soon(signal.raise_signal, signal.SIGINT)
            try:
                await stuck()
            finally:
                asyncio.current_task().add_done_callback(lambda _: signal.raise_signal(signal.SIGINT))

        self.assert_interrupted(lambda: bridge.run(call))

    def test_close(self: Any) -> None:
        """One while `close()` waits for a clean-up that hangs ends the waiting."""

        async def items() -> AsyncGenerator[int]:
            try:
                yield 0
                await stuck()
            finally:
                interrupt_soon()
                await stuck()

        def work() -> None:
            stream = bridge.iterate(items)
            next(stream)
            stream.close()

        self.assert_interrupted(work)


def optional(test: unittest.TestCase, name: str) -> Any:
    """Return a module, or skip the test."""
    try:
        return __import__(name)
    except ImportError:
        test.skipTest(f"{name} is not installed")


class TestInterruptOfScripts(unittest.TestCase):
    """A real SIGINT, sent when the script has written its first line."""

    def test_own_handler(self) -> None:
        """A handler that a script has set is left alone."""
        calls = []
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, lambda *_: calls.append(1)))

        async def call() -> str:
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(0)
            return "answer"

        self.assertEqual(["answer", [1]], [bridge.run(call), calls])

    def wait_and(self, clean_up: str, *, times: int = 1) -> str:
        """Return what a script writes whose call waits with nothing to do, and then cleans up."""
        return interrupted(
            f"""
async def call():
    try:
        print("waiting")
        await asyncio.Event().wait()
    finally:
        {clean_up}
        print("cleaned")
try:
    bridge.run(call)
except KeyboardInterrupt:
    print("interrupted")
assert [0, 1, 2] == list(bridge.iterate(three))
""",
            times=times,
        )

    def test_blocked_in_the_selector(self) -> None:
        """It wakes a loop with nothing to do; the script goes on."""
        self.assertEqual("waiting\ncleaned\ninterrupted\n", self.wait_and("await asyncio.sleep(0)"))

    def test_twice(self) -> None:
        """Twice ends the call at once, though the clean-up hangs; the script goes on."""
        out = self.wait_and('print("cleaning"); await asyncio.Event().wait()', times=2)
        self.assertEqual("waiting\ncleaning\ninterrupted\n", out)

    def test_sync_provider(self) -> None:
        """A sync provider that blocks in its thread does not hold the script."""
        out = script.interrupted(
            """
import threading
import g4f
class Blocks:
    def create_completion(model, messages):
        yield "text"
        threading.Event().wait()
try:
    for text in g4f.ChatCompletion.create("", "hi", Blocks, stream=True):
        print(text)
except KeyboardInterrupt:
    print("interrupted")
"""
        )
        self.assertEqual("text\ninterrupted\n", out)

    def test_reader_at_work(self) -> None:
        """One that hits the reader between two items raises there, and the provider is closed."""
        out = interrupted(
            """
async def items():
    try:
        while True:
            yield "item"
            await asyncio.sleep(0)
    finally:
        await asyncio.sleep(0)
        print("cleaned")
try:
    for item in bridge.iterate(items):
        print(item)
        threading.Event().wait()
except KeyboardInterrupt:
    print("interrupted")
"""
        )
        self.assertEqual("item\ncleaned\ninterrupted\n", out)


class TestPaceOwn(Pace, OnOwnLoop, unittest.TestCase):
    """On the thread's own loop."""


class TestPaceNested(Pace, OnNestedLoop, unittest.TestCase):
    """On a nested loop."""


class TestContextsOwn(Contexts, OnOwnLoop, unittest.TestCase):
    """On the thread's own loop."""


class TestContextsNested(Contexts, OnNestedLoop, unittest.TestCase):
    """On a nested loop."""


class TestThreadsOwn(Threads, OnOwnLoop, unittest.TestCase):
    """On the thread's own loop."""

    def test_call_under_a_reader(self) -> None:
        """While another thread waits for an item of a stream that was begun here, calls here do not wait for it."""
        here, waits, go = threading.get_ident(), threading.Event(), threading.Event()

        async def slow() -> AsyncGenerator[int]:
            yield 0
            while threading.get_ident() == here:
                await asyncio.sleep(0)
            waits.set()
            await asyncio.to_thread(go.wait)
            yield 1

        stream = bridge.iterate(slow)
        self.assertEqual(0, next(stream))
        with ThreadPoolExecutor(1) as pool:
            item = pool.submit(next, stream)
            waits.wait(script.PATIENCE)
            self.assertFalse(bridge.run(loop_here).is_closed())
            go.set()
            self.assertEqual(1, item.result())
        self.assertEqual([], list(stream))


class TestThreadsNested(Threads, OnNestedLoop, unittest.TestCase):
    """On a nested loop."""


class TestInterruptsOwn(Interrupts, OnOwnLoop, unittest.TestCase):
    """On the thread's own loop."""


class TestInterruptsNested(Interrupts, OnNestedLoop, unittest.TestCase):
    """On a nested loop."""

    def test_call_inside_a_call(self) -> None:
        """One in an inner call goes through the outer one's clean-up, and asyncio has nothing to complain of."""
        cleaned = []

        async def inner() -> None:
            interrupt_soon()
            await stuck()

        async def outer() -> None:
            try:
                bridge.run(inner)
            finally:
                cleaned.append(True)

        with self.assertNoLogs("asyncio"):
            self.assert_interrupted(lambda: bridge.run(outer))
            gc.collect()


class TestAbandonmentOwn(Abandonment, OnOwnLoop, unittest.TestCase):
    """On the thread's own loop."""


class TestAbandonmentNested(Abandonment, OnNestedLoop, unittest.TestCase):
    """On a nested loop."""
