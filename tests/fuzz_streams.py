"""Answers of five protocols, broken at random: `python tests/fuzz_streams.py 100000 [seed]`.

Each case is an answer that a server could give, with values replaced, parts cut off, repeated or in another order, or a
broken head. It comes over a real socket, in pieces. What has to come out of it is the answer, where only what stands
beside it was changed, else any answer, or an error of the tree in one line that shows neither the key nor a control
character. The same seed gives the same cases.
"""

from __future__ import annotations

import asyncio
import copy
import gzip
import json
import os
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from g4f import AsyncClient
from g4f.errors import G4FError

__all__ = ["Case", "Result", "cases", "run"]

KEY = "sk-fuzz-0123456789abcdef"
LONGEST_CASE = 2.0
"""Seconds that a case may take on a busy machine: most take a thousandth of one."""

TEXT = "Hello, wörld 😀"
"""What each answer says, in two pieces where it is streamed."""

NASTY = (f"{KEY} \x1b]52;c;AA\x07\x9b2J\u202e\u2066\n\r\x00", "\ud83d", "9" * 5000, "²", "<think>", "x" * 3000)
ODD = (None, [], {}, "", 0, 1.5, -1, 10**30, True, "text", [[[]]], {"a": {"b": []}}, *NASTY)
RAW = {"@deep@": "[" * 10_000 + "]" * 10_000, "@huge@": "9" * 5000, "@infinite@": "1e400", "@nan@": "NaN"}
"""What `json` does not write: marks for it stand in a value until it is written."""


class Case(NamedTuple):
    """An answer of a server. `expected` is the text that must come out; None if it may be anything, or an error."""

    provider: str
    stream: bool
    head: bytes
    pieces: list[bytes]
    expected: str | None


class Result(NamedTuple):
    """How often which outcome came, and each case that was wrong: its number, and why."""

    outcomes: Counter[str]
    wrong: list[str]


def _openai(stream: bool) -> list[Any]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    usage = {
        "prompt_tokens": 3,
        "completion_tokens": 5,
        "total_tokens": 8,
        "prompt_tokens_details": {"cached_tokens": 1},
    }
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    if not stream:
        message = {"role": "assistant", "content": TEXT, "reasoning_content": "so", "tool_calls": [call]}
        return [{"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}]
    return [
        chunk({"role": "assistant", "reasoning_content": "so"}),
        chunk({"content": TEXT[:7]}),
        chunk({"content": TEXT[7:]}),
        chunk({"tool_calls": [call]}),
        chunk({}, "stop"),
        {"choices": [], "usage": usage},
    ]


def _responses(stream: bool) -> list[Any]:
    usage = {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8, "input_tokens_details": {"cached_tokens": 1}}
    thought = {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "so"}]}
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": TEXT}]}
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'}
    response = {"id": "r1", "model": "m", "status": "completed", "output": [thought, said, call], "usage": usage}
    if not stream:
        return [response]
    pieces = ({"type": "response.output_text.delta", "output_index": 1, "delta": each} for each in (TEXT[:7], TEXT[7:]))
    return [
        {"type": "response.created", "response": {"id": "r1", "model": "m", "output": []}},
        {"type": "response.output_item.done", "output_index": 0, "item": thought},
        *pieces,
        {"type": "response.output_item.done", "output_index": 1, "item": said},
        {"type": "response.output_item.done", "output_index": 2, "item": call},
        {"type": "response.completed", "response": response},
    ]


def _anthropic(stream: bool) -> list[Any]:
    usage = {"input_tokens": 3, "output_tokens": 5, "cache_read_input_tokens": 1}
    if not stream:
        tool = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}
        content = [{"type": "thinking", "thinking": "so"}, {"type": "text", "text": TEXT}, tool]
        return [{"type": "message", "content": content, "stop_reason": "end_turn", "usage": usage}]
    pieces = [{"type": "text_delta", "text": TEXT[:7]}, {"type": "text_delta", "text": TEXT[7:]}]
    return [
        {"type": "message_start", "message": {"content": [], "usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": piece} for piece in pieces),
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "t", "name": "f"}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]


def _gemini(stream: bool) -> list[Any]:
    def response(parts: list[Any], finish: str | None = None) -> dict[str, Any]:
        usage = {"promptTokenCount": 3, "candidatesTokenCount": 5, "totalTokenCount": 8, "thoughtsTokenCount": 1}
        ended = {"finishReason": finish} if finish else {}
        return {"candidates": [{"content": {"parts": parts, "role": "model"}, **ended}], "usageMetadata": usage}

    call = {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "abc"}
    if not stream:
        return [response([{"text": "so", "thought": True}, {"text": TEXT}, call], "STOP")]
    return [response([{"text": TEXT[:7]}]), response([{"text": TEXT[7:]}]), response([call], "STOP")]


