"""The answers of Anthropic's Messages API: payloads → items. No I/O.

https://platform.claude.com/docs/en/build-with-claude/streaming
https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons

An answer is a list of blocks. A stream names each by its index, says why it ends, and then ends by `message_stop`.
Anthropic may add events at any time: unknown ones are passed over.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ...wire import decoded
from ..response import FinishReason, Item, ProviderState, Reasoning, ToolCall, Usage
from ..transport.refusals import Target, fault
from ..transport.sse import ErrorPayload
from .beside import omitted, says_error, tier, tokens, usage_of
from .reading import Reader

__all__ = ["AnthropicReader"]


class _Block(msgspec.Struct, gc=False):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: Any = None


class _Delta(msgspec.Struct, gc=False):
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: Any = None
    stop_details: Any = None


class _Message(msgspec.Struct, gc=False):
    content: list[_Block] | None = None
    stop_reason: Any = None
    stop_details: Any = None
    usage: Any = None
    error: Any = None


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    index: int | str | None = 0
    message: Any = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    usage: Any = None
    error: Any = None


class AnthropicReader(Reader):
    """Reads the events of a stream, or a whole message."""

    __slots__ = ("_calls", "_finish", "_inputs", "_thoughts", "_usage")

    decoder = msgspec.json.Decoder(_Event)
    decoder_whole = msgspec.json.Decoder(_Message)
    form = "Anthropic's messages"
    heart = "content"

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._calls: dict[int | str | None, int] = {}  # the number of each tool call, by the index of its block
        self._inputs: dict[int | str | None, Any] = {}  # of calls of which no piece has arrived
        self._thoughts: dict[int | str | None, dict[str, str]] = {}  # by the index of the block
        self._finish: FinishReason | None = None
        self._usage: dict[str, Any] = {}

    def read(self, chunk: _Event, payload: bytes, out: list[Item]) -> None:
        """Put the items of one event into `out`."""
        if says_error(chunk.error) or isinstance(payload, ErrorPayload):
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
                self._count(chunk.message.get("usage") if isinstance(chunk.message, dict) else None)
            case "message_delta":
                self._count(chunk.usage)
                self._stopped(chunk.delta or _Delta())
            case "message_stop":
                self.done = True
            case "message":  # a whole one
                self._whole_message(payload, out)
            case _:
                self.fail_if_told(payload)

    def _whole_message(self, payload: bytes, out: list[Item]) -> None:
        try:
            message = decoded(payload, _Message)
        except msgspec.DecodeError as error:
            self.refuse(payload, error)
        else:
            self.read_whole(message, payload, out)

    def read_whole(self, answer: _Message, body: bytes, out: list[Item]) -> None:
        """Put the items of a whole message into `out`."""
        for index, block in enumerate(answer.content or ()):
            self._start(index, block, out)
            self._stop(index, out)
        self._count(answer.usage)
        if says_error(answer.error):
            self.failure = fault(self.target, body)
        elif answer.content is not None or answer.stop_reason:
            self._stopped(answer)
            self.finished = self.failure is None

    def end(self, out: list[Item]) -> None:
        """Put the usage, the signed thoughts before calls, and the finish reason into `out`."""
        signed = [each for each in self._thoughts.values() if each.get("signature") or each.get("data")]
        if signed and self._calls and self._finish is not None:
            out.append(ProviderState(self.target.provider, list(signed)))
        self.put_last(_usage(self._usage) if self._usage else None, self._finish, out)

    def _stopped(self, end: _Delta | _Message) -> None:
        """Note why the answer ended."""
        details = end.stop_details if isinstance(end.stop_details, dict) else {}
        words = details.get("explanation") or details.get("category")
        self._finish = self.finish(end.stop_reason, words, called=self._calls) or self._finish

    def _start(self, index: int | str | None, block: _Block, out: list[Item]) -> None:
        self._stop(index, out)  # of a block that was not closed
        if block.type == "tool_use":
            number = self._calls[index] = len(self._calls)
            self._inputs[index] = block.input
            out.append(ToolCall(number, block.id or "", block.name or ""))
        elif block.type == "text" and block.text:
            out.append(block.text)
        elif block.type == "thinking":
            self._thoughts[index] = {"type": block.type, "thinking": "", "signature": block.signature or ""}
            self._think(index, block.thinking, out)
        elif block.type == "redacted_thinking":
            self._thoughts[index] = {"type": block.type, "data": block.data or ""}
        elif "tool" not in block.type and block.type not in _PASSED_OVER:  # tools that Anthropic runs are its own
            out.append(omitted(block.type))

    def _delta(self, index: int | str | None, delta: _Delta, out: list[Item]) -> None:
        if delta.text:
            out.append(delta.text)
        elif delta.thinking:
            self._think(index, delta.thinking, out)
        elif delta.signature and index in self._thoughts:
            self._thoughts[index]["signature"] = delta.signature
        elif delta.partial_json and index in self._calls:
            self._inputs.pop(index, None)
            out.append(self.call(self._calls[index], arguments=delta.partial_json))

    def _think(self, index: int | str | None, words: str | None, out: list[Item]) -> None:
        if words:
            out.append(Reasoning(words))
            if index in self._thoughts:
                self._thoughts[index]["thinking"] += words

    def _stop(self, index: int | str | None, out: list[Item]) -> None:
        """Put the input of a call that came in one piece, or not at all, into `out`."""
        if index in self._inputs:
            arguments = self.arguments(self._inputs.pop(index) or {})
            out.append(ToolCall(self._calls[index], arguments=arguments))

    def _count(self, usage: Any) -> None:
        """Note the counts of an event: they are totals, and a count that is left out, or 0, has not changed."""
        counts = usage.items() if isinstance(usage, dict) else ()
        self._usage |= {name: count for name, count in counts if count or name not in self._usage}


_PASSED_OVER = ("", "text")


def _usage(usage: dict[str, Any]) -> Usage | None:
    """Count as OpenAI does: tokens read from the cache and written to it are parts of the prompt."""
    cached, written = tokens(usage, "cache_read_input_tokens"), tokens(usage, "cache_creation_input_tokens")
    parts = (cached, tokens(usage, "input_tokens"), written)
    prompt = None if parts == (None, None, None) else sum(part or 0 for part in parts)
    thoughts = tokens(usage, "output_tokens_details", "thinking_tokens")
    completion = tokens(usage, "output_tokens")
    return usage_of(prompt, completion, None, cached, thoughts, written=written, tier=tier(usage))
