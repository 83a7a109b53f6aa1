"""A far side that counts which question was asked and answered how often."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Self

from .servers import Answer, Request, Server, whole

__all__ = ["Counting", "said"]


def said(text: str, status: int = 200, **headers: str) -> list[Any]:
    """Return a whole answer with five tokens, or a refusal."""
    if status != 200:
        return whole({"error": {"message": text}}, status, **headers)
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    used = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return whole({"choices": [choice], "usage": used})


class Counting:
    """Answers each question with `re <question>` after `pause` seconds, or as `answer` says. `asked` counts them.

    `reached` is set once `when` questions came.
    """

    def __init__(self, answer: Callable[[str], list[Any]] | None = None, *, pause: float = 0.0, when: int = 1) -> None:
        self.asked: Counter[str] = Counter()
        self.reached = threading.Event()
        self.when = when
        self._answer = answer or (lambda text: said(f"re {text}"))
        self._pause = pause
        self._server = Server(self._reply)

    @property
    def url(self) -> str:
        """The address to give as base_url."""
        return self._server.url

    @property
    def total(self) -> int:
        """How many questions came."""
        return sum(self.asked.values())

    def wait_for(self, count: int) -> None:
        """Return once `count` more questions came."""
        self.when = self.total + count
        self.reached.clear()
        if self.total < self.when:
            assert self.reached.wait(60)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *given: object) -> None:
        self._server.__exit__(*given)

    def _reply(self, request: Request) -> Answer:
        text = request.json["messages"][-1]["content"]
        self.asked[text] += 1
        if self.total >= self.when:
            self.reached.set()
        return [self._pause, *self._answer(text)] if self._pause else self._answer(text)
