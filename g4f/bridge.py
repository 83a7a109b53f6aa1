"""Sync code waits on async code: `run` for one result, `iterate` for a stream. Knows nothing of chat.

Where the call is made decides where it waits, asked anew at every call:

no loop runs here            the thread's own private loop, kept for the next call, closed with the thread
a loop that can be nested    nested on that loop; its other tasks go on
the loop of an IPython       made nestable first, then nested: a cell works without any set-up
any other loop, or trio      NestAsyncioError: a sync call would block the whole program

Both take factories, so nothing is created before it may run. The first interrupt cancels the call and waits for
its clean-up before KeyboardInterrupt comes; the second comes at once. Nested calls that overlap on one loop end
last in, first out; `asyncio.gather` of async calls has no such order.
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
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import aclosing, suppress
from time import monotonic
from typing import Any, Generic, TypeVar

from .errors import NestAsyncioError

__all__ = ["Stream", "is_nestable", "iterate", "make_nestable", "run"]

T = TypeVar("T")

LIMIT = 1024
"""Items that a provider may be ahead of a sync reader."""

HANDOVER = 0.01
"""Seconds after which a provider that never suspends has to hand over what it has."""

GRACE = 0.5
"""Seconds that a finalizer gives an abandoned stream to close."""


def run(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Return the result of `make()`. Raises NestAsyncioError before `make` is called, or whatever it raises."""
    seat = _seat()
    return seat.wait(lambda: seat.loop.create_task(make()))


def iterate(make: Callable[[], AsyncGenerator[T]]) -> Stream[T]:
    """Return the items of `make()` as a sync iterator. Raises NestAsyncioError now, not at the first item."""
    return Stream(_seat(), make)


