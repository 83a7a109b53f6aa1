"""Async code waits on sync code: a blocking iterator runs in a thread of its own.

No pool is used: asyncio's takes nothing more, and cannot even be loaded, once the main thread has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Sequence
from concurrent.futures import Future
from functools import partial
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

__all__ = ["Abandoned", "Outlet", "in_thread", "iterate_in_thread", "side_by_side", "stream_from_thread"]

T = TypeVar("T")

LIMIT = 256
"""Items that a thread may be ahead of its reader."""

GRACE = 0.2
"""Seconds that a reader who leaves waits for the thread to clean up. A thread that blocks cannot be stopped."""


class Abandoned(Exception):  # noqa: N818 - not an error: the reader has left
    """Raised in the thread by `Outlet.put`: nobody reads any more."""


class Outlet(Generic[T]):
    """Where a thread puts what an event loop reads: one thread, one reader, at most `LIMIT` items between them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.abandoned = False
        self._loop = loop
        self._items: deque[T] = deque()
        self._error: BaseException | None = None
        self._ended = False
        self._waiter: asyncio.Future[None] | None = None
        self._change = threading.Condition()

    def put(self, item: T) -> None:
        """Hand over one item; block while the reader is `LIMIT` items behind. Raises Abandoned once it has left."""
        with self._change:
            while len(self._items) >= LIMIT and not self.abandoned:
                self._change.wait()
            if self.abandoned:
                raise Abandoned
            self._items.append(item)
            self._wake()

    def end(self, error: BaseException | None = None) -> None:
        """Nothing more comes; the reader gets `error`, if there is one, after the last item."""
        with self._change:
            self._ended, self._error = True, error
            self._wake()

    def leave(self) -> None:
        """Tell the thread that nobody reads any more."""
        with self._change:
            self.abandoned = True
            self._change.notify()

    async def take(self) -> list[T]:
        """Return all items that wait, at least one; an empty list at the end. Raises what the thread raised."""
        while True:
            with self._change:
                if self._items:
                    items = list(self._items)
                    self._items.clear()
                    self._change.notify()
                    return items
                if self._ended:
                    if self._error is not None:
                        raise self._error
                    return []
                self._waiter = self._loop.create_future()
            await self._waiter

    async def ended(self) -> None:
        """Wait until the thread has ended, whatever else it puts."""
        while not self._ended:
            self._waiter = self._loop.create_future()
            if not self._ended:
                await self._waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            with contextlib.suppress(RuntimeError):  # the loop was closed under a reader that never came back
                self._loop.call_soon_threadsafe(_resolve, waiter)


def _resolve(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


async def stream_from_thread(work: Callable[[Outlet[T]], None], name: str) -> AsyncGenerator[T]:
    """Run `work(outlet)` in a daemon thread called `name`, in the caller's context; yield what it puts.

    Raises what `work` raises. A reader that leaves early makes the next `put` raise Abandoned.
    """
    outlet: Outlet[T] = Outlet(asyncio.get_running_loop())

    def body() -> None:
        try:
            work(outlet)
        except Abandoned:
            outlet.end()
        except BaseException as error:  # carried over to the reader, where it is raised
            outlet.end(error)
        else:
            outlet.end()

    threading.Thread(target=contextvars.copy_context().run, args=(body,), name=name, daemon=True).start()
    try:
        while items := await outlet.take():
            for item in items:
                yield item
    finally:
        outlet.leave()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await outlet.ended()


def iterate_in_thread(make: Callable[[], Iterable[T]], name: str) -> AsyncGenerator[T]:
    """Yield the items of `make()`, which is called, read and closed in one thread of its own."""

    def work(outlet: Outlet[T]) -> None:
        items = make()
        try:
            for item in items:
                outlet.put(item)
        finally:
            if isinstance(items, Generator):
                items.close()

    return stream_from_thread(work, name)


async def in_thread(call: Callable[[], T]) -> T:
    """Return `call()`, made in a daemon thread, in the caller's context. Raises what it raises.

    If the wait is cancelled, the thread is left behind: one that blocks cannot be stopped.
    """
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()
    work = partial(contextvars.copy_context().run, _fulfil, future, call)
    try:
        _idle.pop().put(work)
    except IndexError:
        threading.Thread(target=_works, args=(work,), name="g4f-tool", daemon=True).start()
    return await asyncio.wrap_future(future)


REST = 2.0
"""Seconds that a thread waits for more work: to start one costs as much as a short call."""

_idle: deque[SimpleQueue[Callable[[], None]]] = deque()
"""Where the threads that have nothing to do are given work."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)  # those threads are the parent's


def _works(work: Callable[[], None]) -> None:
    given: SimpleQueue[Callable[[], None]] = SimpleQueue()
    while True:
        work()
        del work  # it holds what the call returned
        _idle.append(given)
        try:
            work = given.get(timeout=REST)
        except Empty:
            try:
                _idle.remove(given)
            except ValueError:  # just now somebody has taken it
                work = given.get()
            else:
                return


def side_by_side(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Call each in a thread of its own, and return the results in order. Raises the error of the first that fails."""
    futures = [Future[T]() for _ in calls]
    for number, each in enumerate(zip(futures, calls, strict=True)):
        threading.Thread(target=_fulfil, args=each, name=f"g4f-{number}", daemon=True).start()
    return [future.result() for future in futures]


def _fulfil(future: Future[T], call: Callable[[], T]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # carried over to who waits for it
        future.set_exception(error)
