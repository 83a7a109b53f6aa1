"""Where a sync call waits: nested on the loop that runs here, or on the thread's own loop.

    find_runner ──a loop runs here──▶ Runner(loop)        nested; the loop is somebody else's and is never closed here
                └─none runs here────▶ _ThreadRunner       the thread's own loop, kept for its next call

A wait, on either:

    start() ─▶ future, task ─▶ run_until_complete(future) ─▶ result, or error
                               1st SIGINT ─▶ task.cancel() ─▶ the task cleans up ─▶ KeyboardInterrupt
                               2nd SIGINT ─▶ KeyboardInterrupt between two steps of the loop, without waiting further
                               3rd SIGINT ─▶ KeyboardInterrupt right here

who                         may touch
the thread of the loop      everything
another thread              `call_soon_threadsafe`, `run_coroutine_threadsafe`; `_ThreadRunner._lock` says whether the
                            thread's own loop is in use
a signal handler            `count`, and `call_soon_threadsafe`: it may run between any two bytecodes
a forked child              nothing of the parent's loops, whose locks may be held by threads that are not here

A thread's own loop ends with its thread (`_ThreadRunners.__del__`), at the exit of the interpreter, or in a forked
child without any clean-up.
"""

from __future__ import annotations

import _signal  # signal.signal, without the 4 µs in which it looks for an enum of the handler
import asyncio
import atexit
import os
import selectors
import signal
import sys
import threading
from asyncio.events import _get_running_loop
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from .nesting import is_nestable, loop_here, make_nestable

__all__ = ["Runner", "find_runner"]

T = TypeVar("T")

Start: TypeAlias = Callable[[], tuple["asyncio.Future[T]", "asyncio.Future[Any]"]]
"""Called where the loop may be used: returns the future to wait for, and the task that an interrupt cancels."""


def find_runner() -> Runner:
    """Return where a sync call that is made here waits. Raises NestAsyncioError where it must not."""
    loop = loop_here()
    if loop is not None:
        return Runner(loop)
    return _here.runners.free()


