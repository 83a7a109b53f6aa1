"""What a tape costs: `python -m tests.benchmarks.bench_tape`. Medians of rounds that take turns in one run.

Each line: what is measured, its counterpart without a tape, and the number that is to be reached.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import msgspec

import g4f
from g4f import ChatCompletion
from g4f.providers.response import FinishReason, Item
from g4f.taping.file import Entry, TapeFile
from g4f.taping.question import key_of, question
from g4f.taping.tapes import load, on

ROUNDS, CHUNKS, ANSWERS, FINDS, SHORT = 9, 4_000, 100_000, 1_000, 4_000


class Talker:
    """Yields as many chunks as asked for, and never suspends."""

    @staticmethod
    async def create_async_generator(model: str, messages: Any, count: int = 1) -> AsyncGenerator[Item]:
        """Yield."""
        for _ in range(count):
            yield "word "
        yield FinishReason("stop")


def asked(number: int) -> bytes:
    """Return one of many questions, a conversation of 1 KB, as it is on a tape."""
    before = [{"role": "user", "content": "What is it? " * 40}, {"role": "assistant", "content": "That. " * 80}]
    return question("OpenAI", "gpt", [*before, {"role": "user", "content": f"And {number}?"}], {"temperature": 0})


def fill(path: Path) -> None:
    """Write a tape of answers, 100 chunks each."""
    entries = (Entry.of(asked(number), 0, ["word "] * 100, [3] * 100) for number in range(ANSWERS))
    with path.open("wb") as file:
        file.writelines(line + b"\n" for line in sorted(map(msgspec.json.encode, entries)))


def timed(function: Callable[[], object], times: int = 1) -> float:
    """Return the median of the seconds of a call, of rounds of so many calls."""
    taken = []
    for _ in range(ROUNDS):
        start = perf_counter()
        for _ in range(times):
            function()
        taken.append((perf_counter() - start) / times)
    return median(taken)


def opened(path: Path) -> TapeFile:
    """Return a tape, read."""
    file = TapeFile(path)
    file.read()
    return file


def record_many(path: Path) -> float:
    """Return the seconds that it takes to record short answers, one after the other."""
    path.unlink(missing_ok=True)
    start = perf_counter()
    with on(load(path)):
        for number in range(SHORT):
            ChatCompletion.create("", str(number), Talker)
    return perf_counter() - start


def memory(path: Path) -> int:
    """Return the most megabytes that a process has that opens a tape. Linux only."""
    code = f"""
from pathlib import Path
from g4f.taping.file import TapeFile
TapeFile({str(path)!r}).read()
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""
    return int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout) // 1024


def stream() -> None:
    """Ask for a long answer and read it."""
    count = sum(1 for _ in ChatCompletion.create("", "hi", Talker, stream=True, count=CHUNKS))
    if count < CHUNKS:
        raise AssertionError(count)


def main(folder: Path) -> None:
    """Measure a long answer, and a large tape."""
    live = timed(stream)
    with on(load(folder / "new.jsonl", "record")):
        recording = timed(stream)
    with on(load(folder / "new.jsonl", "replay")):
        replay = timed(stream)
    print(f"replay of {CHUNKS} chunks  {replay * 1e3:6.1f} ms, live {live * 1e3:.1f}; at most 50")
    print(f"recording them          {recording * 1e3:6.1f} ms")

    large = folder / "large.jsonl"
    fill(large)
    size = large.stat().st_size / 1e6
    found = timed(lambda: opened(large))
    bare = timed(large.read_bytes)
    print(f"open {ANSWERS} answers     {found * 1e3:6.1f} ms, {size:.0f} MB read bare {bare * 1e3:.1f}; at most 300")
    print(f"memory of that          {memory(large):6} MB; at most 150")
    tape, few = load(large, "replay"), load(folder / "few.jsonl", "replay")
    key = key_of(asked(ANSWERS // 2))
    tape.find(key)
    many = timed(lambda: tape.find(key), FINDS)
    print(f"find among them         {many * 1e6:6.1f} µs, among none {timed(lambda: few.find(key), FINDS) * 1e6:.1f}")
    entry = Entry.of(asked(ANSWERS), 0, ["word "] * 100, [3] * 100)
    print(f"add one to them         {timed(lambda: tape.file.put(entry)) * 1e3:6.2f} ms; at most 0.3")
    print(f"record {SHORT} short ones  {record_many(folder / 'many.jsonl'):6.2f} s; at most 2")


if __name__ == "__main__":
    print(f"Python {sys.version.split()[0]}, {g4f.__file__}")
    with TemporaryDirectory() as name:
        main(Path(name))
