"""What reads an answer, whatever the protocol: payloads → items, up to the first failure. No I/O."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import msgspec

from ...errors import G4FError, ResponseError
from ...wire import UNREADABLE, decode, reread, written
from ..response import Item
from ..transport.refusals import Asked, fault
from ..transport.sse import ErrorPayload

__all__ = ["Reader", "count", "tokens"]

MOST_TOKENS = 2**53
"""From here on a count is none: JavaScript, and many who read JSON, cannot hold it."""


class Reader(ABC):
    """Feed the payloads of one answer; take its items. Each protocol has its own.

    `finished` is set by a finish reason, `done` by the end mark of a stream, after which nothing more is read.
    `failure` is the error that the answer turned out to be, to be raised once the items before it are given out.
    """

    __slots__ = ("asked", "done", "failure", "finished")

    decoder: ClassVar[msgspec.json.Decoder[Any]]
    """Makes a payload of a stream what `take` takes."""

    decoder_whole: ClassVar[msgspec.json.Decoder[Any] | None] = None
    """The same for the body of an answer that is not a stream, and `take_whole`, where that has another form."""

    end_mark: ClassVar[bytes] = b""
    """The payload, no JSON, that says that the stream is whole."""

    form: ClassVar[str]
    """What to call the form that payloads should have."""

    def __init__(self, asked: Asked) -> None:
        self.done = self.finished = False
        self.failure: G4FError | None = None
        self.asked = asked

    @abstractmethod
    def take(self, chunk: Any, payload: bytes, out: list[Item]) -> None:
        """Put the items of one payload of a stream, decoded, into `out`."""

    def take_whole(self, answer: Any, body: bytes, out: list[Item]) -> None:
        """Put the items of an answer that is not a stream, decoded, into `out`."""
        self.take(answer, body, out)

    def whole(self, body: bytes) -> list[Item]:
        """Return the items of an answer that is not a stream."""
        out: list[Item] = []
        try:
            answer = decode(self.decoder_whole or self.decoder, body)
        except msgspec.DecodeError as error:
            self.refuse(body, error)
        else:
            self.take_whole(answer, body, out)
        return out

    def feed(self, payloads: list[bytes], *, last: bool = False) -> list[Item]:
        """Return the items of these payloads of a stream, up to the first failure.

        The `last` is what stood unfinished at the end of a stream: where it cannot be read, it was cut off.
        """
        out: list[Item] = []
        read, take = self.decoder.decode, self.take
        for payload in payloads:
            try:
                chunk = read(payload)
            except UNREADABLE as error:
                self._odd(payload, error, out, last=last)
            else:
                take(chunk, payload, out)
            if self.failure is not None:
                break
        return out

    def _odd(self, payload: bytes, error: Exception, out: list[Item], *, last: bool) -> None:
        """Take a payload that msgspec does not read."""
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
            self.take(chunk, payload, out)

    def is_over(self, full: str) -> bool:
        """Whether nothing more is to be read: it is done, or failed, or what is still not whole is `full`, and why."""
        if full and not self.done:
            self.fail(full)
        return self.done or self.failure is not None

    def check_end(self) -> None:
        """Raise what is wrong with an answer that ends here: an error in it, or that it had not come to its end."""
        if self.failure is not None:
            raise self.failure
        if not (self.done or self.finished):
            raise ResponseError(f"{self.asked.provider}: the stream ended before the answer did.")

    def arguments(self, given: Any) -> str:
        """Return as text the arguments of a call that are an object."""
        try:
            return written(given)
        except RecursionError:
            self.fail("the arguments of a tool call are nested too deeply")
            return ""

    def fail(self, why: str) -> None:
        """Take the answer for none: `why` says what it is instead."""
        self.failure = ResponseError(f"{self.asked.provider}: {why}.")

    def refuse(self, payload: bytes, error: Exception) -> None:
        """Fail by what a payload says that is no JSON of the expected form, or by saying that it is none."""
        if isinstance(payload, ErrorPayload):
            self.failure = fault(self.asked, payload)
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


def count(said: object) -> int | None:
    """Return a number of tokens, be it said as 1.0 or "1"; None for what is none. An odd one must not end an answer."""
    if isinstance(said, str) and said.isdecimal() and len(said) < 20:
        said = int(said)
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said < MOST_TOKENS:
        return None
    return int(said) if said == int(said) else None


def tokens(usage: object, *names: str) -> int | None:
    """Return the count that stands under `names`, one within the other; None if there is none."""
    for name in names:
        usage = usage.get(name) if isinstance(usage, dict) else None
    return count(usage)
