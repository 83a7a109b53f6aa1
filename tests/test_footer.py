"""What stands below an answer, and what it cost by the price list."""

from __future__ import annotations

import os
import tempfile
import unittest
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.util import find_spec
from unittest import mock

from g4f.answer import Answer
from g4f.client.types import completion_calls
from g4f.prices import cost, price
from g4f.providers.catalogue import load
from g4f.providers.response import ToolCall, Usage
from g4f.rounds import Round
from g4f.spending import Spent
from g4f_jupyter.line.model_names import fetch
from g4f_jupyter.show.footer import footer, metadata, notes, total, total_cost

from .loops import run
from .servers import Server, whole


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
        self.assertEqual([], notes(answer("Local", "smollm2", USED), "markdown", elsewhere=False, stale=[], hidden=0))

    def test_each(self) -> None:
        """An earlier conversation, stale turns, turns left out and hidden values have a line each, in this order."""
        made = answer("Local", "smollm2", USED)
        made.trimmed = 4
        elsewhere, stale, hidden, trimmed = notes(made, "markdown", elsewhere=True, stale=["why?"], hidden=2)
        self.assertIn("asked in an earlier conversation, to which this cell belongs", elsewhere)
        self.assertEqual('1 of the turns above is stale: run its cell again ("why?")', stale)
        self.assertEqual("without the oldest 4 turns: the conversation is longer than the context", trimmed)
        self.assertEqual("2 secret values were not sent: stars stand in their place", hidden)

    def test_last_days(self) -> None:
        """Within 60 days of its end an answer of a model warns; one from a tape, which is what it was, does not."""
        today = datetime.now(UTC).date()
        says = {61: None, 60: "in 60 days", 1: "in 1 day", 0: "now", -3: "now"}
        ends = {f"m{days}": (today + timedelta(days)).isoformat() for days in says}
        listed = {"data": [{"id": name, "shutdown_date": day} for name, day in ends.items()]}
        with (
            tempfile.TemporaryDirectory() as folder,
            Server(whole(listed)) as server,
            mock.patch.dict(os.environ, XDG_CACHE_HOME=folder, OPENAI_API_KEY="sk-1234", OPENAI_BASE_URL=server.url),
        ):
            run(fetch(load("OpenAI")))
            for days, when in says.items():
                made = answer("OpenAI", f"m{days}", USED)
                for replayed in (False, True):
                    made.replayed = replayed
                    with self.subTest(days, replayed=replayed):
                        warned = notes(made, "markdown", elsewhere=False, stale=[], hidden=0)
                        line = f"m{days} ends {when}, on {ends[f'm{days}']}: choose another model"
                        self.assertEqual([line] if when and not replayed else [], warned)

    def test_stale(self) -> None:
        """Of many stale turns the first three are named by the beginnings of their questions."""
        [line] = notes(
            answer("", "", USED), "markdown", elsewhere=False, stale=["a", "b\n\nB", "c" * 41, "d"], hidden=0
        )
        self.assertEqual(
            f'4 of the turns above are stale: run their cells again ("a", "b B", "{"c" * 40}…", …)',
            line,
        )

    def test_one(self) -> None:
        """One of each has its line in the singular."""
        made = answer("Local", "smollm2", USED)
        made.trimmed = 1
        self.assertEqual(
            [
                "1 secret value was not sent: stars stand in its place",
                "without the oldest turn: the conversation is longer than the context",
            ],
            notes(made, "markdown", elsewhere=False, stale=[], hidden=1),
        )

    def test_left_out(self) -> None:
        """Where only code is shown, a line says which blocks are of other languages."""
        made = Answer("```sh\na\n```\n```py\nb\n```\n```sh\nc\n```\n```\nd\n```")
        self.assertEqual(
            ["below the code, as it is not Python: 2 blocks of sh, 1 block without a language"],
            notes(made, "code", elsewhere=False, stale=[], hidden=0),
        )
        self.assertEqual([], notes(made, "markdown", elsewhere=False, stale=[], hidden=0))
        others = Answer("```sh\na\n```\n```sh\nc\n```")
        self.assertEqual(["no Python in it: 2 blocks of sh"], notes(others, "code"))


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

    def test_read_from_the_cache(self) -> None:
        """The line says how many tokens of the question were read from the provider's cache, if any were."""
        for cached, says in ((900, "· 1,000 (900 cached) + 5 tokens ·"), (0, "· 1,000 + 5 tokens ·")):
            used = Usage(1000, 5, 1005, cached_tokens=cached)
            self.assertIn(says, footer(answer("Anthropic", "claude-haiku-4-5", used)))

    def test_free_with_a_key(self) -> None:
        """What Colab gives away costs nothing."""
        self.assertEqual(Decimal(0), price(answer("Colab", "google/gemini-2.5-flash", USED)))

    def test_replayed(self) -> None:
        """An answer from a tape is told as it was when it was recorded; its metadata says where it is from."""
        paid = answer("OpenAI", "gpt-4o", USED)
        told, held = footer(paid), metadata(paid)["g4f_jupyter"]
        paid.replayed = True
        self.assertEqual(told, footer(paid))
        self.assertEqual(held | {"replayed": True}, metadata(paid)["g4f_jupyter"])

    def test_what_was_paid(self) -> None:
        """Tokens from a cache cost less, tokens put into one more, the tier "flex" half; other tiers are unknown."""
        million = 1_000_000
        for model, usage, paid in (
            ("gpt-4o", Usage(million, 0, million, cached_tokens=million), "1.25"),
            ("claude-haiku-4-5", Usage(million, 0, million), "1"),
            ("claude-haiku-4-5", Usage(million, 0, million, cached_tokens=million), "0.1"),
            ("claude-haiku-4-5", Usage(million, 0, million, written_tokens=million), "1.25"),
            ("gpt-4o", Usage(million, 0, million, tier="default"), "2.5"),
            ("gpt-4o", Usage(million, 0, million, tier="flex"), "1.25"),
            ("gpt-6-luna", Usage(1000, 0, 1000, tier="flex"), "0.00005"),
            ("no-such-model", Usage(million, 0, million, tier="flex"), None),
            ("gpt-4o", Usage(million, 0, million, tier="priority"), None),
        ):
            with self.subTest(usage):
                provider = "Anthropic" if "claude" in model else "OpenAI"
                self.assertEqual(paid and Decimal(paid), price(answer(provider, model, usage)))

    def test_cannot_be_priced(self) -> None:
        """Counts that the list refuses, and a list that fails, cost neither the answer nor the line below it."""
        odd = Usage(10, 5, 15, cached_tokens=20)
        self.assertIsNone(price(answer("OpenAI", "gpt-4o", odd)))
        self.assertTrue(footer(answer("OpenAI", "gpt-4o", odd)).endswith("10 + 5 tokens · 1.5 s · cost unknown"))
        self.assertNotIn("cost_usd", metadata(answer("OpenAI", "gpt-4o", odd))["g4f_jupyter"])
        for error in (LookupError, OverflowError, ImportError):
            with self.subTest(error), mock.patch("genai_prices.calc_price", side_effect=error):
                self.assertTrue(footer(answer("OpenAI", "gpt-4o", USED)).endswith("cost unknown"))

    def test_unknown(self) -> None:
        """Without a place on the list, or without told tokens, there is no price; a provider of one's own has none."""
        for model, usage in (("no-such-model", USED), ("gpt-4o", None)):
            with self.subTest(model):
                self.assertIsNone(price(answer("OpenAI", model, usage)))
                self.assertTrue(footer(answer("OpenAI", model, usage)).endswith("cost unknown"))

    def test_not_counted(self) -> None:
        """Tokens that the provider did not count are a guess, the same as in `%chat_usage`; of rounds, unknown."""
        made = answer("Mine", "", None)
        made.messages = ({"role": "user", "content": "q" * 15},)
        self.assertEqual("Mine · about 5 tokens · 1.5 s", footer(made))
        made.reasoning, made.tool_calls = "hm", tuple(completion_calls([ToolCall(0, "a", "f", "{}")]))
        self.assertEqual("Mine · about 6 tokens · 1.5 s", footer(made))
        made.rounds = (Round(()),)
        self.assertEqual("Mine · tokens unknown · 1.5 s", footer(made))


