"""Text on its way out: reasoning, stop words and the limit of chunks, whatever the cuts."""

from __future__ import annotations

import itertools
import math
import unittest
from collections.abc import Iterable, Iterator, Sequence

from g4f.assembly import Assembly
from g4f.errors import ResponseError
from g4f.providers.response import FinishReason, Item, ProviderInfo, Reasoning, TextWasReasoning, ToolCall, Usage
from g4f.shaping import Shaper


def _shaped(pieces: Iterable[str], stop: Sequence[str] = (), limit: int | None = None) -> list[Item]:
    """Return all that a shaper gives out for `pieces`, read as the spine reads it."""
    answer, out = Assembly(), []
    shaper = Shaper(answer, stop, limit)
    for piece in pieces:
        items = shaper.feed(piece)
        for item in items:
            answer.add(item)
        out += items
        if shaper.done:
            return out
    return out + shaper.flush()


def _result(items: Iterable[Item]) -> tuple[str, str, str]:
    """Return text, reasoning and finish reason."""
    items, answer = list(items), Assembly()
    for item in items:
        answer.add(item)
    return answer.text, answer.reasoning, " ".join(item.reason for item in items if isinstance(item, FinishReason))


def _cuts(text: str, most: int = 2) -> Iterator[list[str]]:
    """Yield `text` in one piece, cut at every place, at every two places …, and in single characters."""
    for count in range(most + 1):
        for places in itertools.combinations(range(len(text) + 1), count):
            edges = (0, *places, len(text))
            yield [text[start:end] for start, end in itertools.pairwise(edges)]
    yield list(text)


class TestOddEvents(unittest.TestCase):
    """What a class of a notebook may yield, such as it comes from the library of a service."""

    def test_texts(self) -> None:
        """None is no text, and what is no text where one belongs is one error."""
        for odd, event in (
            (FinishReason(None), FinishReason("")),
            (ToolCall(0, None, None, None), ToolCall()),
            (Reasoning(None), None),
            (Usage(1, 2, 3, tier=None), Usage(1, 2, 3)),
            (ProviderInfo(None, "m"), ProviderInfo("", "m")),
        ):
            with self.subTest(odd):
                self.assertEqual([event] if event else [], Shaper(Assembly()).feed(odd))
        for wrong in (FinishReason(5), ToolCall(arguments={}), Reasoning(b"a"), Usage(tier=1)):
            with self.subTest(wrong), self.assertRaisesRegex(ResponseError, f"yielded {type(wrong).__name__} whose "):
                Shaper(Assembly()).feed(wrong)

    def test_reasons(self) -> None:
        """A reason in other letters is the usual one; an unknown one, and that of a failure, stay as they are."""
        for given, reason in (("MAX_TOKENS", "length"), ("end_turn", "stop"), ("odd", "odd"), ("ERROR", "ERROR")):
            with self.subTest(given):
                self.assertEqual([FinishReason(reason, "w")], Shaper(Assembly()).feed(FinishReason(given, "w")))

    def test_counts(self) -> None:
        """Odd counts of tokens cost no answer."""
        self.assertEqual([], Shaper(Assembly()).feed(Usage(0, 0, 0, 0, tier="default")))
        for odd, usage in (
            (Usage(1.5, "2", 3, cached_tokens=-1), Usage(2, 2, 3)),
            (Usage(math.nan, None, 5, 2, True, "x"), Usage(0, 0, 5, 2)),
            (Usage("x", 1, {}, math.inf, 1.0, "7", "flex"), Usage(0, 1, 0, None, 1, 7, "flex")),
        ):
            with self.subTest(odd):
                [counted] = Shaper(Assembly()).feed(odd)
                self.assertEqual(repr(usage), repr(counted))  # 1 and 1.0 are equal


