"""Sync code waits on async code: `run` for one result, `iterate` for a stream. Knows nothing of chat.

Where the call is made decides where it waits, asked anew at every call:

no loop runs here            the thread's own private loop, kept for the next call, closed with the thread
a loop that can be nested    nested on that loop; its other tasks go on
the loop of an IPython       made nestable first, then nested: a cell works without any set-up
any other loop, or trio      NestAsyncioError: a sync call would block the whole program

Both take factories, so nothing is created before it may run. The first interrupt cancels the call and waits for
its clean-up before KeyboardInterrupt comes; the second comes at once. Nested calls that overlap on one loop end
last in, first out; `asyncio.gather` of async calls has no such order.

A stream has one task, the pump, which owns the generator from its first item to its clean-up. What a ContextVar,
`asyncio.timeout` or a cancel scope does between two items needs one task; stepping `__anext__` would make one per item.

    NEW ──first __next__──▶ READING ──generator ends──▶ ENDED ──buffer empty──▶ StopIteration, or its error
     │                       │    ▲
     │                       │    └── the reader waits on `channel.reader`, the pump on `channel.room`
     │                       ├── close, __exit__, __del__, interrupt ──▶ LEFT: the pump is cancelled, and cleans up
     │                       └── the loop is closed, or belongs to the parent process ──▶ GONE: ResponseError
     └── close ──▶ LEFT

who             thread                            may touch
the pump        the loop's                        right end of `buffer`, `reader`, `room`, `ended`
the reader      any one at a time                 left end of `buffer`; everything else through `Runner.wait`
who closes      any, also a finalizer             `_task` and `_channel`, by replacing them; the task by
                                                  `call_soon_threadsafe(task.cancel)` only
"""

from __future__ import annotations

import asyncio
import os
from asyncio.events import _get_running_loop
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import aclosing, suppress
from functools import partial
from time import monotonic
from typing import Any, Generic, TypeVar

from ..errors import ResponseError
from .nesting import is_nestable, make_nestable
from .runners import Runner, find_runner

__all__ = ["Stream", "is_nestable", "iterate", "make_nestable", "run"]

T = TypeVar("T")

LIMIT = 1024
"""Items that a provider may be ahead of a sync reader."""

HANDOVER = 0.01
"""Seconds after which a provider that never suspends has to hand over what it has."""

GRACE = 0.5
"""Seconds that a finalizer gives an abandoned stream to close."""


_GONE = "the stream was cut off: its event loop was closed, or runs in the process that forked this one. Ask again"

_pumps: set[asyncio.Task[None]] = set()
"""The tasks of streams that have not ended, kept alive.

A task whose loop was closed, or belongs to the parent process, never ends. If it were collected, its clean-up would
run in the wrong place.
"""


