"""What is recorded of an answer while it comes."""

from __future__ import annotations

import asyncio

from ..assembly import Assembly
from ..providers.response import Item, PassedOver, Reasoning, TextWasReasoning, Trimmed
from .kept import Kept

__all__ = ["Notes"]


class Notes:
    """The events of an answer so far, and the milliseconds before each."""

    def __init__(self) -> None:
        self.events: list[Kept] = []
        self.ms: list[int] = []
        self._clock = asyncio.get_running_loop().time
        self._start, self._last = self._clock(), 0

    def add(self, item: Item) -> None:
        """Add the next item. A status is left out, and so is an event of a class that is not ours.

        So are the thoughts of a provider that was passed over. Text that was reasoning is kept as what it is.
        """
        if isinstance(item, PassedOver):
            self.events = [event for event in self.events if isinstance(event, Trimmed)]
            self.ms, self._last = [0] * len(self.events), 0
        elif isinstance(item, TextWasReasoning):
            self.events = [Reasoning(event) if isinstance(event, str) else event for event in self.events]
        if not isinstance(item, Kept):
            return
        now = int((self._clock() - self._start) * 1000)
        self.events.append(item)
        self.ms.append(now - self._last)
        self._last = now

    def texts(self) -> list[str]:
        """Return all that was written, each text joined from its pieces: a secret may be cut anywhere."""
        answer = Assembly()
        for event in self.events:
            answer.add(event)
        calls = [text for call in answer.tool_calls for text in (call.id, call.name, call.arguments)]
        return [answer.text, answer.reasoning, *calls, *(step.result for step in answer.steps)]
