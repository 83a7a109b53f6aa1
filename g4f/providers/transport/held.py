"""What has arrived of a line, an event or an answer that is not complete yet. No I/O."""

from __future__ import annotations

__all__ = ["Held"]

LONGEST = 2**24
"""The largest event, line, or whole answer in bytes: a larger one would only fill the memory."""

FREE, MOST = 2**18, 200_000
"""Bytes whose values are not counted, and the values allowed after them: each takes about 100 bytes once decoded."""


class Held(bytearray):
    """Bytes, up to a limit. `full` says which limit is passed; "" if none is."""

    __slots__ = ("_values", "full")

    def __init__(self) -> None:
        super().__init__()
        self._values = 0
        self.full = ""

    def add(self, data: bytes) -> None:
        """Add `data` to what is held."""
        self.extend(data)
        size = len(self)
        if size <= FREE:
            return
        self._values += sum(map(data.count, (b",", b"[", b"{", b"\n")))
        if size > LONGEST:
            self.full = f"it sent more than {LONGEST // 2**20} MB in one piece"
        elif self._values > MOST:
            self.full = f"it sent more than {MOST:,} values in one piece"

    def drain(self, data: bytes = b"") -> bytes:
        """Return what is held, with `data` after it, and hold nothing."""
        whole = b"".join((self, data))
        self.clear()
        self._values = 0
        return whole
