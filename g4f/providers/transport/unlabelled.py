"""Answers whose content type does not say their form: it is found out from their first bytes. No I/O."""

from __future__ import annotations

import re
from typing import Protocol

from .held import Held
from .lines import Lines
from .sse import Events

__all__ = ["Body", "PayloadFrames", "Unlabelled", "is_events"]

_BEGIN = re.compile(rb"(?:\xef\xbb\xbf)?\s*")
_NOTHING = re.compile(_BEGIN.pattern + rb"|\xef\xbb?")  # or a part of the byte order mark
_EVENTS = re.compile(_BEGIN.pattern + rb"(?:(?:data|event|id|retry|error)?:|(?:data|event)\s)")
_LATER_EVENTS = re.compile(rb"^(?:data|event):", re.MULTILINE)
_JSON = re.compile(_BEGIN.pattern + rb"[{\[<]")


class PayloadFrames(Protocol):
    """Bytes, cut anywhere → payloads."""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads that `data` completes."""

    def end(self) -> list[bytes]:
        """Return what the end of the stream has cut off."""

    @property
    def full(self) -> str:
        """Why an unfinished payload is too large to be read on; "" while it is not."""


class Body(bytes):
    """The payload that is a whole answer, and not a part of a stream."""


def is_events(data: bytes) -> bool:
    """Whether server-sent events begin with `data`, and neither JSON nor a web page."""
    return _EVENTS.match(data) is not None


class Unlabelled:
    """Reads server-sent events, lines of JSON, or one whole body, whatever comes.

    `usual` is what the content type says: if it is `Lines`, one line is not a whole body.
    """

    __slots__ = ("_events", "_found", "_held", "_usual")

    def __init__(self, events: type[Events], usual: type[PayloadFrames] | None) -> None:
        self._events, self._usual = events, usual
        self._found: PayloadFrames | None = None
        self._held = Held()

    @property
    def full(self) -> str:
        """Why it is too large to be read on; "" while it is not."""
        return self._held.full if self._found is None else self._found.full

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads that `data` completes."""
        if self._found is None:
            if not self._held:
                data = data.lstrip(b"\r\n")  # blank lines keep a connection alive
            self._held.add(data)
            if (kind := self._kind(data)) is None:
                return []
            self._found, data = kind(), self._held.drain()
        return self._found.feed(data)

    def end(self) -> list[bytes]:
        """Return what the end of the stream has cut off, or the whole body."""
        if self._found is not None:
            return self._found.end()
        body = self._held.drain()
        return [Body(body)] if body else []

    def _kind(self, data: bytes) -> type[PayloadFrames] | None:
        """Return the class that reads what is held, which ends with `data`; None for a whole body, and in doubt."""
        held = self._held
        if _NOTHING.fullmatch(held):
            return None
        if _EVENTS.match(held):
            return self._events
        if not _JSON.match(held):
            return self._events if _LATER_EVENTS.search(held, max(0, len(held) - len(data) - 6)) else None
        first, _, more = held.lstrip().partition(b"\n") if b"\n" in data else (b"", b"", b"")
        if not first.rstrip().endswith(b"}"):  # a whole answer over several lines
            return None
        return Lines if more.strip() or self._usual is Lines else None
