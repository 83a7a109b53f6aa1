"""The file of a tape: one line of JSON per answer, sorted by question, so that a diff shows what changed.

{"key": "…", "n": 0, "tape": 1, "question": {…}, "events": ["Hel", "lo", {"type": "Usage", …}], "ms": [210, 15, 0]}

`key` is the hash of the question, `n` counts answers to the same question, `tape` is the version of this format, `ms`
the milliseconds before each event. A line that is nothing of that kind stays as it is, at the end. Several processes
may write: each change is made under a lock, to what is in the file at that moment, and replaces the file as a whole.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NamedTuple, TypeAlias

import msgspec

from ..errors import InputError, quoted
from ..files import check_writable, held, read, replace, resolve, state
from ..providers.response import FinishReason, ProviderInfo, Reasoning, ToolCall, Trimmed, Usage
from .question import RecordedQuestion, key_of

__all__ = ["BROKEN", "Entry", "Kept", "Odd", "TapeFile", "read_entry"]

VERSION = 1

Kept: TypeAlias = str | Reasoning | ToolCall | Usage | FinishReason | ProviderInfo | Trimmed
"""What is kept of an answer: its text and all events but Status and Replayed."""


BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading a broken line raises."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer on a tape: a line of its file."""

    key: str
    n: int
    tape: int
    question: msgspec.Raw
    events: msgspec.Raw
    ms: list[Annotated[int, msgspec.Meta(ge=0, le=10**9)]] = []

    @classmethod
    def of(cls, question: bytes, number: int, events: list[Kept], ms: list[int]) -> Entry:
        """Return the entry of an answer. Raises TypeError or ValueError for an event that could not be read again."""
        encoded = msgspec.Raw(msgspec.json.encode(events, enc_hook=str.__str__))  # a provider may have a str of its own
        _EVENTS.decode(encoded)  # raises for an event of its own
        return cls(key_of(question), number, VERSION, msgspec.Raw(question), encoded, ms if any(ms) else [])

    def decoded_question(self) -> RecordedQuestion:
        """Return its question. Raises BROKEN for a broken one."""
        return msgspec.json.decode(self.question, type=RecordedQuestion)

    def is_filed(self) -> bool:
        """Whether it stands under the key of its question. Raises BROKEN."""
        return self.key == key_of(self.decoded_question().encode())

    def items(self) -> list[Kept]:
        """Return the events. Raises BROKEN for broken ones."""
        return _EVENTS.decode(self.events)


class _Head(msgspec.Struct):
    """The part of each line that is read when a tape is opened: where the line belongs."""

    tape: int
    key: str = ""
    n: int = -1


_HEAD = msgspec.json.Decoder(_Head)
_ENTRY = msgspec.json.Decoder(Entry)
_EVENTS = msgspec.json.Decoder(list[Kept])


class Odd(NamedTuple):
    """A line that is ignored, and why. `number` counts from 1."""

    number: int
    line: bytes
    why: str


def read_entry(line: bytes) -> Entry:
    """Return what a line holds. Raises BROKEN for a broken one."""
    return _ENTRY.decode(line)


class TapeFile:
    """What is on a tape: `answers` has the lines by key and number, `odd` those that are ignored.

    Several threads may use it at once.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Raise InputError for what is no name of a file, or for another user's file in a common folder."""
        named = path if isinstance(path, str | os.PathLike) else quoted(path)
        self.path = resolve(path, f"the tape {named} cannot be used")
        self._unread, self._unwritten = (f"the tape {self.path} cannot be {done}" for done in ("read", "written"))
        self.answers: dict[str, dict[int, bytes]] = {}
        self.odd: list[Odd] = []
        self._seen: tuple[int, ...] = ()
        self._guard = threading.Lock()

    def read(self) -> None:
        """Read the file, if it has changed. Raises InputError if that cannot be done. No events are decoded."""
        with self._guard:
            self._read()

    def answers_to(self, key: str) -> list[bytes]:
        """Return the lines with answers to a question, in order."""
        with self._guard:
            lines = self.answers.get(key, {})
            return [lines[number] for number in sorted(lines)]

    def put(self, entry: Entry) -> None:
        """Write an answer in its place, and keep what others wrote meanwhile. Raises InputError."""
        with self.changed():
            self.answers.setdefault(entry.key, {})[entry.n] = msgspec.json.encode(entry)

    @contextmanager
    def changed(self) -> Iterator[None]:
        """Lock the file and read it; after the block has changed `answers` or `odd`, write it. Raises InputError."""
        self.check_writable()
        with self._guard, held(self.path, self._unwritten):
            self._read()
            yield
            self._write()

    def check_writable(self) -> None:
        """Raise InputError if it is already known that nothing can be written."""
        check_writable(self.path, self._unwritten)

    def _read(self) -> None:
        found = state(self.path, self._unread)
        if found != self._seen:
            self.answers, self.odd = _parsed(read(self.path, self._unread, missing=b""), self.path.name)
            self._seen = found

    def _write(self) -> None:
        lines = [self.answers[key][n] for key in sorted(self.answers) for n in sorted(self.answers[key])]
        replace(
            self.path, b"".join(line + b"\n" for line in (*lines, *(odd.line for odd in self.odd))), self._unwritten
        )
        self._seen = state(self.path, self._unwritten)


def _parsed(data: bytes, name: str) -> tuple[dict[str, dict[int, bytes]], list[Odd]]:
    """Return the answers by key and number, and the other lines. Raises InputError for a newer version."""
    answers: dict[str, dict[int, bytes]] = {}
    odd: list[Odd] = []
    for number, line in enumerate(map(bytes.strip, data.split(b"\n")), 1):
        if not line:
            continue
        try:
            head = _HEAD.decode(line)
        except BROKEN:
            odd.append(Odd(number, line, "is no answer of a tape"))
            continue
        if head.tape > VERSION:
            raise InputError(
                f"line {number} of the tape {name} is of version {head.tape}, and this g4f reads {VERSION}: "
                "pip install --upgrade g4f-jupyter"
            )
        if not head.key or head.n < 0:
            odd.append(Odd(number, line, "is no answer of a tape"))
        elif line != answers.setdefault(head.key, {}).setdefault(head.n, line):
            odd.append(Odd(number, line, "answers a question that has another answer above"))
    return answers, odd
