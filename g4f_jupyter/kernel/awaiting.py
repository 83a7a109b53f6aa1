"""A line that awaits is cancelled by an interrupt in a terminal, as a cell is in a kernel.

IPython (9.18) leaves it pending: what it waits for is never cleaned up, or says so much later. A kernel must keep the
runner of IPython: with another, ipykernel runs no cell on its own loop any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from IPython.core import async_helpers

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["AwaitRunner"]

_loop_of_lines = getattr(async_helpers, "get_asyncio_loop", asyncio.get_event_loop)  # IPython 7.34 has none of its own


class AwaitRunner:
    """Runs what a shell awaits, from `install` to `remove`, unless it has a kernel, or another loop than asyncio's."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._before, _ = shell.loop_runner_map["asyncio"]

    def install(self) -> None:
        """Run lines from now on."""
        if self._shell.loop_runner is self._before and not hasattr(self._shell, "kernel"):
            self._shell.loop_runner = self

    def remove(self) -> None:
        """Leave them to IPython."""
        if self._shell.loop_runner is self:
            self._shell.loop_runner = self._before

    def __call__(self, line: Coroutine[Any, Any, Any]) -> Any:
        """Return the result of a line. An interrupt cancels it and waits for its clean-up, the next one ends it."""
        loop: asyncio.AbstractEventLoop = _loop_of_lines()
        task = loop.create_task(line)
        try:
            return loop.run_until_complete(task)
        except KeyboardInterrupt:
            task.cancel()
            return loop.run_until_complete(task)

    def __str__(self) -> str:
        """Return what `%autoawait` calls it."""
        return "asyncio"
