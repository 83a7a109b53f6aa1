"""Every fault in every protocol, sync and async, whole and streamed: the right error, with the text so far."""

from __future__ import annotations

import gzip
import json
import unittest
import zlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

from g4f import errors
from g4f.providers.response import FinishReason

from . import asking
from .asking import KEY, Fault, Outcome
from .clock import hurried
from .dialects import DIALECTS, Dialect
from .script import PATIENCE
from .servers import HANG, RESET, Answer, Server, whole
from .servers import stream as chunked

PAGE = b"<!doctype html><title>Sign in</title>"


def ask(server: Server, dialect: Dialect, *, stream: bool, face: str, **options: Any) -> Outcome:
    """Ask the server through one of the faces."""
    return asking.ask(server, dialect, stream=stream, face=face, **options)


class Far:
    """The far side of one protocol: its answers, whole, streamed and broken."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.two = (dialect.begin, dialect.text("Hel"), dialect.text("lo"))

    def streamed(self, *pieces: bytes, end: bool = True, **headers: str) -> Answer:
        """Return a stream of pieces."""
        return chunked(*pieces, end=end, **{"Content-Type": self.dialect.content_type, **headers})

    def stream_faults(self) -> Iterator[Fault]:
        """Yield what can go wrong with a stream."""
        dialect, two, streamed = self.dialect, self.two, self.streamed
        broken, silent = errors.ResponseError, errors.TimeoutError
        started = self.streamed(*two, end=False)
        yield Fault("no end mark", streamed(*two), broken, "ended before", "Hello")
        yield Fault("nothing at all", streamed(), broken, "ended before")
        cut = dialect.text("more")
        yield Fault("cut within a payload", streamed(*two, cut[: len(cut) // 2]), broken, "ended", "Hello")
        yield Fault("dropped", [*started, RESET], broken, "connection broke", "Hello")
        yield Fault("dropped in a chunk", [*started, b"ff\r\n" + cut[:9], RESET], broken, "broke", "Hello")
        yield Fault("no chunk size", [*started, 0.1, b"what is this\r\n", HANG], broken, "broke", "Hello")
        for name, payload, says in (
            ("broken JSON", b"{'a'}", "not JSON"),
            ("broken UTF-8", self.not_utf8(), "broken"),
            ("another form", dialect.form, "form"),
            ("a list", b"[1]", "form"),
            ("a web page", PAGE, "web page"),
        ):
            yield Fault(name, streamed(*two, dialect.frame(payload), dialect.end), broken, says, "Hello")
            hanging = [*streamed(*two, dialect.frame(payload), end=False), HANG]
            yield Fault(f"{name}, and more to come", hanging, broken, says, "Hello")
        yield Fault("an error", streamed(*two, dialect.error), errors.ServerError, "Overloaded", "Hello")
        hanging = [*streamed(*two, dialect.error, end=False), HANG]
        yield Fault("an error, left open", hanging, errors.ServerError, "Overloaded", "Hello")
        yield Fault("silence", [*started, HANG], silent, "silent", "Hello", {"stream_timeout": 20})
        headers = [*streamed(end=False), HANG]
        yield Fault("silence after the headers", headers, silent, "silent", options={"first_timeout": 20})

    def not_utf8(self) -> bytes:
        """Return a payload whose text is no UTF-8."""
        line = [line for line in self.dialect.text("\uffff").split(b"\n") if line][-1]
        return line.removeprefix(b"data: ").replace(b"\\uffff", b"\xff")

    def whole_faults(self) -> Iterator[Fault]:
        """Yield what can go wrong with a whole answer."""
        body = json.dumps(self.dialect.whole("Hello")).encode()
        broken = errors.ResponseError
        yield Fault("empty", whole(b""), broken, "empty")
        yield Fault("cut", [*whole(b"{}", **{"Content-Length": "99"}), RESET], broken, "connection broke")
        yield Fault("broken JSON", whole(body[:-2]), broken, "not JSON")
        yield Fault("broken UTF-8", whole(body.replace(b"Hello", b"\xff")), broken, "broken")
        yield Fault("another form", whole(self.dialect.form), broken, "form")
        yield Fault("a list", whole(b"[1]"), broken, "form")
        answer = [whole(body)[0], body[:9], HANG]
        yield Fault("silence in the middle", answer, errors.TimeoutError, "silent", options={"stream_timeout": 20})

    def faults(self) -> Iterator[Fault]:
        """Yield what can go wrong before there is an answer."""
        yield Fault("a web page", whole(PAGE, kind="text/html"), errors.ResponseError, "web page")
        yield Fault("a page with a status", whole(PAGE, 502, "text/html"), errors.ServerError, '"Sign in"')
        yield Fault("no HTTP", [b"SSH-2.0-OpenSSH_9.6\r\n\r\n", HANG], errors.ResponseError, "does not speak HTTP")
        yield Fault("closed at once", [RESET], errors.ConnectError, "closed the connection")
        yield Fault("silence", [HANG], errors.TimeoutError, "silent", options={"first_timeout": 20})
        for status, kind, says in (
            (400, errors.BadRequestError, "refused the request"),
            (401, errors.MissingAuthError, "did not accept the key"),
            (402, errors.PaymentRequiredError, "payment"),
            (403, errors.MissingAuthError, "api_key"),
            (404, errors.ResponseStatusError, "Told. Check base_url."),
            (413, errors.BadRequestError, "Told."),
            (422, errors.BadRequestError, "Told."),
            (429, errors.RateLimitError, "Told."),
            (500, errors.ServerError, "failed"),
            (529, errors.ServerError, "HTTP 529"),
        ):
            yield Fault(str(status), whole({"error": {"message": "Told."}}, status), kind, says)
        there = "http://other.invalid/v1"
        yield Fault("another host", whole(b"", 308, Location=there), errors.ResponseError, there)
        yield Fault("a page elsewhere", whole(b"", 302, Location="/login?next=x"), errors.ResponseError, "/login: give")


class TestFaults(unittest.TestCase):
    """Each fault of each protocol, through each face, with the connection closed."""

    def check(self, dialect: Dialect, fault: Fault, *, stream: bool) -> None:
        """Meet one fault on each face."""
        for face in ("sync", "async"):
            with (
                self.subTest(str(dialect), fault=fault.name, stream=stream, face=face),
                Server(fault.answer) as server,
                hurried(server.hangs.is_set),
            ):
                outcome = ask(server, dialect, stream=stream, face=face, **fault.options)
                outcome.check(self, fault, dialect.provider, stream=stream)
                if HANG in fault.answer:
                    self.assertTrue(server.left.wait(PATIENCE), "the connection stayed open")

    def test_streamed(self) -> None:
        """A stream that breaks, stalls, ends early or says nonsense is an error that keeps the text before it."""
        for dialect in DIALECTS:
            far = Far(dialect)
            for fault in (*far.stream_faults(), *far.faults()):
                self.check(dialect, fault, stream=True)

    def test_whole(self) -> None:
        """A whole answer that is none is an error."""
        for dialect in DIALECTS:
            far = Far(dialect)
            for fault in (*far.whole_faults(), *far.faults()):
                self.check(dialect, fault, stream=False)

    def test_status_and_request_id(self) -> None:
        """An error tells the status, and the server's own name of the request, also in the middle of a stream."""
        for dialect in DIALECTS:
            far = Far(dialect)
            refused = whole({"error": {"message": "No"}}, 400, x_request_id="req-1")
            broken = far.streamed(*far.two, x_request_id="req-1")
            for answer, status in ((refused, 400), (broken, 200)):
                with self.subTest(str(dialect), status=status), Server(answer) as server:
                    error = ask(server, dialect, stream=True, face="sync").error
                    self.assertEqual((status, "req-1"), (error.status, error.request_id))


