"""What Local costs beside xllamacpp's callback alone, in tokens a second: `python -m tests.benchmarks.bench_local`.

All ask the same loaded model in turn, round after round; medians and ratios are printed.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from typing import Any

import g4f
from g4f.providers.in_process import llamacpp, local

QUESTION, TOKENS, ROUNDS = "Tell me a very long story about a king and a queen.", 200, 9


def bare() -> int:
    """Ask llama.cpp itself, with a callback that does nothing but count."""
    count = 0

    def hear(chunk: dict[str, Any]) -> bool:
        nonlocal count
        count += bool(chunk["choices"] and chunk["choices"][0]["delta"].get("content"))
        return False

    weights = local._weights("")
    request = {"messages": [{"role": "user", "content": QUESTION}], "max_tokens": TOKENS, "temperature": 0}
    server = llamacpp._process.server(weights)
    server.handle_chat_completions(request | {"stream": True, "cache_prompt": False}, hear)
    return count


def create() -> int:
    """Stream text in sync code."""
    stream = g4f.ChatCompletion.create("", QUESTION, "Local", stream=True, max_tokens=TOKENS)
    return sum(isinstance(item, str) for item in stream)


def client() -> int:
    """Stream chunks in async code."""

    async def main() -> int:
        stream = g4f.AsyncClient("Local").chat.completions.stream(QUESTION, max_tokens=TOKENS)
        return len([chunk async for chunk in stream if chunk.choices[0].delta.content])

    return asyncio.run(main())


CONTENDERS: dict[str, Callable[[], int]] = {
    "xllamacpp's callback": bare,
    "ChatCompletion.create(stream=True)": create,
    "AsyncClient…stream": client,
}


def main() -> None:
    """Measure all, and print them."""
    assert len({contender() for contender in CONTENDERS.values()}) == 1
    speeds: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for _ in range(ROUNDS):
        for name, contender in CONTENDERS.items():
            began = time.perf_counter()
            speeds[name].append(contender() / (time.perf_counter() - began))
    base = statistics.median(speeds["xllamacpp's callback"])
    for name, measured in speeds.items():
        speed = statistics.median(measured)
        print(f"{name:36}{speed:8.1f} tokens/s {speed / base:7.1%}")


if __name__ == "__main__":
    main()
