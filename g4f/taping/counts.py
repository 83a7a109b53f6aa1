"""How often a question was asked, so that it gets its answers in the order in which they were recorded.

A cell of a notebook that is run again asks the same questions again, not further ones: it gets the numbers that it had
before. Where the front end sends no ids of cells, as in a terminal, and outside of notebooks, each question has the
next number.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from ..notebook import CellRun

__all__ = ["Counts"]


class _Numbers(msgspec.Struct):
    """The numbers that one question of one cell has got; `at` is where its last run is among them."""

    run: str | None
    given: list[int]
    at: int


class Counts:
    """The numbers of the questions of one tape. The caller locks it."""

    def __init__(self) -> None:
        self._next: Counter[str] = Counter()
        self._cells: dict[tuple[str, str], _Numbers] = {}
        self._missed: set[tuple[str, str | None]] = set()

    def take(self, key: str, place: CellRun) -> int:
        """Return the number of a question that is asked now."""
        had = None if place.cell is None else self._cells.setdefault((place.cell, key), _Numbers(place.run, [], 0))
        if had is not None and had.run != place.run:
            had.run, had.at = place.run, 0
        if had is not None and had.at < len(had.given):
            had.at += 1
            return had.given[had.at - 1]
        number = self._next[key]
        self._next[key] += 1
        if had is not None:
            had.given.append(number)
            had.at += 1
        return number

    def give_back(self, key: str, place: CellRun, number: int) -> None:
        """Do not count a question that failed, if it was the last."""
        had = None if place.cell is None else self._cells.get((place.cell, key))
        if had is not None and had.run == place.run and had.given[had.at - 1 : had.at] == [number]:
            had.at -= 1
        if self._next[key] == number + 1:
            self._next[key] = number
            if had is not None and had.given[-1:] == [number]:
                had.given.pop()

    def miss(self, key: str, place: CellRun) -> None:
        """Note that a question was not on the tape: this run asks it each time."""
        self._missed.add((key, place.run))

    def is_missed(self, key: str, place: CellRun) -> bool:
        """Whether this run asked the question when it was not on the tape."""
        return (key, place.run) in self._missed
