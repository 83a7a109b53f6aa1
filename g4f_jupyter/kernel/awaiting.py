"""A cell that awaits is cancelled by an interrupt wherever the shell itself runs the loop: in a terminal, or nested.

IPython (9.18) leaves such a cell pending: what it waits for is never cleaned up, and reports that much later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from IPython.core import async_helpers

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["AwaitRunner"]

_loop_of_cells = getattr(async_helpers, "get_asyncio_loop", asyncio.get_event_loop)  # IPython 7.34 has none of its own


class AwaitRunner:
    """Runs the cells of a shell that await, from `install` to `remove`, unless it has another loop than asyncio's."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._before, _ = shell.loop_runner_map["asyncio"]

    def install(self) -> None:
        """Run cells from now on."""
        if self._shell.loop_runner is self._before:
            self._shell.loop_runner = self

    def remove(self) -> None:
        """Leave them to IPython."""
        if self._shell.loop_runner is self:
            self._shell.loop_runner = self._before

    def __call__(self, cell: Coroutine[Any, Any, Any]) -> Any:
        """Return the result of a cell. An interrupt cancels it and waits for its clean-up, the next one ends it."""
        loop: asyncio.AbstractEventLoop = _loop_of_cells()
        task = loop.create_task(cell)
        try:
            return loop.run_until_complete(task)
        except KeyboardInterrupt:
            if task.done():
                raise
            task.cancel()
            return loop.run_until_complete(task)

    def __str__(self) -> str:
        """Return what `%autoawait` calls it."""
        return "asyncio"
