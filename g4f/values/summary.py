"""What a column of a table holds, in a line: how much is missing, how many values differ, how far they reach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from random import Random
from typing import Any

from .cells import Cells
from .columns import TableColumns, is_missing

__all__ = ["HEAD", "facts", "spread"]

HEAD = ("column", "type", "missing", "distinct", "range, or most frequent values")

_LOOKED = 10_000
"""Rows of which all values are looked at. Of a longer table, what is said of them holds "about" for all."""

_CHARACTERS = 20_000_000
"""Characters of a column that are looked at: where its texts are long, fewer rows are."""

_PROBED = 32
"""Rows that tell how long the texts of a column are."""

_FREQUENT, _FEW = 5, 10
"""Most frequent values that are named; and of how many values at most they are, where these have a range."""

_ORDERED = (Decimal, date, float, int, time, timedelta)


@lru_cache(maxsize=4)
def spread(count: int, rows: int) -> list[int]:
    """Return the places of so many of `count` rows: some first, some last, and between them one of each stretch.

    Always the same ones: a tape replays the answer to the same question. Within its stretch, a row stands anywhere: in
    even steps, a table in which each seventh row is a Sunday would consist of Sundays. For each column they are wanted
    again: to find them takes longer than to look at them.
    """
    if rows >= count:
        return list(range(count))
    edge = min(3, max(rows // 8, 1))
    first, last = range(min(edge, rows)), range(count - min(edge, max(rows - edge, 0)), count)
    inner, span, chance = rows - len(first) - len(last), count - 2 * edge, Random(0)  # noqa: S311 - no secret
    ends = [edge + span * at // max(inner, 1) for at in range(inner + 1)]
    between = [begin + int(chance.random() * (end - begin)) for begin, end in pairwise(ends)]
    return [*first, *between, *last]


def facts(columns: TableColumns, at: int, cell: Cells) -> list[str]:
    """Return the cells of the summary of a column, from the missing values on, as `HEAD` has them."""
    probed = [each for each in columns.values(at, spread(columns.count, _PROBED)) if isinstance(each, str | bytes)]
    most = max(_CHARACTERS // (1 + max(map(len, probed), default=0)), _PROBED)
    looked = spread(columns.count, min(_LOOKED, most))
    is_whole, extent = len(looked) == columns.count, columns.extent(at)
    values = [value for value in columns.values(at, looked) if not is_missing(value)]
    sampled = () if extent.ends else _ends(values)
    ends = extent.ends or sampled
    said = [_reach(ends, cell, "about " if sampled and not is_whole else "")] if ends else []
    distinct = ""
    if (counts := _counted(values)) is not None:
        distinct = f"{len(counts):,}" if is_whole else _about(counts, columns.count - extent.missing)
        if not ends or (len(counts) <= _FEW and ends[0] != ends[1]):
            said.append(_frequent(counts, None if is_whole else len(values), cell))
    return [f"{extent.missing:,}", distinct, "; ".join(filter(None, said))]


def _reach(ends: tuple[Any, ...], cell: Cells, about: str) -> str:
    least, greatest = map(cell, ends)
    return f"{about}{least} to {greatest}" if least != greatest else f"{about}only {least}"


def _ends(values: Sequence[Any]) -> tuple[Any, ...]:
    """Return the least and the greatest of values of Python that have an order."""
    if not values or not all(isinstance(value, _ORDERED) and not isinstance(value, bool) for value in values):
        return ()
    try:
        return min(values), max(values)
    except TypeError:  # days beside numbers
        return ()


def _counted(values: Sequence[Any]) -> Counter[Any] | None:
    try:
        return Counter(values)
    except TypeError:  # lists, and what else has no hash
        return None


def _about(counts: Counter[Any], count: int) -> str:
    """Estimate how many different values `count` ones have, by Chao: from how many of a sample occur once and twice."""
    once, twice = (sum(seen == often for seen in counts.values()) for often in (1, 2))
    number = min(count, len(counts) + once * (once - 1) // (2 * (twice + 1)))
    return f"about {round(number, 2 - len(str(number))) if number > _LOOKED // 100 else number:,}"


def _frequent(counts: Counter[Any], looked: int | None, cell: Cells) -> str:
    """Return the most frequent values, unless each occurs once: how often, or how often among so many `looked` at."""
    often = counts.most_common(_FREQUENT)
    if not often or often[0][1] == 1:
        return ""
    return ", ".join(f"{cell(value)} ({_often(seen, looked)})" for value, seen in often)


def _often(seen: int, looked: int | None) -> str:
    share = 100 * seen / (looked or seen)
    return f"{seen:,}" if looked is None else f"about {share:.{0 if share >= 1 else 2}f} %"
