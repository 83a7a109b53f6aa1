"""What answers have used: whoever counts hears of it, also of what a list of providers passes over."""

from __future__ import annotations

import unittest
from typing import Any

import g4f
from g4f.assembly import Assembly
from g4f.errors import G4FError, RateLimitError
from g4f.providers.response import FinishReason, Item, Reasoning, Replayed, Status, ToolCall, Usage
from g4f.providers.retry_provider import IterListProvider
from g4f.spending import Spent, count, counters

from . import loops

QUESTION = [{"role": "user", "content": "12345678"}]


class Purse:
    """Counts."""

    def __init__(self) -> None:
        self.spent: list[Spent] = []

    def spend(self, spent: Spent) -> None:
        """Keep it."""
        self.spent.append(spent)


class SpendingTestCase(unittest.TestCase):
    """Somebody counts."""

    def setUp(self) -> None:
        """Begin to count."""
        self.purse = Purse()
        counters.add(self.purse)
        self.addCleanup(counters.discard, self.purse)

    def tokens(self) -> list[tuple[str, int, bool]]:
        """Return of each answer who gave it, its tokens, and whether the provider counted them."""
        return [(each.provider, each.tokens, each.usage is not None) for each in self.purse.spent]


class TestCount(SpendingTestCase):
    """What one answer has used."""

    def count(self, *items: Item, messages: Any = QUESTION) -> list[tuple[str, int, bool]]:
        """Count an answer of these items."""
        came = Assembly("p", "m")
        for item in items:
            came.add(item)
        self.purse.spent.clear()
        count(came, messages, 2.0)
        return self.tokens()

    def test_usage(self) -> None:
        """Tokens are those that the provider counted; its sum counts if it says more than the parts."""
        for usage, tokens in ((Usage(3, 4, 7), 7), (Usage(3, 4), 7), (Usage(3, 4, 9), 9), (Usage(3, 4, 5), 7)):
            with self.subTest(usage):
                self.assertEqual([("p", tokens, True)], self.count("a" * 400, usage))

    def test_guess(self) -> None:
        """Without a count, it is a quarter of the characters of question, answer, thoughts and calls, rounded up."""
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 4000}}
        parts = [{"role": "user", "content": [{"type": "text", "text": "1234"}, image]}]
        called = {"role": "assistant", "content": None, "tool_calls": []}
        for items, messages, tokens in (
            (("abcd",), QUESTION, 3),
            (("abcde",), QUESTION, 4),
            (("ab", Reasoning("cd"), ToolCall(0, "id", "f", "{}1")), QUESTION, 4),
            (("abcd",), parts, 2),
            (("abcd",), [called, *QUESTION], 3),
        ):
            with self.subTest(items):
                self.assertEqual([("p", tokens, False)], self.count(*items, messages=messages))

    def test_nothing(self) -> None:
        """An answer that never began has used nothing."""
        self.assertEqual([], self.count())
        self.assertEqual([], self.count(Status("waits")))
        self.assertEqual([("p", 2, False)], self.count(FinishReason("stop")))

    def test_seconds(self) -> None:
        """A replayed answer took as long as when it was recorded."""
        self.count("a")
        self.assertEqual(2.0, self.purse.spent[0].seconds)
        self.count(Replayed(5.0), "a")
        self.assertEqual(5.0, self.purse.spent[0].seconds)


class Gives:
    """A provider that yields some items, and then fails."""

    def __init__(self, name: str, *items: Item, error: Exception | None = None) -> None:
        self.name, self.items, self.error = name, items, error

    async def create_async_generator(self, model: str, messages: Any) -> Any:
        """Yield them."""
        for item in self.items:
            yield item
        if self.error is not None:
            raise self.error


class TestPassedOver(SpendingTestCase):
    """A list of providers counts what those have used that it passes over."""

    def test_each(self) -> None:
        """One that fails, or ends without text, has used what it says, or about what came; a refusal nothing."""
        failure = RateLimitError("too many")
        for items, error, spent in (
            ((Usage(9, 1, 10),), failure, [("bad", 10, True)]),
            ((Reasoning("hmhm"), Usage(9, 1, 10), FinishReason("length")), None, [("bad", 10, True)]),
            ((Reasoning("hmhm"),), failure, [("bad", 3, False)]),
            ((), failure, []),
        ):
            with self.subTest(items):
                self.purse.spent.clear()
                providers = IterListProvider([Gives("bad", *items, error=error), Gives("good", "yes")])
                self.assertEqual("yes", g4f.ChatCompletion.create("", QUESTION, providers))
                self.assertEqual(spent, [each for each in self.tokens() if each[0] == "bad"])

    def test_after_the_first_text(self) -> None:
        """What is seen by the reader is not counted a second time."""
        providers = IterListProvider([Gives("bad", Usage(9, 1, 10), "text", error=RateLimitError("too many"))])

        async def read() -> None:
            async for _ in providers.create_async_generator("", QUESTION):
                pass

        with self.assertRaises(G4FError):
            loops.run(read())
        self.assertEqual([], self.tokens())


if __name__ == "__main__":
    unittest.main()
