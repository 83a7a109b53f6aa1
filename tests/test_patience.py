"""What a refusal means: no money, a model that is still loading, or a request to come back later."""

from __future__ import annotations

import os
import time
import unittest
from collections.abc import Callable
from email.utils import formatdate
from typing import Any
from unittest import mock

from g4f import ChatCompletion, errors
from g4f.providers.response import Status
from g4f.providers.transport.settings import Settings

from .dialects import DIALECTS, event
from .servers import Server, hello, whole
from .servers import stream as streamed

QUOTA = "You exceeded your current quota, please check your plan and billing details."

NO_MONEY = {
    "OpenAI": (429, {"error": {"message": QUOTA, "type": "insufficient_quota", "code": "insufficient_quota"}}),
    "a number for a code": (429, {"error": {"message": "no", "type": "insufficient_quota", "code": 429}}),
    "nothing but words": (429, {"error": {"message": QUOTA}}),
    "text": (429, QUOTA),
    "OpenAI, limit": (
        400,
        {"error": {"message": "Billing hard limit has been reached", "code": "billing_hard_limit_reached"}},
    ),
    "OpenAI, inactive": (429, {"error": {"message": "Your account is not active", "code": "billing_not_active"}}),
    "Anthropic": (
        400,
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": "Your credit balance is too low to access the API."},
        },
    ),
    "DeepSeek": (402, {"error": {"message": "Insufficient Balance", "type": "unknown_error"}}),
    "xAI": (403, {"error": "Your newly created team doesn't have any credits yet."}),
    "xAI, spent": (429, {"error": "Your team has used all available credits or reached its monthly spending limit."}),
    "Google": (403, {"error": {"code": 403, "message": "no", "details": [{"reason": "BILLING_DISABLED"}]}}),
    "Moonshot": (429, {"error": {"message": "suspended", "type": "exceeded_current_quota_error"}}),
    "DashScope": (400, {"error": {"message": "Access denied", "code": "Arrearage"}}),
}

NO_MATTER_OF_MONEY = {
    "advice to pay": (
        429,
        {
            "error": {
                "message": "Rate limit reached for m. Limit: 3 / min. Please add a payment method to your account to "
                "increase your rate limit: https://host/account/billing",
                "code": "rate_limit_exceeded",
            }
        },
        errors.RateLimitError,
    ),
    "advice to buy": (429, {"error": {"message": "Rate limit. Add 10 credits to unlock more"}}, errors.RateLimitError),
    "Google's limit per minute": (
        429,
        {"error": {"code": 429, "message": QUOTA, "details": [{"retryDelay": "36s"}]}},
        errors.RateLimitError,
    ),
    "key": (403, {"error": {"message": "not allowed"}}, errors.MissingAuthError),
    "question": (422, {"error": {"message": "what is my credit balance?"}}, errors.BadRequestError),
}

