"""The file of a tape: one line of JSON per answer, sorted by question, so that a diff shows what changed.

{"key": "…", "n": 0, "tape": 1, "question": {…}, "events": ["Hel", "lo", {"type": "Usage", …}], "ms": [210, 15, 0]}

`key` is the hash of the question, `n` counts answers to the same question, `tape` is the version of this format, `ms`
the milliseconds before each event, and `ports` which ports the servers of the question had (see `taping.ports`). A
line that is nothing of that kind stays as it is, at the end.

Several processes may write, each under a lock. An answer is appended, as a line that begins with a space: it replaces
the answer above it that has its key and number. When the tape is closed, the lines are put in order, without spaces, in
a new file that replaces the old one. A file that a killed process left before that is read all the same.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, BinaryIO, NamedTuple, TypeAlias

import msgspec

from ..errors import InputError, quoted
from ..files import append, check_writable, opened, replace, resolve, state
from ..locks import held
from .kept import Kept
from .question import RecordedQuestion, key_of

__all__ = ["BROKEN", "VERSION", "Entry", "Odd", "TapeFile", "read_entry"]

VERSION = 1

APPENDED = b" "
"""What a line begins with that was appended, and is not in order yet."""

BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading a broken line raises."""

_Ports: TypeAlias = dict[Annotated[str, msgspec.Meta(max_length=9)], Annotated[int, msgspec.Meta(ge=1, le=65535)]]


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer on a tape: a line of its file."""

    key: str
    n: int
    tape: int
    question: msgspec.Raw
    events: msgspec.Raw
    ms: list[Annotated[int, msgspec.Meta(ge=0, le=10**9)]] = []
    ports: _Ports = {}

    @classmethod
    def of(
        cls, question: bytes, number: int, events: list[Kept], ms: list[int], ports: dict[str, int] | None = None
    ) -> Entry:
        """Return the entry of an answer. Raises TypeError or ValueError for an event that could not be read again."""
        encoded = msgspec.Raw(msgspec.json.encode(events, enc_hook=str.__str__))  # a provider may have a str of its own
        _EVENTS.decode(encoded)  # raises for an event of its own
        return cls(
            key_of(question), number, VERSION, msgspec.Raw(question), encoded, ms if any(ms) else [], ports or {}
        )

    def decoded_question(self) -> RecordedQuestion:
        """Return its question. Raises BROKEN for a broken one."""
        return msgspec.json.decode(self.question, type=RecordedQuestion)

    def is_filed(self) -> bool:
        """Whether it stands under the key of its question. Raises BROKEN."""
        return self.key == key_of(self.decoded_question().encode())

    def items(self) -> list[Kept]:
        """Return the events. Raises BROKEN for broken ones."""
        return _EVENTS.decode(self.events)


class _Head(msgspec.Struct, gc=False):
    """The part of each line that is read when a tape is opened: where the line belongs."""

    tape: int
    key: str = ""
    n: int = -1
    ports: _Ports = {}


_HEAD = msgspec.json.Decoder(_Head)
_ENTRY = msgspec.json.Decoder(Entry)
_EVENTS = msgspec.json.Decoder(list[Kept])


class Odd(NamedTuple):
    """A line that is ignored, and why. `number` counts from 1, `start` is where it begins."""

    number: int
    start: int
    why: str


def read_entry(line: bytes) -> Entry:
    """Return what a line holds. Raises BROKEN for a broken one."""
    return _ENTRY.decode(line)


class TapeFile:
    """What is on a tape: `answers` has where each line begins, by key and number, `odd` the lines that are ignored.

    Several threads may use it at once.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Raise InputError for what is no name of a file, or for another user's file in a common folder."""
        named = path if isinstance(path, str | os.PathLike) else quoted(path)
        self.path = resolve(path, f"the tape {named} cannot be used")
        self._unread, self._unwritten = (f"the tape {self.path} cannot be {done}" for done in ("read", "written"))
        self._guard = threading.RLock()
        self._forget()

    def _forget(self) -> None:
        self.answers: dict[str, dict[int, int]] = {}
        self.ports: dict[str, set[int]] = {}
        self.odd: list[Odd] = []
        self.is_in_order = True
        self._seen: tuple[int, ...] = ()
        self._count = self._end = 0
        self._last = b""

    def read(self) -> None:
        """Read what is new in the file. Raises InputError if that cannot be done. No events are decoded."""
        with self._guard:
            before = self._seen
            self._read()
            if self._seen != before and self.odd and self.odd[-1].start == self._end:  # perhaps it is being written
                with suppress(InputError), held(self.path, self._unread):
                    self._read()

    def numbers(self, key: str) -> list[int]:
        """Return the numbers of the answers to a question, in order."""
        with self._guard:
            return sorted(self.answers.get(key, ()))

    def line(self, key: str, number: int) -> bytes | None:
        """Return the line with an answer; None if it is not there, or no longer. Raises InputError."""
        with self._guard:
            self._read()
            if number not in self.answers.get(key, ()):
                return None
            with self._opened() as file:
                start = self.answers.get(key, {}).get(number)
                return None if start is None else _line(file, start)

    def lines(self) -> Iterator[tuple[str, int, bytes]]:
        """Yield the answers in order, each with its key and number. Raises InputError."""
        with self._guard:
            if not self.answers:
                return
            with self._opened() as file:
                for key in sorted(self.answers):
                    for number, start in sorted(self.answers[key].items()):
                        yield key, number, _line(file, start)

    def put(self, entry: Entry) -> None:
        """Add an answer, which replaces that with its key and number. Raises InputError."""
        self.check_writable()
        with self._guard, held(self.path, self._unwritten):
            self._read()
            append(self.path, APPENDED + msgspec.json.encode(entry) + b"\n", self._unwritten)
            self._read()

    def put_in_order(self) -> None:
        """Put the lines in order, if they are not, and keep what others wrote meanwhile. Raises InputError."""
        if self.is_in_order:
            return
        self.read()  # another process may have done it, or removed the file
        if not self.is_in_order:
            with self.changed():
                pass

    @contextmanager
    def changed(self) -> Iterator[None]:
        """Lock the file and read it; after the block has changed `answers` or `odd`, write it. Raises InputError."""
        self.check_writable()
        with self._guard, held(self.path, self._unwritten):
            self._read()
            yield
            replace(self.path, self._ordered(), self._unwritten)
            self._forget()

    def check_writable(self) -> None:
        """Raise InputError if it is already known that nothing can be written."""
        check_writable(self.path, self._unwritten)

    @property
    def size(self) -> int:
        """Return the bytes of the file."""
        return self._end

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        """Open the file that was read last, or the one that is in its place now, and read that."""
        with opened(self.path, self._unread) as (file, found):
            if found != self._seen:
                self._index(file, found)
            yield file

    def _read(self) -> None:
        found = state(self.path, self._unread)
        if found == self._seen:
            return
        if not found:
            self._forget()
            return
        with opened(self.path, self._unread) as (file, found):
            self._index(file, found)

    def _index(self, file: BinaryIO, found: tuple[int, ...]) -> None:
        """Read the lines that are new; all, if the file is another one, or was changed before them."""
        if not self._is_continued(file, found):
            start = file.tell()
            self._forget()
            self._end = start
        self.odd = [odd for odd in self.odd if odd.start < self._end]  # half a line may have become whole
        file.seek(start := self._end)
        try:
            for number, line in enumerate(file, self._count + 1):
                self._place(number, start, line, file)
                if not line.endswith(b"\n"):  # what is written behind it meanwhile belongs to it
                    break
                start += len(line)
                self._count, self._end, self._last = number, start, line
        except InputError:
            self._forget()
            raise
        self._seen = found

    def _is_continued(self, file: BinaryIO, found: tuple[int, ...]) -> bool:
        if not self._last or found[0] != self._seen[0] or found[2] < self._end:
            return False
        before = file.tell()
        file.seek(self._end - len(self._last))
        is_same = file.read(len(self._last)) == self._last
        file.seek(before)
        return is_same

    def _place(self, number: int, start: int, line: bytes, file: BinaryIO) -> None:
        """Note where the answer of a line begins. Raises InputError for a newer version."""
        try:
            head = _HEAD.decode(line)
        except BROKEN:
            if not line.isspace():
                self.odd.append(Odd(number, start, "is no answer of a tape"))
            return
        if head.tape > VERSION:
            raise InputError(
                f"line {number} of the tape {self.path.name} is of version {head.tape}, and this g4f reads {VERSION}: "
                "pip install --upgrade g4f-jupyter"
            )
        if not head.key or head.n < 0:
            self.odd.append(Odd(number, start, "is no answer of a tape"))
            return
        numbers = self.answers.setdefault(head.key, {})
        if line.startswith(APPENDED):
            self.is_in_order = False
        elif head.n in numbers:
            if _line(file, numbers[head.n]) != line.strip():
                self.odd.append(Odd(number, start, "answers a question that has another answer above"))
            file.seek(start + len(line))
            return
        numbers[head.n] = start
        for name, port in head.ports.items():
            self.ports.setdefault(name, set()).add(port)

    def _ordered(self) -> Iterator[bytes]:
        """Yield the lines of the file as it is written: the answers in order, and then what is odd."""
        for _, _, line in self.lines():
            yield line + b"\n"
        if self.odd:
            with self._opened() as file:
                for odd in self.odd:
                    yield _line(file, odd.start) + b"\n"


def _line(file: BinaryIO, start: int) -> bytes:
    file.seek(start)
    return file.readline().strip()