class TestReasoning(unittest.TestCase):
    """`<think>…</think>` becomes reasoning."""

    CASES = (
        ("plain", "plain", ""),
        ("<think>why</think>because", "because", "why"),
        ("<think>\nwhy\n</think>\n\nbecause\n", "because\n", "\nwhy\n"),
        ("<think>a</think>\n<think>b</think>\n\n  c", "  c", "ab"),
        ("\n\n<think>a</think>", "", "a"),
        ("<think>a</think>\n\n", "", "a"),
        (" \n", " \n", ""),
        ("<think></think>x", "x", ""),
        ("a<think>b</think>c", "a<think>b</think>c", ""),
        ("a\n<think>b\n</think>\nc", "a\n<think>b\n</think>\nc", ""),
        ("<think>a</think>b\n</think>\nc", "b\n</think>\nc", "a"),
        ("<think>never closed", "", "never closed"),
        ("never opened</think>", "never opened</think>", ""),
        ("a < b, <thin> and <think", "a < b, <thin> and <think", ""),
        ("<think>a <b> </thin </think>c", "c", "a <b> </thin "),
        ("<think>a</</think>b", "b", "a</"),
        ("<<think>a</think>b", "<<think>a</think>b", ""),
        ("write `<think>` so", "write `<think>` so", ""),
        ("<think>say `</think>` here", "` here", "say `"),
        ("<think>a</think>\n \ud83d\ude00", " \U0001f600", "a"),
        ("<think>a</think>\n\n\ud83d", "\ufffd", "a"),
        ("<think>a</think>\n  \ud83d b", "  \ufffd b", "a"),
    )

    def test_every_cut(self) -> None:
        """The result is the same wherever the pieces are cut; a tag right after a backtick stays text."""
        for text, said, thought in self.CASES:
            with self.subTest(text=text):
                for pieces in _cuts(text):
                    self.assertEqual((said, thought, ""), _result(_shaped(pieces)), pieces)

    UNOPENED = (
        ("It is a greeting.\n</think>\n\nHello!\n", "Hello!\n", "It is a greeting.\n"),
        ("It is a greeting.</think>Hello!", "Hello!", "It is a greeting."),
        ("hm\n</think>", "", "hm\n"),
        ("</think>\n\nHello!", "Hello!", ""),
        ("</think></think>Hello!", "</think>Hello!", ""),
        ("hm\n</think>\na\n</think>\nb", "a\n</think>\nb", "hm\n"),
        ("`x`, hm\n</think>\n\n```\ny\n```", "```\ny\n```", "`x`, hm\n"),
        ("```\na\n```\nhm\n</think>\nb", "b", "```\na\n```\nhm\n"),
    )
    MENTIONED = (
        "never opened</think>",
        "say </think> at the end",
        "it ends by </think>, mostly",
        "it ends by `</think>`\nor so\n</think>\n",
        "the tag (</think>) ends it",
        'the tag "</think>" ends it',
        "```\na\n</think>\nb\n```",
        "first <think>, then\n</think>\n",
    )

    def test_without_an_opening_tag(self) -> None:
        """A first `</think>` ends thoughts whose opening tag the server left out; one that is mentioned is text."""
        for text, said, thought in (*self.UNOPENED, *((text, text, "") for text in self.MENTIONED)):
            with self.subTest(text=text):
                for pieces in _cuts(text, most=1):
                    self.assertEqual((said, thought, ""), _result(_shaped(pieces)), pieces)

    def test_in_one_piece(self) -> None:
        """A whole answer gives the thoughts as reasoning at once: nothing is taken back."""
        self.assertEqual([Reasoning("hm\n"), "a"], _shaped(["hm\n</think>\n\na"]))
        self.assertEqual(["hm", TextWasReasoning(), Reasoning("\n"), "a"], _shaped(["hm", "\n</think>\n\na"]))

    def test_beside_reasoning(self) -> None:
        """Where reasoning comes by itself, text has no tags, but for a stray one at its beginning."""
        for said in ("say <think>b\n</think>\nc", "say\n</think>\nc"):
            for pieces in _cuts(f"</think>\n\n{said}", most=1) if "<think>" in said else _cuts(said, most=1):
                answer = Assembly()
                shaper = Shaper(answer)
                out = shaper.feed(Reasoning("hm"))
                for piece in pieces:
                    for item in shaper.feed(piece):
                        answer.add(item)
                        out.append(item)
                self.assertEqual((said, "hm", ""), _result(out + shaper.flush()), pieces)

    def test_passes_plain(self) -> None:
        """What is fed while `passes_plain` is not is shaped; else the caller may put it into the answer himself."""
        answer = Assembly()
        shaper = Shaper(answer)
        self.assertFalse(shaper.passes_plain)
        for text, passes in (("\n", False), ("<thi", False), ("nk>a", False), ("</think>", False), ("b", True)):
            for item in shaper.feed(text):
                answer.add(item)
            self.assertEqual(passes, shaper.passes_plain, text)
        self.assertEqual([], shaper.flush())
        self.assertEqual(("b", "a"), (answer.text, answer.reasoning))
        for text in ("é", "\ud83d", "\ude00"):
            shaper.feed(text)
            self.assertEqual(text != "\ud83d", shaper.passes_plain)
        for shaper in (Shaper(Assembly(), ("x",)), Shaper(Assembly(), max_chunks=9)):
            shaper.feed("a")
            self.assertFalse(shaper.passes_plain)

    def test_goes_out_at_once(self) -> None:
        """Only what may be the beginning of a tag is held back."""
        shaper = Shaper(Assembly())
        self.assertEqual(["plain"], shaper.feed("plain"))
        self.assertEqual(["a "], shaper.feed("a <thi"))
        self.assertEqual(["<this"], shaper.feed("s"))
        self.assertEqual(["<think>x"], shaper.feed("<think>x"))
        self.assertEqual([], shaper.flush())
        thinking = Shaper(Assembly())
        self.assertEqual([Reasoning("x ")], thinking.feed("<think>x </"))
        self.assertEqual([Reasoning("</y")], thinking.feed("y"))

    def test_flushed_once(self) -> None:
        """What was held back comes out once, also when the end is told twice."""
        shaper = Shaper(Assembly(), stop=("xyz",))
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

    def test_in_thoughts_without_an_opening_tag(self) -> None:
        """While nobody can know that the text is thoughts, a stop word in it ends the answer; one behind them, too."""
        for text, expected in (
            ("a STOP b\n</think>c", ("a ", "", "stop")),
            ("a ST\n</think>c STOP d", ("c ", "a ST\n", "stop")),
        ):
            for pieces in _cuts(text):
                self.assertEqual(expected, _result(_shaped(pieces, ("STOP",))), pieces)

    def test_before_other_items(self) -> None:
        """Text that is held for a stop word comes before what the provider yields after it."""
        for item in (ToolCall(0, "id", "f"), Reasoning("hm"), FinishReason("stop")):
            shaper = Shaper(Assembly(), stop=("STOP",))
            self.assertEqual(["abc"], shaper.feed("abcST"))
            self.assertEqual(["ST", item], shaper.feed(item))
            self.assertEqual(["OP"], shaper.feed("OP") + shaper.flush())
        shaper = Shaper(Assembly())
        out = [*shaper.feed("a"), *shaper.feed(Reasoning("\ud83d")), *shaper.feed(Reasoning("\ude00"))]
        self.assertEqual(["a", Reasoning("😀")], out)
        shaper = Shaper(Assembly())
        self.assertEqual([Usage(1)], shaper.feed("a<") and shaper.feed(Usage(1)))
        self.assertEqual(["<"], shaper.feed(ToolCall())[:1])

    def test_done(self) -> None:
        """After the stop word nothing is given out any more."""
        shaper = Shaper(Assembly(), stop=("STOP",))
        self.assertEqual(["a ", FinishReason("stop")], shaper.feed("a STOP b<think>c"))
        self.assertTrue(shaper.done)
        self.assertEqual([], shaper.feed("STOP d"))
        self.assertEqual([], shaper.feed(Reasoning("e")))
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
        shaper = Shaper(Assembly(), max_chunks=1)
        self.assertEqual([Reasoning("a"), FinishReason("length")], shaper.feed(Reasoning("a")))

    def test_nothing_is_no_chunk(self) -> None:
        """An empty piece, or one that is held back, does not count."""
        self.assertEqual(["a", FinishReason("length")], _shaped(["", "<think></think>", "a", "b"], limit=1))

    def test_stop_and_limit(self) -> None:
        """Whichever is reached first ends the answer, once."""
        self.assertEqual(["a", FinishReason("length")], _shaped(["a", "STOP"], ("STOP",), 1))
        self.assertEqual([FinishReason("stop")], _shaped(["STOP", "a"], ("STOP",), 1))
        self.assertEqual(["a", FinishReason("length")], _shaped(["aSTOP"], ("STOP",), 1))
