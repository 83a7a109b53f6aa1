"""What a run is made of: its terms, and the questions that it asks."""

from __future__ import annotations

from typing import Any, NamedTuple

from .plan import Ask
from .row import BatchRow
from .tally import Observer

__all__ = ["AT_ONCE", "CONCURRENCY", "DAY", "POLL", "WAITING", "Job", "Terms"]

AT_ONCE = 0.005
"""Seconds after which the questions are claimed that were read meanwhile; at most as many as may be out at once."""

WAITING = 512
"""Rows that are done, and that nobody has taken, at which no further ones begin."""

CONCURRENCY = 32
"""Questions that are out at once where nobody says how many."""

POLL = 0.1
"""Seconds after which is looked again for what another run asks."""

DAY = 3600.0
"""Seconds of a server's pause from which on it is a quota that is spent, which ends the run."""


class Terms(NamedTuple):
    """How a run is made: how many questions at once, and what ends it."""

    concurrency: int = CONCURRENCY
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
