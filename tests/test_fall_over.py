"""Falling over from provider to provider, on every face."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import random
import threading
import weakref
from collections.abc import AsyncGenerator, Iterator
from typing import Any
from unittest import TestCase

from g4f import ChatCompletion, errors
from g4f.errors import (
    InputError,
    MissingAuthError,
    ProviderNotFoundError,
    ProviderNotWorkingError,
    RateLimitError,
    ResponseError,
    RetryNoProviderError,
    RetryProviderError,
)
from g4f.providers.base_provider import AsyncGeneratorProvider
from g4f.providers.response import FinishReason, ProviderInfo, Reasoning, Status, ToolCall, Usage
from g4f.providers.retry_provider import IterListProvider, RetryProvider

from .faces import Answer, on_every_face
from .rows import only
from .script import PATIENCE


class Gives(AsyncGeneratorProvider):
    """Yields `items`, then raises `error`, if there is one. Counts how often it was asked."""

    def __init__(self, name: str, *items: Any, error: BaseException | None = None) -> None:
        self.name, self.items, self.error, self.asked = name, items, error, 0

    async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[Any]:
        self.asked += 1
        for item in self.items:
            await asyncio.sleep(0)
            yield item
        if self.error is not None:
            raise self.error


class Good(AsyncGeneratorProvider):
    """Answers with the model's name."""

    default_model = "good-1"

    @classmethod
    async def create_async_generator(cls, model: str, messages: Any) -> AsyncGenerator[Any]:
        yield model


class Broken(Good):
    """Says of itself that it does not work."""

    working = False


def _failing(name: str = "bad", *items: Any) -> Gives:
    return Gives(name, *items, error=RateLimitError("too many", status=429))


