"""What reads an answer, whatever the protocol: payloads → items, up to the first failure. No I/O."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import msgspec

from ..errors import G4FError, ResponseError
from .refusals import Asked, fault
from .response import Item
from .sse import ErrorPayload

__all__ = ["Reader"]


class Reader(ABC):
    """Feed the payloads of one answer; take its items. Each protocol has its own.

    `finished` is set by a finish reason, `done` by the end mark of a stream, after which nothing more is read.
    `failure` is the error that the answer turned out to be, to be raised once the items before it are given out.
    """

    __slots__ = ("asked", "done", "failure", "finished")

    decode: ClassVar[Any]
    """Makes a payload of a stream what `take` takes: a decoder of msgspec's. Raises msgspec's errors."""

    decode_whole: ClassVar[Any] = None
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
            answer = (self.decode_whole or self.decode)(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.refuse(body, error)
        else:
            self.take_whole(answer, body, out)
        return out

    def feed(self, payloads: list[bytes], *, last: bool = False) -> list[Item]:
        """Return the items of these payloads of a stream, up to the first failure.

        The `last` is what stood unfinished at the end of a stream: where it cannot be read, it was cut off.
        """
        out: list[Item] = []
        decode, take = self.decode, self.take
        for payload in payloads:
            try:
                chunk = decode(payload)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                mark = payload.strip()
                if mark and mark == self.end_mark:
                    self.done = True
                elif mark and not last:
                    self.refuse(payload, error)
                    break
                continue
            take(chunk, payload, out)
            if self.failure is not None:
                break
        return out

    def check_end(self) -> None:
        """Raise what is wrong with an answer that ends here: an error in it, or that it had not come to its end."""
        if self.failure is not None:
            raise self.failure
        if not (self.done or self.finished):
            raise ResponseError(f"{self.asked.provider}: the stream ended before the answer did.")

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
        if isinstance(error, UnicodeDecodeError) or "utf-8" in str(error).lower():
            return "its answer is broken: it is not UTF-8"
        return "its answer is broken: it is not JSON"
