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
from ..transport.refusals import Target
from ..transport.sse import ErrorPayload, Events
from ..vendors import SIGNED
from .beside import count, omitted, says_error, tokens, usage_of
from .reading import Reader

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
    executable_code: Any = None
    code_execution_result: Any = None
    inline_data: Any = None
    file_data: Any = None


class _Content(msgspec.Struct, gc=False):
    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct, gc=False, rename="camel"):
    content: _Content | None = None
    finish_reason: Any = None
    finish_message: Any = None
    index: Any = 0


class _Feedback(msgspec.Struct, gc=False, rename="camel"):
    block_reason: Any = None
    block_reason_message: Any = None


class _Response(msgspec.Struct, gc=False, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: Any = None
    error: Any = None


class GeminiFrames(Events):
    """Server-sent events, which may be followed by an error as bare JSON, over several lines."""

    __slots__ = ()

    says = re.compile(rb"^[^:\n].*\n", re.MULTILINE)

    def end(self) -> list[bytes]:
        """Return the payload that the end of the stream cuts off, or that error."""
        rest = bytes(self._lines + self._rest).strip()
        return [ErrorPayload(rest)] if rest[:1] in (b"{", b"[") else super().end()


class GeminiReader(Reader):
    """Reads the responses of a stream, or a whole one."""

    __slots__ = ("_calls", "_finish", "_usage")

    decoder = msgspec.json.Decoder(_Response)
    form = "a GenerateContentResponse"
    heart = "finished candidate"

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._calls = 0
        self._finish: FinishReason | None = None
        self._usage: dict[str, Any] = {}

    def read(self, chunk: _Response, payload: bytes, out: list[Item]) -> None:
        """Put the items of one response into `out`."""
        self._response(chunk, out)
        if says_error(chunk.error) or not (chunk.candidates or chunk.prompt_feedback):
            self.fail_if_told(payload)

    def end(self, out: list[Item]) -> None:
        """Put the usage and the finish reason into `out`."""
        self.put_last(_usage(self._usage) if self._usage else None, self._finish, out)

    def _response(self, response: _Response, out: list[Item]) -> None:
        if isinstance(response.usage_metadata, dict):
            self._usage = response.usage_metadata
        feedback = response.prompt_feedback
        if feedback is not None and feedback.block_reason:
            words = feedback.block_reason_message or feedback.block_reason
            self._finish = self.finish("content_filter", words)
        candidates = response.candidates or ()
        candidate = next((each for each in candidates if not count(each.index)), None)
        if candidate is not None:
            for part in (candidate.content and candidate.content.parts) or ():
                self._part(part, out)
            ended = self.finish(candidate.finish_reason, candidate.finish_message, called=self._calls)
            self._finish = ended or self._finish

    def _part(self, part: _Part, out: list[Item]) -> None:
        if part.text:
            out.append(Reasoning(part.text) if part.thought else part.text)
        if (call := part.function_call) is not None:
            name = call.id or f"call_{uuid4().hex}"
            signed = f"{name}{SIGNED}{part.thought_signature}" if part.thought_signature else name
            arguments = self.arguments(call.args or {})
            out.append(ToolCall(self._calls, signed, call.name or "", arguments))
            self._calls += 1
        elif not part.text:
            out.extend(_beside(part))


def _beside(part: _Part) -> list[Item]:
    """Return what is neither text nor a call: code that Gemini has run, as a block of code; notes for the rest."""
    code, result = part.executable_code, part.code_execution_result
    if isinstance(code, dict) and isinstance(text := code.get("code"), str):
        return [f"\n```{str(code.get('language', '')).lower()}\n{text.rstrip()}\n```\n"]
    if isinstance(result, dict) and isinstance(text := result.get("output"), str):
        return [f"\n```\n{text.rstrip()}\n```\n"]
    data = next((data for data in (part.inline_data, part.file_data) if isinstance(data, dict)), None)
    return [] if data is None else [omitted(data.get("mimeType") or "file")]


def _usage(usage: dict[str, Any]) -> Usage | None:
    """Count as OpenAI does: thoughts are a part of the completion, results of tools a part of the prompt."""
    thoughts = tokens(usage, "thoughtsTokenCount")
    return usage_of(
        _sum(tokens(usage, "promptTokenCount"), tokens(usage, "toolUsePromptTokenCount")),
        _sum(tokens(usage, "candidatesTokenCount"), thoughts),
        tokens(usage, "totalTokenCount"),
        tokens(usage, "cachedContentTokenCount"),
        thoughts,
    )


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None and other is None else (one or 0) + (other or 0)
