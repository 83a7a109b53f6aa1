"""Events as they may flow, whatever the classes of a notebook yield: texts, counts and the usual words. No I/O."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

import msgspec

from .errors import ResponseError, kind_of
from .providers.protocols.beside import count
from .providers.protocols.finishes import FAILED, KNOWN, finish
from .providers.response import Event, FinishReason, ProviderState, Usage
from .wire import whole

__all__ = ["tidy"]


AnyEvent = TypeVar("AnyEvent", bound=Event)


def tidy(event: AnyEvent) -> AnyEvent:
    """Return `event` with "" for a text that is None, and without halves of characters, which no server takes.

    A reason why the answer ended is one of the usual words, if it means that. Odd counts of tokens become 0, or None:
    they must not cost the answer, nor must what is to be sent back, and cannot be written. Raises ResponseError for
    what is no text where one belongs.
    """
    if isinstance(event, FinishReason) and event.words == "" and type(event.reason) is str and event.reason in KNOWN:
        return event
    new: dict[str, Any] = _counts(event) if isinstance(event, Usage) else {}
    for name in _text_fields(type(event)):
        text = getattr(event, name)
        if type(text) is str and text.isascii():  # mostly, and quick to see
            continue
        if not isinstance(text, str | None):
            kind = type(event).__name__
            raise ResponseError(f"the provider yielded {kind} whose {name} is of type {kind_of(text)}, not a text")
        new[name] = whole(text or "")
    if isinstance(event, ProviderState) and not _can_be_written(event.items):
        new["items"] = []
    event = msgspec.structs.replace(event, **new) if new else event
    if isinstance(event, FinishReason) and (reason := finish(event.reason)) not in (FAILED, event.reason):
        return msgspec.structs.replace(event, reason=reason)
    return event


def _can_be_written(items: object) -> bool:
    try:
        return isinstance(items, list) and bool(msgspec.json.encode(items))
    except (ValueError, TypeError, OverflowError, RecursionError):  # halves of characters, huge numbers, depth
        return False


@cache
def _text_fields(kind: type[Event]) -> list[str]:
    return [field.name for field in msgspec.structs.fields(kind) if field.type is str]


def _counts(usage: Usage) -> dict[str, int | None]:
    """Return the fields of `usage` that are no counts, with what they should be."""
    counts: dict[str, int | None] = {}
    for name, is_needed in _count_fields():
        value = getattr(usage, name)
        if value is None and not is_needed:
            continue
        number = count(value)
        if type(value) is not int or number != value:
            counts[name] = 0 if number is None and is_needed else number
    return counts


@cache
def _count_fields() -> list[tuple[str, bool]]:
    """Return the names of the counts, and whether each must be one. msgspec evaluates types anew each time."""
    return [(field.name, field.type is int) for field in msgspec.structs.fields(Usage) if field.type is not str]
