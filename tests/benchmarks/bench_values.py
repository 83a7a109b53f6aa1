"""What a typed answer and a round of tools cost beside plain calls: `python -m tests.benchmarks.bench_values`.

Each contender is measured in turn, round after round; medians and ratios are printed. CPU is that of this process
alone: the server is another one.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import g4f

ROUNDS, CALLS = 30, 60

SERVER = """
import asyncio, json
call = {"id": "a", "type": "function", "function": {"name": "sales", "arguments": json.dumps({"month": 3})}}
def whole(message, reason="stop"):
    body = json.dumps({"choices": [{"message": message, "finish_reason": reason}]}).encode()
    return b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body
CALLS, TEXT = whole({"tool_calls": [call]}, "tool_calls"), whole({"content": "It is 4.5"})
VALUE = whole({"content": json.dumps({"label": "a", "score": 0.5})})
async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            size = int(head.lower().partition(b"content-length: ")[2].partition(b"\\r")[0] or 0)
            body = json.loads(await reader.readexactly(size))
            calls = body.get("tools") and body["messages"][-1]["role"] == "user"
            writer.write(VALUE if "response_format" in body else CALLS if calls else TEXT)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


@dataclass
class Topic:
    """What a typed answer is."""

    label: str
    score: float


async def sales(month: int) -> float:
    """Return the sum of sales."""
    return 1.5 * month


@g4f.tool(name="sales")
def slow_sales(month: int) -> float:
    """Return the sum of sales, from a thread."""
    return 1.5 * month


async def measure(url: str) -> None:
    """Print the median CPU of each contender, in µs, and its ratio to the first."""

    async def ask(**options: Any) -> None:
        await g4f.ChatCompletion.create_async("m", "Hi", base_url=url, **options)

    async def twice() -> None:
        await ask()
        await ask()

    contenders: dict[str, Callable[[], Awaitable[None]]] = {
        "a call": ask,
        "two calls": twice,
        "a typed answer": lambda: ask(schema=Topic),
        "a round of an async function": lambda: ask(tools=[sales]),
        "a round of a function in a thread": lambda: ask(tools=[slow_sales]),
    }
    spent: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, contender in contenders.items():
            began = time.process_time()
            for _ in range(CALLS):
                await contender()
            spent[name].append((time.process_time() - began) / CALLS * 1e6)
    first = statistics.median(spent["a call"])
    for name, times in spent.items():
        print(f"  {name:<36}{statistics.median(times):8.0f} µs  {statistics.median(times) / first:5.2f} x")


def run() -> None:
    """Start the server, and measure."""
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        asyncio.run(measure(f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"))
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    run()