def run(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Return the result of `make()`. Raises NestAsyncioError before `make` is called, or whatever it raises."""
    runner = find_runner()

    def start() -> tuple[asyncio.Task[T], asyncio.Task[T]]:
        task = runner.loop.create_task(make())
        return task, task

    return runner.wait(start)


def iterate(make: Callable[[], AsyncGenerator[T]]) -> Stream[T]:
    """Return the items of `make()` as a sync iterator. Raises NestAsyncioError now, not at the first item."""
    return Stream(find_runner(), make)


class Stream(Iterator[T]):
    """A sync iterator over an async generator, which lives in one task from its first item to its clean-up.

    Where the first item is read, the task is started; from then on any one thread at a time may read it. Leaving
    early (`close`, `with`, or no reference left) cancels the task.
    """

    def __init__(self, runner: Runner, make: Callable[[], AsyncGenerator[T]]) -> None:
        self._runner = runner
        self._make: Callable[[], AsyncGenerator[T]] | None = make
        self._channel: _Channel[T] = _Channel()
        self._task: asyncio.Task[None] | None = None
        self._process = 0

    def __next__(self) -> T:
        channel = self._channel  # another thread may close the stream meanwhile, which takes a new one
        if not channel.buffer:
            self._refill(channel)
        return channel.buffer.popleft()

    def __enter__(self) -> Stream[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the provider and wait until it has cleaned up; while its loop runs elsewhere, only ask for it."""
        task = self._leave()
        if task is None:
            return
        # Cancel before waiting: a reader in another thread may have begun to wait for the next item just now.
        self._cancel(task)
        if not self._runner.is_busy():
            with suppress(asyncio.CancelledError):
                self._runner.wait(lambda: (task, task))

    def __del__(self) -> None:
        task = self._leave()
        if task is None:
            return
        self._cancel(task)
        # A finalizer may run inside another task's step: there it must not run a loop.
        if _get_running_loop() is None and not self._runner.is_busy():
            self._runner.wait(lambda: (self._runner.loop.create_task(_settle(task)), task))

    def _leave(self) -> asyncio.Task[None] | None:
        """End the reading; return the task if it goes on."""
        # In this order: a reader in another thread that starts the task right now finds that it is not wanted.
        self._make, self._channel = None, _Channel(ended=True)
        task, self._task = self._task, None
        if task is None:
            return None
        if not task.done():
            return None if self._is_gone() else task
        if not task.cancelled():
            task.exception()  # retrieved, or asyncio reports an error that only a further item would have raised
        return None

    def _is_gone(self) -> bool:
        """Whether nothing runs any more where the task is: the loop is closed, or that of the parent process."""
        return self._runner.loop.is_closed() or self._process != os.getpid()

    def _cancel(self, task: asyncio.Task[None]) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            self._runner.loop.call_soon_threadsafe(task.cancel)

    def _refill(self, channel: _Channel[T]) -> None:
        """Return when `channel` holds something. Raises the provider's error, or StopIteration, if it never will."""
        # A loop, because the wait may end without an item: the pump ended, or another thread took the item.
        while not channel.buffer:
            task, make = self._task, self._make
            if make is not None:
                self._runner = find_runner()
                start = partial(self._open, channel, make)
            elif task is None:
                raise StopIteration
            elif task.done():
                self._task = None
                if task.cancelled():
                    raise ResponseError("the stream was cut off: its task was cancelled, or its event loop has ended")
                task.result()
                raise StopIteration
            elif self._is_gone():
                self._task = None
                raise ResponseError(_GONE)
            else:
                start = partial(self._listen, channel, task)
            try:
                self._runner.wait(start)
            except KeyboardInterrupt:
                if task := self._leave():
                    self._cancel(task)
                raise

    def _open(
        self, channel: _Channel[T], make: Callable[[], AsyncGenerator[T]]
    ) -> tuple[asyncio.Future[None], asyncio.Task[None]]:
        task = self._runner.loop.create_task(_pump(channel, make))
        _pumps.add(task)
        task.add_done_callback(channel.end)
        self._task, self._make, self._process = task, None, os.getpid()
        if self._channel is not channel:  # closed meanwhile
            self._task = None
            task.cancel()
        return self._listen(channel, task)

    def _listen(
        self, channel: _Channel[T], task: asyncio.Task[None]
    ) -> tuple[asyncio.Future[None], asyncio.Task[None]]:
        return channel.listen(self._runner.loop), task


class _Channel(Generic[T]):
    """What stands between the pump and its reader.

    `reader` is the future on which the reader waits for an item, `room` the one on which the pump waits for space.
    Everything but the left end of `buffer` is touched on the loop's thread only, so no lock is needed: a deque's two
    ends are safe by themselves.
    """

    __slots__ = ("buffer", "ended", "reader", "room")

    def __init__(self, *, ended: bool = False) -> None:
        self.buffer: deque[T] = deque()
        self.ended = ended
        self.reader: asyncio.Future[None] | None = None
        self.room: asyncio.Future[None] | None = None

    def listen(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
        """Return a future that is done once there is something to read, or nothing will be."""
        reader = self.reader = loop.create_future()
        if self.buffer or self.ended:
            self.notify()
        elif self.room is not None and not self.room.done():
            self.room.set_result(None)
        return reader

    def notify(self) -> None:
        reader, self.reader = self.reader, None
        if reader is not None and not reader.done():
            reader.set_result(None)

    def end(self, task: asyncio.Task[None]) -> None:
        _pumps.discard(task)
        self.ended = True
        self.notify()


async def _pump(channel: _Channel[T], make: Callable[[], AsyncGenerator[T]]) -> None:
    buffer, loop, notified = channel.buffer, asyncio.get_running_loop(), 0.0
    async with aclosing(make()) as items:
        async for item in items:
            buffer.append(item)
            if channel.reader is not None:
                channel.notify()
                notified = monotonic()
            elif len(buffer) >= LIMIT:
                channel.room = loop.create_future()
                await channel.room
            elif monotonic() - notified > HANDOVER:
                # The provider has not suspended for a while, so the loop could not let the reader run.
                await asyncio.sleep(0)
                notified = monotonic()


async def _settle(task: asyncio.Task[None]) -> None:
    await asyncio.wait([task], timeout=GRACE)