class Stream(Iterator[T]):
    """A sync iterator over an async generator, which lives in one task from its first item to its clean-up.

    Leaving early (`close`, `with`, or no reference left) cancels that task. Any thread may read or close it.
    """

    def __init__(self, seat: _Seat, make: Callable[[], AsyncGenerator[T]]) -> None:
        self._seat = seat
        self._make: Callable[[], AsyncGenerator[T]] | None = make
        self._channel: _Channel[T] = _Channel()
        self._task: asyncio.Task[None] | None = None

    def __next__(self) -> T:
        if not self._channel.buffer:
            self._refill()
        return self._channel.buffer.popleft()

    def __enter__(self) -> Stream[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the provider and wait until it has cleaned up; from another thread, only ask for it."""
        task, self._task, self._make = self._task, None, None
        self._channel.buffer.clear()
        if task is None or task.done():
            return
        if self._seat.is_busy():
            self._seat.loop.call_soon_threadsafe(task.cancel)
            return
        task.cancel()
        with suppress(asyncio.CancelledError):
            self._seat.wait(lambda: task)

    def __del__(self) -> None:
        task = self._task
        if task is None or task.done():
            return
        with suppress(RuntimeError):  # the loop is closed, and the task with it
            self._seat.loop.call_soon_threadsafe(task.cancel)
            # A finalizer may run inside another task's step: there it must not run a loop.
            if asyncio._get_running_loop() is None and not self._seat.is_busy():
                self._seat.wait(lambda: self._seat.loop.create_task(_settle(task)))

    def _refill(self) -> None:
        """Return when the buffer holds something. Raises the provider's error, or StopIteration, when it never will."""
        if self._task is None:
            if self._make is None:
                raise StopIteration
            self._task = self._seat.start(_pump(self._channel, self._make))
            self._make = None
        task = self._task
        while not self._channel.buffer:
            if task.done():
                self._task = None
                if task.cancelled() or (error := task.exception()) is None:
                    raise StopIteration
                raise error
            self._seat.listen(self._channel, task)


class _Channel(Generic[T]):
    """Between the pump on its loop and the reader in its thread."""

    __slots__ = ("buffer", "room", "wake")

    def __init__(self) -> None:
        self.buffer: deque[T] = deque()
        self.wake: Callable[[], None] | None = None
        self.room: asyncio.Future[None] | None = None

    def listen(self, wake: Callable[[], None], task: asyncio.Task[None]) -> None:
        """Call `wake` once there is something to read, or nothing will be. To be called on the loop's thread."""
        if self.buffer or task.done():
            wake()
            return
        self.wake = wake
        if self.room is not None and not self.room.done():
            self.room.set_result(None)

    def notify(self, _: object = None) -> None:
        wake, self.wake = self.wake, None
        if wake is not None:
            wake()


async def _pump(channel: _Channel[T], make: Callable[[], AsyncGenerator[T]]) -> None:
    buffer, loop, notified = channel.buffer, asyncio.get_running_loop(), 0.0
    async with aclosing(make()) as items:
        async for item in items:
            buffer.append(item)
            if channel.wake is not None:
                channel.notify()
                notified = monotonic()
            elif len(buffer) >= LIMIT:
                channel.room = loop.create_future()
                await channel.room
            elif monotonic() - notified > HANDOVER:
                await asyncio.sleep(0)
                notified = monotonic()


async def _settle(task: asyncio.Task[None]) -> None:
    await asyncio.wait([task], timeout=GRACE)


class _Seat:
    """A running loop on which a sync call waits, nested."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop

    def is_busy(self) -> bool:
        """Whether the loop runs in another thread."""
        return self.loop.is_running() and asyncio._get_running_loop() is not self.loop

    def start(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        if not self.is_busy():
            return self.loop.create_task(coroutine)

        async def create() -> asyncio.Task[T]:
            return self.loop.create_task(coroutine)

        return asyncio.run_coroutine_threadsafe(create(), self.loop).result()

    def listen(self, channel: _Channel[Any], task: asyncio.Task[None]) -> None:
        """Wait until `channel` holds something or `task`, which fills it, is done."""
        if self.is_busy():
            event = threading.Event()
            self.loop.call_soon_threadsafe(channel.listen, event.set, task)
            event.wait()
            return

        def listening() -> asyncio.Future[None]:
            future: asyncio.Future[None] = self.loop.create_future()
            channel.listen(lambda: None if future.done() else future.set_result(None), task)
            return future

        self.wait(listening, task)

    def wait(self, start: Callable[[], asyncio.Future[T]], task: asyncio.Future[Any] | None = None) -> T:
        """Run the loop until the future that `start` returns is done; an interrupt cancels `task`, or that future."""
        loop = self.loop
        # A stock `_run_once` below on the stack has counted the ready handles, which the nested run consumes: it
        # must find as many. Counted before the call's own task is made, or the queue grows by one a call.
        ready = loop._ready  # type: ignore[attr-defined]
        counted = len(ready) if loop.is_running() else 0
        future = start()
        interrupts = _Interrupts(loop, task or future)
        try:
            result = loop.run_until_complete(future)
        except BaseException as error:
            if interrupts.seen and not isinstance(error, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            raise
        finally:
            interrupts.restore()
            if not future.done():  # the second interrupt, or the loop was stopped
                future.cancel()
            if len(ready) < counted:
                spent = asyncio.Handle(int, (), loop)
                spent.cancel()
                ready.extend([spent] * (counted - len(ready)))
        if interrupts.seen:
            raise KeyboardInterrupt
        return result


class _Private(_Seat):
    """A thread's own loop. It lives as long as the thread, or a stream that was opened on it."""

    def __init__(self) -> None:
        # Poll, not epoll: a forked child shares the parent's epoll set, and would deafen the parent by closing it.
        selector = getattr(selectors, "PollSelector", selectors.DefaultSelector)()
        super().__init__(asyncio.SelectorEventLoop(selector))
        self.lock = threading.Lock()
        self.process = os.getpid()

    def is_busy(self) -> bool:
        return self.lock.locked()

    def start(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        return self.loop.create_task(coroutine)

    def wait(self, start: Callable[[], asyncio.Future[T]], task: asyncio.Future[Any] | None = None) -> T:
        running = asyncio._get_running_loop()
        if running is not None and not is_nestable(self.loop):
            raise NestAsyncioError(_WAYS_OUT.format(loop=_name(running)))
        with self.lock:
            return super().wait(start, task)

    def close(self) -> None:
        """Cancel what is left on the loop, close its async generators and its executor, then the loop."""
        loop = self.loop
        if loop.is_closed() or loop.is_running() or self.process != os.getpid():
            return
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(_drain(loop))
        loop.close()

    def __del__(self) -> None:
        self.close()


async def _drain(loop: asyncio.AbstractEventLoop) -> None:
    await asyncio.gather(*(asyncio.all_tasks(loop) - {asyncio.current_task()}), return_exceptions=True)
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()


class _Interrupts:
    """SIGINT while a sync call waits in the main thread: the first cancels `task`, the second raises at once.

    The stock handler would raise in whatever task runs at that moment, and one that posts to the loop, such as
    ipykernel's in a cell with `await`, cannot reach a wait inside that loop. A handler that a program without a
    running loop has set for itself is left alone, as `asyncio.run` does.
    """

    __slots__ = ("_loop", "_previous", "_task", "seen")

    def __init__(self, loop: asyncio.AbstractEventLoop, task: asyncio.Future[Any]) -> None:
        self.seen = False
        self._loop, self._task = loop, task
        self._previous: Any = None
        if threading.get_ident() == threading.main_thread().ident:
            previous = _signal.getsignal(signal.SIGINT)
            if previous is signal.default_int_handler or (callable(previous) and loop.is_running()):
                self._previous = _signal.signal(signal.SIGINT, self)

    def __call__(self, *_: object) -> None:
        if self.seen:
            raise KeyboardInterrupt
        self.seen = True
        self._loop.call_soon_threadsafe(self._task.cancel)

    def restore(self) -> None:
        if self._previous is not None:
            _signal.signal(signal.SIGINT, self._previous)


class _Here(threading.local):
    private: _Private | None = None


_here = _Here()
_inherited: list[_Private] = []


def _after_fork() -> None:
    if _here.private is not None:
        _inherited.append(_here.private)  # the parent's: neither used nor closed here
        _here.private = None


def _at_exit() -> None:
    if _here.private is not None:
        _here.private.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)


def _seat() -> _Seat:
    """Return where a sync call that is made here waits. Raises NestAsyncioError where it must not."""
    loop = asyncio._get_running_loop()
    if loop is None:
        trio = sys.modules.get("trio")
        if trio is not None and trio.lowlevel.in_trio_run():
            raise NestAsyncioError(
                "a sync call cannot wait inside trio: run it in a thread, await trio.to_thread.run_sync(…)"
            )
        if _here.private is None or _here.private.lock.locked():
            _here.private = _Private()
        return _here.private
    if hasattr(loop, "_nest_asyncio2"):
        return _Seat(loop)
    if _is_of_ipython(loop):
        make_nestable(loop)
        return _Seat(loop)
    if is_nestable(loop):
        return _Seat(loop)
    _check_patchable(loop)
    raise NestAsyncioError(_WAYS_OUT.format(loop=_name(loop)))


_WAYS_OUT = (
    "a sync call would block the running event loop ({loop}). Use the async API (await create_async(…), AsyncClient), "
    "or a thread (await asyncio.to_thread(…)), or make the loop nestable first (import nest_asyncio2; "
    "nest_asyncio2.apply())"
)


def is_nestable(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether `loop` was patched by nest_asyncio2 or nest_asyncio."""
    return hasattr(loop, "_nest_patched")


def make_nestable(loop: asyncio.AbstractEventLoop) -> None:
    """Patch `loop` with nest_asyncio2. A patch by nest_asyncio, which loses queued cells on ipykernel 7, is replaced.

    Raises NestAsyncioError when nest_asyncio2 is not installed or the loop is of a type that cannot be patched.
    """
    _check_patchable(loop)
    try:
        import nest_asyncio2  # noqa: PLC0415 - asked for where it is needed, so its absence has its own error
    except ImportError:
        raise NestAsyncioError(
            "a sync call inside a running event loop needs the package nest_asyncio2: pip install nest_asyncio2"
        ) from None
    for patched in (asyncio, *type(loop).__mro__):
        if "_nest_patched" in vars(patched) and "_nest_asyncio2" not in vars(patched):
            del patched._nest_patched  # type: ignore[attr-defined]
    nest_asyncio2.apply(loop)


def _check_patchable(loop: asyncio.AbstractEventLoop) -> None:
    if not isinstance(loop, asyncio.BaseEventLoop):
        raise NestAsyncioError(
            f"a sync call cannot wait inside a running {_name(loop)} loop, which cannot be nested. Use the async API "
            "(await create_async(…), AsyncClient) or a thread (await asyncio.to_thread(…))"
        )


def _name(loop: asyncio.AbstractEventLoop) -> str:
    return f"{type(loop).__module__}.{type(loop).__qualname__}"


def _is_of_ipython(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether `loop` runs the cells of an IPython: a kernel's main loop or subshell, or a terminal's `await`."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return False
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return loop is getattr(sys.modules["IPython.core.async_helpers"], "_asyncio_event_loop", None)
    if type(threading.current_thread()).__module__.startswith("ipykernel."):
        return True
    return loop is kernel.io_loop.asyncio_loop
