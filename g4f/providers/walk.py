"""Who of a list of providers is asked next, and when; and the error if none of them answers. No I/O."""

from __future__ import annotations

import re
from asyncio import get_running_loop
from collections.abc import Sequence
from typing import Any

from ..errors import ContextLengthError, G4FError, RetryContextLengthError, RetryNoProviderError, RetryProviderError
from .base_provider import Provider
from .transport.refusals import line
from .transport.retries import RANDOM, Patience, wait
from .transport.settings import Settings

__all__ = ["Walk"]


class Walk:
    """Who is asked next, and when: each place of the order once, and then again those whose failure may pass.

    `failures` has the name and the last failure of each that was asked, by its place in the order; `last` says who
    failed last, and why.
    """

    def __init__(self, order: Sequence[Provider], options: dict[str, Any]) -> None:
        self.failures: dict[int, tuple[str, Exception]] = {}
        self._order, self._options = order, options
        self._due = dict.fromkeys(range(len(order)), 0.0)
        self._patience: dict[int, Patience] = {}
        self._now, self._place = get_running_loop().time, 0
        self.last = ""

    def next(self) -> Provider | None:
        """Return the provider to ask next: of those that may be asked soonest, the first; None if there is none.

        The random parts of their pauses do not change the order.
        """
        if not self._due:
            return None
        now = self._now()
        soon = now + max(min(self._due.values()) - now, 0.0) * (1 + RANDOM)
        self._place = next(place for place, due in self._due.items() if due <= soon)
        return self._order[self._place]

    def status(self, name: str) -> str:
        """Return who failed last, and when the next one, called `name`, is asked."""
        pause = self._due[self._place] - self._now()
        return f"{self.last}; asking {name}" + (f" again in {pause:.1f} s" if pause > 0 else "")

    async def pause(self) -> None:
        """Wait until the next one may be asked."""
        if (pause := self._due[self._place] - self._now()) > 0:
            await wait(pause)

    def failed(self, name: str, error: Exception) -> None:
        """Note the failure of the one that was asked, called `name`."""
        self.failures[self._place] = (name, error)
        self.last = _described(name, error)
        tries = [place for place, each in enumerate(self._order) if each is self._order[self._place]]
        if len(tries) > 1:
            del self._due[self._place]
        if not isinstance(error, G4FError) or error.retry_after is None:
            self._due.pop(self._place, None)
            return
        if tries[0] not in self._patience:
            retries = len(tries) - 1 or Settings.pop_from(dict(self._options)).max_retries
            self._patience[tries[0]] = Patience(retries)
        pause = self._patience[tries[0]].pause(error, error.retry_after or None)
        for place in self._due.keys() & tries:
            if pause is None:
                del self._due[place]
            else:
                self._due[place] = self._now() + pause

    def error(self) -> Exception:
        """Return the error of a call that no provider answered.

        Clears `failures`, whose tracebacks would keep it alive in a circle.
        """
        errors = tuple(self.failures.values())
        self.failures.clear()
        if not errors:
            return RetryNoProviderError("the list of providers is empty: there is no provider to ask")
        last = errors[-1][1]
        if len(errors) == 1:
            return last
        reasons = "; ".join(_described(*each) for each in errors)
        is_too_long = any(isinstance(error, ContextLengthError) for _, error in errors)
        kind = RetryContextLengthError if is_too_long else RetryProviderError
        summary = kind(f"no provider answered. {reasons}", errors)
        pauses = [
            error.retry_after for _, error in errors if isinstance(error, G4FError) and error.retry_after is not None
        ]
        summary.retry_after = min(pauses, default=None)
        summary.__cause__ = last
        return summary


def _described(name: str, error: Exception) -> str:
    """Return who failed, and why: errors of ours mostly name the provider already."""
    text = str(error).rstrip(".") if isinstance(error, G4FError) else line(str(error))
    return text if re.match(rf"{re.escape(name)}\b", text) else f"{name}: {text or type(error).__name__}"
