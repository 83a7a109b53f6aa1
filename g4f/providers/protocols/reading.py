"""Reading an answer, whatever the protocol: payloads → items, up to the first failure. No I/O."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

import msgspec

from ...errors import G4FError, ResponseError
from ...wire import UNREADABLE, decode, decoded, parted, reread, whole, written
from ..response import FinishReason, Item, Omitted, Reasoning, ToolCall, Usage
from ..transport.lines import Lines
from ..transport.refusals import Target, fault, is_fault, line, redact, words_of
from ..transport.sse import ErrorPayload
from ..transport.unlabelled import Body
from .finishes import FAILED, KNOWN, finish
from .heads import head_of

__all__ = ["Reader"]

HEADS = 3
"""The first reads of a stream, and the first payloads of each, in which the server's names are looked for."""

_NO_PAYLOAD = re.compile(rb"(?i)(?!.*(?:error|exception|fail))(?:[\w .,:;!+/-]{1,100}|\"[^\"]*\")")
"""What keeps a connection alive within an event: a word, a number, a time, null. It is passed over."""


class Reader(ABC):
    """Feed it the payloads of one answer, and get its items. Each protocol has its own reader.

    A finish reason sets `finished`; the end mark of a stream sets `done`, and nothing is read after it.
    `failure` is the error that the answer turned out to be. It is raised once the items before it are given out.
    `kinds` are those of the items of earlier reads, up to the first text. `request_id` is the server's own name for
    the request, "" if it has none.
    """

    __slots__ = (
        "_ended",
        "_halves",
        "_heads",
        "_resumed",
        "done",
        "failure",
        "finished",
        "kinds",
        "request_id",
        "target",
    )

    decoder: ClassVar[msgspec.json.Decoder[Any]]
    """Decodes a payload of a stream for `read`."""

    decoder_whole: ClassVar[msgspec.json.Decoder[Any] | None] = None
    """Decodes the body of an answer that is not a stream for `read_whole`. None if it has the same form."""

    heads: ClassVar[int] = HEADS
    """Reads in which the server's names for its model and for the answer are looked for."""

    done_by_mark: ClassVar[bool] = False
    """Whether the mark [DONE] alone makes a stream complete, without a finish reason."""

    form: ClassVar[str]
    """The name, for errors, of the form that payloads must have."""

    heart: ClassVar[str]
    """The name, for errors, of what a whole answer must have."""

    def __init__(self, target: Target) -> None:
        self.request_id = ""
        self.done = self.finished = self._ended = self._resumed = False
        self.failure: G4FError | None = None
        self.target = target
        self._heads = self.heads
        self._halves: dict[int, str] = {}  # of characters, at the end of a call's arguments so far
        self.kinds: set[type] = set()

    @abstractmethod
    def read(self, chunk: Any, payload: bytes, out: list[Item]) -> None:
        """Put the items of one payload of a stream, decoded, into `out`."""

    def read_whole(self, answer: Any, body: bytes, out: list[Item]) -> None:
        """Put the items of an answer that is not a stream, decoded, into `out`, and note that it is finished."""
        self.read(answer, body, out)

    def end(self, out: list[Item]) -> None:  # noqa: B027 - not every protocol keeps something for the end
        """Put into `out` what is known only at the end of an answer, be it complete or not."""

    def whole(self, body: bytes) -> list[Item]:
        """Return the items of an answer that is not a stream. It may have come as a stream's lines, or in an array."""
        out: list[Item] = []
        try:
            answer = decode(self.decoder_whole or self.decoder, body)
        except msgspec.ValidationError as error:
            parts = _objects(body)
            if len(parts) > 1:
                return self.feed(parts, last=True)
            if parts:
                return self.whole(parts[0])
            self.refuse(body, error)
        except msgspec.DecodeError as error:
            lines = Lines()
            payloads = [*lines.feed(body), *lines.end()]
            if len(payloads) > 1 and payloads[0].rstrip().endswith(b"}"):
                return self.feed(payloads, last=True)
            self.refuse(body, error)
        else:
            self._meet([body], out)
            self.read_whole(answer, body, out)
            if not self.finished and self.failure is None and not self.fail_if_told(body):
                self._fail_with(f"its answer has no {self.heart}", body)
            self._end(out)
        self.kinds.update(map(type, out))
        return out

    def feed(self, payloads: list[bytes], *, last: bool = False) -> list[Item]:
        """Return the items of these payloads of a stream, up to the first failure.

        `last` says that the stream ended within the payload: if it cannot be read, it was cut off, and is passed over.
        """
        if last and payloads and isinstance(payloads[0], Body):
            return self.whole(payloads[0])
        out: list[Item] = []
        finished = self.finished
        if self._heads and payloads:
            self._meet(payloads, out)
        self._feed(payloads, out, last=last)
        if finished and any(isinstance(item, str | Reasoning | ToolCall) for item in out):
            self._resumed = True
        if str not in self.kinds:
            self.kinds.update(map(type, out))
        if last or self.done:
            self._end(out)
        return out

    def _feed(self, payloads: Iterable[bytes], out: list[Item], *, last: bool) -> None:
        decode, read = self.decoder.decode, self.read
        for payload in payloads:
            try:
                chunk = decode(payload)
            except UNREADABLE as error:
                self._read_odd(payload, error, out, last=last)
            else:
                read(chunk, payload, out)
            if self.failure is not None:
                if self.is_whole:  # what comes after a complete answer does not take it away
                    self.failure, self.done = None, True
                break

    def _read_odd(self, payload: bytes, error: Exception, out: list[Item], *, last: bool) -> None:
        """Read a payload that msgspec refuses."""
        mark = payload.strip()
        if mark.strip(b'"').upper() == b"[DONE]":
            self.done = self.finished or self.done_by_mark
            return
        if not mark or (_NO_PAYLOAD.fullmatch(mark) and not isinstance(payload, ErrorPayload)):
            return
        try:
            chunk = reread(payload, self.decoder.type, error)
        except msgspec.DecodeError as unreadable:
            *lines, end = mark.splitlines()
            if lines and not lines[0].endswith((b"{", b"[", b",")):  # events without a blank line between them
                self._feed(lines, out, last=False)
                if self.failure is None and not self.done:
                    self._feed((end,), out, last=last)
            elif not last or isinstance(payload, ErrorPayload):
                self.refuse(payload, unreadable)
        else:
            self.read(chunk, payload, out)

    def _meet(self, payloads: list[bytes], out: list[Item]) -> None:
        """Put what the server says of its answer into `out`, if it names it or its model."""
        self._heads -= 1
        for payload in payloads[:HEADS]:
            if (head := head_of(payload, self.target.provider, self.request_id)) is not None:
                self._heads = 0
                out.append(head)
                return

    def _end(self, out: list[Item]) -> None:
        if not self._ended:
            self._ended = True
            if self._halves:
                out.extend(ToolCall(number, arguments=whole(half)) for number, half in self._halves.items())
            self.end(out)

    @property
    def is_whole(self) -> bool:
        """Whether the answer is complete: after its finish reason, a server may have nothing more to say.

        It is not known of a server that gave a finish reason, and then went on.
        """
        return self.finished and not self._resumed

    def finish(self, reason: object, words: object = "", *, called: object = False) -> FinishReason | None:
        """Note that the answer ended, and return why; None for no reason, and for a failure, which is noted.

        `called` says whether tools are called, and `words` explain the reason.
        """
        kind = finish(reason) if isinstance(reason, str) else ""
        if not kind or self.failure is not None:
            return None
        if kind == FAILED:
            self.failure = fault(self.target, {"message": f"{reason} {words or ''}".strip()})
            return None
        self.finished = True
        if kind == "stop" and called:
            kind = "tool_calls"
        return FinishReason(kind if kind in KNOWN else self._shown(kind), self._shown(words) if words else "")

    def put_last(self, usage: Usage | None, reason: FinishReason | None, out: list[Item]) -> None:
        """Put what a protocol repeats or completes until the end of an answer into `out`."""
        if usage is not None:
            out.append(usage)
        if reason is not None and self.failure is None:
            out.append(reason)

    def _shown(self, words: object) -> str:
        """Return words of the server as one line without secrets; "" for what are none."""
        return line(redact(words, self.target.sent)) if words and isinstance(words, str) else ""

    def is_over(self, full: str) -> bool:
        """Whether to stop reading: the answer is done, or failed. `full` is why its unfinished payload is too large."""
        if full and not self.finished and not self.done:
            self.fail(full)
        return self.done or self.failure is not None or bool(full)

    def check_end(self) -> None:
        """Raise the error in an answer that ends here, or ResponseError if it is not complete."""
        if self.failure is not None:
            raise self.failure
        if not (self.done or self.finished):
            raise ResponseError(f"{self.target.provider}: the stream ended before the answer did.")
        if Omitted in self.kinds and not self.kinds & {str, ToolCall}:
            raise ResponseError(
                f"{self.target.provider} answered with what is no text, such as an image: ask for text."
            )

    def call(self, number: int, id_: str = "", name: str = "", arguments: str = "") -> ToolCall:
        """Return the event for a piece of a call, with the halves of characters joined across its pieces."""
        if self._halves or not arguments.isascii():
            arguments, half = parted(self._halves.pop(number, "") + arguments)
            if half:
                self._halves[number] = half
        return ToolCall(number, id_, name, arguments)

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

    def fail_if_told(self, payload: bytes) -> bool:
        """Fail if a payload that has nothing of an answer says that there was a failure. Return whether it does."""
        if isinstance(payload, ErrorPayload) or is_fault(payload):
            self.failure = fault(self.target, payload)
        return self.failure is not None

    def refuse(self, payload: bytes, error: Exception) -> None:
        """Fail because of a payload that does not have the expected form: it may be an error that the server sends."""
        if self.fail_if_told(payload):
            return
        first = payload.lstrip()[:1]
        if not first:
            self.fail("its answer is empty")
        elif first == b"<":
            self.fail("it sent a web page instead of an answer: check base_url")
        elif isinstance(error, msgspec.ValidationError):
            self._fail_with(f"its answer is not in the form of {self.form} ({error})", payload)
        elif "nested" in str(error):
            self.fail(f"its answer is broken: {error}")
        elif "utf-8" in str(error).lower():
            self.fail("its answer is broken: it is not UTF-8")
        elif first in b"{['\"":
            self.fail("its answer is broken: it is not JSON")
        else:
            self._fail_with("its answer is broken: it is not JSON", payload)

    def _fail_with(self, why: str, payload: bytes) -> None:
        """Note that the answer cannot be used, why, and what the server says."""
        words = words_of(self.target, payload)
        self.fail(f"{why}: {words}" if words else why)


def _objects(body: bytes) -> list[bytes]:
    """Return the objects in an array; none if it has anything else."""
    try:
        found = [bytes(each) for each in decoded(body, list[msgspec.Raw])]
    except msgspec.DecodeError:
        return []
    return found if all(each.startswith(b"{") for each in found) else []
