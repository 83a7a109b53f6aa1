"""Text on its way out: reasoning, stop words and the limit of chunks, whatever the cuts."""

from __future__ import annotations

import itertools
import unittest
from collections.abc import Iterable, Iterator, Sequence

from g4f.providers.response import FinishReason, Item, Reasoning
from g4f.shaping import Shaper


def _shaped(pieces: Iterable[str], stop: Sequence[str] = (), limit: int | None = None) -> list[Item]:
    """Return all that a shaper gives out for `pieces`, read as the spine reads it."""
    shaper, out = Shaper(stop, limit), []
    for piece in pieces:
        out += shaper.feed(piece)
        if shaper.done:
            return out
    return out + shaper.flush()


def _result(items: Iterable[Item]) -> tuple[str, str, str]:
    """Return text, reasoning and finish reason."""
    items = list(items)
    reasons = [item.reason for item in items if isinstance(item, FinishReason)]
    return (
        "".join(item for item in items if isinstance(item, str)),
        "".join(item.text for item in items if isinstance(item, Reasoning)),
        " ".join(reasons),
    )


def _cuts(text: str, most: int = 2) -> Iterator[list[str]]:
    """Yield `text` in one piece, cut at every place, at every two places …, and in single characters."""
    for count in range(most + 1):
        for places in itertools.combinations(range(len(text) + 1), count):
            edges = (0, *places, len(text))
            yield [text[start:end] for start, end in itertools.pairwise(edges)]
    yield list(text)


class TestReasoning(unittest.TestCase):
    """`<think>…</think>` becomes reasoning."""

    CASES = (
        ("plain", "plain", ""),
        ("<think>why</think>because", "because", "why"),
        ("<think>\nwhy\n</think>\n\nbecause\n", "because\n", "\nwhy\n"),
        ("a<think>b</think>c<think>d</think>e", "ace", "bd"),
        ("a\n<think>b</think>\nc", "a\n\nc", "b"),
        ("<think></think>x", "x", ""),
        ("<think>never closed", "", "never closed"),
        ("never opened</think>", "never opened</think>", ""),
        ("a < b, <thin> and <think", "a < b, <thin> and <think", ""),
        ("<think>a <b> </thin </think>c", "c", "a <b> </thin "),
        ("<<think>a</</think>b", "<b", "a</"),
        ("write `<think>` so", "write `<think>` so", ""),
        ("`<think>` and <think>x</think>", "`<think>` and ", "x"),
        ("<think>say `</think>` here", "` here", "say `"),
    )

    def test_every_cut(self) -> None:
        """The result is the same wherever the pieces are cut; a tag right after a backtick stays text."""
        for text, said, thought in self.CASES:
            with self.subTest(text=text):
                for pieces in _cuts(text):
                    self.assertEqual((said, thought, ""), _result(_shaped(pieces)), pieces)

    def test_goes_out_at_once(self) -> None:
        """Only what may be the beginning of a tag is held back."""
        shaper = Shaper()
        self.assertEqual(["plain"], shaper.feed("plain"))
        self.assertEqual(["a "], shaper.feed("a <thi"))
        self.assertEqual(["<this"], shaper.feed("s"))
        self.assertEqual([Reasoning("x")], shaper.feed("<think>x"))
        self.assertEqual([], shaper.flush())

    def test_flushed_once(self) -> None:
        """What was held back comes out once, also when the end is told twice."""
        shaper = Shaper(stop=("xyz",))
        self.assertEqual(["a "], shaper.feed("a xy<"))
        self.assertEqual(["xy<"], _joined(shaper.flush()))
        self.assertEqual([], shaper.flush())


def _joined(items: list[Item]) -> list[str]:
    return ["".join(item for item in items if isinstance(item, str))]


