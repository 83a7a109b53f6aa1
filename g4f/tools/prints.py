"""What tools print: it is shown, up to a limit for each call. A notebook that holds ten megabytes opens no more."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO

__all__ = ["LIMIT", "printing"]

LIMIT = 2**15
"""Characters that a call may print."""

_CUT = f"\n[what a tool prints beyond {LIMIT:,} characters is left out]\n"

_left: ContextVar[list[int] | None] = ContextVar("g4f_tool_prints", default=None)
"""How many characters the call may still print, to which the code belongs; None where it belongs to none."""


class _Bounded:
    """An output that passes on what is not printed by a tool, and the beginning of what is."""

    def __init__(self, output: TextIO) -> None:
        self.output, self.users = output, 0

    def write(self, text: str) -> int:
        """Write the text, or as much of it as may still be printed."""
        left = _left.get()
        if left is None:
            return self.output.write(text)
        if left[0] > 0:
            self.output.write(text[: left[0]] + (_CUT if len(text) > left[0] else ""))
        left[0] -= len(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.output, name)


@contextmanager
def printing() -> Iterator[None]:
    """Bound what is printed in the block, and in the threads that work for it."""
    output = sys.stdout
    if output is None:  # a program without a console
        yield
        return
    bounded = output if isinstance(output, _Bounded) else _Bounded(output)
    bounded.users += 1
    sys.stdout = bounded
    token = _left.set([LIMIT])
    try:
        yield
    finally:
        _left.reset(token)
        bounded.users -= 1
        if not bounded.users and sys.stdout is bounded:
            sys.stdout = bounded.output
