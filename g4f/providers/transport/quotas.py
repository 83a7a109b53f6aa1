"""How much a provider still takes: the last minute as counted here, and what the headers of its answers say. No I/O."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from math import ceil, inf
from time import time

__all__ = ["Bucket", "Minute", "Quota", "RefusalRound", "pause_of", "quotas_of"]

MINUTE = 60.0

TRUSTED = 60.0
"""Seconds of waiting that are reckoned from what remains. A server that wants a longer pause has to say so."""

GROWTH = 16
"""By which part a quota that was learned grows when it was used up, and nothing was refused."""


class Minute:
    """What was used within the last minute, in requests or in tokens. Times are those of one clock, in seconds."""

    __slots__ = ("_entries", "total")

    def __init__(self) -> None:
        self._entries: deque[list[float]] = deque()
        self.total = 0.0

    def add(self, now: float, amount: float) -> list[float]:
        """Note that so much is used from now on. Return the entry, to be given to `correct`."""
        entry = [now, amount]
        self._entries.append(entry)
        self.total += amount
        return entry

    def correct(self, entry: list[float], amount: float) -> None:
        """Note that it was in fact so much."""
        if self._entries and self._entries[0][0] <= entry[0]:  # else it is no longer counted
            self.total += amount - entry[1]
        entry[1] = amount

    def delay(self, limit: float, amount: float, now: float) -> float:
        """Return the seconds until `amount` more is within `limit`. What is larger waits until all is free."""
        entries = self._entries
        while entries and entries[0][0] <= now - MINUTE:
            self.total -= entries.popleft()[1]
        over = self.total + amount - limit
        due = now
        for at, used in entries:
            if over <= 0:
                break
            over -= used
            due = at + MINUTE
        return due - now


class Bucket:
    """What a server's headers say about one of its quotas, which fills up again steadily."""

    __slots__ = ("_at", "_level", "_rate")

    def __init__(self) -> None:
        self._level, self._rate, self._at = inf, inf, 0.0

    def heard(self, quota: tuple[float, float, float], others: float, now: float) -> None:
        """Note limit, what remains of it, and the seconds until it is full. `others` may not be counted there yet."""
        limit, remaining, seconds = quota
        self._rate = (limit - remaining) / seconds if seconds > 0 and limit > remaining else inf
        self._level, self._at = remaining - others, now

    def take(self, amount: float) -> None:
        """Note that a request which needs so much is sent."""
        self._level -= amount

    def delay(self, amount: float, now: float) -> float:
        """Return the seconds until so much is likely to be there; 0 if it is too long to be relied on."""
        missing = amount - self._level
        seconds = missing / self._rate if missing > 0 else 0.0
        return max(self._at + seconds - now, 0.0) if seconds <= TRUSTED else 0.0


class RefusalRound:
    """What came of the requests since a pause: which of them was refused first, and what came of those after it."""

    __slots__ = ("began", "end", "first", "number", "passed", "refused")

    def __init__(self, number: int, began: float) -> None:
        self.number, self.began = number, began
        self.first = self.end = inf
        self.refused = self.passed = 0

    def is_after(self, number: int) -> bool:
        """Whether the request of that number was sent after the first that was refused."""
        return self.first < number < self.end

    @property
    def quota(self) -> float:
        """How many the server has let through, if it then refused nearly all others; else inf."""
        is_quota = self.refused > max(1, 2 * self.passed) and self.number >= 0
        return max(self.first - self.number, 1) if is_quota else inf


class Quota:
    """How many requests a server takes within a period, as its refusals have shown. It grows where it was enough."""

    __slots__ = ("_began", "_left", "_most", "_period")

    def __init__(self) -> None:
        self._most = self._left = inf
        self._period = self._began = 0.0

    def learn(self, most: float, period: float, now: float) -> None:
        """Note that so many were taken within so many seconds, and no more. The next period begins now."""
        self._most = self._left = most
        self._period, self._began = period, now

    def forget(self) -> None:
        """Note that it was none."""
        self._most = self._left = inf

    def take(self, now: float) -> bool:
        """Note that a request is sent. Return whether a period begins with it."""
        begins = self._most < inf and now - self._began >= self._period
        if begins:
            if self._left <= 0:
                self._most += 1 + self._most // GROWTH
            self._left, self._began = self._most, now
        self._left -= 1
        return begins

    def delay(self, number: float, now: float) -> float:
        """Return the seconds until so many more may be sent."""
        is_over = now - self._began >= self._period
        left, began = (self._most, now) if is_over else (self._left, self._began)
        return 0.0 if number <= left else began + ceil((number - left) / self._most) * self._period - now


_NAMES = {
    kind: [
        tuple(f"x-ratelimit-{what}-{kind}" for what in ("limit", "remaining", "reset")),
        tuple(f"anthropic-ratelimit-{kind}-{what}" for what in ("limit", "remaining", "reset")),
    ]
    for kind in ("requests", "tokens")
}
"""OpenAI's headers, which most others have, too, and Anthropic's."""


def quotas_of(headers: Mapping[str, str]) -> dict[str, tuple[float, float, float]]:
    """Return for "requests" and "tokens", as far as the headers say it: limit, remaining, and seconds until full."""
    found = {}
    for kind, forms in _NAMES.items():
        for limit, remaining, reset in forms:
            values = _number(headers.get(limit)), _number(headers.get(remaining)), _span(headers.get(reset))
            if None not in values:
                found[kind] = values
    return found  # type: ignore[return-value]


def pause_of(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until a quota that is used up takes one more; None if the headers do not say it."""
    left = [quota for quota in quotas_of(headers).values() if quota[1] < 1]
    return max((seconds / max(limit, 1.0) for limit, _, seconds in left), default=None)


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\d{1,15}", text.strip(), re.ASCII) else None


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)"


def _span(text: str | None) -> float | None:
    """Return the seconds of a duration such as "6m0s", "20ms" or "1.5", or until a time as in RFC 3339."""
    text = (text or "").strip()
    if re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?", text, re.ASCII):
        return float(text)
    if re.fullmatch(f"(?:{_PART})+", text, re.ASCII):
        return sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, text, re.ASCII))
    try:
        date = datetime.fromisoformat(text)
        seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - time()
    except (ValueError, OverflowError):
        return None
    return max(seconds, 0.0)
