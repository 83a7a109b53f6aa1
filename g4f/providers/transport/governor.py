"""What holds the calls of one provider and key back: limits that were set, and what the server says. No I/O.

A governor belongs to no loop and no thread: each call asks it, under a lock, how long to wait, and waits on its own.

    take() ─▶ None    it may be sent now, and runs until `back`
              seconds until the pause that the server requests is over, or the minute or the quota has room for it
              inf     others run or come first: `wake` is called when that changes

First come, first served: a call has its number from when it came, and keeps it if it is refused and sent again. One
that was woken and has not come for `GRACE` seconds, because its loop stands still, is passed over until it does.

After a refusal at most half as many calls run as ran then, and one more with each answer. If the server refused
all that came after a certain number of them, that number is its quota: in the next round only so many are begun.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from collections.abc import Callable, Mapping
from math import inf
from operator import attrgetter
from time import monotonic
from typing import NamedTuple

import msgspec

from .quotas import Bucket, Minute, Quota, RefusalRound
from .retries import LONGEST_PAUSE

__all__ = ["Governor", "Limited", "LimitedCall", "Standing", "Wait"]

STAYS = 60.0
"""Seconds that a limit which was set holds after the last call that had it."""

GRACE = 0.5
"""Seconds after which a call that may go on, and does not, is passed over; so is a stream that nobody reads on."""

SMOOTH = 8
"""The last answers whose tokens count most."""

EARLY = 0.001
"""Seconds by which a timer may come early."""


class Limited(NamedTuple):
    """The limits that were set: how many calls at once, and how many requests and tokens within a minute."""

    concurrency: int | None = None
    rpm: int | None = None
    tpm: int | None = None


class Standing(msgspec.Struct, frozen=True):
    """How it stands with the calls of one provider and key. Times are in seconds.

    `waiting` calls wait, the first of them since `waiting_for` seconds; the pause that the server requests is over in
    `pause`, 0 if there is none. `running` calls were sent, and `concurrency` may be at once; inf if nothing limits it.
    """

    provider: str
    url: str
    waiting: int
    waiting_for: float
    pause: float
    running: int
    concurrency: float


class Wait(NamedTuple):
    """How long a call has to wait, inf if others decide that; and whether because the server refused one."""

    seconds: float
    is_refused: bool = False


class LimitedCall:
    """A call that a governor holds back or lets run. `wake` is called, in any thread, when it may go on.

    `read` returns how many bytes of the answer were read if its reader does something else now, else -1.
    """

    __slots__ = ("came", "due", "entries", "limits", "number", "read", "seen", "sent", "tokens", "wake")

    def __init__(self, limits: Limited, tokens: float) -> None:
        self.limits, self.tokens = limits, tokens
        self.number = self.sent = -1  # how many came, and were sent, before it
        self.came, self.due = 0.0, inf
        self.entries: tuple[list[float], list[float]] | None = None
        self.wake: Callable[[], None] | None = None
        self.read: Callable[[], int] | None = None
        self.seen = (-1, inf)

    def is_left(self, now: float) -> bool:
        """Whether nobody has read on for a while: it may be that the reader itself waits for another call."""
        read = -1 if self.read is None else self.read()
        if read < 0 or read != self.seen[0]:
            self.seen = (read, now)
        return read >= 0 and now - self.seen[1] > GRACE


class Governor:
    """Says when the calls of one provider and key may be sent."""

    def __init__(self, provider: str, url: str) -> None:
        self.provider, self.url = provider, url
        self._lock = threading.RLock()  # a finalizer may run anywhere, and end a call
        self._came, self._sent, self._cut = 0, 0, 0
        self._waiting: list[LimitedCall] = []
        self._running: set[LimitedCall] = set()
        self._requests, self._tokens = Minute(), Minute()
        self._left = {"requests": Bucket(), "tokens": Bucket()}
        self._limits: dict[str, tuple[int, float]] = {}
        self._until = self._forgotten = 0.0
        self._window = self._enough = inf
        self._round, self._last = RefusalRound(-1, 0.0), RefusalRound(-1, 0.0)
        self._quota = Quota()
        self.users = 0
        """Calls that have not ended."""
        self.usual_answer = 0.0
        """Tokens of the last answers, on average."""

    def adopt(self, call: LimitedCall) -> None:
        """Note a call that runs already, as before there was a governor."""
        with self._lock:
            call.number, self._came = self._came, self._came + 1
            self._begin(call, monotonic())

    def take(self, call: LimitedCall, rested: float) -> Wait | None:
        """Let a call run, and return None; or return how long it has to wait. It has done so until `rested`."""
        with self._lock:
            now = max(monotonic(), rested)
            self._note(call, now)
            if call.number < 0:
                call.number, self._came, call.came = self._came, self._came + 1, now
            if call not in self._waiting:
                insort(self._waiting, call, key=_number)
            call.due = inf
            wait = self._wait(call, now)
            if wait is None:
                self._waiting.remove(call)
                self._begin(call, now)
                self._wake(now)
            else:
                call.due = now + wait.seconds
            return wait

    def refused(self, call: LimitedCall, pause: float | None) -> None:
        """Note that the server refused it because of a limit, and for how many seconds it wants no more, if it says."""
        with self._lock:
            now = monotonic()
            if call.sent >= self._cut:
                running = len(self._running)
                self._window, self._enough, self._cut = max(running // 2, 1), 2 * running, self._sent
            if pause is not None:
                if call.sent >= self._round.number:
                    self._round.refused += 1
                    self._round.first = min(self._round.first, call.sent)
                self._pause(pause, now)
            self.back(call)
            if pause is not None:  # it keeps its turn
                insort(self._waiting, call, key=_number)
                call.due = self._until

    def answered(self, call: LimitedCall, quotas: Mapping[str, tuple[float, float, float]]) -> None:
        """Note that the server answers it, and what it says in headers of that."""
        with self._lock:
            now = monotonic()
            for each in (self._round, self._last):
                each.passed += each.is_after(call.sent)
            if self._last.passed and self._last.quota == inf:
                self._quota.forget()
            for kind, quota in quotas.items():
                others = len(self._running) - 1 if kind == "requests" else 0
                self._left[kind].heard(quota, others, now)
            self._window += 1
            if self._window > self._enough:
                self._window = inf
            self._wake(now)

    def used(self, call: LimitedCall, question: int, answer: int) -> None:
        """Note how many tokens a call has used in fact."""
        with self._lock:
            self.usual_answer += (answer - self.usual_answer) / SMOOTH
            if call.entries is not None:
                self._tokens.correct(call.entries[1], question + answer)

    def back(self, call: LimitedCall) -> bool:
        """Note that a call neither runs nor waits any more. Return whether nobody needs the governor now."""
        with self._lock:
            now = monotonic()
            self._note(call, now)
            self._running.discard(call)
            if call in self._waiting:
                self._waiting.remove(call)
            call.sent = -1
            self._wake(now)
            idle = not self._running and not self._waiting and self._until <= now
            return idle and all(now - at >= STAYS for _, at in self._limits.values())

    def standing(self) -> Standing:
        """Return how it stands now."""
        with self._lock:
            now = monotonic()
            first = now - self._waiting[0].came if self._waiting else 0.0
            most = min(self._window, self._limit("concurrency", Limited(), now))
            pause = max(self._until - now, 0.0)
            return Standing(self.provider, self.url, len(self._waiting), first, pause, len(self._running), most)

    def _note(self, call: LimitedCall, now: float) -> None:
        for name, value in zip(Limited._fields, call.limits, strict=True):
            if value is not None:
                self._limits[name] = (value, now)

    def _limit(self, name: str, own: Limited, now: float) -> float:
        """Return a limit: a call's own, or the last that was set, as long as a call has it, and a minute longer."""
        given = getattr(own, name)
        if given is not None or name not in self._limits:
            return inf if given is None else float(given)
        value, at = self._limits[name]
        calls = (*self._running, *self._waiting) if now - at >= STAYS else ()
        if calls and any(getattr(each.limits, name) for each in calls):
            self._limits[name] = (value, now)
        elif now - at >= STAYS:
            del self._limits[name]
            return inf
        return float(value)

    def _wait(self, call: LimitedCall, now: float) -> Wait | None:
        if self._until > now:
            if self._forgotten > now:
                return Wait(self._until - now, is_refused=True)
            self._until = 0.0
        ahead = self._ahead(call, now)
        if len(ahead) >= self._free(call, now):
            return Wait(inf)
        if self._round.refused:
            self._next_round(now)
        number, tokens = len(ahead) + 1, call.tokens + sum(each.tokens for each in ahead)
        delays = [
            self._requests.delay(self._limit("rpm", call.limits, now), number, now),
            self._tokens.delay(self._limit("tpm", call.limits, now), tokens, now),
            self._quota.delay(number, now),
            *(self._left[kind].delay(amount, now) for kind, amount in (("requests", number), ("tokens", tokens))),
        ]
        delay = max(delays)
        return Wait(delay) if delay > 0 else None

    def _ahead(self, call: LimitedCall, now: float) -> list[LimitedCall]:
        """Return those that wait and came before, but not who could have gone on a while ago, and has not."""
        before = self._waiting[: bisect_left(self._waiting, call.number, key=_number)]
        return [each for each in before if each.due + GRACE >= now]

    def _free(self, call: LimitedCall, now: float) -> float:
        most = min(self._window, self._limit("concurrency", call.limits, now))
        if len(self._running) < most:
            return most - len(self._running)
        return most - sum(not each.is_left(now) for each in tuple(self._running))

    def _begin(self, call: LimitedCall, now: float) -> None:
        call.sent, self._sent = self._sent, self._sent + 1
        self._running.add(call)
        call.entries = self._requests.add(now, 1), self._tokens.add(now, call.tokens)
        self._left["requests"].take(1)
        self._left["tokens"].take(call.tokens)
        if self._quota.take(now) and not self._round.refused:
            self._round = RefusalRound(call.sent, now)

    def _pause(self, seconds: float, now: float) -> None:
        until = now + seconds + EARLY
        if until > self._until:
            self._until = until
            self._forgotten = min(until, now + LONGEST_PAUSE + EARLY)

    def _next_round(self, now: float) -> None:
        """Begin to count anew, after a pause."""
        self._last, self._round = self._round, RefusalRound(self._sent, now)
        self._last.end = self._sent
        if self._last.quota < inf:
            self._quota.learn(self._last.quota, now - self._last.began, now)

    def _wake(self, now: float) -> None:
        """Wake as many of those that wait for others as may go on."""
        if not self._waiting or self._until > now:
            return
        free = self._free(self._waiting[0], now)
        for call in tuple(self._waiting):
            if free <= 0:
                break
            if call.due + GRACE >= now:
                free -= 1
                if call.due == inf and call.wake is not None:
                    call.due = now
                    call.wake()


_number = attrgetter("number")
