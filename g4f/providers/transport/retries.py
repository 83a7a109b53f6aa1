"""When a request is sent again, and how long to wait before."""

from __future__ import annotations

import random
from asyncio import sleep
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from itertools import count
from math import isfinite
from time import time

from ...errors import G4FError
from ...printable import logger
from ..response import Status

__all__ = ["AGAIN", "Again", "requested_pause", "with_retries"]

AGAIN = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
"""The statuses after which the same request may be answered."""

BUDGET = 60.0
"""Seconds that one call may wait between its attempts, in all."""

FIRST, LONGEST = 0.5, 8.0
"""Seconds of the first pause, which doubles each time, and of the longest one, where the server requests none."""


class Again(Exception):  # noqa: N818 - not an error by itself: it carries one
    """The attempt failed with `error`, and another one may not. `pause` is what the server requests, in seconds."""

    def __init__(self, error: G4FError, pause: float | None = None) -> None:
        super().__init__()
        self.error, self.pause = error, pause


async def with_retries(attempt: Callable[[], Awaitable[None]], retries: int, name: str) -> AsyncGenerator[Status]:
    """Run `attempt` until it does not raise Again, at most `retries` times more than once.

    Before each pause yield what is waited for. Raises the error of the last attempt.
    """
    waited = 0.0
    for number in count(1):
        try:
            await attempt()
        except Again as again:
            failed = again
        else:
            return
        pause = _pause(failed.pause, number)
        waited += pause
        if number > retries or waited > BUDGET:
            raise failed.error
        text = f"{name}: {_cause(failed.error)}; try {number + 1} of {retries + 1} in {pause:.1f} s"
        logger.info(text)
        yield Status(text)
        await sleep(pause)


def _cause(error: G4FError) -> str:
    return f"HTTP {error.status}" if error.status else type(error).__name__


def _pause(requested: float | None, number: int) -> float:
    """Return the seconds to wait after the attempt `number`: what the server requests, or twice as long each time.

    A random part is added, so that clients do not all return at once.
    """
    if requested is not None:
        return requested + random.uniform(0, min(requested / 10, 0.5))  # noqa: S311 - no secret
    pause: float = min(FIRST * 2 ** (number - 1), LONGEST)
    return pause * random.uniform(1, 1.25)  # noqa: S311 - no secret


def requested_pause(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `retry-after-ms` or `Retry-After` (seconds, or a date of RFC 9110) request."""
    for name, unit in (("retry-after-ms", 1000), ("Retry-After", 1)):
        value = headers.get(name, "")
        try:
            pause = float(value) / unit
        except ValueError:
            continue
        if isfinite(pause):
            return max(pause, 0.0)
    try:
        return max(parsedate_to_datetime(value).timestamp() - time(), 0.0)
    except (ValueError, IndexError, OverflowError):
        return None
