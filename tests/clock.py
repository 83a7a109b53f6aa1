"""Clocks that are driven by the test: waiting takes no time, and no machine is too slow."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

__all__ = ["ClockLoop", "hurried"]


class _Selector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Moves the clock on instead of waiting for a timer."""

    loop: ClockLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(None if timeout is None else 0)
        if not ready and timeout:
            self.loop.now += timeout
        return ready


class ClockLoop(asyncio.SelectorEventLoop):
    """Its `now` moves on by itself to the next timer when nothing else is to be done. Add to it to be late."""

    def __init__(self) -> None:
        selector = _Selector()
        self.now = 1000.0
        super().__init__(selector)
        selector.loop = self

    def time(self) -> float:
        """Return the seconds of this clock."""
        return self.now

    def run_to_end(self, main: Any) -> Any:
        """Run `main` to its end, and close."""
        try:
            return self.run_until_complete(main)
        finally:
            self.run_until_complete(self.shutdown_asyncgens())
            self.close()


@contextmanager
def hurried(when: Callable[[], bool]) -> Iterator[None]:
    """While `when()` is true, the clocks of all loops move on to the next timer as soon as nothing else is to be done.

    So a limit may be as long as only a hang can reach, and costs no time where it is to be seen. What the far side has
    sent before `when()` became true is read before the time passes.
    """
    time, passed = asyncio.BaseEventLoop.time, 0.0

    def hurry(select: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
        def selected(self: object, timeout: float | None = None) -> list[Any]:
            nonlocal passed
            if timeout is None or timeout <= 0:
                return select(self, timeout)
            hurries = when()
            ready = select(self, 0 if hurries else min(timeout, 0.01))
            if hurries and not ready:
                passed += timeout
            return ready

        return selected

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(asyncio.BaseEventLoop, "time", lambda loop: time(loop) + passed))
        for kind in {selectors.DefaultSelector, getattr(selectors, "PollSelector", selectors.DefaultSelector)}:
            stack.enter_context(mock.patch.object(kind, "select", hurry(kind.select)))
        yield
