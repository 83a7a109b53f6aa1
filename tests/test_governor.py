"""Who of the calls to one provider may be sent, and when: by a clock that the test drives, without any server."""

from __future__ import annotations

import time
import unittest
from collections.abc import Mapping
from math import inf
from typing import Any
from unittest import mock

from g4f.providers.transport.governor import GRACE, Governor, Limited, LimitedCall, Standing
from g4f.providers.transport.quotas import pause_of, quotas_of
from g4f.providers.transport.tokens import estimated


class _Clock(unittest.TestCase):
    def setUp(self) -> None:
        self.now = 1000.0
        self.enterContext(mock.patch("g4f.providers.transport.governor.monotonic", lambda: self.now))
        self.governor = Governor("P", "http://host")

    def call(self, tokens: float = 0.0, **limits: int) -> LimitedCall:
        """Return a call with its own limits."""
        return LimitedCall(Limited(**limits), tokens)

    def take(self, call: LimitedCall) -> float:
        """Return how long a call has to wait, 0 if it runs now."""
        held = self.governor.take(call, 0.0)
        return 0.0 if held is None else held.seconds

    def taken(self, number: int, **limits: int) -> list[LimitedCall]:
        """Return so many calls that run."""
        calls = [self.call(**limits) for _ in range(number)]
        self.assertEqual([0.0] * number, [self.take(each) for each in calls])
        return calls

    def allowed(self, most: int = 100) -> list[LimitedCall]:
        """Begin as many calls as may run now, and return them."""
        calls: list[LimitedCall] = []
        for _ in range(most):
            call = self.call()
            if self.take(call):
                self.governor.back(call)
                break
            calls.append(call)
        return calls

    def refuse(self, *calls: LimitedCall, pause: float | None) -> None:
        """Let the server refuse these."""
        for each in calls:
            self.governor.refused(each, pause)

    def answer(self, *calls: LimitedCall, **quotas: Any) -> None:
        """Let the server answer these, to their ends."""
        for each in calls:
            self.governor.answered(each, quotas)
        for each in calls:
            self.governor.back(each)


class TestLimits(_Clock):
    """Limits that were set."""

    def test_concurrency(self) -> None:
        """So many run at once; the next is woken when one of them has ended."""
        first, _ = self.taken(2, concurrency=2)
        third = self.call(concurrency=2)
        third.wake = mock.Mock()
        self.assertEqual(inf, self.take(third))
        third.wake.assert_not_called()
        self.governor.back(first)
        third.wake.assert_called_once()
        self.assertEqual(0, self.take(third))
        self.assertEqual(inf, self.take(self.call(concurrency=2)))

    def test_first_come_first_served(self) -> None:
        """A call that comes later waits until those before it run, unless they do not come though they may."""
        (running,) = self.taken(1, concurrency=1)
        early, late = self.call(concurrency=1), self.call(concurrency=1)
        for each in (early, late):
            each.wake = mock.Mock()
            self.take(each)
        self.governor.back(running)
        self.assertEqual(inf, self.take(late))
        early.wake.assert_called_once()
        late.wake.assert_not_called()
        self.now += GRACE
        self.assertEqual(inf, self.take(late))
        self.now += 0.01
        self.assertEqual(0, self.take(late))
        self.assertEqual(inf, self.take(early))
        self.governor.back(late)
        self.assertEqual(0, self.take(early))

    def test_refused_keeps_its_turn(self) -> None:
        """One that was refused is sent again before those that came after it."""
        first, second = self.taken(2)
        later = self.call()
        self.refuse(first, pause=1)
        self.take(later)
        self.now += 1.1
        self.governor.back(second)
        self.assertEqual(inf, self.take(later))
        self.take(first)
        self.governor.back(first)
        self.assertEqual(0, self.take(later))

    def test_requests(self) -> None:
        """No minute has more requests than `rpm`; those that wait know when it is their turn."""
        self.taken(1, rpm=3)
        self.now += 20
        self.taken(2, rpm=3)
        waiting = [self.call(rpm=3) for _ in range(4)]
        self.assertEqual([40, 60, 60, 60], [self.take(each) for each in waiting])
        self.now += 39.9
        self.assertNotEqual(0, self.take(waiting[0]))
        self.now += 0.1
        self.assertEqual([0, 20, 20, 60], [self.take(each) for each in waiting])

    def test_tokens(self) -> None:
        """No minute has more tokens than `tpm`, as far as they are known; what is too large is sent alone."""
        call = self.call(600, tpm=1000)
        self.assertEqual(0, self.take(call))
        other = self.call(500, tpm=1000)
        self.assertEqual(60, self.take(other))
        self.governor.used(call, 300, 200)
        self.assertEqual(0, self.take(other))
        large = self.call(5000, tpm=1000)
        self.now += 10
        self.assertEqual(50, self.take(large))
        self.now += 50
        self.assertEqual(0, self.take(large))

    def test_stays(self) -> None:
        """A limit holds for calls without it, too: while one that has it runs, and for a minute after it."""
        (call,) = self.taken(1, concurrency=1)
        for seconds, expected in ((59, inf), (600, inf)):
            self.now += seconds
            self.assertEqual(expected, self.take(other := self.call()))
            self.governor.back(other)
        self.governor.back(call)
        self.taken(1)
        self.assertEqual(inf, self.take(other := self.call()))
        self.now += 60
        self.assertEqual(0, self.take(other))

    def test_own_limit(self) -> None:
        """A call's own limit is the one that counts for it."""
        self.taken(1, concurrency=1)
        self.assertEqual(0, self.take(self.call(concurrency=2)))
        self.assertEqual(inf, self.take(self.call(concurrency=2)))

    def test_left_alone(self) -> None:
        """An answer that nobody reads on counts no more: its reader may wait for this very call."""
        (call,) = self.taken(1, concurrency=1)
        read, other = 100, self.call(concurrency=1)
        call.read = lambda: read
        self.assertEqual(inf, self.take(other))
        self.now += GRACE + 0.1
        read = 200
        self.assertEqual(inf, self.take(other))
        self.now += GRACE + 0.1
        read = -1
        self.assertEqual(inf, self.take(other))
        read = 300
        self.assertEqual(inf, self.take(other))
        self.now += GRACE + 0.1
        self.assertEqual(0, self.take(other))

    def test_standing(self) -> None:
        """An observer sees who runs and waits, since when, and for how long."""
        self.taken(1, concurrency=1)
        self.take(self.call())
        self.now += 5
        self.assertEqual(Standing("P", "http://host", 1, 5.0, 0.0, 1, 1), self.governor.standing())
        self.governor.refused(self.call(), 3)
        standing = self.governor.standing()
        self.assertAlmostEqual(3, standing.pause, 2)


