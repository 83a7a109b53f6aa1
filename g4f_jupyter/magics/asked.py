"""A question whose answer is to be shown now: code that awaits awaits it, all other runs it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from g4f.waiting import bridge

from ..session import Question

__all__ = ["Asked"]


class Asked(NamedTuple):
    """A question, what shows its answer as it comes, and its result; none of them where nothing is asked.

    Several models have each their own question, and none is here.
    """

    question: Question | None = None
    show: Callable[[], Coroutine[Any, Any, None]] | None = None
    result: Callable[[], Any] | None = None

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
        """What code gets that uses the answer; None where nothing was asked."""
        return None if self.result is None else self.result()