class TestStop(unittest.TestCase):
    """The earliest match of a stop word ends the text; what stands before it is kept."""

    CASES = (
        ("one STOP two", ("STOP",), "one ", "stop"),
        ("STOP", ("STOP",), "", "stop"),
        ("one STO", ("STOP",), "one STO", ""),
        ("one STSTOP", ("STOP",), "one ST", "stop"),
        ("aaab", ("aab",), "a", "stop"),
        ("xabcd", ("bcd", "abc"), "x", "stop"),
        ("xabz", ("abc", "b"), "xa", "stop"),
        ("xab", ("abc", "b"), "xa", "stop"),
        ("xabc", ("abc", "b"), "x", "stop"),
        ("x\n\ny", ("\n\n",), "x", "stop"),
        ("x\ny\n", ("\n\n",), "x\ny\n", ""),
        ("abab", ("ba", "abab"), "", "stop"),
        ("one two", (" two", "one two three"), "one", "stop"),
        ("grüße 🙂!", ("🙂",), "grüße ", "stop"),
    )

    def test_every_cut(self) -> None:
        """Also when the word straddles pieces and when words overlap."""
        for text, words, said, reason in self.CASES:
            with self.subTest(text=text, stop=words):
                for pieces in _cuts(text):
                    self.assertEqual((said, "", reason), _result(_shaped(pieces, words)), pieces)

    def test_against_the_whole_text(self) -> None:
        """For every short text of two letters, and every two words, the cuts change nothing."""
        words = [*map("".join, itertools.product("ab", repeat=2)), "aab", "bab"]
        for text in map("".join, itertools.product("ab", repeat=5)):
            for stop in itertools.combinations(words, 2):
                at = min((place for word in stop if (place := text.find(word)) >= 0), default=-1)
                expected = (text, "", "") if at < 0 else (text[:at], "", "stop")
                for pieces in _cuts(text, most=1):
                    self.assertEqual(expected, _result(_shaped(pieces, stop)), (pieces, stop))

    def test_not_in_reasoning(self) -> None:
        """A stop word in the reasoning ends nothing."""
        for pieces in _cuts("<think>a STOP b</think>c STOP d"):
            self.assertEqual(("c ", "a STOP b", "stop"), _result(_shaped(pieces, ("STOP",))), pieces)

    def test_done(self) -> None:
        """After the stop word nothing is given out any more."""
        shaper = Shaper(stop=("STOP",))
        self.assertEqual(["a ", FinishReason("stop")], shaper.feed("a STOP b<think>c"))
        self.assertTrue(shaper.done)
        self.assertEqual([], shaper.feed("STOP d"))
        self.assertEqual([], shaper.reason(Reasoning("e")))
        self.assertEqual([], shaper.flush())


class TestLimit(unittest.TestCase):
    """The answer is cut after so many chunks."""

    def test_limit(self) -> None:
        """A limit of n gives n chunks and the reason; no limit gives all; one that is not reached changes nothing."""
        pieces = ["a", "b", "c"]
        for limit, expected in (
            (None, pieces),
            (0, pieces),
            (1, ["a", FinishReason("length")]),
            (3, [*pieces, FinishReason("length")]),
            (4, pieces),
        ):
            with self.subTest(limit=limit):
                self.assertEqual(expected, _shaped(pieces, limit=limit))

    def test_reasoning_counts(self) -> None:
        """A piece of reasoning is a chunk, from text or as an event."""
        expected = [Reasoning("a"), "b", FinishReason("length")]
        self.assertEqual(expected, _shaped(["<think>a", "</think>b", "c"], limit=2))
        shaper = Shaper(max_chunks=1)
        self.assertEqual([Reasoning("a"), FinishReason("length")], shaper.reason(Reasoning("a")))

    def test_nothing_is_no_chunk(self) -> None:
        """An empty piece, or one that is held back, does not count."""
        self.assertEqual(["a", FinishReason("length")], _shaped(["", "<think></think>", "a", "b"], limit=1))

    def test_stop_and_limit(self) -> None:
        """Whichever is reached first ends the answer, once."""
        self.assertEqual(["a", FinishReason("length")], _shaped(["a", "STOP"], ("STOP",), 1))
        self.assertEqual([FinishReason("stop")], _shaped(["STOP", "a"], ("STOP",), 1))
        self.assertEqual(["a", FinishReason("length")], _shaped(["aSTOP"], ("STOP",), 1))
