"""JSON lines: bytes, cut anywhere → the payloads of their lines. No I/O.

https://github.com/ndjson/ndjson-spec, which allows to pass over blank lines. `end()` gives the last line of
the stream, which may have no newline.
"""

from __future__ import annotations

from .held import Held

__all__ = ["Lines"]

_BOM = b"\xef\xbb\xbf"


class Lines:
    """Feed it bytes as they arrive, and get each complete line. Where the bytes are cut never changes the result.

    `full` says why a line that does not end is too large; "" if none is.
    """

    __slots__ = ("_began", "_rest", "full")

    def __init__(self) -> None:
        self._rest = Held()  # the beginning of a line that is not complete yet
        self._began = False
        self.full = ""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that `data` completes."""
        cut = data.rfind(b"\n") + 1
        found = self._lines(data[:cut]) if cut else []
        if cut < len(data):
            self._rest.add(data[cut:])
            self.full = self._rest.full
        return found

    def end(self) -> list[bytes]:
        """Return the last line, if it has no newline."""
        return self._lines(b"")

    def _lines(self, data: bytes) -> list[bytes]:
        whole = self._rest.drain(data) if self._rest else data
        if not self._began:
            whole, self._began = whole.removeprefix(_BOM), True
        return [line for line in whole.splitlines() if line and not line.isspace()]
