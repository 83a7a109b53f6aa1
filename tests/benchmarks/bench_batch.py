"""What a batch costs beside plain aiohttp and `json`: `python -m tests.benchmarks.bench_batch`.

The floor asks the same questions by as many workers, with no journal. Each contender is measured in turn, round after
round; medians and ratios are printed. CPU is that of this process alone: the server is another one.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import aiohttp

import g4f
from g4f.batching.journal import Journal

ROWS, AT_ONCE, ROUNDS = 1000, 32, 7
PACED, MANY, PAUSE = 2000, 256, 0.02
FINISHED, ENDLESS, LARGE = 20_000, 1_000_000, 1_000_000

SERVER = """
import asyncio, json, sys
BODY = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "sports, surely"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}}
data = json.dumps(BODY).encode()
WHOLE = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(data) + data
async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            size = int(head.lower().partition(b"content-length: ")[2].partition(b"\\r")[0] or 0)
            body = await reader.readexactly(size)
            if b'"paced"' in body:
                await asyncio.sleep(float(sys.argv[1]))
            writer.write(WHOLE)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


def questions(count: int) -> list[str]:
    """Return so many different questions."""
    return [
        f"Which topic has this text, in one word? {number} The match was decided in overtime."
        for number in range(count)
    ]


async def floor(url: str, model: str, count: int, at_once: int) -> None:
    """Ask by plain aiohttp: workers that take the next question from one iterator."""
    left, found = iter(enumerate(questions(count))), {}

    async def work() -> None:
        for number, text in left:
            body = {"model": model, "messages": [{"role": "user", "content": text}]}
            async with SESSION.post(f"{url}/chat/completions", data=json.dumps(body)) as response:
                found[number] = json.loads(await response.read())["choices"][0]["message"]["content"]

    await asyncio.gather(*(work() for _ in range(at_once)))
    assert len(found) == count


async def ours(url: str, model: str, count: int, at_once: int, *, journal: bool) -> None:
    """Ask by `abatch`."""
    with tempfile.TemporaryDirectory() as folder:
        kept = {"journal": Path(folder, "bench.sqlite")} if journal else {}
        out = await g4f.abatch(questions(count), model=model, base_url=url, concurrency=at_once, **kept)
        assert not out.failed, out


async def measure(contenders: dict[str, Callable[[], Awaitable[None]]], count: int, rounds: int) -> None:
    """Print the median CPU and time of each contender for a row, in µs, and the medians of the ratios to the first."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, ask in contenders.items():
            began = time.process_time(), time.perf_counter()
            await ask()
            ended = time.process_time(), time.perf_counter()
            spent[name].append(tuple((end - start) / count * 1e6 for start, end in zip(began, ended, strict=True)))
    first = next(iter(spent.values()))
    for name, each in spent.items():
        cpu, wall = (statistics.median(times) for times in zip(*each, strict=True))
        ratio = statistics.median(one[0] / other[0] for one, other in zip(each, first, strict=True))
        rate = statistics.median(other[1] / one[1] for one, other in zip(each, first, strict=True))
        print(f"  {name:<28}{cpu:8.1f} µs CPU {ratio:5.2f} x   {wall:8.1f} µs wall, rate {rate:5.2f} x")


async def against(url: str) -> None:
    """CPU of a row, and the rate where each answer takes a while."""
    global SESSION
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as SESSION:
        for model, count, at_once, rounds in (("fast", ROWS, AT_ONCE, ROUNDS), ("paced", PACED, MANY, ROUNDS)):
            print(f"{count} rows, {at_once} at once{f', {PAUSE * 1000:g} ms each' * (model == 'paced')}:")
            asked = (url, model, count, at_once)
            each = {
                "plain aiohttp": partial(floor, *asked),
                "abatch": partial(ours, *asked, journal=False),
                "abatch, journal": partial(ours, *asked, journal=True),
            }
            await measure(each, count, rounds)


class Echo:
    """A provider without a network."""

    @staticmethod
    async def create_async_generator(
        model: str, messages: list[dict[str, str]], **options: object
    ) -> AsyncIterator[str]:
        """Answer at once."""
        yield "sports"


async def alone() -> None:
    """A long generator; what is finished, asked again; a large journal."""
    await g4f.abatch(questions(1000), model="m", provider=Echo)
    before, seen = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0
    async for _ in g4f.ibatch((f"question {number}" for number in range(ENDLESS)), model="m", provider=Echo):
        seen += 1
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{seen} rows of a generator: {grown:.1f} MB more")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "bench.sqlite")
        await g4f.abatch(questions(FINISHED), model="m", provider=Echo, journal=file)
        times = []
        for _ in range(5):
            texts, began = questions(FINISHED), time.process_time()
            out = await g4f.abatch(texts, model="m", provider=Echo, journal=file)
            times.append((time.process_time() - began) / FINISHED * 1e6)
            assert not out.failed
        print(f"{FINISHED} finished rows again: {statistics.median(times):.1f} µs CPU each")
    with tempfile.TemporaryDirectory() as folder:
        large(file := Path(folder, "large.sqlite"))
        began = time.perf_counter()
        journal = Journal(file)
        taken = (time.perf_counter() - began) * 1000
        journal.close()
        print(f"a journal of {LARGE} answers, {file.stat().st_size >> 20} MB: opened in {taken:.1f} ms")


def large(file: Path) -> None:
    """Make a large journal out of a small one."""
    asyncio.get_running_loop()
    Journal(file).close()
    with sqlite3.connect(file) as database:
        database.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO answers SELECT randomblob(16), 1, randomblob(150) FROM n",
            (LARGE,),
        )
    database.close()


def run() -> None:
    """Start the server, then each part in a process of its own."""
    if len(sys.argv) > 1:
        asyncio.run(alone() if sys.argv[1] == "alone" else against(sys.argv[1]))
        return
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(PAUSE)], stdout=subprocess.PIPE, text=True)
    try:
        for part in (f"http://127.0.0.1:{server.stdout.readline().strip()}/v1", "alone"):
            subprocess.run([sys.executable, "-m", "tests.benchmarks.bench_batch", part], check=True, env=os.environ)
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    run()
