"""Bytes cut anywhere become the same payloads."""

from __future__ import annotations

import unittest

from g4f.providers.transport.sse import ErrorPayload, Events


def payloads(*pieces: bytes) -> list[bytes]:
    """Return what a stream that arrives in these pieces gives, its unfinished end included."""
    events = Events()
    return [payload for piece in pieces for payload in events.feed(piece)] + events.end()


STREAM = (
    b'\xef\xbb\xbfdata: {"a": "\xc3\xa9\xf0\x9f\x98\x80"}\n\n'
    b": a comment\n\n"
    b"data:no space\n\n\n\n"
    b"event: message\nid: 7\nretry: 10\ndata: named\n\n"
    b"data: two\ndata: lines\n\n"
    b"data\n\n"
    b"event: no data\n\n"
    b"data:  two spaces\n\n"
    b"data: [DONE]\n\n"
)
PAYLOADS = [
    '{"a": "é😀"}'.encode(),
    b"no space",
    b"named",
    b"two\nlines",
    b"",
    b" two spaces",
    b"[DONE]",
]


class TestEvents(unittest.TestCase):
    """Events of every form, cut everywhere."""

    def test_cut_anywhere(self) -> None:
        """Wherever the bytes are cut in two, and whatever ends the lines, the payloads are the same."""
        for end in (b"\n", b"\r\n", b"\r"):
            stream = STREAM.replace(b"\n", end)
            for cut in range(len(stream) + 1):
                with self.subTest(end=end, cut=cut):
                    self.assertEqual(PAYLOADS, payloads(stream[:cut], stream[cut:]))

    def test_byte_by_byte(self) -> None:
        """Bytes that come one by one, empty reads between them, give the same payloads."""
        for end in (b"\n", b"\r\n", b"\r"):
            with self.subTest(end=end):
                stream = STREAM.replace(b"\n", end)
                singles = [piece for index in range(len(stream)) for piece in (stream[index : index + 1], b"")]
                self.assertEqual(PAYLOADS, payloads(*singles))

    def test_at_once(self) -> None:
        """An event is given with the read that completes it, not later, whatever ends the lines."""
        for end in (b"\n", b"\r\n", b"\r"):
            with self.subTest(end=end):
                events = Events()
                self.assertEqual([b"1"], events.feed(b"data: 1" + end + end))
                self.assertEqual([b"2", b"3"], events.feed(b"data: 2" + end + end + b"data: 3" + end + end))
                self.assertEqual([], events.end())

    def test_unfinished_end(self) -> None:
        """An event without its blank line is given at the end; none is invented where nothing was left."""
        self.assertEqual([b"1", b"[DONE]"], payloads(b"data: 1\n\ndata: [DONE]"))
        self.assertEqual([b"1", b"[DONE]"], payloads(b"data: 1\n\ndata: [DONE]\n"))
        for nothing in (b"", b"\n", b"\n\n", b": keep-alive", b"\xef\xbb\xbf"):
            with self.subTest(nothing=nothing):
                self.assertEqual([], payloads(nothing))

    def test_error_events(self) -> None:
        """A payload of an event named error, or of an `error:` line, is told from the others."""
        for stream in (b'event: error\ndata: {"m": 1}\n\n', b'error: {"m": 1}\n\n'):
            with self.subTest(stream=stream):
                (payload,) = payloads(stream)
                self.assertIsInstance(payload, ErrorPayload)
                self.assertEqual(b'{"m": 1}', payload.strip())
        self.assertNotIsInstance(payloads(b"data: {}\n\n")[0], ErrorPayload)

    def test_large_event(self) -> None:
        """An event of 10 MB that arrives in small reads comes out whole."""
        payload = b"x" * 10_000_000
        stream = b"data: " + payload + b"\n\ndata: [DONE]\n\n"
        pieces = [stream[at : at + 4096] for at in range(0, len(stream), 4096)]
        self.assertEqual([payload, b"[DONE]"], payloads(*pieces))
