"""The line of a terminal that says what is waited for: it is drawn again and again, and taken away at the end."""

from __future__ import annotations

import asyncio
from shutil import get_terminal_size

from g4f.printable import say

from .waiting import FIRST, Waiting

__all__ = ["WaitingLine"]

PAUSE = 0.08
"""Least seconds between two drawings."""

ROOM = 3
"""Columns behind the line: for the ^C that a terminal shows, and the last one, behind which it may go on below."""

ERASE = "\r\x1b[K"
"""Goes to the beginning of the line, and empties it."""


class WaitingLine:
    """Stands there from soon after its beginning, and each second anew, until it is told to `leave`.

    Whatever else is printed takes it away first, by `erase` or `leave`: nothing stands behind it.
    """

    def __init__(self, waiting: Waiting) -> None:
        self.waiting = waiting
        self._clock = asyncio.get_running_loop().time
        self._next, self._is_drawn = 0.0, False
        self._timer: asyncio.TimerHandle | None = None
        self.come()

    def come(self, seconds: float = FIRST) -> None:
        """Be drawn in so many seconds."""
        self._cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._draw)

    def think(self, text: str) -> None:
        """Go on with the thoughts of the model."""
        self.waiting.think(text)
        if self._clock() >= self._next:
            self._draw()

    def erase(self) -> None:
        """Leave the place to a line that is printed now."""
        if self._is_drawn:
            print(ERASE, end="", flush=True)  # noqa: T201 - it is to steer
        self._is_drawn = False

    def leave(self) -> None:
        """Leave the place, until `come` or `think`."""
        self._cancel()
        self.erase()

    def _draw(self) -> None:
        self.erase()
        say(self.waiting.line(get_terminal_size().columns - ROOM), end="")
        self._is_drawn, self._next = True, self._clock() + PAUSE
        self.come(max(PAUSE, self.waiting.pause))

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
