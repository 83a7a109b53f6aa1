"""A question whose answer is to be shown now: code that awaits awaits it, all other runs it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from g4f.waiting import bridge

from ..session import Question

__all__ = ["Asked"]


class Asked(NamedTuple):
    """The question, and what shows its answer as it comes; neither where nothing is asked."""

    question: Question | None = None
    show: Callable[[], Coroutine[Any, Any, None]] | None = None

    def run(self) -> None:
        """Show the answer, in code that cannot await."""
        if self.show is not None:
            bridge.run(self.show)

    async def arun(self) -> None:
        """Show the answer, in code that awaits."""
        if self.show is not None:
            await self.show()

    @property
    def outcome(self) -> Any:
        """The value of the answer, if it has one, else the answer; None where nothing was asked."""
        return None if self.question is None else self.question.outcome
