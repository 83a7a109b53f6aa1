"""The file of a tape: one line of JSON an answer, sorted by question, so that a diff shows what changed.

{"key": "…", "n": 0, "tape": 1, "question": {…}, "events": ["Hel", "lo", {"type": "Usage", …}], "ms": [210, 15, 0]}

`key` is the hash of the question, `n` counts answers to the same question, `tape` is the version of this format, `ms`
the milliseconds before each event. A line that is none of that stays as it is, at the end. Several processes may
write: each change is made under a lock to what is there then, and takes the file's place as a whole.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EACCES
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeAlias

import msgspec

from ..errors import InputError
from ..providers.response import FinishReason, ProviderInfo, Reasoning, ToolCall, Trimmed, Usage
from .question import Question, key_of

__all__ = ["Entry", "Kept", "Odd", "TapeFile", "read_entry"]

if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)


VERSION = 1

Kept: TypeAlias = str | Reasoning | ToolCall | Usage | FinishReason | ProviderInfo | Trimmed
"""What is kept of an answer: all that it is made of, and nothing that was only waited for."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer on a tape: a line of its file."""

    key: str
    n: int
    tape: int
    question: msgspec.Raw
    events: msgspec.Raw
    ms: list[int] = []

    @classmethod
    def of(cls, question: bytes, number: int, events: list[Kept], ms: list[int]) -> Entry:
        """Return the entry of an answer. Raises TypeError or ValueError for what could not be read again."""
        encoded = msgspec.Raw(msgspec.json.encode(events, enc_hook=str.__str__))  # of a provider's own kind of text
        _EVENTS.decode(encoded)  # of its own kind of event
        return cls(key_of(question), number, VERSION, msgspec.Raw(question), encoded, ms if any(ms) else [])

    def asked(self) -> Question:
        """Return its question. Raises msgspec.DecodeError if someone broke it."""
        return msgspec.json.decode(self.question, type=Question)

    def is_filed(self) -> bool:
        """Whether it stands under the key of its question. Raises msgspec.DecodeError."""
        return self.key == key_of(self.asked().encode())

    def items(self) -> list[Kept]:
        """Return the events. Raises msgspec.DecodeError if someone broke them."""
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
    """Return what a line holds. Raises msgspec.DecodeError if someone broke it."""
    return _ENTRY.decode(line)


class TapeFile:
    """What is on a tape: `answers` has the lines by key and number, `odd` those that are passed over.

    It may be used by several threads at a time.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(os.path.realpath(os.path.expanduser(path)))  # noqa: PTH111 - it leaves an unknown ~name alone
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
        """Write an answer in its place, among what others have written meanwhile. Raises OSError, InputError."""
        with self.changed():
            self.answers.setdefault(entry.key, {})[entry.n] = msgspec.json.encode(entry)

    @contextmanager
    def changed(self) -> Iterator[None]:
        """Hold the file, freshly read, while `answers` and `odd` are changed; then write it. Raises OSError."""
        self.check_writable()
        with self._guard, _held(self.path):
            self._read()
            yield
            self._write()

    def check_writable(self) -> None:
        """Raise OSError if it can be told now that nothing can be written."""
        place = self.path if self.path.exists() else self.path.parent
        read_only = not place.stat().st_mode & 0o222  # which root could write all the same
        if read_only or not os.access(place, os.W_OK) or not os.access(self.path.parent, os.W_OK):
            raise PermissionError(EACCES, os.strerror(EACCES), str(place))

    def _read(self) -> None:
        try:
            found = self._state()
            if found != self._seen:
                self.answers, self.odd = _parsed(self.path.read_bytes() if found else b"", self.path.name)
                self._seen = found
        except OSError as error:
            raise InputError(f"the tape {self.path} cannot be read: {error.strerror}") from None

    def _state(self) -> tuple[int, ...]:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return ()
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _write(self) -> None:
        lines = [self.answers[key][n] for key in sorted(self.answers) for n in sorted(self.answers[key])]
        new = self.path.with_name(f"{self.path.name}.new")
        try:
            new.write_bytes(b"".join(line + b"\n" for line in (*lines, *(odd.line for odd in self.odd))))
            if self._seen:
                new.chmod(self.path.stat().st_mode & 0o777)
            new.replace(self.path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        self._seen = self._state()


def _parsed(data: bytes, name: str) -> tuple[dict[str, dict[int, bytes]], list[Odd]]:
    """Return answers by key and number, and the lines that are none. Raises InputError for a newer version."""
    answers: dict[str, dict[int, bytes]] = {}
    odd: list[Odd] = []
    for number, line in enumerate(map(bytes.strip, data.split(b"\n")), 1):
        if not line:
            continue
        try:
            head = _HEAD.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            odd.append(Odd(number, line, "is no answer of a tape"))
            continue
        if head.tape > VERSION:
            told = f"line {number} of the tape {name} is of version {head.tape}, and this g4f knows {VERSION}"
            raise InputError(f"{told}: pip install --upgrade g4f-jupyter")
        if not head.key or head.n < 0:
            odd.append(Odd(number, line, "is no answer of a tape"))
        elif line != answers.setdefault(head.key, {}).setdefault(head.n, line):
            odd.append(Odd(number, line, "answers a question that has another answer above"))
    return answers, odd


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Keep other processes, and other tapes of this one, from writing: by a file beside it, gone afterwards."""
    lock = path.with_name(f"{path.name}.lock")
    while True:
        with lock.open("ab") as file:
            _lock(file)
            if not _is_at(file, lock):  # who held it before has removed it
                continue
            try:
                yield
            finally:
                with suppress(PermissionError):  # of Windows, where an open file stays
                    lock.unlink()
            return


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
