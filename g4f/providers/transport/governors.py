"""The governors of this process, one for each provider's address and key, and how a call waits for its own.

There is none until a limit is set, or a server refuses a call because there were too many: the usual call pays nothing.
"""

from __future__ import annotations

import os
import threading
from asyncio import AbstractEventLoop, Future, get_running_loop, timeout
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from math import inf
from time import monotonic
from typing import Protocol

from ...errors import RateLimitError
from ...printable import logger
from ..access import shown
from ..response import Item, Status, Usage
from .governor import Governor, Limited, LimitedCall, Standing, Wait
from .http_messages import HTTPRequest, HTTPResponse
from .quotas import quotas_of
from .retries import LONGEST_PAUSE, TOO_MANY, span, wait
from .tokens import estimated

__all__ = ["GOVERNORS", "OPEN", "Permit", "permit_for", "refused", "standings"]

POLL = 1.0
"""Seconds after which a call that waits for others looks for itself."""

CHANGE = 0.5
"""Seconds by which a pause must become longer to be worth another word."""


class _Exchange(Protocol):
    request: HTTPRequest
    permit: Permit | None


GOVERNORS: dict[tuple[str, str], Governor] = {}
"""By address and key."""

OPEN: set[_Exchange] = set()
"""Those whose request was sent, and whose answer was not read to its end."""

_lock = threading.RLock()


class Permit:
    """Where one call stands with its governor."""

    __slots__ = ("_call", "_governor", "_request", "_said")

    def __init__(self, request: HTTPRequest, governor: Governor) -> None:
        settings = request.settings
        limits = Limited(settings.concurrency, settings.rpm, settings.tpm)
        tokens = 0.0 if request.body is None else estimated(request.body, governor.usual_answer)
        self._call, self._governor, self._request = LimitedCall(limits, tokens), governor, request
        self._said = -inf
        governor.users += 1

    def adopt(self) -> None:
        """Note that the call runs already."""
        self._governor.adopt(self._call)

    async def begin(self) -> Status | None:
        """Return None once the call may be sent; else what it waits for. Then call it again.

        Raises RateLimitError if the server wants no more for too long.
        """
        rested, loop = 0.0, get_running_loop()
        while True:
            turn: Future[None] = loop.create_future()
            self._call.wake = partial(_wake, loop, turn)
            held = self._governor.take(self._call, rested)
            if held is None:
                return None
            now = monotonic()
            if held.is_refused:
                self._check(held)
            if self._said == -inf or (held.is_refused and now + held.seconds > self._said + CHANGE):
                self._said = now + held.seconds if held.seconds < inf else now
                return self._status(held)
            if held.is_refused:
                await wait(held.seconds)
                rested = now + held.seconds
            else:
                with suppress(TimeoutError):
                    async with timeout(min(held.seconds, POLL)):
                        await turn

    def answered(self, response: HTTPResponse) -> None:
        """Note that an answer begins."""
        self._call.read = response.left
        self._governor.answered(self._call, quotas_of(response.headers))

    def heard(self, items: Sequence[Item]) -> None:
        """Note the tokens that an answer took, if its server says so in these items."""
        for item in items:
            if isinstance(item, Usage):
                self._governor.used(self._call, item.prompt_tokens, item.completion_tokens)

    def refused(self, pause: float | None) -> None:
        """Note that the server refused the call because there were too many."""
        self._governor.refused(self._call, pause)
        self._said = monotonic() + (pause or 0.0)

    def back(self) -> None:
        """Note that the call does not run now, and may be sent again."""
        self._governor.back(self._call)

    def leave(self) -> None:
        """Note that the call has ended. The governor ends with it if nobody needs one."""
        with _lock:
            is_idle = self._governor.back(self._call)
            self._governor.users -= 1
            if is_idle and not self._governor.users:
                GOVERNORS.pop(self._request.account, None)

    def _check(self, held: Wait) -> None:
        if held.seconds > LONGEST_PAUSE + CHANGE or not self._request.settings.max_retries:
            error = RateLimitError(
                f"{self._request.target.provider} limits the rate of requests: it has refused one before, and takes "
                f"the next in {span(held.seconds)}.",
                status=TOO_MANY,
            )
            error.retry_after = held.seconds
            raise error

    def _status(self, held: Wait) -> Status:
        name = self._request.target.provider
        if held.seconds < inf:
            text = f"{name}: waiting for the rate limit, {held.seconds:.1f} s"
        else:
            text = f"{name}: waiting until one of the {self._governor.standing().running} calls that run has ended"
        logger.info(text)
        return Status(text)


def _wake(loop: AbstractEventLoop, turn: Future[None]) -> None:
    with suppress(RuntimeError):  # the loop was closed
        loop.call_soon_threadsafe(_resolve, turn)


def _resolve(turn: Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)


def permit_for(request: HTTPRequest) -> Permit | None:
    """Return where a call waits that was not sent yet; None if nothing holds it back."""
    with _lock:
        if request.account not in GOVERNORS and not request.settings.is_limited:
            return None
        return Permit(request, _governor(request))


def refused(exchange: _Exchange, pause: float | None) -> Permit:
    """Note that the server refused a call because there were too many: for `pause` seconds none is sent, if it says so.

    Return where the call waits until it may be sent again.
    """
    with _lock:
        governor = _governor(exchange.request)
        permit = exchange.permit or Permit(exchange.request, governor)
        exchange.permit = permit
    permit.refused(pause)
    return permit


def standings() -> list[Standing]:
    """Return how it stands with each provider and key whose calls are held back now, or may be."""
    with _lock:
        return [governor.standing() for governor in GOVERNORS.values()]


def _governor(request: HTTPRequest) -> Governor:
    """Return the governor of a call. A new one knows of those that run already."""
    account = request.account
    if (governor := GOVERNORS.get(account)) is not None:
        return governor
    governor = GOVERNORS[account] = Governor(request.target.provider, shown(account[0]))
    for exchange in OPEN.copy():
        if exchange.request.account == account and exchange.permit is None:
            exchange.permit = permit = Permit(exchange.request, governor)
            permit.adopt()
            if exchange not in OPEN:  # it has ended just now, perhaps before it had the permit
                permit.leave()
    return governor


def _after_fork() -> None:
    """Forget the calls of the parent: they go on there. Its governors may be held by threads that are not here."""
    global _lock  # noqa: PLW0603 - the same
    _lock = threading.RLock()
    for governor in GOVERNORS.values():
        governor.__init__(governor.provider, governor.url)  # type: ignore[misc]
    GOVERNORS.clear()
    OPEN.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
