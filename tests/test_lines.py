"""Bytes cut anywhere become the same lines."""

from __future__ import annotations

import unittest

from g4f.providers.transport.lines import Lines

STREAM = b'\xef\xbb\xbf{"a": "\xc3\xa9\xf0\x9f\x98\x80"}\n\n{"b": "\\n"}\n  \n\n\n{"c": 3}\n{"d": 4}'
LINES = ['{"a": "é😀"}'.encode(), b'{"b": "\\n"}', b'{"c": 3}', b'{"d": 4}']


def lines(*pieces: bytes) -> list[bytes]:
    """Return what a stream that arrives in these pieces gives, its unfinished end included."""
    frames = Lines()
    return [line for piece in pieces for line in frames.feed(piece)] + frames.end()


class TestLines(unittest.TestCase):
    """Lines of every form, cut everywhere."""

    def test_cut_anywhere(self) -> None:
        """Wherever the bytes are cut in two, and whatever ends the lines, the lines are the same."""
        for end in (b"\n", b"\r\n"):
            for last in (b"", end, end + end):
                stream = STREAM.replace(b"\n", end) + last
                for cut in range(len(stream) + 1):
                    with self.subTest(end=end, last=last, cut=cut):
                        self.assertEqual(LINES, lines(stream[:cut], stream[cut:]))

    def test_byte_by_byte(self) -> None:
        """Bytes that come one by one, empty reads between them, give the same lines."""
        for end in (b"\n", b"\r\n"):
            with self.subTest(end=end):
                stream = STREAM.replace(b"\n", end)
                singles = [piece for index in range(len(stream)) for piece in (stream[index : index + 1], b"")]
                self.assertEqual(LINES, lines(*singles))

    def test_at_once(self) -> None:
        """A line is given with the read that completes it, not later."""
        for end in (b"\n", b"\r\n"):
            with self.subTest(end=end):
                frames = Lines()
                self.assertEqual([b"1"], frames.feed(b"1" + end))
                self.assertEqual([b"2", b"3"], frames.feed(b"2" + end + b"3" + end + b"4"))
                self.assertEqual([b"45"], frames.feed(b"5" + end))
                self.assertEqual([], frames.end())

    def test_nothing(self) -> None:
        """No line is invented where none was sent."""
        for nothing in (b"", b"\n", b"\r\n\r\n", b"  ", b"\xef\xbb\xbf"):
            with self.subTest(nothing=nothing):
                self.assertEqual([], lines(nothing))

    def test_large_line(self) -> None:
        """A line of 10 MB that arrives in small reads comes out whole."""
        line = b"x" * 10_000_000
        stream = line + b"\n1\n"
        self.assertEqual([line, b"1"], lines(*[stream[at : at + 4096] for at in range(0, len(stream), 4096)]))

    def test_too_large(self) -> None:
        """A line that does not end says so when it is too large, and not before."""
        frames = Lines()
        piece = b"x" * 2**20
        for _ in range(16):
            frames.feed(piece)
            self.assertEqual("", frames.full)
        frames.feed(piece)
        self.assertIn("16 MB", frames.full)


if __name__ == "__main__":
    unittest.main()
