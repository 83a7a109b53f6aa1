"""Programs as people write them for OpenAI's package, and what comes of each with that package itself.

`python -m tests.their_code`, where the package `openai` is installed, runs each of them with it, and writes what came
of it to `their_code.json`: the measure for our own client, which the tests run in its place.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from . import loops
from .dialects import event
from .servers import Answer, Server, stream, whole

__all__ = ["PROGRAMS", "RECORDED", "Outcome", "Program", "run", "tree"]

RECORDED = Path(__file__).with_name("their_code.json")

QUESTION: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]
TOOLS: list[Any] = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 4,
    "total_tokens": 13,
    "prompt_tokens_details": {"cached_tokens": 5},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
LOGPROBS = {"content": [{"token": "Sun", "logprob": -0.5, "bytes": [83], "top_logprobs": []}]}
HEAD = {
    "id": "chatcmpl-far",
    "created": 1764500000,
    "model": "served-1",
    "system_fingerprint": "fp_1",
    "service_tier": "flex",
}


def _completion(finish: str, logprobs: Any = None, **message: Any) -> Answer:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "logprobs": logprobs, "finish_reason": finish}
    body = {"object": "chat.completion", **HEAD, "choices": [choice], "usage": USAGE}
    return whole(body, x_request_id="req_0123456789")


def _chunk(finish: str | None = None, **delta: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return event({"object": "chat.completion.chunk", **HEAD, "choices": [choice]})


def _stream(*chunks: bytes, usage: bool = False) -> Answer:
    counted = event({"object": "chat.completion.chunk", **HEAD, "choices": [], "usage": USAGE})
    return stream(*chunks, counted if usage else b"", event("[DONE]"))


TEXT = _completion("stop", LOGPROBS, content="Sunny.", refusal=None)
CALLS = _completion("tool_calls", content=None, tool_calls=[CALL])
STREAM = (_chunk(role="assistant", content=""), _chunk(content="Sun"), _chunk(content="ny."), _chunk("stop"))
PIECES = (
    _chunk(
        role="assistant",
        content=None,
        tool_calls=[{"index": 0, **CALL, "function": {"name": "weather", "arguments": ""}}],
    ),
    _chunk(tool_calls=[{"index": 0, "function": {"arguments": '{"city": '}}]),
    _chunk(tool_calls=[{"index": 0, "function": {"arguments": '"Paris"}'}}]),
    _chunk("tool_calls"),
)
MODELS = whole(
    {"object": "list", "data": [{"id": each, "object": "model", "created": 1, "owned_by": "o"} for each in "ab"]}
)


def answer(kit: Any, url: str) -> Any:
    """Ask with the options in any order."""
    client = kit.OpenAI(api_key="sk-not-a-key", base_url=url)
    completion = client.chat.completions.create(
        temperature=0.5, messages=QUESTION, logprobs=True, model="asked-1", top_p=kit.NOT_GIVEN, stop=kit.NOT_GIVEN
    )
    return completion, completion._request_id, completion.choices[0].message.content


def dumped(kit: Any, url: str) -> Any:
    """Dump what came."""
    completion = kit.OpenAI(api_key="sk-not-a-key", base_url=url).chat.completions.create(
        model="asked-1", messages=QUESTION
    )
    short = json.loads(completion.model_dump_json(exclude_none=True, indent=2))
    only = completion.model_dump(include={"id", "model"}), json.loads(completion.usage.to_json(exclude_none=True))
    lines = completion.choices[0].message.model_dump_json(indent=4, include={"content"})
    return completion.model_dump(exclude_none=True), short, *only, lines


def tool_round(kit: Any, url: str) -> Any:
    """Put the message with its calls, and their results, behind the question, and ask again."""
    client, messages = kit.OpenAI(api_key="sk-not-a-key", base_url=url), list(QUESTION)
    first = client.chat.completions.create(model="asked-1", messages=messages, tools=TOOLS, tool_choice="auto")
    messages.append(first.choices[0].message)
    for call in first.choices[0].message.tool_calls:
        city = json.loads(call.function.arguments)["city"]
        messages.append({"role": "tool", "tool_call_id": call.id, "content": f"Sunny in {city}"})
    second = client.chat.completions.create(model="asked-1", messages=messages, tools=TOOLS)
    return first.choices[0], second.choices[0].message.content


def refusal(kit: Any, url: str) -> Any:
    """Read a refusal, and go on."""
    client = kit.OpenAI(api_key="sk-not-a-key", base_url=url)
    message = client.chat.completions.create(model="asked-1", messages=QUESTION).choices[0].message
    return message, "refused" if message.refusal else "answered"


def streamed_refusal(kit: Any, url: str) -> Any:
    """Read it as it comes."""
    client = kit.OpenAI(api_key="sk-not-a-key", base_url=url)
    said, refused = "", ""
    for chunk in client.chat.completions.create(model="asked-1", messages=QUESTION, stream=True):
        said += chunk.choices[0].delta.content or ""
        refused += chunk.choices[0].delta.refusal or ""
    return said, refused


def streamed(kit: Any, url: str) -> Any:
    """Print a stream, with the usage at its end."""
    client, text, chunks = kit.OpenAI(api_key="sk-not-a-key", base_url=url), "", []
    with client.chat.completions.create(
        model="asked-1", messages=QUESTION, stream=True, stream_options={"include_usage": True}
    ) as stream:
        for chunk in stream:
            chunks.append(chunk)
            if chunk.choices:
                text += chunk.choices[0].delta.content or ""
    return text, chunks[0].choices[0].delta.role, [chunk.usage for chunk in chunks[-2:]], chunks[-2], chunks[-1]


def streamed_calls(kit: Any, url: str) -> Any:
    """Put tool calls together, as OpenAI's documentation does."""
    client, calls, pieces = kit.OpenAI(api_key="sk-not-a-key", base_url=url), {}, []
    for chunk in client.chat.completions.create(model="asked-1", messages=QUESTION, tools=TOOLS, stream=True):
        for piece in chunk.choices[0].delta.tool_calls or []:
            pieces.append((piece.index, piece.id, piece.type, piece.function.name, piece.function.arguments))
            if piece.index not in calls:
                calls[piece.index] = piece
            else:
                calls[piece.index].function.arguments += piece.function.arguments
    return pieces, calls[0]


