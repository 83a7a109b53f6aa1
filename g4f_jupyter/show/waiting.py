"""What stands in the place of an answer until its text comes: whom the cell waits for, what for, and since when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from unicodedata import east_asian_width

from g4f.markdown.entities import literal
from g4f.printable import one_line

__all__ = ["FIRST", "Waiting"]

FIRST = 0.08
"""Seconds after which it stands there. An answer that begins before needs none of it."""

LINE = 120
"""Characters of a line of thoughts that are shown: the last ones, for they are new."""

NAME = 60
"""Characters of the name of a tool, which the model wrote."""

LEAST = 10
"""Columns for which it is worth showing thoughts in them."""

KEPT = 2_000
"""Characters of the thoughts in which their last line is looked for."""


class Waiting:
    """What is known of an answer that has no text yet. Its clock is that of the running loop.

    `who` returns the names of the provider and the model, as they are known at the moment.
    """

    def __init__(self, who: Callable[[], str]) -> None:
        self._who, self._clock = who, asyncio.get_running_loop().time
        self._start = self._clock()
        self._status, self._does = "", "waiting"
        self._thoughts: list[str] = []
        self._calls: dict[int, str] = {}

    @property
    def pause(self) -> float:
        """Seconds until there is another number of seconds to show."""
        return 1 - self._seconds % 1

    def think(self, text: str) -> None:
        """Go on with the thoughts of the model."""
        self._thoughts.append(text)
        self._calls.clear()

    def write(self) -> None:
        """Say that the answer is written, where its text is shown at its end."""
        self._begin("writing")

    def call(self, index: int, name: str) -> None:
        """Say that a tool is called. Pieces of one call have the same `index`."""
        self._calls[index] = one_line(name)[:NAME]

    def step(self, name: str) -> None:
        """Say that a call of that tool has ended. After the last one, the model is waited for again."""
        self._begin("waiting")
        ended = next((index for index, other in self._calls.items() if other == one_line(name)[:NAME]), None)
        if ended is not None:
            del self._calls[ended]

    @property
    def calls(self) -> bool:
        """Whether tools are called, which may print, or ask."""
        return bool(self._calls)

    def say(self, status: str) -> None:
        """Show `status` in the place of who is waited for, until the model thinks."""
        self._begin("waiting")
        self._status = status

    @property
    def head(self) -> str:
        """The line that says who, what, and since when."""
        seconds = int(self._seconds)
        if self._status and not self._thoughts:
            return f"[{self._status}]{f' {seconds} s' * bool(seconds)}"
        does = "thinking" if self._thoughts else self._does
        if self._calls:
            does = f"calls {', '.join(self._calls.values())}"
        return f"[{' · '.join(filter(None, (self._who(), does)))}, {seconds} s]"

    @property
    def thought(self) -> str:
        """The last line of the thoughts, or its end; "" if there is none."""
        thoughts = "".join(self._thoughts)
        self._thoughts[:] = [thoughts[-KEPT:]] if thoughts else []
        last = one_line(thoughts.rstrip().rpartition("\n")[2])
        return f"…{last[1 - LINE :]}" if len(last) > LINE else last

    def line(self, width: int) -> str:
        """Return both in one line of at most `width` columns of a terminal: their ends, if they are longer."""
        head, thought = _end(one_line(self.head), width), self.thought
        room = width - sum(map(_columns, head)) - 1
        return f"{head} {_end(thought, room)}" if thought and room > LEAST else head

    @property
    def plain(self) -> str:
        """Both lines as text."""
        return f"{self.head}\n{self.thought}".rstrip()

    @property
    def markdown(self) -> str:
        """Both lines as Markdown, in which nothing that the model thinks acts."""
        thought = self.thought
        return literal(self.head) + (f"\n\n> {literal(thought)}" if thought else "")

    @property
    def _seconds(self) -> float:
        return self._clock() - self._start

    def _begin(self, does: str) -> None:
        self._does, self._status = does, ""
        self._thoughts.clear()


def _columns(character: str) -> int:
    """Return how many columns a character takes in a terminal, at the most."""
    return 2 if east_asian_width(character) in "WFA" else 1


def _end(text: str, width: int) -> str:
    """Return `text`, or as much of its end as fits into so many columns."""
    used = 0
    for at in range(len(text) - 1, -1, -1):
        used += _columns(text[at])
        if used > width:
            return text[at + 1 :]
    return text
