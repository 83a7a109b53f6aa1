"""An event loop whose clock is driven by the test: waiting takes no time."""

from __future__ import annotations

import asyncio
import selectors
from typing import Any

__all__ = ["ClockLoop"]


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
