"""The answers of OpenAI's chat completions: payloads → items. No I/O.

https://platform.openai.com/docs/api-reference/chat-streaming, and what other servers of this protocol do otherwise:
reasoning in a field of its own, tool calls without an index, content in parts, usage with other names.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..response import FinishReason, Item, Reasoning, ToolCall, Usage
from ..transport.refusals import Target, fault
from ..transport.sse import ErrorPayload
from .reading import Reader, tier, tokens

__all__ = ["OpenAIReader"]


class _Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: Any = None


class _Call(msgspec.Struct, gc=False):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Message(msgspec.Struct, gc=False):
    content: str | list[Any] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(msgspec.Struct, gc=False):
    delta: _Message | None = None
    message: _Message | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: Any = None
    service_tier: Any = None
    error: Any = None


_FINISHES = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
"""The servers' finish reasons in OpenAI's words. Any other one means that the answer is complete."""

_FAILURES = ("error", "insufficient_system_resource")
"""Finish reasons of an answer that is not complete."""


class OpenAIReader(Reader):
    """Reads chunks of a chat completion, or a whole one."""

    __slots__ = ("_calls",)

    decoder = msgspec.json.Decoder(_Chunk)
    end_mark = b"[DONE]"
    form = "a chat completion"

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._calls = 0

    def read(self, chunk: _Chunk, payload: bytes, out: list[Item]) -> None:
        """Put the items of one chunk into `out`."""
        if not chunk.choices or chunk.usage is not None or chunk.error is not None:
            self._read_all(chunk, payload, out)
            return
        choice = chunk.choices[0]
        if choice.delta is not None:
            self._message(choice.delta, out)
        if choice.finish_reason is not None:
            self._finish(choice.finish_reason, out)

    def read_whole(self, answer: _Chunk, body: bytes, out: list[Item]) -> None:
        """Put the items of a whole completion into `out`."""
        self._read_all(answer, body, out)
        if not answer.choices and self.failure is None:
            self.fail("its answer has no choices")
        self.finished = True

    def _read_all(self, chunk: _Chunk, payload: bytes, out: list[Item]) -> None:
        """Read a chunk that has more than a choice, or none."""
        if chunk.error or (isinstance(payload, ErrorPayload) and not chunk.choices):
            self.failure = fault(self.target, payload)
            return
        for choice in (chunk.choices or ())[:1]:
            message = choice.delta or choice.message
            if message is not None:
                self._message(message, out)
            if choice.finish_reason is not None:
                self._finish(choice.finish_reason, out)
        if isinstance(chunk.usage, dict):
            out.append(_usage(chunk.usage, tier(chunk.service_tier)))

    def _message(self, message: _Message, out: list[Item]) -> None:
        thought = message.reasoning_content or message.reasoning
        if thought:
            out.append(Reasoning(thought))
        text = message.content or message.refusal
        if text:
            if isinstance(text, str):
                out.append(text)
            else:
                out.extend(_parts(text))
        if message.tool_calls:
            out.extend(map(self._tool_call, message.tool_calls))

    def _tool_call(self, call: _Call) -> ToolCall:
        index = call.index
        if index is None:  # a server that does not number calls sends each one whole
            index = self._calls
        self._calls = max(self._calls, index + 1)
        function = call.function or _Function()
        arguments = function.arguments
        if arguments is not None and not isinstance(arguments, str):
            arguments = self.arguments(arguments)
        return ToolCall(index, call.id or "", function.name or "", arguments or "")

    def _finish(self, reason: str, out: list[Item]) -> None:
        if not reason:
            return
        if reason in _FAILURES:
            self.fail(f"it broke the answer off ({reason})")
            return
        self.finished = True
        out.append(FinishReason(_FINISHES.get(reason, "stop")))


def _usage(usage: dict[str, Any], tier: str) -> Usage:
    """Return what a server counted. xAI counts thoughts beside the completion, and in the total."""
    cached = tokens(usage, "prompt_tokens_details", "cached_tokens")
    prompt, completion = tokens(usage, "prompt_tokens") or 0, tokens(usage, "completion_tokens") or 0
    total, thoughts = tokens(usage, "total_tokens") or 0, tokens(usage, "completion_tokens_details", "reasoning_tokens")
    if thoughts and total == prompt + completion + thoughts:
        completion += thoughts
    return Usage(
        prompt,
        completion,
        total,
        cached if cached is not None else tokens(usage, "prompt_cache_hit_tokens"),
        thoughts,
        tier=tier,
    )


def _parts(parts: list[Any]) -> list[Item]:
    """Return the items of content in parts: {"type": "text", "text": …}, {"type": "thinking", "thinking": […]}."""
    out: list[Item] = []
    for part in parts:
        if not isinstance(part, dict):
            continue
        if isinstance(text := part.get("text"), str) and text:
            out.append(text)
        thought = part.get("thinking")
        for item in thought if isinstance(thought, list) else [thought]:
            words = item.get("text") if isinstance(item, dict) else item
            if isinstance(words, str) and words:
                out.append(Reasoning(words))
    return out
