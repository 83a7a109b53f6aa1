"""When a request is sent again, and how long is waited first: tenacity, told what servers say."""

from __future__ import annotations

import logging
import random
from asyncio import sleep
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from ..errors import G4FError

__all__ = ["AGAIN", "Again", "asked_pause", "with_retries"]

T = TypeVar("T")

logger = logging.getLogger("g4f")

AGAIN = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
"""The statuses after which the same request may be answered."""

BUDGET = 60.0
"""Seconds that one call may wait between its tries, all together."""

FIRST, LONGEST = 0.5, 8.0
"""Seconds of the first pause, which doubles each time, and of the longest, where the server asks for none."""


class Again(Exception):  # noqa: N818 - not an error by itself: it carries one
    """The try failed with `error`, and another may not. `pause` is what the server asked for, in seconds."""

    def __init__(self, error: G4FError, pause: float | None = None) -> None:
        super().__init__()
        self.error, self.pause = error, pause


async def with_retries(attempt: Callable[[], Awaitable[T]], retries: int, name: str) -> T:
    """Return what `attempt` returns. Where it raises Again, try up to `retries` times more; raise the last error."""
    try:
        return await attempt()
    except Again as again:
        failed: Again | None = again

    async def first_failed() -> T:  # tenacity costs a third of a call, so it is told of the first try afterwards
        nonlocal failed
        if failed is not None:
            again, failed = failed, None
            raise again
        return await attempt()

    def enough(state: RetryCallState) -> bool:
        return state.attempt_number > retries or state.idle_for + state.upcoming_sleep > BUDGET

    def tell(state: RetryCallState) -> None:
        error = _failure(state).error
        cause = error.status or type(error).__name__
        of = f"{state.attempt_number + 1} of {retries + 1}"
        logger.info("%s: %s; try %s in %.1f s", name, cause, of, state.upcoming_sleep)

    retrying = AsyncRetrying(
        sleep=sleep,
        stop=enough,
        wait=_pause,
        retry=retry_if_exception_type(Again),
        before_sleep=tell,
        reraise=True,
    )
    try:
        return await retrying(first_failed)
    except Again as again:
        failure = again.error
    raise failure


def _failure(state: RetryCallState) -> Again:
    error = state.outcome.exception() if state.outcome is not None else None
    assert isinstance(error, Again)  # noqa: S101 - tenacity asks about nothing else
    return error


def _pause(state: RetryCallState) -> float:
    """Return what the server asks for and a little more, lest all who wait come at once; else double."""
    asked = _failure(state).pause
    if asked is not None:
        return asked + random.uniform(0, min(asked / 10, 0.5))  # noqa: S311 - no secret
    pause: float = min(FIRST * 2 ** (state.attempt_number - 1), LONGEST)
    return pause * random.uniform(0.8, 1.2)  # noqa: S311 - no secret


def asked_pause(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `retry-after-ms` or `Retry-After` (seconds, or a date of RFC 9110) ask for."""
    for name, unit in (("retry-after-ms", 1000), ("Retry-After", 1)):
        value = headers.get(name, "")
        try:
            return max(float(value) / unit, 0.0)
        except ValueError:
            pass
    try:
        return max(parsedate_to_datetime(value).timestamp() - time(), 0.0)
    except (ValueError, IndexError):
        return None
