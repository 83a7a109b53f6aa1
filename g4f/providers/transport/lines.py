"""JSON lines: bytes, cut anywhere → the payloads of their lines. No I/O.

https://github.com/ndjson/ndjson-spec, with its leave to pass over blank lines. What the end of the stream cuts off is
given by `end()`, because the last line may have no newline.
"""

from __future__ import annotations

from .held import Held

__all__ = ["Lines"]

_BOM = b"\xef\xbb\xbf"


class Lines:
    """Feed bytes as they arrive; take each line that is whole. The cuts never change the result.

    `full` says why no more of a line is taken that does not end, "" while more is.
    """

    __slots__ = ("_began", "_rest", "full")

    def __init__(self) -> None:
        self._rest = Held()  # the beginning of a line that is not whole yet
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
        """Return the line that the end of the stream has cut off, if there is one."""
        return self._lines(b"")

    def _lines(self, data: bytes) -> list[bytes]:
        whole = self._rest.drain(data) if self._rest else data
        if not self._began:
            whole, self._began = whole.removeprefix(_BOM), True
        return [line for line in whole.splitlines() if line and not line.isspace()]