class TestCost(unittest.TestCase):
    """A price in words."""

    def test_digits(self) -> None:
        """Small ones have more digits, and none that is paid is zero."""
        told = [cost(Decimal(paid)) for paid in ("0.00042", "1.239", "1234", "0.0001", "0.00009999", "1e-12", "0")]
        shown = ["$0.0004", "$1.24", "$1,234.00", "$0.0001", "less than $0.0001", "less than $0.0001", "none"]
        self.assertEqual((shown, "unknown"), (told, cost(None)))


class TestTotal(unittest.TestCase):
    """What several answers have used."""

    def test_tokens(self) -> None:
        """A sum is exact if each part is."""
        told, guessed = Spent("Local", "m", USED, 1_500, 1.0), Spent("Local", "m", None, 20, 1.0)
        self.assertEqual(("0", "3,000", "about 1,520"), (total([]), total([told, told]), total([told, guessed])))

    @unittest.skipUnless(find_spec("genai_prices"), "needs genai-prices, of the prices extra")
    def test_cost(self) -> None:
        """Of some prices that are unknown, the others are the least that was paid."""
        free, unknown = Spent("Local", "m", USED, 1, 1.0), Spent("OpenAI", "gpt-4o", None, 1, 1.0)
        paid = Spent("OpenAI", "gpt-4o", USED, 1, 1.0)
        for spent, expected in (
            ([], "none"),
            ([free, free], "none"),
            ([paid, free, paid], "$25.00"),
            ([paid, unknown], "at least $12.50"),
            ([free, unknown], "unknown"),
        ):
            with self.subTest(expected):
                self.assertEqual(expected, total_cost(spent))


if __name__ == "__main__":
    unittest.main()
