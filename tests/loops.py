"""`asyncio.run` as it is, also where a nest package has put one in its place that never closes its loop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["run"]

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of `coroutine`, run on a new loop that is closed behind it."""
    with asyncio.Runner() as runner:
        return runner.run(coroutine)
