"""What the transport costs beside plain aiohttp and `json.loads`: `python -m tests.benchmarks.bench_http`.

Each contender is measured in turn, round after round; medians and ratios are printed. CPU is that of this process
alone: the server is another one.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp

import g4f

CHUNKS, A_WRITE = 4000, 64
STREAMS, PACED, PAUSE = 1000, 50, 0.02

SERVER = """
import asyncio, json, sys
CHUNKS, A_WRITE, PACED, PAUSE = map(float, sys.argv[1:])
pad = "x" * 97
def event(text, finish=None):
    choice = {"index": 0, "delta": {"content": text} if text else {}, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-" + "0" * 24, "object": "chat.completion.chunk", "created": 1, "model": "m", "fp": pad[:40]}
    return b"data: " + json.dumps(head | {"choices": [choice]}).encode() + b"\\n\\n"
def chunk(data): return b"%x\\r\\n%s\\r\\n" % (len(data), data)
HEAD = b"HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n"
TOKEN = chunk(event(" token"))
END = chunk(event("", "stop") + b"data: [DONE]\\n\\n") + b"0\\r\\n\\r\\n"
FAST = [chunk(event(" token") * int(A_WRITE))] * int(CHUNKS // A_WRITE)
BODY = json.dumps({"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}).encode()
WHOLE = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(BODY) + BODY
async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            size = int(head.lower().partition(b"content-length: ")[2].partition(b"\\r")[0] or 0)
            body = json.loads(await reader.readexactly(size))
            if not body.get("stream"):
                writer.write(WHOLE)
            elif body["model"] == "paced":
                writer.write(HEAD)
                for _ in range(int(PACED)):
                    await asyncio.sleep(PAUSE)
                    writer.write(TOKEN)
                writer.write(END)
            else:
                writer.write(HEAD)
                for piece in FAST:
                    writer.write(piece)
                    await writer.drain()
                writer.write(END)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


async def floor_stream(url: str, model: str) -> int:
    """Read a stream by plain aiohttp: whole reads split at blank lines, `json.loads`."""
    count, rest = 0, b""
    body = json.dumps({"model": model, "messages": [], "stream": True})
    async with SESSION.post(f"{url}/chat/completions", data=body) as response:
        async for data in response.content.iter_any():
            *events, rest = (rest + data).split(b"\n\n")
            for event in events:
                if event != b"data: [DONE]" and json.loads(event[6:])["choices"][0]["delta"].get("content"):
                    count += 1
    return count


async def floor_whole(url: str, model: str) -> int:
    """Ask for a whole answer by plain aiohttp."""
    async with SESSION.post(f"{url}/chat/completions", data=json.dumps({"model": model, "messages": []})) as response:
        return len(json.loads(await response.read())["choices"])


async def our_stream(url: str, model: str) -> int:
    """Read a stream by `create_async`."""
    count = 0
    async for item in g4f.ChatCompletion.create_async(model, "Hi", base_url=url, stream=True):
        if isinstance(item, str):
            count += 1
    return count


async def client_stream(url: str, model: str) -> int:
    """Read a stream by AsyncClient."""
    count = 0
    async for chunk in g4f.AsyncClient(base_url=url).chat.completions.stream("Hi", model):
        count += bool(chunk.choices[0].delta.content)
    return count


async def our_whole(url: str, model: str) -> int:
    """Ask for a whole answer by `create_async`."""
    return len(await g4f.ChatCompletion.create_async(model, "Hi", base_url=url))


async def client_whole(client: g4f.AsyncClient, model: str) -> int:
    """Ask for a whole answer by an AsyncClient, which is made once."""
    return len((await client.chat.completions.create("Hi", model)).choices)


async def measure(contenders: dict[str, Callable[[], Awaitable[int]]], per: int, calls: int, rounds: int) -> None:
    """Print the median CPU of each contender, in µs for each of `per`, and the median of its ratios to the first."""
    spent: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, ask in contenders.items():
            began = time.process_time()
            for _ in range(calls):
                await ask()
            spent[name].append((time.process_time() - began) / calls / per * 1e6)
    first = next(iter(spent.values()))
    for name, times in spent.items():
        ratio = statistics.median(ours / plain for ours, plain in zip(times, first, strict=True))
        print(f"  {name:<28}{statistics.median(times):8.2f} µs  {ratio:5.2f} x")


async def many(ask: Callable[[str, str], Awaitable[int]], url: str) -> tuple[float, float]:
    """Return the seconds that many paced streams take at once, and the KB that each costs."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    counts = await asyncio.gather(*(ask(url, "paced") for _ in range(STREAMS)))
    assert set(counts) == {PACED}, set(counts)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return time.perf_counter() - began, (after - before) / STREAMS


async def main(url: str, only: str) -> None:
    """Run one part: `cost`, or the many streams of one contender, which needs a process of its own."""
    global SESSION
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as SESSION:
        streams = {"plain aiohttp": floor_stream, "create_async": our_stream, "AsyncClient": client_stream}
        if only in streams:
            await streams[only](url, "fast")
            seconds, kilobytes = await many(streams[only], url)
            print(f"  {only:<28}{seconds:8.2f} s   {kilobytes:5.0f} KB each")
            return
        print(f"CPU for each of {CHUNKS} chunks:")
        await measure({name: lambda ask=ask: ask(url, "fast") for name, ask in streams.items()}, CHUNKS, 2, 9)
        print("CPU of a whole call:")
        client = g4f.AsyncClient(base_url=url)
        whole = {
            "plain aiohttp": lambda: floor_whole(url, "m"),
            "create_async": lambda: our_whole(url, "m"),
            "AsyncClient": lambda: client_whole(client, "m"),
        }
        await measure(whole, 1, 100, 40)


def run() -> None:
    """Start the server, then each part in turn."""
    if len(sys.argv) > 2:
        asyncio.run(main(sys.argv[1], sys.argv[2]))
        return
    sizes = map(str, (CHUNKS, A_WRITE, PACED, PAUSE))
    server = subprocess.Popen([sys.executable, "-c", SERVER, *sizes], stdout=subprocess.PIPE, text=True)
    try:
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
        for part in ("cost", "plain aiohttp", "create_async", "AsyncClient"):
            if part == "plain aiohttp":
                print(f"{STREAMS} streams of {PACED} chunks, {PAUSE * 1000:g} ms apart:", flush=True)
            subprocess.run([sys.executable, "-m", "tests.benchmarks.bench_http", url, part], check=True, env=os.environ)
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    run()
