"""Events → chunks, or one completion."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..assembly import Assembly
from ..providers.response import Item, Reasoning, ToolCall, Usage
from .types import (
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChunkChoice,
    CompletionFunction,
    CompletionMessage,
    CompletionToolCall,
    CompletionUsage,
    Delta,
    FunctionDelta,
    ToolCallDelta,
)

__all__ = ["chunks", "completion", "completion_calls"]


async def chunks(events: AsyncGenerator[Item], provider: str, model: str) -> AsyncGenerator[ChatCompletionChunk]:
    """Yield a chunk for each event that adds something, and a last one with finish reason and usage."""
    id_, created, role = _new_id(), int(time.time()), "assistant"
    answer = Assembly(provider, model)  # of all but the texts, which are gone with their chunks

    def chunk(delta: Delta, finish: str | None = None) -> ChatCompletionChunk:
        name, usage = answer.model or answer.provider, _usage(answer.usage) if finish else None
        return ChatCompletionChunk(id_, created, name, answer.provider, [ChunkChoice(delta, finish)], usage)

    async with aclosing(events):
        async for event in events:
            match event:
                case str():
                    delta = Delta(event)
                case Reasoning():
                    delta = Delta(None, event.text)
                case ToolCall():
                    answer.add(event)
                    delta = Delta(tool_calls=[_tool_call_delta(event)])
                case _:
                    answer.add(event)
                    continue
            if role:
                delta.role, role = role, ""
            yield chunk(delta)
    yield chunk(Delta(), answer.finish_reason)


async def completion(events: AsyncGenerator[Item], provider: str, model: str) -> ChatCompletion:
    """Return the whole answer: the events, drained and joined."""
    created, answer = int(time.time()), Assembly(provider, model)
    async for event in events:
        answer.add(event)
    calls = completion_calls(answer)
    message = CompletionMessage(
        content=answer.text or (None if calls else ""), reasoning=answer.reasoning or None, tool_calls=calls or None
    )
    name = answer.model or answer.provider  # a provider that has no names for its models is one
    choice = Choice(message, answer.finish_reason)
    return ChatCompletion(_new_id(), created, name, answer.provider, [choice], _usage(answer.usage))


def completion_calls(answer: Assembly) -> list[CompletionToolCall]:
    """Return the tool calls of an answer in the shape of a completion's, in the order of their index."""
    calls = sorted(answer.tool_calls, key=lambda call: call.index)
    return [CompletionToolCall(call.id, CompletionFunction(call.name, call.arguments)) for call in calls]


def _new_id() -> str:
    return f"chatcmpl-{os.urandom(12).hex()}"


def _usage(usage: Usage | None) -> CompletionUsage | None:
    if usage is None:
        return None
    cached, reasoning = usage.cached_tokens, usage.reasoning_tokens
    return CompletionUsage(
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.total_tokens or usage.prompt_tokens + usage.completion_tokens,
        None if cached is None else {"cached_tokens": cached},
        None if reasoning is None else {"reasoning_tokens": reasoning},
    )


def _tool_call_delta(event: ToolCall) -> ToolCallDelta:
    function = FunctionDelta(event.name or None, event.arguments or None)
    return ToolCallDelta(event.index, event.id or None, function)