class FallOver:
    """The rules of IterListProvider."""

    def test_first_that_answers(self: Any) -> None:
        """It is the only one that is asked, and who answered is told with its own default model."""
        good, never = Gives("good", "yes"), Gives("never", "no")
        good.default_model = "good-1"
        self.expect(Answer("yes", provider="good", model="good-1"), IterListProvider([_failing(), good, never]))
        self.expect(Answer("yes", provider="good", model="m"), IterListProvider([_failing(), good, never]), "m")
        self.assertEqual(0, never.asked)

    def test_no_model(self: Any) -> None:
        """Where neither the call nor the provider names a model, it is the name of the provider that answered."""
        self.expect(Answer("yes", provider="b", model="b"), IterListProvider([_failing("a"), Gives("b", "yes")]))

    def test_passed_over(self: Any) -> None:
        """One that fails, is cancelled, gives nothing, does not work or takes not what is asked, is passed over."""
        for name, bad in (
            ("fails", _failing()),
            ("foreign error", Gives("bad", error=KeyError("x"))),
            ("cancelled", Gives("bad", error=asyncio.CancelledError())),
            ("nothing", Gives("bad")),
            ("empty text", Gives("bad", "", None)),
            ("no text", Gives("bad", Usage(1, 1, 2), FinishReason("length"))),
            ("working = False", Broken),
            ("no provider", object()),
        ):
            with self.subTest(name):
                self.expect(Answer("m", "", [], None, "stop"), IterListProvider([bad, Good]), "m")

    def test_option_that_one_does_not_take(self: Any) -> None:
        """A provider that does not take what the caller gave is passed over for one that does."""

        class Takes(Good):
            @classmethod
            async def create_async_generator(cls, model: str, messages: Any, seed: int) -> AsyncGenerator[Any]:
                yield str(seed)

        self.expect(Answer("7"), IterListProvider([Good, Takes]), seed=7)

    def test_after_the_first_text(self: Any) -> None:
        """Then its error is the call's, with the text so far; a tool call counts as text."""
        for items, partial in ((("so far",), "so far"), ((ToolCall(0, "c", "f"),), "")):
            with self.subTest(items=items):
                self.expect_error(
                    RateLimitError("too many", status=429, provider="bad", model="m", partial=partial),
                    lambda items=items: IterListProvider([_failing("bad", *items), Good]),
                    "m",
                )

    def test_held_back(self: Any) -> None:
        """What comes before the text of the one that answers is not lost, and keeps its order."""
        good = Gives("good", Reasoning("a"), Usage(1, 2, 3), "b", Reasoning("c"), "", "d")
        self.expect(Answer("bd", "ac", [], (1, 2, 3), "stop"), IterListProvider([_failing(), good]))

    def test_every_kind(self: Any) -> None:
        """Providers of any kind may stand in the list, and lists as well."""

        class Sync:
            def create_completion(self, model: str, messages: Any) -> Iterator[str]:
                raise KeyError(model)
                yield

        class Whole:
            async def create_async(self, model: str, messages: Any) -> str:
                return model

        self.expect(Answer("m", provider="Whole"), IterListProvider([Sync(), IterListProvider([Sync(), Whole()])]), "m")

    def test_one_failure(self: Any) -> None:
        """If only one was asked, the error is its own."""
        self.expect_error(
            RateLimitError("too many", status=429, provider="bad", model="m"),
            lambda: IterListProvider([_failing()]),
            "m",
        )
        self.expect_error(KeyError("x"), lambda: IterListProvider([Gives("bad", error=KeyError("x"))]))

    def test_several_failures(self: Any) -> None:
        """Then the error names each, in the order in which they were asked."""
        self.expect_error(
            RetryProviderError(
                "no provider answered. to: too many; b: KeyError; "
                "c: the answer was empty: no text and no tool call; d cancelled its own answer; e: closed",
            ),
            lambda: IterListProvider(
                [
                    _failing("to"),
                    Gives("b", error=KeyError()),
                    Gives("c"),
                    Gives("d", error=asyncio.CancelledError()),
                    Gives("e", error=errors.ConnectError("e: closed")),
                ]
            ),
        )

    def test_none(self: Any) -> None:
        """A list without providers is an error of its own."""
        self.expect_error(
            RetryNoProviderError("the list of providers is empty: there is no provider to ask"),
            lambda: IterListProvider([]),
        )

    def test_limit_kept_by_all(self: Any) -> None:
        """If each provider of the list keeps to `max_tokens` itself, the list need not cut."""
        loose, strict = Gives("a", "1", "2", "3"), Gives("b", "1", "2", "3")
        strict.enforces_max_tokens = True
        self.expect(Answer("123", finish="stop"), IterListProvider([strict]), max_tokens=2)
        self.expect(Answer("12", finish="length"), IterListProvider([strict, loose]), max_tokens=2)

    def test_retry(self: Any) -> None:
        """A RetryProvider asks one that is alone up to so many times, and several once each."""
        alone, other = Gives("alone", error=ResponseError("no")), Gives("other", error=ResponseError("no"))
        told = "no provider answered. alone: no; alone: no; alone: no; alone: no"
        for way in self.calls:
            with self.subTest(way):
                alone.asked = 0
                provider = RetryProvider([alone], single_provider_retry=True, max_retries=4)
                with self.assertRaises(RetryProviderError) as caught:
                    self.ask(way, provider)
                self.assertEqual((4, told), (alone.asked, str(caught.exception)))
                for provider in (RetryProvider([alone, other], single_provider_retry=True), RetryProvider([alone])):
                    alone.asked = 0
                    with self.assertRaises((RetryProviderError, ResponseError)):
                        self.ask(way, provider)
                    self.assertEqual(1, alone.asked)

    def test_timeout(self: Any) -> None:
        """The time is up for the list as a whole: nobody else is asked then."""

        class Waits:
            async def create_async(self, model: str, messages: Any) -> str:
                await asyncio.Event().wait()
                return ""

        never = Gives("never", "no")
        self.expect_error(
            errors.TimeoutError("no whole answer within 0.01 s (timeout)", provider="Waits never"),
            lambda: IterListProvider([Waits(), never]),
            timeout=0.01,
        )
        self.assertEqual(0, never.asked)

    def test_by_name(self: Any) -> None:
        """Several names as text are such a list."""
        with only(Good, Broken):
            self.expect(Answer("good-1", provider="Good", model="good-1"), "Good")
            self.expect(Answer("good-1", provider="Good", model="good-1"), "Broken Good")
            self.expect(Answer("m", provider="Good", model="m"), IterListProvider(["Broken", "Good"]), "m")
            self.expect_error(
                ProviderNotFoundError("there is no provider 'Godo'. Did you mean 'Good'?"), lambda: "Broken Godo"
            )


globals().update(on_every_face(FallOver))


