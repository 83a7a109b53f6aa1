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
    "Overloaded" and a status of 503 or 529. `frame` makes what stands in a stream of the bytes of a payload, and
    `form` is JSON that is no answer. `path` is where a question is sent, behind the base address.
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


def _sse(payload: bytes) -> bytes:
    return b"data: " + payload + b"\n\n"


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

DIALECTS = (OPENAI,)
