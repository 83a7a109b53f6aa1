"""The answers of Gemini's generateContent: payloads → items. No I/O.

https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse

A stream has no end mark: it is complete once a candidate says why it finished. Usage comes several times, and older
models give each piece a finish reason: the last one counts.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import msgspec

from ..response import FinishReason, Item, Reasoning, ToolCall, Usage
from ..transport.refusals import Target, fault
from ..transport.sse import ErrorPayload, Events
from .openai_words import SIGNED
from .reading import Reader, tokens

__all__ = ["GeminiFrames", "GeminiReader"]


class _Call(msgspec.Struct, gc=False):
    id: str | None = None
    name: str | None = None
    args: Any = None


class _Part(msgspec.Struct, gc=False, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: _Call | None = None


class _Content(msgspec.Struct, gc=False):
    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct, gc=False, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None


class _Feedback(msgspec.Struct, gc=False, rename="camel"):
    block_reason: str | None = None


class _Response(msgspec.Struct, gc=False, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: Any = None
    error: Any = None


_FINISHES = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "ESCALATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}
"""Finish reasons in OpenAI's words. Any other one, such as MALFORMED_FUNCTION_CALL, is a failure."""


class GeminiFrames(Events):
    """Server-sent events, which may be followed by an error as bare JSON, over several lines."""

    __slots__ = ()

    says = re.compile(rb"^[^:\n].*\n", re.MULTILINE)

    def end(self) -> list[bytes]:
        """Return the payload that the end of the stream cuts off, or that error."""
        rest = bytes(self._lines + self._rest).strip()
        return [ErrorPayload(rest)] if rest[:1] in (b"{", b"[") else super().end()


class GeminiReader(Reader):
    """Reads the responses of a stream, a whole one, or a stream that came as one array."""

    __slots__ = ("_calls", "_reason", "_usage")

    decoder = msgspec.json.Decoder(_Response | list[_Response])
    form = "a GenerateContentResponse"

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._calls = 0
        self._reason = ""
        self._usage: dict[str, Any] = {}

    def feed(self, payloads: list[bytes], *, last: bool = False) -> list[Item]:
        """Return the items of these payloads; if they are the `last`, also usage and finish reason."""
        out = super().feed(payloads, last=last)
        return out + self._end() if last else out

    def read(self, chunk: _Response | list[_Response], payload: bytes, out: list[Item]) -> None:
        """Put the items of one response into `out`."""
        for response in chunk if isinstance(chunk, list) else (chunk,):
            if response.error or isinstance(payload, ErrorPayload):
                self.failure = fault(self.target, response.error or payload)
            if self.failure is not None:
                return
            self._response(response, out)

    def read_whole(self, answer: _Response | list[_Response], body: bytes, out: list[Item]) -> None:
        """Put the items of a whole answer into `out`."""
        self.read(answer, body, out)
        if not self.finished and self.failure is None:
            self.fail("its answer has no finished candidate")
        out += self._end()

    def _response(self, response: _Response, out: list[Item]) -> None:
        if isinstance(response.usage_metadata, dict):
            self._usage = response.usage_metadata
        feedback = response.prompt_feedback
        if feedback is not None and feedback.block_reason:
            self.finished, self._reason = True, "content_filter"
        for candidate in (response.candidates or ())[:1]:
            for part in (candidate.content and candidate.content.parts) or ():
                self._part(part, out)
            if candidate.finish_reason:
                self._finish(candidate.finish_reason, candidate.finish_message or "")

    def _part(self, part: _Part, out: list[Item]) -> None:
        if part.text:
            out.append(Reasoning(part.text) if part.thought else part.text)
        if (call := part.function_call) is not None:
            name = call.id or f"call_{uuid4().hex}"
            signed = f"{name}{SIGNED}{part.thought_signature}" if part.thought_signature else name
            arguments = self.arguments(call.args or {})
            out.append(ToolCall(self._calls, signed, call.name or "", arguments))
            self._calls += 1

    def _finish(self, reason: str, message: str) -> None:
        if reason in _FINISHES:
            self.finished, self._reason = True, _FINISHES[reason]
        else:
            self.failure = fault(self.target, {"message": f"{reason} {message}"})

    def _end(self) -> list[Item]:
        """Return what is known only at the end: usage and finish reason."""
        if self.failure is not None or not self.finished:
            return []
        called = self._reason == "stop" and self._calls
        usage = [_usage(self._usage)] if self._usage else []
        return [*usage, FinishReason("tool_calls" if called else self._reason)]


def _usage(usage: dict[str, Any]) -> Usage:
    """Count as OpenAI does: thoughts are a part of the completion, results of tools a part of the prompt."""
    thoughts = tokens(usage, "thoughtsTokenCount")
    return Usage(
        (tokens(usage, "promptTokenCount") or 0) + (tokens(usage, "toolUsePromptTokenCount") or 0),
        (tokens(usage, "candidatesTokenCount") or 0) + (thoughts or 0),
        tokens(usage, "totalTokenCount") or 0,
        tokens(usage, "cachedContentTokenCount"),
        thoughts,
    )