class TestErrors(TestCase):
    """The error of a list that gave no answer."""

    def failed(self, *providers: Any, **options: Any) -> Any:
        with self.assertRaises(Exception) as caught:
            ChatCompletion.create("", "?", IterListProvider(providers), **options)
        return caught.exception

    def test_cause(self) -> None:
        """The last failure is its cause; a failure keeps the cause of its own."""
        first, last = ResponseError("first"), MissingAuthError("last")
        last.__cause__ = KeyError("why")
        error = self.failed(Gives("a", error=first), Gives("b", error=last))
        self.assertIs(last, error.__cause__)
        self.assertEqual((("a", first), ("b", last)), error.errors)
        self.assertEqual("KeyError('why')", repr(error.__cause__.__cause__))
        alone = self.failed(Gives("b", error=last))
        self.assertIs(last, alone)
        self.assertEqual("KeyError('why')", repr(alone.__cause__))

    def test_no_cycle(self) -> None:
        """The failures are freed as soon as nobody holds the error: they hold what their provider held."""

        async def main(*providers: Any) -> Any:
            try:
                await ChatCompletion.create_async("", "?", IterListProvider(providers))
            except ResponseError as error:
                return weakref.ref(error)
            except RetryProviderError as error:
                return weakref.ref(error.errors[0][1])

        gc.disable()
        self.addCleanup(gc.enable)
        for providers in ((Gives("a"),), (Gives("a"), Gives("b"))):
            with asyncio.Runner() as runner:
                self.assertIsNone(runner.run(main(*providers))())

    def test_failures_say_who(self) -> None:
        """Each failure of the tree says which provider and model it was."""
        error = self.failed(_failing("a"), Broken, Gives("c"))
        self.assertEqual(
            [("a", RateLimitError, "a"), ("Broken", ProviderNotWorkingError, "Broken"), ("c", ResponseError, "c")],
            [(name, type(each), each.provider) for name, each in error.errors],
        )
        self.assertEqual("a Broken c", error.provider)

    def test_misspelt_option(self) -> None:
        """An option that none of them takes is told as any failure."""
        error = self.failed(Gives("a"), temprature=1)
        self.assertEqual(
            (InputError, "a does not take the option 'temprature'. It takes none."), (type(error), str(error))
        )

    def test_copies(self) -> None:
        """It can be pickled and copied with the failures in it."""
        error = self.failed(_failing("a"), _failing("b"))
        for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
            self.assertEqual(str(error), str(again))
            self.assertEqual([("a", 429), ("b", 429)], [(name, each.status) for name, each in again.errors])


class TestSilence(TestCase):
    """`stream_timeout` is kept for each provider of a list."""

    def test_silent_provider_is_passed_over(self) -> None:
        """One that says nothing for so long is passed over, and the next one answers."""

        class Silent:
            async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[str]:
                await asyncio.Event().wait()
                yield "never"

        provider = IterListProvider([Silent(), Good])
        self.assertEqual("m", ChatCompletion.create("m", "?", provider, stream_timeout=0.05))
        with self.assertRaisesRegex(TimeoutError, "silent"):
            ChatCompletion.create("m", "?", IterListProvider([Silent()]), stream_timeout=0.05)


class TestOrder(TestCase):
    """In which order the providers are asked."""

    def test_in_order(self) -> None:
        """As they stand in the list, unless it is to be shuffled; the list itself stays as it is."""
        providers = [Gives(str(number)) for number in range(20)]
        self.assertEqual(providers, IterListProvider(providers).order())
        shuffled = IterListProvider(providers, shuffle=True)
        random.seed(1)
        order = shuffled.order()
        self.assertNotEqual(providers, order)
        self.assertEqual(set(providers), set(order))
        self.assertNotEqual(order, shuffled.order())
        self.assertEqual(providers, shuffled.providers)

    def test_calls_do_not_share(self) -> None:
        """Two calls on one list, in two threads, each fall over for themselves."""
        barrier = threading.Barrier(2, timeout=PATIENCE)

        class Meets:
            def create_completion(self, model: str, messages: Any) -> str:
                barrier.wait()
                raise KeyError(model)

        provider = IterListProvider([Meets(), Good])
        answers: list[str] = []

        def ask(model: str) -> None:
            answers.append(ChatCompletion.create(model, "?", provider))

        threads = [threading.Thread(target=ask, args=(model,)) for model in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(["a", "b"], sorted(answers))

    def test_info_comes_first(self) -> None:
        """In a stream the ProviderInfo comes before the answer; before it, who failed, why, and who is asked next."""
        items = list(ChatCompletion.create("m", "?", IterListProvider([_failing(), Good]), stream=True))
        self.assertEqual([Status("bad: too many; asking Good"), ProviderInfo("Good", "m"), "m"], items)

    def test_reader_leaves(self) -> None:
        """A reader who leaves early closes the provider that was answering, and no other is asked."""
        closed = []

        class Endless:
            async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[str]:
                try:
                    while True:
                        yield "x"
                        await asyncio.sleep(0)
                finally:
                    closed.append(True)

        never = Gives("never", "no")
        with ChatCompletion.create("m", "?", IterListProvider([Endless(), never]), stream=True) as stream:
            self.assertEqual([ProviderInfo("Endless", "m"), "x"], [next(stream), next(stream)])
        self.assertEqual(([True], 0), (closed, never.asked))