def asynchronous(kit: Any, url: str) -> Any:
    """Await an answer, and a stream, in both forms."""

    async def main() -> Any:
        async with kit.AsyncOpenAI(api_key="sk-not-a-key", base_url=url) as client:
            asked = {"model": "asked-1", "messages": QUESTION}
            completion = await client.chat.completions.create(**asked)
            parts = [
                chunk.choices[0].delta.content
                async for chunk in await client.chat.completions.create(**asked, stream=True)
            ]
            async with await client.chat.completions.create(**asked, stream=True) as stream:
                async for chunk in stream:
                    first = chunk.choices[0].delta.role
                    break
            models = [model.id async for model in client.models.list()], (await client.models.list()).data[0].id
            return completion, "".join(part or "" for part in parts), first, models

    return loops.run(main())


def models(kit: Any, url: str) -> Any:
    """List models."""
    client = kit.OpenAI(api_key="sk-not-a-key", base_url=url)
    listed = client.models.list()
    return [model.id for model in listed], listed.data[0].object, listed.object, len(client.models.list().data)


def varied(kit: Any, url: str) -> Any:
    """Make clients of a client, and leave one."""
    with kit.OpenAI(api_key="sk-not-a-key", base_url=url, default_headers={"X-One": "1"}) as client:
        client.with_options(timeout=5, max_retries=0).chat.completions.create(model="asked-1", messages=QUESTION)
        other = client.copy(default_headers={"X-Two": "2"}, api_key="sk-another-one")
        return other.chat.completions.create(model="asked-1", messages=QUESTION).choices[0].message.content


def errors(kit: Any, url: str) -> Any:
    """Read errors."""
    found, client = [], kit.OpenAI(api_key="sk-not-a-key", base_url=url, max_retries=0)
    for _ in range(3):
        try:
            client.chat.completions.create(model="asked-1", messages=QUESTION)
        except Exception as error:  # noqa: BLE001 - each package has its own
            found.append((error.status_code, error.request_id, "No such thing" in error.message))
    return found


def _refused(status: int) -> Answer:
    return whole({"error": {"message": "No such thing", "type": "t"}}, status, x_request_id=f"req_{status}")


class Program(NamedTuple):
    """What is run, against a server that gives these answers. Of its requests, these headers are looked at."""

    run: Callable[[Any, str], Any]
    answers: tuple[Answer, ...]
    headers: tuple[str, ...] = ("authorization",)


PROGRAMS = {
    program.run.__name__: program
    for program in (
        Program(answer, (TEXT,)),
        Program(dumped, (TEXT,)),
        Program(tool_round, (CALLS, TEXT)),
        Program(refusal, (_completion("stop", content=None, refusal="I cannot."),)),
        Program(streamed_refusal, (_stream(_chunk(refusal="I can"), _chunk(refusal="not."), _chunk("stop")),)),
        Program(streamed, (_stream(*STREAM, usage=True),)),
        Program(streamed_calls, (_stream(*PIECES),)),
        Program(asynchronous, (TEXT, _stream(*STREAM), _stream(*STREAM), MODELS)),
        Program(models, (MODELS,)),
        Program(varied, (TEXT,), ("authorization", "x-one", "x-two")),
        Program(errors, (_refused(401), _refused(429), _refused(500))),
    )
}


class Outcome(NamedTuple):
    """What came of a program: its result, and for each request its body and headers."""

    result: Any
    requests: list[Any]


def run(name: str, kit: Any) -> Outcome:
    """Run a program with OpenAI's package, or with ours in its place."""
    program = PROGRAMS[name]
    with Server(*program.answers) as server:
        result = program.run(kit, server.url)
    sent = [
        [
            request.path,
            request.json if request.body else None,
            {each: request.headers.get(each) for each in program.headers},
        ]
        for request in server.requests
    ]
    return Outcome(result, sent)


def tree(value: Any) -> Any:
    """Return what JSON can hold of a result: an object of their package is {"object": its fields}."""
    if hasattr(type(value), "model_fields"):
        return {"object": {name: tree(getattr(value, name)) for name in type(value).model_fields}}
    if isinstance(value, dict):
        return {name: tree(each) for name, each in value.items()}
    return [tree(each) for each in value] if isinstance(value, list | tuple) else value


if __name__ == "__main__":
    kit = importlib.import_module("openai")
    found = {}
    for name in PROGRAMS:
        result, sent = run(name, kit)
        found[name] = {"result": tree(result), "requests": sent}
    lines = ",\n".join(f'"{name}": {json.dumps(each)}' for name, each in found.items())
    RECORDED.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
