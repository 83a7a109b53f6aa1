"""What the bridge costs: `python -m tests.benchmarks.bench_bridge`. Medians of rounds that take turns in one run.

Each line: what is measured, its bare counterpart, the ratio of both, and the number that is to be reached.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from statistics import median
from time import perf_counter
from typing import Any

import g4f
from g4f import ChatCompletion
from g4f.waiting import bridge

ROUNDS, CALLS, CHUNKS, STARTS = 15, 500, 100_000, 15


class Trivial:
    """Yields one text, or as many as asked for, and never suspends."""

    @staticmethod
    async def create_async_generator(model: str, messages: Any, count: int = 1) -> AsyncGenerator[str]:
        """Yield."""
        for _ in range(count):
            yield "Mock"


async def drain(count: int) -> int:
    """Return how many items the provider itself yields."""
    return sum([1 async for _ in Trivial.create_async_generator("", [], count)])


def timed(function: Callable[[], object], times: int) -> float:
    """Return seconds for each of so many calls."""
    start = perf_counter()
    for _ in range(times):
        function()
    return (perf_counter() - start) / times


def calls(loop: asyncio.AbstractEventLoop) -> dict[str, Callable[[], float]]:
    """Return what is measured where sync calls wait on `loop`, or on the thread's own beside it."""
    return {
        "call": lambda: timed(lambda: ChatCompletion.create("", "hi", Trivial), CALLS),
        "bare call": lambda: timed(lambda: loop.run_until_complete(drain(1)), CALLS),
        "chunk": lambda: (
            timed(lambda: sum(1 for _ in ChatCompletion.create("", "hi", Trivial, stream=True, count=CHUNKS)), 1)
            / CHUNKS
        ),
        "chunk of the bridge alone": lambda: (
            timed(lambda: sum(1 for _ in bridge.iterate(lambda: Trivial.create_async_generator("", [], CHUNKS))), 1)
            / CHUNKS
        ),
        "bare chunk": lambda: timed(lambda: loop.run_until_complete(drain(CHUNKS)), 1) / CHUNKS,
    }


def medians(measures: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Return the median of each, in turns."""
    taken = [{name: measure() for name, measure in measures.items()} for _ in range(rounds)]
    return {name: median(each[name] for each in taken) for name in measures}


def report(where: str, found: dict[str, float]) -> None:
    """Print calls in µs and chunks a second."""
    call, chunk = found["bare call"], found["bare chunk"]
    ratio = found["call"] / call
    print(f"{where:7} call {found['call'] * 1e6:.1f} µs, bare {call * 1e6:.1f}, x {ratio:.2f}; at most 40")
    for name in ("chunk", "chunk of the bridge alone"):
        ratio = found[name] / chunk
        print(f"{where:7} {name:26} {1 / found[name]:,.0f}/s, bare {1 / chunk:,.0f}, x {ratio:.2f}; at least 500,000")


def start(code: str) -> Callable[[], float]:
    """Return how to measure the start of an interpreter that runs `code`, with its bytecode written."""
    command = [sys.executable, "-c", code]
    return lambda: timed(lambda: subprocess.run(command, check=True), 1)


def main() -> None:
    """Measure on the thread's own loop, on a nested one, and the import."""
    own = asyncio.new_event_loop()
    report("own", medians(calls(own), ROUNDS))
    own.close()

    async def nested() -> None:
        loop = asyncio.get_running_loop()
        bridge.make_nestable(loop)
        report("nested", medians(calls(loop), ROUNDS))

    with asyncio.Runner() as runner:
        runner.run(nested())
    codes = ("pass", "import asyncio", "import g4f", "from g4f import ChatCompletion, Client")
    starts = {code: start(code) for code in codes}
    medians(starts, 1)
    found = medians(starts, STARTS)
    for code in codes[1:]:
        print(f"{code}: {(found[code] - found['pass']) * 1e3:.1f} ms over bare Python")
    print("import g4f: at most 60 ms")


if __name__ == "__main__":
    print(f"Python {sys.version.split()[0]}, {g4f.__file__}")
    main()
