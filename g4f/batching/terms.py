"""What a run is made of: its terms, and the questions that it asks."""

from __future__ import annotations

from typing import Any, NamedTuple

from .plan import Ask
from .row import BatchRow
from .tally import Observer

__all__ = ["Job", "Terms"]


class Terms(NamedTuple):
    """How a run is made: how many questions at once, and what ends it."""

    concurrency: int = 32
    budget: Any = None
    raises: bool = False
    journal: Any = None
    ask: Ask | None = None
    observer: Observer | None = None


class Job(NamedTuple):
    """A question, and the rows that ask it."""

    key: bytes
    question: bytes
    rows: list[BatchRow]