class TestRefusals(_Clock):
    """What the server says."""

    def test_all_wait(self) -> None:
        """A refusal holds all back for exactly as long as the server says."""
        first, second = self.taken(2)
        self.refuse(first, pause=7)
        self.governor.back(second)
        waiting = [first, self.call()]
        self.assertTrue(all(7 <= self.take(each) <= 7.01 for each in waiting))
        self.assertTrue(self.governor.take(first, 0.0).is_refused)  # type: ignore[union-attr]
        self.now += 6.99
        self.assertNotEqual(0, self.take(first))
        self.now += 0.02
        self.assertEqual(0, self.take(first))

    def test_rested(self) -> None:
        """A timer that comes a little early has come."""
        (call,) = self.taken(1)
        self.refuse(call, pause=7)
        self.now += 6.999
        self.assertIsNone(self.governor.take(call, 1007.01))

    def test_half(self) -> None:
        """Then half as many run as did, whatever their refusals are, and one more with each answer."""
        calls = self.taken(16)
        self.refuse(*calls[:6], pause=1)
        for each in calls[:6]:
            self.governor.back(each)
        self.answer(*calls[6:8])
        for each in calls[8:]:
            self.governor.back(each)
        self.now += 2
        running = self.allowed()
        self.assertEqual(8 + 2, len(running))
        self.answer(running[0])
        self.assertEqual(2, len(self.allowed()))

    def test_whole_again(self) -> None:
        """After enough answers nothing holds them back."""
        (call,) = self.taken(1)
        self.refuse(call, pause=1)
        self.now += 2
        self.answer(call)
        self.answer(*self.taken(1))
        self.assertEqual(100, len(self.allowed(100)))

    def test_no_word_when(self) -> None:
        """Where the server does not say for how long, the others go on, but fewer at once."""
        calls = self.taken(4)
        self.refuse(calls[0], pause=None)
        self.governor.back(calls[1])
        self.governor.back(calls[2])
        self.assertEqual(1, len(self.allowed()))

    def test_quota(self) -> None:
        """If all were refused after so many, only so many are sent in each period; a few more where that was enough."""
        self.refuse(*self.taken(1), pause=1)
        self.now += 2
        calls = []
        for _ in range(4):
            self.answer(*(more := self.allowed(10)))
            calls += more
        refused = self.allowed(10)
        self.refuse(*refused, pause=1)
        for each in refused:
            self.governor.back(each)
        period = 2.0
        self.now += period
        for expected in (len(calls), len(calls) + 1 + len(calls) // 16):
            sent: list[LimitedCall] = []
            while more := self.allowed(10):
                self.answer(*more)
                sent += more
            self.assertEqual(expected, len(sent))
            self.assertTrue(0 < self.take(call := self.call()) <= period)
            self.governor.back(call)
            self.now += period

    def test_no_quota(self) -> None:
        """Refusals with answers between them are not taken for one."""
        self.refuse(*self.taken(1), pause=1)
        self.now += 2
        self.governor._window = inf
        calls = self.taken(10)
        self.refuse(*calls[2::3], pause=1)
        for each in calls[2::3]:
            self.governor.back(each)
        self.answer(*(each for each in calls if each.sent >= 0))
        self.governor._window = inf
        self.now += 2
        self.assertEqual(50, len(self.allowed(50)))

    def test_long_pause_is_forgotten(self) -> None:
        """One of a day holds others back for a minute: then the server is asked whether it is still so."""
        (call,) = self.taken(1)
        self.refuse(call, pause=86400)
        self.governor.back(call)
        self.now += 59
        self.assertAlmostEqual(86400 - 59, self.take(other := self.call()), 1)
        self.governor.back(other)
        self.now += 2
        self.assertEqual(0, self.take(self.call()))

    def test_remaining(self) -> None:
        """What the headers say remains is not exceeded, and fills up again as they say; an hour is not believed."""
        (call,) = self.taken(1)
        self.answer(call, requests=(60.0, 2.0, 58.0))
        self.assertEqual(2, len(self.allowed()))
        self.assertAlmostEqual(1.0, self.take(call := self.call()))
        self.now += 1.0
        self.assertEqual(0, self.take(call))
        self.answer(call, requests=(10.0, 0.0, 360000.0))
        self.assertEqual(5, len(self.allowed(5)))


class TestHeaders(unittest.TestCase):
    """What servers say about their quotas."""

    def test_forms(self) -> None:
        """OpenAI's and Anthropic's are read; what is none of them is passed over."""
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_800_000_030))
        cases: tuple[tuple[Mapping[str, str], dict[str, Any]], ...] = (
            (self.openai("60", "59", "1s"), {"requests": (60, 59, 1)}),
            (self.openai("60", "0", "6m0s"), {"requests": (60, 0, 360)}),
            (self.openai("60", "0", "1h2m3.5s"), {"requests": (60, 0, 3723.5)}),
            (self.openai("60", "0", "20ms"), {"requests": (60, 0, 0.02)}),
            (self.openai("60", "0", "1.5"), {"requests": (60, 0, 1.5)}),
            (self.anthropic("50", "7", soon), {"tokens": (50, 7, 30)}),
            (self.anthropic("50", "7", "2001-01-01T00:00:00Z"), {"tokens": (50, 7, 0)}),
            *((self.openai("60", "0", odd), {}) for odd in ("", "soon", "nan", "-1s", "1e9", "1x", "²s", "9" * 99)),
            *((self.openai(odd, "0", "1s"), {}) for odd in ("", "many", "-1", "nan", "1.5", "9" * 99)),
            ({}, {}),
        )
        with mock.patch("g4f.providers.transport.quotas.time", lambda: 1_800_000_000.0):
            for headers, expected in cases:
                with self.subTest(headers):
                    self.assertEqual(expected, quotas_of(headers))

    def test_used_up(self) -> None:
        """A quota that is used up takes the next request after its share of the time; others say nothing of a pause."""
        self.assertEqual(2.0, pause_of(self.openai("30", "0", "1m0s")))
        self.assertIsNone(pause_of(self.openai("30", "1", "1m0s")))
        self.assertIsNone(pause_of({}))

    def openai(self, limit: str, remaining: str, reset: str) -> dict[str, str]:
        """Return headers of OpenAI."""
        names = ("limit", "remaining", "reset")
        return {
            f"x-ratelimit-{name}-requests": value for name, value in zip(names, (limit, remaining, reset), strict=True)
        }

    def anthropic(self, limit: str, remaining: str, reset: str) -> dict[str, str]:
        """Return headers of Anthropic."""
        names = ("limit", "remaining", "reset")
        return {
            f"anthropic-ratelimit-tokens-{name}": value
            for name, value in zip(names, (limit, remaining, reset), strict=True)
        }


class TestTokens(unittest.TestCase):
    """About how many tokens a request takes."""

    def test_estimated(self) -> None:
        """A quarter of its bytes, and the longest answer it may have, or a usual one; an image is not text."""
        for body, expected in (
            (b'{"messages": "12345678901234567890"}', 9 + 7),
            (b'{"max_tokens": 100, "m": "12345678"}', 9 + 100),
            (b'{"max_completion_tokens":100,"m":""}', 9 + 100),
            (b'{"generationConfig": {"maxOutputTokens": 50}}   ', 12 + 50),
            (b'{"max_tokens": "many"}  ', 6 + 7),
            (b'{"image": "' + b"A" * 10**6 + b'"}   ', 4 + 1000 + 7),
        ):
            with self.subTest(body[:30]):
                self.assertEqual(expected, estimated(body, 7))


if __name__ == "__main__":
    unittest.main()