def _ollama(stream: bool) -> list[Any]:
    end = {"done": True, "done_reason": "stop", "prompt_eval_count": 3, "eval_count": 5}
    call = {"function": {"name": "f", "arguments": {"a": 1}}}
    if not stream:
        return [{"message": {"role": "assistant", "content": TEXT, "tool_calls": [call]}, **end}]
    texts = ({"message": {"role": "assistant", "content": piece}, "done": False} for piece in (TEXT[:7], TEXT[7:]))
    return [*texts, {"message": {"content": "", "tool_calls": [call]}, **end}]


PROTOCOLS: dict[str, Callable[[bool], list[Any]]] = {
    "OpenAI": _openai,
    "OpenAI responses": _responses,
    "Anthropic": _anthropic,
    "Gemini": _gemini,
    "Ollama": _ollama,
}

BESIDE = {"Gemini": "usageMetadata", "Ollama": "eval_count"}
"""The field that is no part of the answer, where it is not "usage"."""


def _pick(rng: random.Random, choices: Sequence[Any]) -> Any:
    """Return one of `choices`: a copy, because it may be changed in turn."""
    return copy.deepcopy(rng.choice(choices))


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return where each value within `value` stands: what holds it, and its name or number there."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for name, held in inner for place in ((value, name), *_places(held))]


def _written(payload: Any) -> bytes:
    text = json.dumps(payload)
    for mark, raw in RAW.items():
        text = text.replace(f'"{mark}"', raw)
    return text.encode()


def _harmless(rng: random.Random, provider: str, payloads: list[Any]) -> None:
    """Change what stands beside the answer."""
    odd = (*ODD, "@huge@", "@infinite@", "@nan@")
    for payload in payloads:
        choice = rng.randrange(4)
        if choice == 0:
            payload["error"] = _pick(rng, (None, "", {}, [], 0, False))
        elif choice == 1:
            payload[f"unknown{rng.randrange(9)}"] = _pick(rng, odd)
        held = next((place for place in _places(payload) if place[1] == BESIDE.get(provider, "usage")), None)
        if held is not None and rng.random() < 0.7:
            inner = _places(held[0][held[1]])
            where, name = rng.choice(inner) if inner and rng.random() < 0.7 else held
            where[name] = _pick(rng, odd)


def _harmful(rng: random.Random, payloads: list[Any]) -> None:
    """Change anything."""
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(payloads))
        match rng.randrange(6):
            case 0:
                payloads.insert(at, _pick(rng, payloads))
            case 1:
                rng.shuffle(payloads)
            case 2 if len(payloads) > 1:
                del payloads[at]
            case 3:
                payloads.insert(
                    at, {"error": _pick(rng, (*ODD, {"message": rng.choice(ODD), "code": rng.choice(ODD)}))}
                )
            case _:
                if places := _places(payloads[at]):
                    where, name = rng.choice(places)
                    where[name] = _pick(rng, (*ODD, *RAW))


