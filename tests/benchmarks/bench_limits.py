"""What limits cost a batch: `python -m tests.benchmarks.bench_limits`.

300 questions, 32 at a time, go to a server in this process that refuses some of them. For each way in which it does,
the requests, refusals and seconds are printed, and which of them are more than is allowed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import g4f

ROWS, AT_ONCE, QUOTA, LATENCY = 300, 32, 50, 0.02

BODY = json.dumps({"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}).encode()
DONE, BUSY, FAILED = "200 OK", "429 Too Many Requests\r\nRetry-After: 1", "500 Failed"


def every(number: int, status: str) -> Callable[[], str]:
    """Refuse every request whose number can be divided by `number`."""
    asked = 0

    def answer() -> str:
        nonlocal asked
        asked += 1
        return DONE if asked % number else status

    return answer


def quota() -> Callable[[], str]:
    """Refuse what comes when there were `QUOTA` within the last second."""
    taken: deque[float] = deque()

    def answer() -> str:
        now = time.monotonic()
        while taken and taken[0] <= now - 1:
            taken.popleft()
        if len(taken) >= QUOTA:
            return BUSY
        taken.append(now)
        return DONE

    return answer


FAR_SIDES: dict[str, tuple[Callable[[], Callable[[], str]], int, float, int]] = {
    "every fifth 429, Retry-After: 1": (lambda: every(5, BUSY), 380, 60, 80),
    "every twentieth 500": (lambda: every(20, FAILED), 320, 60, 20),
    f"a quota of {QUOTA} a second": (quota, 390, 8, 90),
}
"""What a server does, and the most requests, seconds and refusals allowed."""


class _Far:
    def __init__(self, answer: Callable[[], str]) -> None:
        self.requests = self.refused = 0
        self._answer = answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0] or 0))
                status = self._answer()
                self.requests += 1
                if status is DONE:
                    await asyncio.sleep(LATENCY)
                self.refused += status is not DONE
                writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):  # the client or the loop ends
            writer.close()


@asynccontextmanager
async def far_side(answer: Callable[[], str]) -> AsyncIterator[tuple[_Far, str]]:
    """Run a server; give what it counts, and its address."""
    far = _Far(answer)
    server = await asyncio.start_server(far.serve, "127.0.0.1", 0)
    yield far, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    server.close()


async def ask_all(url: str) -> int:
    """Ask all questions; return how many were answered."""
    chat, free = g4f.AsyncClient(base_url=url).chat.completions, asyncio.Semaphore(AT_ONCE)

    async def ask(number: int) -> bool:
        async with free:
            return (await chat.create(f"Question {number}", "m")).choices[0].message.content == "Hello"

    answers = await asyncio.gather(*map(ask, range(ROWS)), return_exceptions=True)
    return sum(answer is True for answer in answers)


async def main() -> bool:
    """Print what each far side takes; return whether all of it is within what is allowed."""
    fine = True
    for name, (make, requests, seconds, refusals) in FAR_SIDES.items():
        async with far_side(make()) as (far, url):
            start = time.monotonic()
            done = await ask_all(url)
            took = time.monotonic() - start
        is_fine = done == ROWS and far.requests <= requests and took <= seconds and far.refused <= refusals
        fine = fine and is_fine
        print(
            f"{name:32} {done} of {ROWS} answered, {far.requests} requests (most {requests}), "
            f"{far.refused} refused (most {refusals}), {took:.2f} s (most {seconds:g}){'' if is_fine else '  TOO MUCH'}"
        )
    return fine


if __name__ == "__main__":
    sys.exit(not asyncio.run(main()))
