"""What a server says of its answer, such as the name of its model, in all protocols. No I/O."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, NamedTuple

import msgspec

from ...printable import one_line
from ...wire import UNREADABLE
from .beside import count

__all__ = ["Head", "head_of", "shown_model"]

LONGEST = 200
"""Characters of a name."""


class _Head(msgspec.Struct, gc=False, rename={"model_version": "modelVersion", "response_id": "responseId"}):
    id: Any = None
    response_id: Any = None
    model: Any = None
    model_version: Any = None
    created: Any = None
    system_fingerprint: Any = None
    message: Any = None
    response: Any = None


_HEAD = msgspec.json.Decoder(_Head)


class Head(NamedTuple):
    """What a server says of its answer.

    These are the names of the model, of the answer and of what the model ran on; "" for one that it does not give.
    `created` is in seconds since 1970, or 0.
    """

    model: str = ""
    id: str = ""
    fingerprint: str = ""
    created: int = 0


def head_of(payload: bytes) -> Head:
    """Return what a payload says of its answer."""
    try:
        head = _HEAD.decode(payload)
    except UNREADABLE:
        return Head()
    begun = head.message or head.response  # as the streams of Anthropic and of Responses begin
    inner = begun if isinstance(begun, dict) else {}
    model = _name(head.model or head.model_version or inner.get("model"))
    id_ = _name(head.id or head.response_id or inner.get("id"))
    created = 0 if head.created is None else count(head.created) or 0
    return Head(shown_model(model), id_, _name(head.system_fingerprint), created)


def _name(given: object) -> str:
    if not isinstance(given, str):
        return ""
    return given if len(given) < LONGEST and given.isprintable() else one_line(given[: 10 * LONGEST])[:LONGEST]


def shown_model(model: str) -> str:
    """Return the name of a model to be shown: llama.cpp names a path, of which the file is shown."""
    if "/" not in model and "\\" not in model:  # mostly, and quick to see
        return model
    path = PurePath(model)
    return path.name if path.is_absolute() else model
