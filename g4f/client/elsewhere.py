"""What code written for OpenAI's package may ask a client for, and does not find here: what to use instead."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import UnsupportedError

__all__ = ["ELSEWHERE_IN_CLIENT", "ELSEWHERE_IN_COMPLETIONS", "absent"]

_THEIRS = "use OpenAI's own package `openai` for it"
_RAW = "an answer has its _request_id, an error its status_code and request_id: call create() itself"

ELSEWHERE_IN_CLIENT: Mapping[str, str] = {
    "admin": _THEIRS,
    "assistants": "g4f.Conversation keeps the turns of a conversation",
    "audio": f"{_THEIRS}; to ask about a recording, put a part of type input_audio into a message",
    "batches": "ask at once with AsyncClient and asyncio.gather",
    "beta": "parse is client.chat.completions.parse, and g4f.Conversation keeps the turns of a conversation",
    "completions": "use client.chat.completions.create(messages, model): a prompt may be given as messages",
    "containers": _THEIRS,
    "content_provenance_checks": _THEIRS,
    "conversations": "g4f.Conversation keeps the turns of a conversation",
    "decisions": _THEIRS,
    "embeddings": f"{_THEIRS}, or a package that embeds on your own machine, such as sentence-transformers",
    "evals": _THEIRS,
    "files": "to ask about a file, give it to client.chat.completions.create(…, files=…)",
    "fine_tuning": _THEIRS,
    "images": f"{_THEIRS}; to ask about an image, give it to client.chat.completions.create(…, images=…)",
    "live": _THEIRS,
    "moderations": _THEIRS,
    "realtime": _THEIRS,
    "responses": 'use client.chat.completions.create(messages, model), with protocol="responses" for that protocol',
    "safety": _THEIRS,
    "skills": _THEIRS,
    "uploads": "to ask about a file, give it to client.chat.completions.create(…, files=…)",
    "vector_stores": _THEIRS,
    "videos": _THEIRS,
    "webhooks": _THEIRS,
    "with_raw_response": _RAW,
    "with_streaming_response": _RAW,
}
"""Attributes of their clients."""

_STORED = "answers that OpenAI stores are read by its own package `openai`; here, g4f.tape keeps answers"

ELSEWHERE_IN_COMPLETIONS: Mapping[str, str] = {
    "delete": _STORED,
    "list": _STORED,
    "messages": _STORED,
    "retrieve": _STORED,
    "update": _STORED,
    "with_raw_response": _RAW,
    "with_streaming_response": _RAW,
}
"""Attributes of their `client.chat.completions`."""


def absent(path: str, name: str, elsewhere: Mapping[str, str]) -> AttributeError:
    """Return the error for an attribute that what stands at `path` does not have, with what to use instead."""
    if instead := elsewhere.get(name):
        return UnsupportedError(f"{path}.{name} is not here: {instead}")
    return AttributeError(f"{path} has no attribute {name!r}")