LOADING = (
    {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
    {"error": "Model org/name is currently loading", "estimated_time": 20.0},
    {"error": {"message": "llm server loading model"}},
    {"error": "Model is still loading"},
    {"message": "The model is being loaded, come back later."},
    {"error": "model is warming up"},
    "model loading, please wait",
)


class _Asks(unittest.TestCase):
    def setUp(self) -> None:
        self.pauses: list[float] = []
        self.enterContext(mock.patch("g4f.providers.transport.retries.sleep", self.pause))

    async def pause(self, seconds: float) -> None:
        """Note the pause, and make none."""
        self.pauses.append(seconds)

    def ask(self, *answers: Any, **options: Any) -> tuple[Any, int]:
        """Return the answer or the error, and how many requests it took."""
        given = {"provider": "OpenAI", "api_key": "k"} | options
        with Server(*answers) as server:
            try:
                return ChatCompletion.create("m", "Hi", base_url=server.url, **given), len(server.requests)
            except errors.G4FError as error:
                return error, len(server.requests)


class TestMoney(_Asks):
    """An account without credit is not asked again, and no limit of the rate is taken for one."""

    def test_none_left(self) -> None:
        """It is a PaymentRequiredError at once, with the server's status and words, in each protocol."""
        for dialect in DIALECTS:
            for name, (status, body) in NO_MONEY.items():
                with self.subTest(str(dialect), refusal=name):
                    error, requests = self.ask(whole(body, status), hello, provider=dialect.provider, **dialect.options)
                    self.assertEqual((errors.PaymentRequiredError, status, 1), (type(error), error.status, requests))
                    self.assertIn(f"{dialect.provider} asks for payment (HTTP {status}): ", str(error))
                    self.assertIsNone(error.retry_after)

    def test_other_refusals(self) -> None:
        """A limit of the rate stays one, also with the advice to pay, and so does what only mentions money."""
        for name, (status, body, kind) in NO_MATTER_OF_MONEY.items():
            with self.subTest(name):
                self.assertIs(kind, type(self.ask(whole(body, status), max_retries=0)[0]))

    def test_in_a_stream(self) -> None:
        """So is one that comes as an event."""
        for error in ({"code": "insufficient_quota", "message": "no"}, {"message": QUOTA}, {"type": "billing_error"}):
            with self.subTest(error):
                caught, requests = self.ask(streamed(event({"error": error})), hello)
                self.assertEqual((errors.PaymentRequiredError, 1), (type(caught), requests))
        caught, _ = self.ask(streamed(event({"error": {"type": "odd", "status": 403, "message": "no"}})), hello)
        self.assertEqual((errors.MissingAuthError, 403), (type(caught), caught.status))


class TestNoCapacity(_Asks):
    """The tier "flex" has refusals of its own, which pass."""

    def test_refused(self) -> None:
        """It is asked again; then the error says what to do. A mere limit of the rate says nothing of tiers."""
        for status, code, is_full in (
            (429, "resource_unavailable", True),
            (498, "capacity_exceeded", True),
            (429, "rate_limit_exceeded", False),
        ):
            with self.subTest(status=status, code=code):
                refused = whole({"error": {"message": "Busy", "code": code}}, status)
                self.assertEqual(("Hello", 2), self.ask(refused, hello, service_tier="flex"))
                error, requests = self.ask(refused, service_tier="flex")
                self.assertEqual((errors.RateLimitError, status, 3), (type(error), error.status, requests))
                full = f"OpenAI has no capacity left for this tier of service (HTTP {status}): Busy. Ask again"
                self.assertEqual(is_full, str(error).startswith(full))
                self.assertEqual(is_full, "service_tier" in str(error))

    def test_patient(self) -> None:
        """Its answer may begin after 15 minutes, unless the caller says otherwise; that of other tiers after 5."""
        for given, seconds in (
            ({"service_tier": "flex"}, 900),
            ({"service_tier": "flex", "first_timeout": 5}, 5),
            ({"service_tier": "flex", "stream_timeout": 7}, 7),
            ({"service_tier": "default"}, 300),
            ({}, 300),
        ):
            with self.subTest(given):
                self.assertEqual(seconds, Settings.pop_from(dict(given)).first_timeout)


class TestLoading(_Asks):
    """A model that is being loaded is waited for."""

    def test_longer_than_retries(self) -> None:
        """It is, as long as a minute, and more often than `max_retries`; other failures still count."""
        for body in LOADING:
            for status in (503, 500, 404):
                with self.subTest(body, status=status):
                    loading = [whole(body, status)] * 6
                    self.assertEqual(("Hello", 7), self.ask(*loading, hello, max_retries=1))
        failed = whole({}, 503)
        self.assertEqual(("Hello", 7), self.ask(failed, *loading[:4], failed, hello))
        error, requests = self.ask(failed, *loading[:4], failed, hello, max_retries=1)
        self.assertEqual((errors.ServerError, 6), (type(error), requests))

    def test_too_long(self) -> None:
        """After a minute it is an error that says so."""
        error, requests = self.ask(whole(LOADING[0], 503))
        self.assertEqual((errors.ModelLoadingError, 503), (type(error), error.status))
        self.assertIsInstance(error, errors.ServerError)
        self.assertEqual(
            "OpenAI is still loading the model (HTTP 503): Loading model. Ask again in a minute.", str(error)
        )
        self.assertEqual(len(self.pauses) + 1, requests)
        self.assertTrue(45 < sum(self.pauses) <= 60, self.pauses)

    def test_not_at_all(self) -> None:
        """Without retries it is not waited for."""
        error, requests = self.ask(whole(LOADING[0], 503), hello, max_retries=0)
        self.assertEqual((errors.ModelLoadingError, 1, []), (type(error), requests, self.pauses))

    def test_said(self) -> None:
        """A stream says what is waited for, in words."""
        with Server(whole(LOADING[0], 503), hello) as server:
            items = list(ChatCompletion.create("m", "Hi", "LlamaCpp", base_url=server.url, stream=True))
        self.assertRegex(items[0].text, r"^LlamaCpp is still loading its model; asking again in 0\.\d s$")
        self.assertEqual((Status, "Hello"), (type(items[0]), "".join(map(str, items))))
        with Server(*[whole(LOADING[0], 503)] * 2, whole({}, 503), hello) as server:
            items = list(ChatCompletion.create("m", "Hi", "LlamaCpp", base_url=server.url, stream=True))
        self.assertRegex(items[2].text, r"^LlamaCpp: HTTP 503; try 2 of 3 in [12]\.\d s$")

    def test_failed_to_load(self) -> None:
        """A model that could not be loaded is not waited for as one that is being loaded."""
        for words in ("error loading model: out of memory", "failed to load", "loading model failed", "not loaded"):
            with self.subTest(words):
                error, requests = self.ask(whole({"error": words}, 500))
                self.assertEqual((errors.ServerError, 3), (type(error), requests))

    def test_question_about_it(self) -> None:
        """A refused question that mentions it is a refused question."""
        error, _ = self.ask(whole({"error": {"message": "why: the page is loading"}}, 400))
        self.assertIs(errors.BadRequestError, type(error))


class TestPauses(_Asks):
    """How long a server asks to wait."""

    def test_in_the_body(self) -> None:
        """Google and Hugging Face say it in the body; a guess about a model is looked at again every few seconds."""
        cases: tuple[tuple[Any, float, float], ...] = (
            ({"error": {"message": QUOTA, "details": [{"retryDelay": "36s"}]}}, 36, 37),
            ({"error": {"message": QUOTA, "details": [{"retryDelay": "1.5s"}]}}, 1.5, 2),
            ({"error": "Model m is currently loading", "estimated_time": 3.5}, 3.5, 4),
            ({"error": "Model m is currently loading", "estimated_time": 300}, 8, 8.5),
        )
        for body, least, most in cases:
            with self.subTest(body):
                self.pauses.clear()
                self.assertEqual(("Hello", 2), self.ask(whole(body, 503), hello))
                self.assertTrue(least <= self.pauses[0] <= most, self.pauses)

    def test_header_first(self) -> None:
        """A header counts more than the body."""
        body = {"error": {"message": QUOTA, "details": [{"retryDelay": "36s"}]}}
        self.assertEqual(("Hello", 2), self.ask(whole(body, 429, **{"Retry-After": "7"}), hello))
        self.assertTrue(7 <= self.pauses[0] <= 7.5, self.pauses)

    def test_no_time(self) -> None:
        """What is no time, or one that is over, is passed over: the pause is our own."""
        past = formatdate(time.time() - 3600, usegmt=True)
        for value in (
            "-1",
            "-0.5",
            "soon",
            "",
            "5 s",
            "nan",
            "inf",
            past,
            "Wed, 99 Foo 2015 07:28:00 GMT",
            "1,5",
            "()",
        ):
            for name in ("Retry-After", "retry-after-ms"):
                with self.subTest(value, name=name):
                    self.pauses.clear()
                    self.assertEqual(("Hello", 2), self.ask(whole({}, 429, **{name: value}), hello))
                    self.assertTrue(0.5 <= self.pauses[0] <= 0.625, self.pauses)

    def test_second_header(self) -> None:
        """If one of the two headers is no time, the other one counts."""
        for value in ("nan", "-1", "soon"):
            with self.subTest(value):
                self.pauses.clear()
                headers = {"retry-after-ms": value, "Retry-After": "7"}
                self.assertEqual(("Hello", 2), self.ask(whole({}, 429, **headers), hello))
                self.assertTrue(7 <= self.pauses[0] <= 7.5, self.pauses)

    def test_old_form_of_a_date(self) -> None:
        """A date without a zone is one of Greenwich, wherever this machine is."""
        now = 1_800_000_000.0
        self.enterContext(mock.patch("g4f.providers.transport.retries.time", lambda: now))
        self.enterContext(_zone("XXX-5"))
        then = time.asctime(time.gmtime(now + 30))
        self.assertEqual(("Hello", 2), self.ask(whole({}, 429, **{"Retry-After": then}), hello))
        self.assertTrue(30 <= self.pauses[0] <= 30.5, self.pauses)

    def test_error_says_it(self) -> None:
        """The error says when the same request may be answered: 0 if the server does not say it, None if never."""
        for status, header, expected in ((429, "70", 70), (503, "", 0), (400, "70", None)):
            with self.subTest(status=status):
                error, _ = self.ask(whole({}, status, **{"Retry-After": header}), max_retries=0)
                self.assertEqual(expected, error.retry_after)


class _zone:  # noqa: N801 - it reads like a function
    """A context in which this machine stands in another zone of time."""

    def __init__(self, name: str) -> None:
        self._patch: Any = mock.patch.dict(os.environ, TZ=name)
        self._set: Callable[[], None] = getattr(time, "tzset", lambda: None)

    def __enter__(self) -> None:
        self._patch.__enter__()
        self._set()

    def __exit__(self, *_: object) -> None:
        self._patch.__exit__(None, None, None)
        self._set()


if __name__ == "__main__":
    unittest.main()
