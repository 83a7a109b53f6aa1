"""What has arrived of something that is not whole yet. No I/O."""

from __future__ import annotations

__all__ = ["Held"]

LONGEST = 2**24
"""Bytes that an event, a line, or an answer that is no stream may have: more of it would only fill the memory."""

FREE, MOST = 2**18, 200_000
"""Bytes that may hold any values, and how many values may follow: each takes some 100 bytes once it is decoded."""


class Held(bytearray):
    """Bytes, up to a limit. `full` says what is wrong once it is passed, "" until then."""

    __slots__ = ("_values", "full")

    def __init__(self) -> None:
        super().__init__()
        self._values = 0
        self.full = ""

    def add(self, data: bytes) -> None:
        """Hold `data`, too."""
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
        """Return what was held, and `data` behind it; nothing is held any more."""
        whole = b"".join((self, data))
        self.clear()
        self._values = 0
        return whole