class Runner:
    """A running loop on which a sync call waits, nested."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop

    def is_busy(self) -> bool:
        """Whether this thread can only ask the loop for something now, not wait for it."""
        return self.loop.is_running() and _get_running_loop() is not self.loop

    def wait(self, start: Start[T]) -> T:
        """Return the result of the future that `start` returns, or raise its error.

        The first interrupt cancels the task, and raises KeyboardInterrupt when it has cleaned up; the second at once.
        """
        if self.is_busy():
            return asyncio.run_coroutine_threadsafe(_elsewhere(start), self.loop).result()
        return self._run(start)

    def _run(self, start: Start[T]) -> T:
        loop, future = self.loop, None
        ready = loop._ready  # type: ignore[attr-defined]
        # Counted before the task of this call is made, or the queue would grow by one per call.
        counted = _counted(ready) if loop.is_running() else 0
        interrupts = _Interrupts(loop)
        try:
            future, task = start()
            interrupts.cancel(task)
            result = loop.run_until_complete(future)
            if interrupts.count and not task.done():  # an item came in the moment of the interrupt
                loop.run_until_complete(asyncio.wait([task]))
            return result
        finally:
            interrupts.restore()
            if future is not None and not future.cancelled():
                if not future.done():  # a second interrupt, or the loop was stopped
                    future.cancel()
                else:
                    future.exception()  # retrieved, or asyncio reports an interrupt of a nested call as never seen
            if len(ready) < counted:
                ready.extend([_Spent()] * (counted - len(ready)))
            if interrupts.count:
                raise KeyboardInterrupt from None


class _Spent:
    """Stands in a loop's queue for a handle that ran early. The loop takes it out and passes over it: it is cancelled.

    `_run_once` of asyncio notes how many handles are ready, and then pops as many. If one of them runs a nested loop,
    that loop pops the others, and the outer one would pop from an empty deque: IndexError, and the loop is dead.
    """

    _cancelled = True


def _counted(ready: deque[object]) -> int:
    """Return how many handles a stock `_run_once` below on the stack may have counted, and must find.

    A stock one runs below if it was entered before the loop was patched. It cannot have counted what was added behind
    the stand-ins of an earlier call of the same step.
    """
    for behind, handle in enumerate(reversed(ready)):
        if type(handle) is _Spent:
            return len(ready) - behind
    return len(ready)


async def _elsewhere(start: Start[T]) -> T:
    return await start()[0]


class _Interrupts:
    """SIGINT while a sync call waits in the main thread: the first cancels the call's task, the second ends the wait.

    The stock handler would raise in whatever task runs at that moment, and one that posts to the loop, such as
    ipykernel's in a cell with `await`, cannot reach a wait inside that loop. This one raises between the steps of
    tasks; only where the call's own code does not give way, and at the third, wherever it is. A handler that a
    program without a running loop has set for itself is left alone, as `asyncio.run` does.
    """

    __slots__ = ("_loop", "_over", "_previous", "_task", "count")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.count = 0
        self._loop = loop
        self._over = False
        self._task: asyncio.Future[Any] | None = None
        self._previous: Any = None
        if threading.get_ident() == threading.main_thread().ident:
            previous = _signal.getsignal(signal.SIGINT)
            if previous is signal.default_int_handler or (callable(previous) and loop.is_running()):
                self._previous = previous
                _signal.signal(signal.SIGINT, self)

    def cancel(self, task: asyncio.Future[Any]) -> None:
        """From now on an interrupt cancels `task`; so does one that came before there was a task."""
        self._task = task
        if self.count:
            task.cancel()

    def __call__(self, *_: object) -> None:
        self.count += 1
        if self.count > 2 or (self.count == 2 and asyncio.current_task(self._loop) is self._task):
            self.restore()  # here, because this may be raised where nobody else does it any more
            raise KeyboardInterrupt
        if self.count == 2:
            self._loop.call_soon_threadsafe(self._give_up)
        elif self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)

    def _give_up(self) -> None:
        if not self._over:
            raise KeyboardInterrupt

    def restore(self) -> None:
        self._over = True
        if self._previous is not None:
            _signal.signal(signal.SIGINT, self._previous)


class _ThreadRunner(Runner):
    """A thread's own loop. It is closed with the thread, and what is left on it cancelled."""

    def __init__(self) -> None:
        # Poll, not epoll: a forked child shares the parent's epoll set, and would deafen the parent by closing it.
        selector = getattr(selectors, "PollSelector", selectors.DefaultSelector)()
        super().__init__(asyncio.SelectorEventLoop(selector))
        self._lock = threading.Lock()
        self._process = os.getpid()

    def is_busy(self) -> bool:
        return self._lock.locked() or _get_running_loop() is not None

    def wait(self, start: Start[T]) -> T:
        running = _get_running_loop()
        if running is not None:  # a stream that was opened where none ran is read here
            loop_here()
            if not is_nestable(self.loop):
                make_nestable(self.loop)
            if running is self.loop:
                return self._run(start)
        with self._lock:
            return self._run(start)

    def close(self) -> None:
        """Cancel what is left on the loop, close its async generators, then the loop."""
        loop = self.loop
        if self._process == os.getpid():
            for task in asyncio.all_tasks(loop):
                loop.call_soon_threadsafe(task.cancel)  # also one that another thread is waiting for
            # Once the interpreter ends, daemon threads stand still: what one of them holds is never given back.
            if self._lock.acquire(blocking=not sys.is_finalizing()):
                try:
                    loop.run_until_complete(_drain(loop))
                    loop.close()
                finally:
                    self._lock.release()
        elif not loop.is_running():  # in a forked child: what is left is the parent's, the lock may be nobody's
            loop.close()

    def __del__(self) -> None:
        if not self.loop.is_closed():
            self.close()


async def _drain(loop: asyncio.AbstractEventLoop) -> None:
    await asyncio.gather(*(asyncio.all_tasks(loop) - {asyncio.current_task()}), return_exceptions=True)
    await loop.shutdown_asyncgens()


class _ThreadRunners:
    """A thread's own loops, which end with the thread, even if others still refer to them.

    It has one, and one more for each that another thread is using at the time, to read a stream that was begun here.
    """

    def __init__(self) -> None:
        self._runners: list[_ThreadRunner] = []

    def free(self) -> _ThreadRunner:
        """Return a runner that nobody uses now."""
        for runner in self._runners:
            if not runner.is_busy():
                return runner
        runner = _ThreadRunner()
        if threading.current_thread().is_alive():  # else the interpreter ends: it is too late once this is deleted
            self._runners.append(runner)
        return runner

    def close(self) -> None:
        while self._runners:
            self._runners.pop().close()

    __del__ = close


class _Here(threading.local):
    def __init__(self) -> None:
        self.runners = _ThreadRunners()


_here = _Here()


def _close_runners() -> None:
    _here.runners.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_runners)
atexit.register(_close_runners)
