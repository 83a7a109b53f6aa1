"""The file of a tape: one line of JSON an answer, sorted by question, so that a diff shows what changed.

{"key": "…", "n": 0, "tape": 1, "question": {…}, "events": ["Hel", "lo", {"type": "Usage", …}], "ms": [210, 15, 0]}

`key` is the hash of the question, `n` counts answers to the same question, `tape` is the version of this format, `ms`
the milliseconds before each event. A line that is none of that stays as it is, at the end. Several processes may
write: each change is made under a lock to what is there then, and takes the file's place as a whole.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NamedTuple, TypeAlias

import msgspec

from ..errors import InputError
from ..files import check_writable, held, read, replace, resolve, state
from ..providers.response import FinishReason, ProviderInfo, Reasoning, ToolCall, Trimmed, Usage
from .question import RecordedQuestion, key_of

__all__ = ["BROKEN", "Entry", "Kept", "Odd", "TapeFile", "read_entry"]

VERSION = 1

Kept: TypeAlias = str | Reasoning | ToolCall | Usage | FinishReason | ProviderInfo | Trimmed
"""What is kept of an answer: all that it is made of, and nothing that was only waited for."""


BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What is raised for a line that someone broke, by all that reads one."""


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
        """Return the entry of an answer. Raises TypeError or ValueError for what could not be read again."""
        encoded = msgspec.Raw(msgspec.json.encode(events, enc_hook=str.__str__))  # of a provider's own kind of text
        _EVENTS.decode(encoded)  # of its own kind of event
        return cls(key_of(question), number, VERSION, msgspec.Raw(question), encoded, ms if any(ms) else [])

    def decoded_question(self) -> RecordedQuestion:
        """Return its question. Raises BROKEN if someone broke it."""
        return msgspec.json.decode(self.question, type=RecordedQuestion)

    def is_filed(self) -> bool:
        """Whether it stands under the key of its question. Raises BROKEN."""
        return self.key == key_of(self.decoded_question().encode())

    def items(self) -> list[Kept]:
        """Return the events. Raises BROKEN if someone broke them."""
        return _EVENTS.decode(self.events)


class _Head(msgspec.Struct):
    """What is read of each line when a tape is opened: where it belongs."""

    tape: int
    key: str = ""
    n: int = -1


_HEAD = msgspec.json.Decoder(_Head)
_ENTRY = msgspec.json.Decoder(Entry)
_EVENTS = msgspec.json.Decoder(list[Kept])


class Odd(NamedTuple):
    """A line that is passed over, and why. `number` counts from 1."""

    number: int
    line: bytes
    why: str


def read_entry(line: bytes) -> Entry:
    """Return what a line holds. Raises BROKEN if someone broke it."""
    return _ENTRY.decode(line)


class TapeFile:
    """What is on a tape: `answers` has the lines by key and number, `odd` those that are passed over.

    It may be used by several threads at a time.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Raise InputError for what is no name of a file, or that of another user's file in a common folder."""
        self.path = resolve(path, f"the tape {path} cannot be used")
        self._unread, self._unwritten = (f"the tape {self.path} cannot be {done}" for done in ("read", "written"))
        self.answers: dict[str, dict[int, bytes]] = {}
        self.odd: list[Odd] = []
        self._seen: tuple[int, ...] = ()
        self._guard = threading.Lock()

    def read(self) -> None:
        """Take in what stands in the file, if it changed since. Raises InputError if it cannot be read.

        No events are decoded.
        """
        with self._guard:
            self._read()

    def answers_to(self, key: str) -> list[bytes]:
        """Return the lines with answers to a question, in order."""
        with self._guard:
            lines = self.answers.get(key, {})
            return [lines[number] for number in sorted(lines)]

    def put(self, entry: Entry) -> None:
        """Write an answer in its place, among what others have written meanwhile. Raises InputError."""
        with self.changed():
            self.answers.setdefault(entry.key, {})[entry.n] = msgspec.json.encode(entry)

    @contextmanager
    def changed(self) -> Iterator[None]:
        """Hold the file, freshly read, while `answers` and `odd` are changed; then write it. Raises InputError."""
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
    """Return answers by key and number, and the lines that are none. Raises InputError for a newer version."""
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
