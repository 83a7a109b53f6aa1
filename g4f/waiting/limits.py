"""How long an answer may take in all, and how long it may be silent: one timer per stream, none per event.

An event costs two attribute writes. The timer looks at them `TICKS` times within the longest silence:

    waiting()        ─▶ `_waiting_since` = now      the provider is being waited for
    handing_over()   ─▶ `_waiting_since` = inf      the reader has the item: its time is not silence
    _tick            ─▶ too late? `_expired` says so, and the task is cancelled if it waits for the provider;
                        else armed again. If the tick itself is late, the loop stood still, and the pause is forgiven.
    __exit__         ─▶ a cancellation of ours becomes TimeoutError; one by somebody else stays what it is
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from math import inf
from types import TracebackType
from typing import Self, TypeVar

from ..errors import TimeoutError  # noqa: A004 - it is the builtin one, too

__all__ = ["Limits", "limited"]

T = TypeVar("T")

TICKS = 8
"""Looks at the clock within the longest silence: one that comes late shows that the loop stood still."""

SLACK = 0.05
"""Seconds by which a timer may be late in a loop that runs: without it, a limit would always be just ahead."""


class Limits:
    """A context around the reading of one stream, which ends it by TimeoutError when its time is up.

    Call `waiting()` before the provider is waited for and `handing_over()` before an item goes out: time in
    which the reader does not ask is not silence. Neither is time in which the loop did not run at all, as
    between two items of a sync reader: of such a pause at most one tick counts.
    """

    __slots__ = ("_cancelled", "_ends", "_expired", "_silence", "_task", "_timeout", "_timer", "_waiting_since", "loop")

    def __init__(self, timeout: float | None, silence: float | None) -> None:
        self._timeout, self._silence = timeout, silence or inf
        self.loop = asyncio.get_running_loop()
        self._ends = self._waiting_since = inf
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._expired = ""
        self._cancelled = False

    def __enter__(self) -> Self:
        if self._timeout or self._silence < inf:
            self._task, self._waiting_since = asyncio.current_task(self.loop), self.loop.time()
            self._ends = self._waiting_since + (self._timeout or inf)
            self._arm(self._waiting_since)
        return self

    def waiting(self) -> None:
        """Note that from now on the provider is waited for. Raises TimeoutError if the time is up already."""
        if self._timer is None:
            return
        if self._expired:
            raise TimeoutError(self._expired)
        self._task = asyncio.current_task(self.loop)
        self._waiting_since = self.loop.time()

    def handing_over(self) -> None:
        """Note that from now on the reader has an item."""
        self._waiting_since = inf

    @property
    def is_handed_over(self) -> bool:
        """Whether the reader has an item, and has not come back for the next one."""
        return self._waiting_since == inf

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._cancelled or self._task is None:
            return
        others = self._task.uncancel()  # the number of cancellations that are not ours
        if isinstance(error, GeneratorExit) or (others and isinstance(error, asyncio.CancelledError)):
            return
        raise TimeoutError(self._expired) from None

    def _arm(self, now: float) -> None:
        due = min(self._ends, self._waiting_since + self._silence, now + self._silence / TICKS)
        self._timer = self.loop.call_at(due, self._tick, due)

    def _tick(self, due: float) -> None:
        now = self.loop.time()
        if self._waiting_since < due and now - due > SLACK:
            self._waiting_since += now - due  # the loop stood still: that time was not the provider's silence
        if now >= self._ends:
            self._expired = f"no whole answer within {self._timeout:g} s (timeout)"
        elif now - self._waiting_since >= self._silence:
            self._expired = f"silent for more than {self._silence:g} s (stream_timeout)"
        else:
            self._arm(now)
            return
        if self._waiting_since < inf and self._task is not None:
            self._cancelled = self._task.cancel()


async def limited(items: AsyncGenerator[T], longest: float | None, silence: float | None) -> AsyncGenerator[T]:
    """Yield `items` within limits: at most `longest` seconds in all, and `silence` seconds before each item."""
    with Limits(longest, silence) as limits:
        async with aclosing(items):
            async for item in items:
                limits.handing_over()
                yield item
                limits.waiting()
