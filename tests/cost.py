"""What work costs, told so that neither a slow machine nor a busy one changes it."""

from __future__ import annotations

from collections.abc import Callable
from time import thread_time

__all__ = ["LINEAR", "cost", "growth"]

LINEAR = 26
"""Up to here work grows linearly; see `growth`."""


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


def growth(work: Callable[[int], object], size: int) -> float:
    """Return how many times as much `work(8 * size)` costs as `work(size)`: 8 where it is linear, 64 where quadratic.

    What is between 8 and `LINEAR` is noise, the caches of the processor, and the price of starting.
    """
    return _best(lambda: work(8 * size)) / _best(lambda: work(size))
