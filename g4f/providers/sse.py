"""Server-sent events: bytes, cut anywhere → the payloads of their events. No I/O.

As the WHATWG's "Server-sent events" (HTML Living Standard, 9.2.6) reads a stream, with one leniency: an event that
the end of the stream cuts off is given by `end()`, because servers exist that leave out the last blank line.
"""

from __future__ import annotations

__all__ = ["ErrorPayload", "Events"]

_BOM = b"\xef\xbb\xbf"


class ErrorPayload(bytes):
    """The payload of an event that the server called `error`."""


class Events:
    """Feed bytes as they arrive; take the payload of each event that is whole. The cuts never change the result."""

    __slots__ = ("_after_cr", "_began", "_rest")

    def __init__(self) -> None:
        self._rest: list[bytes] = []  # the beginning of an event that is not whole yet
        self._after_cr = False
        self._began = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads of the events that `data` completes."""
        if not self._began:
            data = self._first(data)
        if self._after_cr or b"\r" in data:
            data = self._newlines(data)
        rest = self._rest
        if rest and rest[-1].endswith(b"\n"):  # a blank line may itself be cut
            data = rest.pop() + data
        cut = data.rfind(b"\n\n")
        if cut < 0:
            if data:
                rest.append(data)
            return []
        whole = b"".join([*rest, data[:cut]]) if rest else data[:cut]
        rest.clear()
        if cut + 2 < len(data):
            rest.append(data[cut + 2 :])
        return _payloads(whole)

    def end(self) -> list[bytes]:
        """Return the payload of an event that the end of the stream has cut off, if there is one."""
        whole = b"".join(self._rest)
        self._rest.clear()
        return _payloads(whole)

    def _first(self, data: bytes) -> bytes:
        """Take the byte order mark off, which may itself be cut."""
        data = b"".join(self._rest) + data
        self._rest.clear()
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._rest = [data]
            return b""
        self._began = True
        return data.removeprefix(_BOM)

    def _newlines(self, data: bytes) -> bytes:
        """Make each end of a line one newline, also where its two bytes are cut apart."""
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
        elif field == b"error":  # not of the standard: how servers on llama.cpp have told of an error
            data, name = [value], field
    if not data:
        return None
    payload = b"\n".join(data)
    return ErrorPayload(payload) if name == b"error" else payload