def _framed(rng: random.Random, provider: str, payloads: list[Any], *, harmless: bool) -> bytes:
    """Return a stream, with what may stand between its events."""
    out = []
    for payload in payloads:
        data = _written(payload)
        if provider == "Ollama":
            out.append(data + rng.choice((b"\n", b"\r\n", b"\n\n")))
            continue
        name = f"event: {payload.get('type')}\n" if provider == "Anthropic" and isinstance(payload, dict) else ""
        comment = rng.choice((b"", b"", b": ping\n\n", b": ping\n", b"id: 1\n", b"data:\n\n"))
        end = rng.choice((b"\n\n", b"\n\n", b"\r\n\r\n", b"\n\n\n"))
        out.append(comment + name.encode(errors="replace") + rng.choice((b"data: ", b"data:")) + data + end)
    if provider == "OpenAI":
        out.append(b"data: [DONE]\n\n")
    body = b"".join(out)
    if not harmless and rng.random() < 0.3:
        at = rng.randrange(len(body))
        junk = rng.choice((b"", b"\xff", b"\x00", b"\n", b"}", b'"', b"\xed\xa0\xbd", body[at // 2 : at], b"<html>"))
        body = body[:at] + junk + body[at + rng.choice((0, 1, 50, len(body))) :]
    return body


STATUSES = (
    "400 Bad",
    "401 No",
    "404 No",
    "413 Long",
    "429 Wait",
    "500 Fail",
    "503 Busy",
    "307 Away",
    "302 Away",
    "299 Odd",
)
HEADERS = (
    "Retry-After: nan",
    "Retry-After: -1",
    "Retry-After: Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
    f"Retry-After: {'9' * 5000}",
    f"Location: /{'a' * 5000}",
    "Location: http://[::1",
    "Location: http://127.0.0.1:99999999/",
    f"Location: https://u:{KEY}@h/{KEY}?key={KEY}",
    "Location: :port",
    f"x-request-id: {KEY[:3]}\x9b\u202e",
)


def _case(rng: random.Random) -> Case:
    provider, stream, harmless = rng.choice(list(PROTOCOLS)), rng.random() < 0.6, rng.random() < 0.3
    payloads = json.loads(json.dumps(PROTOCOLS[provider](stream)))
    if harmless:
        _harmless(rng, provider, payloads)
    else:
        _harmful(rng, payloads)
    body = _framed(rng, provider, payloads, harmless=harmless) if stream else _written(payloads[0])
    status, more = "200 OK", []
    if not harmless and rng.random() < 0.2:
        status, more = rng.choice(STATUSES), [rng.choice(HEADERS)]
    kind = ("application/x-ndjson" if provider == "Ollama" else "text/event-stream") if stream else "application/json"
    if rng.random() < 0.1:
        body = gzip.compress(body, 1)
        more.append("Content-Encoding: gzip")
        if not harmless and rng.random() < 0.3:
            body = body[: rng.randrange(len(body))]
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *more, "", ""]
    cuts = sorted(rng.randrange(len(body) + 1) for _ in range(rng.randrange(4)))
    pieces = [body[a:b] for a, b in zip((0, *cuts), (*cuts, len(body)), strict=True)]
    return Case(provider, stream, "\r\n".join(lines).encode(), pieces, TEXT if harmless else None)


def cases(seed: int, count: int) -> list[Case]:
    """Return the first `count` cases of `seed`."""
    return [_case(random.Random(f"{seed} {number}")) for number in range(count)]


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, current: list[Case]) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0] or 0))
            writer.write(current[0].head)
            for piece in current[0].pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
    except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
        pass  # the client has left, or the loop ends
    finally:
        writer.close()


async def _outcome(case: Case, url: str) -> tuple[str, str]:
    """Return what came out, and what is wrong with it: "" if nothing is."""
    provider, _, protocol = case.provider.partition(" ")
    client = AsyncClient(
        provider=provider, protocol=protocol or None, base_url=url, api_key=KEY, max_retries=0, timeout=30
    )
    try:
        if case.stream:
            parts = [chunk.choices[0].delta.content async for chunk in client.chat.completions.stream("q", "m")]
            text = "".join(part or "" for part in parts)
        else:
            text = (await client.chat.completions.create("q", "m")).choices[0].message.content or ""
    except G4FError as error:
        return type(error).__name__, _wrong_error(case, error)
    except Exception as error:  # noqa: BLE001 - what must not come
        return type(error).__name__, f"{type(error).__name__}: {error}"
    if case.expected is not None and text != case.expected:
        return "answer", f"the answer is {text!r}"
    return "answer", "" if text.isascii() or text.encode() else "it cannot be saved"


def _wrong_error(case: Case, error: G4FError) -> str:
    said = str(error)
    checks = {
        "it is the answer that is right": case.expected is None,
        "it is too long": len(said) < 2000,
        "it has a control character, or is not one line": said.isprintable(),
        "it shows the key": KEY not in said,
        "its request id has a control character": (error.request_id or "").isprintable(),
    }
    return "; ".join(f"{why}: {said[:200]!r}" for why, holds in checks.items() if not holds)


async def run(seed: int, count: int) -> Result:
    """Run the first `count` cases of `seed`, one after the other."""
    current: list[Case] = []
    result = Result(Counter(), [])
    server = await asyncio.start_server(lambda reader, writer: _serve(reader, writer, current), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    for number in range(count):
        current[:] = [case := _case(random.Random(f"{seed} {number}"))]
        began = time.perf_counter()
        outcome, wrong = await _outcome(case, url)
        took = time.perf_counter() - began
        result.outcomes[outcome] += 1
        if wrong or took > LONGEST_CASE:
            way = "streamed" if case.stream else "whole"
            result.wrong.append(f"case {number}, {case.provider} {way}: {wrong or f'it took {took:.1f} s'}")
    server.close()
    return result


def _main() -> int:
    count, seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1000, int(sys.argv[2]) if len(sys.argv) > 2 else 0
    for name in [name for name in os.environ if name.lower().endswith("_proxy") or name.startswith("G4F_")]:
        del os.environ[name]
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    result = asyncio.run(run(seed, count))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"seed {seed}: {count} cases in {time.perf_counter() - began:.0f} s, the most memory {grown:.0f} MB more")
    print(*(f"  {outcome}: {times}" for outcome, times in result.outcomes.most_common()), sep="\n")
    print(f"{len(result.wrong)} wrong", *result.wrong[:20], sep="\n")
    return 1 if result.wrong or grown > 50 else 0


if __name__ == "__main__":
    sys.exit(_main())
