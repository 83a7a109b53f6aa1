"""About how many tokens a request takes, before its answer says it. No I/O."""

from __future__ import annotations

import re
from contextlib import suppress

import msgspec

__all__ = ["estimated"]

BYTES = 4
"""Of a token, on average."""

IMAGE = 1000
"""Tokens of an image or another file."""

_FILE = re.compile(rb"[A-Za-z0-9+/=_-]{2000,}")
"""Base64."""


class _Gemini(msgspec.Struct):
    maxOutputTokens: int = 0  # noqa: N815 - its name there


class _Asked(msgspec.Struct):
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    max_output_tokens: int | None = None
    generationConfig: _Gemini | None = None  # noqa: N815 - its name there


def estimated(body: bytes, usual: float) -> float:
    """Return the tokens of a question and its answer, which has as many as it may have; else as many as `usual`."""
    asked = _Asked()
    with suppress(msgspec.MsgspecError):
        asked = msgspec.json.decode(body, type=_Asked)
    most = asked.max_tokens or asked.max_completion_tokens or asked.max_output_tokens
    if most is None and asked.generationConfig is not None:
        most = asked.generationConfig.maxOutputTokens
    text, files = _FILE.subn(b"", body)
    return len(text) / BYTES + files * IMAGE + (most or usual)
