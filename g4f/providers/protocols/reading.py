"""Reading an answer, whatever the protocol: payloads → items, up to the first failure. No I/O."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import msgspec

from ...errors import G4FError, ResponseError
from ...wire import UNREADABLE, decode, reread, written
from ..response import Item
from ..transport.refusals import Target, fault
from ..transport.sse import ErrorPayload

__all__ = ["Reader", "count", "tier", "tokens"]

MOST_TOKENS = 2**53
"""A count of so many or more is not taken for one: JavaScript, and many readers of JSON, cannot hold it."""


class Reader(ABC):
    """Feed it the payloads of one answer, and get its items. Each protocol has its own reader.

    A finish reason sets `finished`; the end mark of a stream sets `done`, and nothing is read after it.
    `failure` is the error that the answer turned out to be. It is raised once the items before it are given out.
    """

    __slots__ = ("done", "failure", "finished", "target")

    decoder: ClassVar[msgspec.json.Decoder[Any]]
    """Decodes a payload of a stream for `read`."""

    decoder_whole: ClassVar[msgspec.json.Decoder[Any] | None] = None
    """Decodes the body of an answer that is not a stream for `read_whole`. None if it has the same form."""

    end_mark: ClassVar[bytes] = b""
    """The payload that ends a stream, if there is one that is not JSON."""

    form: ClassVar[str]
    """The name, for errors, of the form that payloads must have."""

    def __init__(self, target: Target) -> None:
        self.done = self.finished = False
        self.failure: G4FError | None = None
        self.target = target

    @abstractmethod
    def read(self, chunk: Any, payload: bytes, out: list[Item]) -> None:
        """Put the items of one payload of a stream, decoded, into `out`."""

    def read_whole(self, answer: Any, body: bytes, out: list[Item]) -> None:
        """Put the items of an answer that is not a stream, decoded, into `out`."""
        self.read(answer, body, out)

    def whole(self, body: bytes) -> list[Item]:
        """Return the items of an answer that is not a stream."""
        out: list[Item] = []
        try:
            answer = decode(self.decoder_whole or self.decoder, body)
        except msgspec.DecodeError as error:
            self.refuse(body, error)
        else:
            self.read_whole(answer, body, out)
        return out

    def feed(self, payloads: list[bytes], *, last: bool = False) -> list[Item]:
        """Return the items of these payloads of a stream, up to the first failure.

        `last` says that the stream ended within the payload: if it cannot be read, it was cut off, and is passed over.
        """
        out: list[Item] = []
        decode, read = self.decoder.decode, self.read
        for payload in payloads:
            try:
                chunk = decode(payload)
            except UNREADABLE as error:
                self._read_odd(payload, error, out, last=last)
            else:
                read(chunk, payload, out)
            if self.failure is not None:
                break
        return out

    def _read_odd(self, payload: bytes, error: Exception, out: list[Item], *, last: bool) -> None:
        """Read a payload that msgspec refuses."""
        mark = payload.strip()
        if not mark:
            return
        if mark == self.end_mark:
            self.done = True
            return
        try:
            chunk = reread(payload, self.decoder.type, error)
        except msgspec.DecodeError as unreadable:
            if not last:
                self.refuse(payload, unreadable)
        else:
            self.read(chunk, payload, out)

    def is_over(self, full: str) -> bool:
        """Whether to stop reading: the answer is done, or failed. `full` is why its unfinished payload is too large."""
        if full and not self.done:
            self.fail(full)
        return self.done or self.failure is not None

    def check_end(self) -> None:
        """Raise the error in an answer that ends here, or ResponseError if it is not complete."""
        if self.failure is not None:
            raise self.failure
        if not (self.done or self.finished):
            raise ResponseError(f"{self.target.provider}: the stream ended before the answer did.")

    def arguments(self, given: Any) -> str:
        """Return the arguments of a tool call, which came as an object, as text."""
        try:
            return written(given)
        except RecursionError:
            self.fail("the arguments of a tool call are nested too deeply")
            return ""

    def fail(self, why: str) -> None:
        """Note that the answer cannot be used, and `why`."""
        self.failure = ResponseError(f"{self.target.provider}: {why}.")

    def refuse(self, payload: bytes, error: Exception) -> None:
        """Fail because of a payload that does not have the expected form: it may be an error that the server sends."""
        if isinstance(payload, ErrorPayload):
            self.failure = fault(self.target, payload)
        else:
            self.fail(self._unreadable(payload, error))

    def _unreadable(self, payload: bytes, error: Exception) -> str:
        if not payload.strip():
            return "its answer is empty"
        if payload.lstrip()[:1] == b"<":
            return "it sent a web page instead of an answer: check base_url"
        if isinstance(error, msgspec.ValidationError):
            return f"its answer is not in the form of {self.form} ({error})"
        if "nested" in str(error):
            return f"its answer is broken: {error}"
        if "utf-8" in str(error).lower():
            return "its answer is broken: it is not UTF-8"
        return "its answer is broken: it is not JSON"


def count(value: object) -> int | None:
    """Return a number of tokens, also if it is 1.0 or "1"; None for what is no count, which must not end an answer."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MOST_TOKENS:
        return None
    return int(value) if value == int(value) else None


def tokens(usage: object, *names: str) -> int | None:
    """Return the count at the path `names`, each within the one before; None if there is none."""
    for name in names:
        usage = usage.get(name) if isinstance(usage, dict) else None
    return count(usage)


def tier(given: object) -> str:
    """Return the server's word for the service that was paid for, which stands in its usage or beside; "" if none."""
    word = given.get("service_tier") if isinstance(given, dict) else given
    return word[:40] if isinstance(word, str) else ""
