"""When a request is sent again, and how long is waited first: tenacity, told what servers say."""

from __future__ import annotations

import random
from asyncio import sleep
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from math import isfinite
from time import time

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from ...errors import G4FError
from ...printable import logger
from ..response import Status

__all__ = ["AGAIN", "Again", "asked_pause", "with_retries"]


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


async def with_retries(
    attempt: Callable[[], Awaitable[None]], failed: Again, retries: int, name: str
) -> AsyncGenerator[Status]:
    """Run `attempt`, which has failed once, up to `retries` times more. Before each pause yield what is waited for.

    Raises the error of the last one.
    """
    pause = 0.0

    async def note(seconds: float) -> None:
        nonlocal pause
        pause = seconds

    def enough(state: RetryCallState) -> bool:
        return state.attempt_number > retries or state.idle_for + state.upcoming_sleep > BUDGET

    retrying = AsyncRetrying(sleep=note, stop=enough, wait=_pause, retry=retry_if_exception_type(Again), reraise=True)
    try:
        async for trial in retrying:
            number = trial.retry_state.attempt_number
            if number == 1:  # tenacity costs a third of a call, so it is told of the first try afterwards
                with trial:
                    raise failed
                continue
            told = f"{name}: {_cause(failed.error)}; try {number} of {retries + 1} in {pause:.1f} s"
            logger.info(told)
            yield Status(told)
            await sleep(pause)
            with trial:
                try:
                    await attempt()
                except Again as again:
                    failed = again
                    raise
    except Again as again:
        failure = again.error
    else:
        return
    raise failure


def _cause(error: G4FError) -> str:
    return f"HTTP {error.status}" if error.status else type(error).__name__


def _failure(state: RetryCallState) -> Again:
    error = state.outcome.exception() if state.outcome is not None else None
    assert isinstance(error, Again)  # noqa: S101 - tenacity asks about nothing else
    return error


def _pause(state: RetryCallState) -> float:
    """Return what the server asks for, else double; and a little more, lest all who wait come at once."""
    asked = _failure(state).pause
    if asked is not None:
        return asked + random.uniform(0, min(asked / 10, 0.5))  # noqa: S311 - no secret
    pause: float = min(FIRST * 2 ** (state.attempt_number - 1), LONGEST)
    return pause * random.uniform(1, 1.25)  # noqa: S311 - no secret


def asked_pause(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `retry-after-ms` or `Retry-After` (seconds, or a date of RFC 9110) ask for."""
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
