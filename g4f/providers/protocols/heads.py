"""The names that a server gives to its model and to the answer, in all protocols. No I/O."""

from __future__ import annotations

from typing import Any

import msgspec

from ...printable import one_line
from ...wire import UNREADABLE

__all__ = ["names"]

LONGEST = 200
"""Characters of a name."""


class _Head(msgspec.Struct, gc=False, rename={"model_version": "modelVersion", "response_id": "responseId"}):
    id: Any = None
    response_id: Any = None
    model: Any = None
    model_version: Any = None
    message: Any = None
    response: Any = None


_HEAD = msgspec.json.Decoder(_Head)


def names(payload: bytes) -> tuple[str, str]:
    """Return the names of the model and of the answer in a payload; "" for one that it does not give."""
    try:
        head = _HEAD.decode(payload)
    except UNREADABLE:
        return "", ""
    begun = head.message or head.response  # as the streams of Anthropic and of Responses begin
    inner = begun if isinstance(begun, dict) else {}
    model = _name(head.model or head.model_version or inner.get("model"))
    return model, _name(head.id or head.response_id or inner.get("id"))


def _name(given: object) -> str:
    if not isinstance(given, str):
        return ""
    return given if len(given) < LONGEST and given.isprintable() else one_line(given[: 10 * LONGEST])[:LONGEST]
