"""What a server says of its answer, such as the name of its model, in all protocols. No I/O."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

import msgspec

from ...printable import one_line
from ...wire import UNREADABLE
from ..response import ProviderInfo
from .beside import count

__all__ = ["head_of", "shown_model"]

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


def head_of(payload: bytes, provider: str, request_id: str) -> ProviderInfo | None:
    """Return what a payload of `provider` says of its answer; None if it names neither it nor its model."""
    try:
        head = _HEAD.decode(payload)
    except UNREADABLE:
        return None
    begun = head.message or head.response  # as the streams of Anthropic and of Responses begin
    inner = begun if isinstance(begun, dict) else {}
    model = _name(head.model or head.model_version or inner.get("model"))
    id_ = _name(head.id or head.response_id or inner.get("id"))
    if not (model or id_):
        return None
    created = 0 if head.created is None else count(head.created) or 0
    return ProviderInfo(provider, shown_model(model), id_, created, _name(head.system_fingerprint), request_id)


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
