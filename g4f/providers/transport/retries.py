"""When a request is sent again, and how long to wait before."""

from __future__ import annotations

import random
import re
from asyncio import sleep
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from math import isfinite
from time import time

from ...errors import G4FError, ModelLoadingError, PaymentRequiredError
from ...printable import logger
from ..response import Status
from .quotas import pause_of

__all__ = ["LONGEST_PAUSE", "RANDOM", "TOO_MANY", "Again", "Patience", "Retries", "again", "span", "wait"]

AGAIN = frozenset({408, 409, 429, 498, 500, 502, 503, 504, 529})
"""The statuses after which the same request may be answered."""

BUDGET = 60.0
"""Seconds that one call may wait between its attempts, in all."""

TOO_MANY = 429
"""The status that says that there were too many requests."""

LONGEST_PAUSE, REFUSALS = 60.0, 7
"""Seconds of a pause that is waited for because there were too many, and how often one call is refused so at most."""

FIRST, LONGEST = 0.5, 8.0
"""Seconds of the first pause, which doubles each time, and of the longest one, where the server requests none."""

RANDOM = 0.25
"""The largest random part of such a pause."""


class Again(Exception):  # noqa: N818 - not an error by itself: it carries one
    """The attempt failed with `error`, and another one may not. `pause` is what the server requests, in seconds."""

    def __init__(self, error: G4FError, pause: float | None = None) -> None:
        super().__init__()
        self.error, self.pause = error, pause


def again(error: G4FError, headers: Mapping[str, str], body: bytes) -> Exception:
    """Return the error of a refusal; in Again, if the same request may be answered later."""
    is_loading = isinstance(error, ModelLoadingError)
    if isinstance(error, PaymentRequiredError) or not (is_loading or error.status in AGAIN):
        return error
    pause = _requested_pause(headers)
    if pause is None and error.status == TOO_MANY:
        pause = pause_of(headers)
    if pause is None and (found := _IN_BODY.search(body)):
        guess = float(found[1] or found[2])
        pause = min(guess, LONGEST) if is_loading else guess  # the model may be there earlier
    return Again(error, pause)


_IN_BODY = re.compile(rb'"estimated_time"\s*:\s*(\d{1,9}(?:\.\d+)?)|"retryDelay"\s*:\s*"(\d{1,9}(?:\.\d+)?)s"')
"""How servers of Hugging Face say when a model will be loaded, and how Google says when to ask again."""


class Patience:
    """What is left of the retries of one request, and of the seconds that it may wait in all.

    While a model is being loaded, only the seconds count; but with no retries at all nothing is waited for.
    """

    def __init__(self, retries: int) -> None:
        self._retries = self._left = retries
        self._pauses, self._waited = 0, 0.0
        self._refusals = 0

    @property
    def next(self) -> int:
        """The number of the next attempt, without those that found a model still loading."""
        return self._retries - self._left + 1

    def rests(self, requested: float | None) -> bool:
        """Whether a request that came too soon is sent again after a pause, without counting as an attempt."""
        self._refusals += 1
        is_bounded = requested is not None and 0 < requested <= LONGEST_PAUSE
        return is_bounded and self._retries > 0 and self._refusals <= REFUSALS

    def pause(self, error: G4FError, requested: float | None) -> float | None:
        """Return the seconds to wait before the next attempt; None if there is none, because of `error`.

        Notes in the error that another attempt may help.
        """
        self._pauses += 1
        error.retry_after = requested or 0.0
        pause = _pause(requested, self._pauses)
        self._waited += pause
        self._left -= not isinstance(error, ModelLoadingError)
        return pause if self._retries and self._left >= 0 and self._waited <= BUDGET else None


class Retries:
    """The further attempts of one request: what each waits for, and how long.

    A model that is being loaded is waited for as long as `BUDGET` allows.
    """

    def __init__(self, retries: int, name: str) -> None:
        self._retries, self._name = retries, name
        self._patience, self._pause = Patience(retries), 0.0

    def status(self, failed: Again) -> Status:
        """Return what the next attempt waits for. Raises the error of the one that `failed` if it was the last."""
        error, self._pause = failed.error, 0.0
        if error.status == TOO_MANY and self._patience.rests(failed.pause):  # all calls wait, this one, too
            return self._said(f"{self._name}: HTTP 429; waiting for the rate limit, {failed.pause:.1f} s")
        pause = self._patience.pause(error, failed.pause)
        if pause is None:
            if error.retry_after and error.retry_after > LONGEST_PAUSE:
                error.args = (f"{error} It can be asked again in {span(error.retry_after)}.",)
            raise error
        self._pause = pause
        if isinstance(error, ModelLoadingError):
            text = f"{self._name} is still loading its model; asking again in {pause:.1f} s"
        else:
            tries = f"try {self._patience.next} of {self._retries + 1}"
            text = f"{self._name}: {_cause(error)}; {tries} in {pause:.1f} s"
        return self._said(text)

    def _said(self, text: str) -> Status:
        logger.info(text)
        return Status(text)

    async def wait(self) -> None:
        """Wait for the next attempt."""
        if self._pause:
            await wait(self._pause)


async def wait(seconds: float) -> None:
    """Wait before a request is sent again."""
    await sleep(seconds)


def span(seconds: float) -> str:
    """Return a time in words, in a unit of which there are a few."""
    unit, name = next((each for each in ((3600, "h"), (60, "min")) if seconds >= 2 * each[0]), (1, "s"))
    return f"{seconds / unit:.0f} {name}"


def _cause(error: G4FError) -> str:
    return f"HTTP {error.status}" if error.status else type(error).__name__


def _pause(requested: float | None, number: int) -> float:
    """Return the seconds to wait after the attempt `number`: what the server requests, or twice as long each time.

    A random part is added, so that clients do not all return at once.
    """
    if requested is not None:
        return requested + random.uniform(0, min(requested / 10, 0.5))  # noqa: S311 - no secret
    pause: float = min(FIRST * 2 ** (number - 1), LONGEST)
    return pause * random.uniform(1, 1 + RANDOM)  # noqa: S311 - no secret


def _requested_pause(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `retry-after-ms` or `Retry-After` (seconds, or a date of RFC 9110) request.

    None for what is no time, and for a time that is over: a clock is wrong, and to ask at once would be of no use.
    """
    for name, unit in (("retry-after-ms", 1000), ("Retry-After", 1)):
        value = headers.get(name, "")
        try:
            pause = float(value) / unit
        except ValueError:
            continue
        if isfinite(pause) and pause >= 0:
            return pause
    try:
        date = parsedate_to_datetime(value)
        pause = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - time()
    except (ValueError, IndexError, OverflowError):
        return None
    return pause if pause >= 0 else None
