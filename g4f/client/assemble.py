"""Events → chunks, or one completion; and the pieces of tool calls → calls."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..providers.response import FinishReason, Item, ProviderInfo, Reasoning, Usage
from ..providers.response import ToolCall as ToolCallEvent
from .types import (
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChunkChoice,
    CompletionUsage,
    Delta,
    Function,
    FunctionDelta,
    Message,
    ToolCall,
    ToolCallDelta,
)

__all__ = ["add_call", "chunks", "completion"]


async def chunks(events: AsyncGenerator[Item], provider: str, model: str) -> AsyncGenerator[ChatCompletionChunk]:
    """Yield a chunk for each event that adds something, and a last one with finish reason and usage."""
    id_, created, role = _new_id(), int(time.time()), "assistant"
    reason, usage, called = "", None, False

    def chunk(delta: Delta, finish: str | None = None) -> ChatCompletionChunk:
        name = model or provider  # a provider that has no names for its models is one
        told = usage if finish else None
        return ChatCompletionChunk(id_, created, name, provider, [ChunkChoice(delta, finish)], told)

    async with aclosing(events):
        async for event in events:
            match event:
                case str():
                    delta = Delta(event)
                case Reasoning():
                    delta = Delta(None, event.text)
                case ToolCallEvent():
                    delta, called = Delta(tool_calls=[_tool_call_delta(event)]), True
                case Usage():
                    usage = _usage(event)
                    continue
                case FinishReason():
                    reason = event.reason
                    continue
                case ProviderInfo():
                    provider, model = event.provider, event.model or model
                    continue
                case _:
                    continue
            if role:
                delta.role, role = role, ""
            yield chunk(delta)
    yield chunk(Delta(), reason or ("tool_calls" if called else "stop"))


async def completion(events: AsyncGenerator[Item], provider: str, model: str) -> ChatCompletion:
    """Return the whole answer: the events, drained and joined."""
    created, reason, usage = int(time.time()), "", None
    texts: list[str] = []
    thoughts: list[str] = []
    calls: dict[int, ToolCall] = {}
    async for event in events:
        match event:
            case str():
                texts.append(event)
            case Reasoning():
                thoughts.append(event.text)
            case ToolCallEvent():
                add_call(calls, event)
            case Usage():
                usage = _usage(event)
            case FinishReason():
                reason = event.reason
            case ProviderInfo():
                provider, model = event.provider, event.model or model
    message = Message(
        content="".join(texts) if texts or not calls else None,
        reasoning="".join(thoughts) or None,
        tool_calls=[calls[index] for index in sorted(calls)] or None,
    )
    choice = Choice(message, reason or ("tool_calls" if calls else "stop"))
    return ChatCompletion(_new_id(), created, model or provider, provider, [choice], usage)


def _new_id() -> str:
    return f"chatcmpl-{os.urandom(12).hex()}"


def _usage(usage: Usage) -> CompletionUsage:
    cached, reasoning = usage.cached_tokens, usage.reasoning_tokens
    return CompletionUsage(
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.total_tokens or usage.prompt_tokens + usage.completion_tokens,
        None if cached is None else {"cached_tokens": cached},
        None if reasoning is None else {"reasoning_tokens": reasoning},
    )


def add_call(calls: dict[int, ToolCall], event: ToolCallEvent) -> None:
    """Add a piece of a tool call to `calls`, which are by their index."""
    call = calls.setdefault(event.index, ToolCall("", Function("", "")))
    call.id = event.id or call.id
    call.function.name = event.name or call.function.name
    call.function.arguments += event.arguments


def _tool_call_delta(event: ToolCallEvent) -> ToolCallDelta:
    function = FunctionDelta(event.name or None, event.arguments or None)
    return ToolCallDelta(event.index, event.id or None, function)
