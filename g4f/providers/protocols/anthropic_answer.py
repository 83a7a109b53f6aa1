"""The answers of Anthropic's Messages API: payloads → items. No I/O.

https://platform.claude.com/docs/en/build-with-claude/streaming
https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons

An answer is a list of blocks. A stream names each by its index, and is complete at `message_stop`. Anthropic may add
events, blocks and stop reasons at any time: unknown ones are passed over.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..response import FinishReason, Item, Reasoning, ToolCall, Usage
from ..transport.refusals import Target, fault
from ..transport.sse import ErrorPayload
from .reading import Reader, tier, tokens

__all__ = ["AnthropicReader"]


class _Block(msgspec.Struct, gc=False):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: str | None = None
    input: Any = None


class _Delta(msgspec.Struct, gc=False):
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class _Message(msgspec.Struct, gc=False):
    content: list[_Block] | None = None
    stop_reason: str | None = None
    usage: Any = None
    error: Any = None


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    index: int = 0
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    usage: Any = None
    error: Any = None


_FINISHES = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",  # Anthropic's own tools take long: the answer can be continued
    "refusal": "content_filter",
    "tool_use": "tool_calls",
}
"""Stop reasons in OpenAI's words. Any other one means that the answer is complete."""


class AnthropicReader(Reader):
    """Reads the events of a stream, or a whole message."""

    __slots__ = ("_calls", "_inputs", "_reason", "_usage")

    decoder = msgspec.json.Decoder(_Event)
    decoder_whole = msgspec.json.Decoder(_Message)
    form = "Anthropic's messages"

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._calls: dict[int, int] = {}  # the number of each tool call, by the index of its block
        self._inputs: dict[int, Any] = {}  # of calls of which no piece has arrived
        self._reason = ""
        self._usage: dict[str, Any] = {}

    def read(self, chunk: _Event, payload: bytes, out: list[Item]) -> None:
        """Put the items of one event into `out`."""
        if chunk.error or isinstance(payload, ErrorPayload):
            self.failure = fault(self.target, payload)
            return
        match chunk.type:
            case "content_block_delta":
                self._delta(chunk.index, chunk.delta or _Delta(), out)
            case "content_block_start":
                self._start(chunk.index, chunk.content_block or _Block(), out)
            case "content_block_stop":
                self._stop(chunk.index, out)
            case "message_start":
                self._count((chunk.message or _Message()).usage)
            case "message_delta":
                self._reason = (chunk.delta or _Delta()).stop_reason or self._reason
                self._count(chunk.usage)
            case "message_stop":
                self.done = True
                self._end(out)

    def read_whole(self, answer: _Message, body: bytes, out: list[Item]) -> None:
        """Put the items of a whole message into `out`."""
        if answer.error:
            self.failure = fault(self.target, body)
        elif not answer.stop_reason:
            self.fail("its answer has no stop_reason")
        else:
            for index, block in enumerate(answer.content or ()):
                self._start(index, block, out)
                self._stop(index, out)
            self._count(answer.usage)
            self._reason, self.finished = answer.stop_reason, True
            self._end(out)

    def _start(self, index: int, block: _Block, out: list[Item]) -> None:
        if block.type == "tool_use":
            number = self._calls[index] = len(self._calls)
            self._inputs[index] = block.input
            out.append(ToolCall(number, block.id or "", block.name or ""))
        elif block.type == "text" and block.text:
            out.append(block.text)
        elif block.type == "thinking" and block.thinking:
            out.append(Reasoning(block.thinking))

    def _delta(self, index: int, delta: _Delta, out: list[Item]) -> None:
        if delta.text:
            out.append(delta.text)
        elif delta.thinking:
            out.append(Reasoning(delta.thinking))
        elif delta.partial_json and index in self._calls:  # tools that Anthropic runs are passed over
            self._inputs.pop(index, None)
            out.append(ToolCall(self._calls[index], arguments=delta.partial_json))

    def _stop(self, index: int, out: list[Item]) -> None:
        """Put the input of a call that came in one piece, or not at all, into `out`."""
        if index in self._inputs:
            arguments = self.arguments(self._inputs.pop(index) or {})
            out.append(ToolCall(self._calls[index], arguments=arguments))

    def _count(self, usage: Any) -> None:
        """Note the counts of an event: they are totals, and a count that is left out has not changed."""
        counts = usage.items() if isinstance(usage, dict) else ()
        self._usage |= {name: count for name, count in counts if count is not None}

    def _end(self, out: list[Item]) -> None:
        if self._usage:
            out.append(_usage(self._usage))
        if self._reason:
            out.append(FinishReason(_FINISHES.get(self._reason, "stop")))


def _usage(usage: dict[str, Any]) -> Usage:
    """Count as OpenAI does: tokens read from the cache and written to it are parts of the prompt."""
    cached, written = tokens(usage, "cache_read_input_tokens"), tokens(usage, "cache_creation_input_tokens")
    prompt = (tokens(usage, "input_tokens") or 0) + (written or 0) + (cached or 0)
    completion = tokens(usage, "output_tokens") or 0
    thoughts = tokens(usage, "output_tokens_details", "thinking_tokens")
    return Usage(prompt, completion, prompt + completion, cached, thoughts, written, tier(usage))