class TestForms(unittest.TestCase):
    """What servers send rightly, however they send it."""

    def test_whole(self) -> None:
        """A whole answer, on each face."""
        for dialect in DIALECTS:
            for face in ("sync", "async"):
                with self.subTest(str(dialect), face=face), Server(whole(dialect.whole("Hello"))) as server:
                    self.assertEqual((["Hello"], None), ask(server, dialect, stream=False, face=face)[:2])
                    self.assertNotIn(KEY, server.requests[0].path)
                    self.assertNotIn(KEY.encode(), server.requests[0].body)

    def test_streamed(self) -> None:
        """Line ends, a byte order mark, compression, one packet or many: the same text."""
        for dialect in DIALECTS:
            far = Far(dialect)
            pieces = [*far.two, dialect.end]
            plain = b"".join(pieces)
            compress = zlib.compressobj(wbits=31)
            flushed = [compress.compress(piece) + compress.flush(zlib.Z_SYNC_FLUSH) for piece in pieces]
            forms: dict[str, Answer] = {
                "one packet": far.streamed(plain),
                "a packet each": far.streamed(*pieces),
                "crlf": far.streamed(plain.replace(b"\n", b"\r\n")),
                "blank lines": far.streamed(plain.replace(b"\n", b"\n\n") if b"\n\n" not in plain else plain + b"\n\n"),
                "bom": far.streamed(b"\xef\xbb\xbf" + plain),
                "no newline at the end": far.streamed(plain.rstrip(b"\n")),
                "gzip": far.streamed(gzip.compress(plain), Content_Encoding="gzip"),
                "gzip as it comes": far.streamed(*flushed, compress.flush(), Content_Encoding="gzip"),
                "deflate": far.streamed(zlib.compress(plain), Content_Encoding="deflate"),
                "no content type": far.streamed(plain, **{"Content-Type": ""}),
                "until it closes": [
                    f"HTTP/1.1 200 OK\r\nContent-Type: {dialect.content_type}\r\nConnection: close\r\n\r\n".encode(),
                    plain,
                ],
                "whole instead": whole(dialect.whole("Hello")),
            }
            for name, answer in forms.items():
                with self.subTest(str(dialect), form=name), Server(answer) as server:
                    items, error, _ = ask(server, dialect, stream=True, face="sync")
                    self.assertIsNone(error)
                    self.assertEqual("Hello", "".join(item for item in items if isinstance(item, str)))
                    self.assertIn(FinishReason("stop"), items)

    def test_bytes_cut_anywhere(self) -> None:
        """Two packets, cut at every seventh position of the whole answer: the same text."""
        for dialect in DIALECTS:
            far = Far(dialect)
            sent = b"".join(far.streamed(dialect.begin, dialect.text("é😀"), dialect.end))
            answers = [[sent[:cut], 0.0, sent[cut:]] for cut in range(1, len(sent), 7)]
            with self.subTest(str(dialect)), Server(*answers) as server:
                for _ in answers:
                    self.assertEqual("é😀", ask(server, dialect, stream=True, face="sync").text)

    def test_large_piece(self) -> None:
        """A piece of 10 MB is a piece."""
        text = "x" * 10_000_000
        for dialect in DIALECTS:
            answer = Far(dialect).streamed(dialect.begin, dialect.text(text), dialect.end)
            with self.subTest(str(dialect)), Server(answer) as server:
                self.assertEqual(len(text), len(ask(server, dialect, stream=True, face="sync").text))

    def test_one_connection(self) -> None:
        """Whole answers and streams, one after the other, open one connection."""
        for dialect in DIALECTS:
            far = Far(dialect)
            streamed, plain = far.streamed(*far.two, dialect.end), whole(dialect.whole("Hello"))
            with self.subTest(str(dialect)), Server(*[streamed, plain] * 10) as server:
                for index in range(20):
                    self.assertEqual("Hello", ask(server, dialect, stream=not index % 2, face="sync").text)
                self.assertEqual(1, server.connections)

    def test_again(self) -> None:
        """What passes is asked again, before the first byte of an answer."""
        for dialect in DIALECTS:
            answer = whole(dialect.whole("Hello"))
            for refused in (whole({}, 503), whole({}, 429, Retry_After="0"), [RESET]):
                with (
                    self.subTest(str(dialect), refused=refused[0][:20]),
                    mock.patch("g4f.providers.transport.retries.FIRST", 0.01),
                    Server(refused, refused, answer) as server,
                ):
                    self.assertEqual("Hello", ask(server, dialect, stream=False, face="sync", max_retries=2).text)
                    self.assertEqual(3, len(server.requests))


if __name__ == "__main__":
    unittest.main()
