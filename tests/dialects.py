"""The protocols, as a far side speaks them: what a test server sends, for each the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["DIALECTS", "Dialect", "event"]


def event(payload: object, name: str = "") -> bytes:
    """Return an event of server-sent events; `payload` is text, or made JSON."""
    text = payload if isinstance(payload, str) else json.dumps(payload)
    named = f"event: {name}\n" if name else ""
    return f"{named}data: {text}\n\n".encode()


class Dialect(NamedTuple):
    """One protocol. What is bytes stands in a stream as it is.

    `begin` comes before the first text ("" where nothing does), `text` makes the bytes of a piece of text, `end`
    says that the answer is whole. `whole` makes the body of a whole answer. `error` breaks a stream off, and says
    "Overloaded" and, where the protocol can, a status of 503 or 529. `frame` makes what stands in a stream of the bytes
    of a payload, and `form` is JSON that is no answer. `path` is where a question is sent, behind the base address.
    `protocol` makes the provider speak it, where there are several.
    """

    provider: str
    path: str
    begin: bytes
    text: Callable[[str], bytes]
    end: bytes
    whole: Callable[[str], Any]
    error: bytes
    frame: Callable[[bytes], bytes]
    form: bytes
    content_type: str = "text/event-stream"
    protocol: str = ""

    @property
    def options(self) -> dict[str, Any]:
        """What makes the provider speak it."""
        return {"protocol": self.protocol} if self.protocol else {}

    def __str__(self) -> str:
        return f"{self.provider} {self.protocol}".strip()


def _sse(payload: bytes) -> bytes:
    return b"data: " + payload + b"\n\n"


def _line(payload: object) -> bytes:
    return json.dumps(payload).encode() + b"\n"


OPENAI = Dialect(
    provider="OpenAI",
    path="/chat/completions",
    begin=b"",
    text=lambda text: event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}),
    end=event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}) + event("[DONE]"),
    whole=lambda text: {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]
    },
    error=event({"error": {"message": "Overloaded", "code": 503}}),
    frame=_sse,
    form=b'{"choices": 1}',
)

OLLAMA = Dialect(
    provider="Ollama",
    path="/api/chat",
    begin=b"",
    text=lambda text: _line({"message": {"role": "assistant", "content": text}, "done": False}),
    end=_line({"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}),
    whole=lambda text: {"message": {"role": "assistant", "content": text}, "done": True, "done_reason": "stop"},
    error=_line({"error": "Overloaded"}),
    frame=lambda payload: payload + b"\n",
    form=b'{"message": 1}',
    content_type="application/x-ndjson",
)


def _candidate(text: str, finish: str | None = None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    return {"candidates": [candidate | ({"finishReason": finish} if finish else {})], "modelVersion": "m"}


GEMINI = Dialect(
    provider="Gemini",
    path="/v1beta/models/m:generateContent",
    begin=b"",
    text=lambda text: event(_candidate(text)),
    end=event(_candidate("", "STOP")),
    whole=lambda text: _candidate(text, "STOP"),
    error=event({"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}),
    frame=_sse,
    form=b'{"candidates": 1}',
)


def _message(text: str) -> dict[str, Any]:
    content = [{"type": "text", "text": text}]
    return {"type": "message", "role": "assistant", "content": content, "stop_reason": "end_turn"}


def _named(payload: dict[str, Any]) -> bytes:
    return event(payload, payload["type"])


ANTHROPIC = Dialect(
    provider="Anthropic",
    path="/v1/messages",
    begin=_named({"type": "message_start", "message": {"type": "message", "content": [], "stop_reason": None}})
    + _named({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
    + _named({"type": "ping"}),
    text=lambda text: event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}),
    end=_named({"type": "content_block_stop", "index": 0})
    + _named({"type": "message_delta", "delta": {"stop_reason": "end_turn"}})
    + _named({"type": "message_stop"}),
    whole=_message,
    error=_named({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    frame=_sse,
    form=b'{"delta": 1, "content": 1}',
)


def _response(text: str = "") -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}
    return {"object": "response", "status": "completed", "error": None, "output": [message] if text else []}


_AT = {"item_id": "msg_1", "output_index": 0, "content_index": 0}

RESPONSES = Dialect(
    provider="OpenAI",
    path="/responses",
    begin=_named({"type": "response.created", "response": {"status": "in_progress", "output": [], "error": None}})
    + _named({"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "content": []}})
    + _named({"type": "response.content_part.added", "part": {"type": "output_text", "text": ""}, **_AT}),
    text=lambda text: event({"type": "response.output_text.delta", "delta": text, **_AT}),
    end=_named({"type": "response.output_text.done", "text": "…", **_AT})
    + _named({"type": "response.completed", "response": _response()}),
    whole=_response,
    error=_named({"type": "error", "code": "server_error", "message": "Overloaded", "param": None}),
    frame=_sse,
    form=b'{"type": 1, "output": 1}',
    protocol="responses",
)

DIALECTS = (
    OPENAI,
    RESPONSES,
    ANTHROPIC,
    GEMINI,
    OLLAMA,
)
