"""Server-sent events: bytes, cut anywhere → the payloads of their events. No I/O.

A stream is read as in the WHATWG's "Server-sent events" (HTML Living Standard, 9.2.6), with one leniency: `end()` gives
an event that the end of the stream cuts off, because some servers leave out the last blank line.
"""

from __future__ import annotations

import re

from .held import Held

__all__ = ["ErrorPayload", "Events"]

_BOM = b"\xef\xbb\xbf"


class ErrorPayload(bytes):
    """The payload of an event named `error`."""


class Events:
    """Feed it bytes as they arrive, and get the payload of each complete event. Cuts never change the result.

    `full` says why an event that does not end is too large; "" if none is.
    """

    __slots__ = ("_after_cr", "_began", "_lines", "_rest", "full")

    says = re.compile(rb"^(?:data|event|error)\b.*\n", re.MULTILINE)
    """The lines to keep of an event that is not complete. Comments, which keep a connection alive, are not kept."""

    def __init__(self) -> None:
        self._lines = Held()  # the complete lines of an event that is not complete
        self._rest = Held()  # the beginning of a line
        self._after_cr = False
        self._began = False
        self.full = ""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads of the events that `data` completes."""
        if not self._began:
            data = self._first(data)
        if self._after_cr or b"\r" in data:
            data = self._newlines(data)
        found: list[bytes] = []
        if self._lines:
            data = self._closed(data, found)
        cut = data.rfind(b"\n\n")
        if cut < 0:
            self._keep(data)
            return found
        whole = self._rest.drain(data[:cut]) if self._rest else data[:cut]
        if cut + 2 < len(data):
            self._keep(data[cut + 2 :])
        return [*found, *_payloads(whole)] if found else _payloads(whole)

    def end(self) -> list[bytes]:
        """Return the payload of an event that the end of the stream cuts off, if there is one."""
        return _payloads(self._lines.drain(self._rest.drain()))

    def _closed(self, data: bytes, found: list[bytes]) -> bytes:
        """If the event whose first lines are kept ends in `data`, put its payload into `found`. Return the rest."""
        ends = data.startswith(b"\n") and not self._rest
        cut = -1 if ends else data.find(b"\n\n")
        if cut < 0 and not ends:
            return data
        found += _payloads(self._lines.drain(self._rest.drain(data[: max(cut, 0)])))
        return data[cut + 2 :]

    def _keep(self, data: bytes) -> None:
        """Keep the lines that matter of an event that is not complete yet."""
        cut = data.rfind(b"\n") + 1
        if cut:
            self._lines.add(b"".join(self.says.findall(self._rest.drain(data[:cut]))))
        self._rest.add(data[cut:])
        self.full = self._rest.full or self._lines.full

    def _first(self, data: bytes) -> bytes:
        """Remove the byte order mark, which may itself be cut."""
        data = self._rest.drain(data)
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._rest.add(data)
            return b""
        self._began = True
        return data.removeprefix(_BOM)

    def _newlines(self, data: bytes) -> bytes:
        """Turn each end of a line into one newline, also if its two bytes are cut apart."""
        if self._after_cr and data:
            data = data.removeprefix(b"\n")
            self._after_cr = False
        if data.endswith(b"\r"):
            self._after_cr = True
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _payloads(whole: bytes) -> list[bytes]:
    found = []
    for event in whole.split(b"\n\n"):
        if event.startswith(b"data: ") and b"\n" not in event:
            found.append(event[6:])
        elif event and (payload := _payload(event)) is not None:
            found.append(payload)
    return found


def _payload(event: bytes) -> bytes | None:
    """Return the payload of one event; None if it has no data."""
    data: list[bytes] = []
    name = b""
    for line in event.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.strip()
        elif field == b"error":  # not in the standard: servers on llama.cpp have sent errors so
            data, name = [value], field
    if not data:
        return None
    payload = b"\n".join(data)
    return ErrorPayload(payload) if name == b"error" else payload
