"""What stands below an answer, and what it cost by the price list."""

from __future__ import annotations

import unittest
from decimal import Decimal
from importlib.util import find_spec

from g4f.answer import Answer
from g4f.providers.response import Usage
from g4f_jupyter.show.footer import cost, footer, metadata, notes, price


def answer(provider: str, model: str, usage: Usage | None) -> Answer:
    """Return an answer that took a second and a half."""
    made = Answer("text")
    made.provider, made.model, made.usage, made.seconds = provider, model, usage, 1.5
    return made


USED = Usage(1_000_000, 1_000_000, 2_000_000)


class TestNotes(unittest.TestCase):
    """The lines above the footer, for what a reader would not see."""

    def test_nothing(self) -> None:
        """An answer without anything special has none."""
        self.assertEqual([], notes(answer("Local", "smollm2", USED), elsewhere=False, stale=[], hidden=0))

    def test_each(self) -> None:
        """An earlier conversation, stale turns, turns left out and hidden values have a line each, in this order."""
        made = answer("Local", "smollm2", USED)
        made.trimmed = 4
        elsewhere, stale, trimmed, hidden = notes(made, elsewhere=True, stale=["why?"], hidden=2)
        self.assertIn("asked in an earlier conversation, to which this cell belongs", elsewhere)
        self.assertEqual('1 of the turns above is stale: run its cell again ("why?")', stale)
        self.assertEqual("without the oldest 4 turns: the conversation is longer than the context", trimmed)
        self.assertEqual("2 secret values were not sent: stars stand in their place", hidden)

    def test_stale(self) -> None:
        """Of many stale turns the first three are named by the beginnings of their questions."""
        [line] = notes(answer("", "", USED), elsewhere=False, stale=["a", "b\n\nB", "c" * 41, "d"], hidden=0)
        self.assertEqual(
            f'4 of the turns above are stale: run their cells again ("a", "b B", "{"c" * 40}…", …)',
            line,
        )

    def test_one_secret(self) -> None:
        """One hidden value has its line in the singular."""
        self.assertEqual(
            ["1 secret value was not sent: stars stand in its place"],
            notes(answer("Local", "smollm2", USED), elsewhere=False, stale=[], hidden=1),
        )


@unittest.skipUnless(find_spec("genai_prices"), "needs genai-prices, of the prices extra")
class TestPrice(unittest.TestCase):
    """Dollars where they are known, nothing where nothing is paid, "unknown" where nobody can say."""

    def test_paid(self) -> None:
        """A model of the list has its price, which grows with the tokens."""
        paid = price(answer("OpenAI", "gpt-4o", USED))
        self.assertEqual(Decimal("12.50"), paid)
        self.assertIn("$12.50", footer(answer("OpenAI", "gpt-4o", USED)))
        self.assertEqual(12.5, metadata(answer("OpenAI", "gpt-4o", USED))["g4f_jupyter"]["cost_usd"])

    def test_free(self) -> None:
        """A model of one's own costs nothing, and says nothing of it."""
        free = answer("Local", "smollm2", USED)
        self.assertEqual(Decimal(0), price(free))
        self.assertNotIn("$", footer(free))

    def test_replayed(self) -> None:
        """An answer from a tape is told as it was when it was recorded; its metadata says where it is from."""
        paid = answer("OpenAI", "gpt-4o", USED)
        told, held = footer(paid), metadata(paid)["g4f_jupyter"]
        paid.replayed = True
        self.assertEqual(told, footer(paid))
        self.assertEqual(held | {"replayed": True}, metadata(paid)["g4f_jupyter"])

    def test_unknown(self) -> None:
        """Without a place on the list, or without told tokens, there is no price; a provider of one's own has none."""
        for model, usage in (("no-such-model", USED), ("gpt-4o", None)):
            with self.subTest(model):
                self.assertIsNone(price(answer("OpenAI", model, usage)))
                self.assertTrue(footer(answer("OpenAI", model, usage)).endswith("cost unknown"))
        self.assertEqual("Mine · tokens unknown · 1.5 s", footer(answer("Mine", "", None)))


class TestCost(unittest.TestCase):
    """A price in words."""

    def test_digits(self) -> None:
        """Small ones have more digits."""
        told = [cost(Decimal(paid)) for paid in ("0.00042", "1.239", "0")]
        self.assertEqual((["$0.0004", "$1.24", "none"], "unknown"), (told, cost(None)))


if __name__ == "__main__":
    unittest.main()
