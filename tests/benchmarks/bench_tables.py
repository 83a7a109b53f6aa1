"""What it costs to tell a model of a large table: `python -m tests.benchmarks.bench_tables`.

Time is the best of some rounds, and its ratio is that to `describe(include="all")` of the same data, for pyarrow and
numpy in pandas. Memory is the most that Python and numpy had to find, as a share of the table; what polars and pyarrow
find themselves is not seen.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from g4f.values.text import text_of

ROUNDS, ROWS, CELLS = 5, 1_000_000, 10_000_000


def mixed() -> pd.DataFrame:
    """Return a table of 20 columns: numbers, texts, times, truths."""
    chance = np.random.default_rng(0)
    places = np.array(["north", "south", "east", "west"], dtype=object)
    columns: dict[str, object] = {f"float{at}": chance.random(ROWS) for at in range(5)}
    columns |= {f"int{at}": chance.integers(0, 1000 * 10**at, ROWS) for at in range(5)}
    columns |= {f"text{at}": pd.Series(chance.choice(places, ROWS), dtype="str") for at in range(4)}
    columns |= {f"time{at}": pd.date_range("2020", periods=ROWS, freq="min", tz="UTC") for at in range(3)}
    columns |= {f"bool{at}": chance.random(ROWS) > at / 4 for at in range(3)}
    return pd.DataFrame(columns)


def tables() -> dict[str, tuple[object, int, Callable[[], object]]]:
    """Return each table, its bytes, and what it is compared with."""
    frame = mixed()
    polars, arrow = pl.from_pandas(frame), pa.Table.from_pandas(frame)
    size = int(frame.memory_usage().sum())
    texts = pd.DataFrame({f"text{at}": frame["text0"].astype(object) for at in range(20)})
    numbers = np.random.default_rng(0).random(CELLS)
    one, many = pd.DataFrame({"a": numbers}), pd.DataFrame(numbers.reshape(-1, 20))
    indexed = one.set_index(pd.date_range("1990", periods=CELLS, freq="min"))
    described = lambda table: lambda: table.describe(include="all")  # noqa: E731
    return {
        "pandas, 1,000,000 x 20": (frame, size, described(frame)),
        "pandas, 1,000,000 x 20 objects": (texts, int(texts.memory_usage().sum()), described(texts)),
        "pandas, 10,000,000 x 1": (one, one.memory_usage().sum(), described(one)),
        "pandas, 10,000,000 x 1 with times": (indexed, indexed.memory_usage().sum(), described(indexed)),
        "pandas, 500,000 x 20 of numpy": (many, many.memory_usage().sum(), described(many)),
        "polars, 1,000,000 x 20": (polars, polars.estimated_size(), polars.describe),
        "pyarrow, 1,000,000 x 20": (arrow, arrow.nbytes, described(frame)),
        "numpy, 10,000,000": (numbers, numbers.nbytes, described(one)),
        "pandas, 50 x 20, sent whole": (frame[:50], size // 20_000, described(frame[:50])),
    }


def best(work: Callable[[], object]) -> float:
    """Return the least of the times that `work` takes, in ms."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return min(times)


def run() -> None:
    """Measure, and print a line for each table."""
    for name, (table, size, described) in tables().items():
        told = lambda: text_of(table, "it")  # noqa: B023, E731
        spent, compared = best(told), best(described)
        tracemalloc.start()
        told()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(
            f"  {name:<36}{spent:8.1f} ms  {spent / compared:5.2f} x describe  {size / 1e6:7.1f} MB, "
            f"{100 * peak / size:5.1f} % of it found  {len(told()):7,} characters"
        )


if __name__ == "__main__":
    run()
