"""What work costs, told so that neither a slow machine nor a busy one changes it."""

from __future__ import annotations

from collections.abc import Callable
from time import thread_time

__all__ = ["cost"]


def cost(work: Callable[[], object]) -> float:
    """Return the processor time of `work`, the best of three, in units of a fixed piece of work: about 1 ms each."""
    return _best(work) / _best(_unit)


def _unit() -> None:
    sum(map(str.__len__, map(str, range(8_000))))


def _best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        start = thread_time()
        work()
        times.append(thread_time() - start)
    return min(times)
