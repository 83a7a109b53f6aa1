"""A list of providers is no worse than one: it waits for nobody, gives thoughts, trims, and has models of its own."""

from __future__ import annotations

import asyncio
import copy
import pickle
import tempfile
import unittest
from collections.abc import AsyncGenerator
from pathlib import Path
from time import monotonic
from typing import Any
from unittest import mock

import g4f
from g4f import ChatCompletion, Conversation, errors
from g4f.conversation import Turn
from g4f.option_values import in_our_words
from g4f.providers import catalogue
from g4f.providers.base_provider import AsyncGeneratorProvider
from g4f.providers.response import PassedOver, ProviderInfo, Reasoning, Status, Usage
from g4f.providers.retry_provider import IterListProvider, RetryProvider, named, parted
from g4f_jupyter.line.providers import who

from .faces import Answer, on_every_face
from .loops import run
from .rows import only
from .servers import RESET, Server, event, hello, stream, whole

LOADING = whole({"error": {"message": "Loading model"}}, 503)


class Says(AsyncGeneratorProvider):
    """Yields `items`, then raises `error`, if there is one. Notes the models that it was asked for."""

    def __init__(self, name: str, *items: Any, error: Exception | None = None) -> None:
        self.name, self.items, self.error = name, items, error
        self.models: list[str] = []

    async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[Any]:
        self.models.append(model)
        for item in self.items:
            await asyncio.sleep(0)
            yield item
        if self.error is not None:
            raise self.error


class Echo(AsyncGeneratorProvider):
    """Answers with the model's name."""

    default_model = "echo-1"

    @classmethod
    async def create_async_generator(cls, model: str, messages: Any) -> AsyncGenerator[Any]:
        yield model


class Other(Echo):
    """The same by another name."""

    default_model = "other-1"


def _failing(name: str, *items: Any) -> Says:
    return Says(name, *items, error=errors.ResponseError("no"))


class Thoughts:
    """Thoughts are given at once, and those of a provider that fails are not of the answer."""

    def test_of_the_answer_alone(self: Any) -> None:
        """The answer has the thoughts of the one that answered, however often another was asked before."""
        good = Says("good", Reasoning("a"), "yes", Reasoning("b"))
        for bad in (_failing("bad", Reasoning("hm")), Says("bad", Reasoning("hm"), Usage(7, 7, 14))):
            for provider in (
                IterListProvider([bad, good]),
                IterListProvider([bad, _failing("worse"), bad, good]),
                IterListProvider([IterListProvider([bad, bad]), good]),
            ):
                self.expect(Answer("yes", "ab", [], None, "stop", "good", "good"), provider)
        self.expect(Answer("yes", "", [], None), IterListProvider([bad, Says("good", "yes")]))


globals().update(on_every_face(Thoughts))


class TestThoughts(unittest.TestCase):
    """What a stream has of them."""

    def test_at_once(self) -> None:
        """A thought comes before there is text, with who thinks."""

        class Thinks:
            async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[Any]:
                yield Usage(1, 1, 2)
                yield Reasoning("hm")
                await seen.wait()
                yield "yes"

        async def main() -> list[Any]:
            items = []
            async for item in ChatCompletion.create_async("m", "?", IterListProvider([Thinks(), Echo]), stream=True):
                items.append(item)
                if isinstance(item, Reasoning):
                    seen.set()
            return items

        seen = asyncio.Event()
        expected = [ProviderInfo("Thinks", "m"), Reasoning("hm"), Usage(1, 1, 2), "yes"]
        self.assertEqual(expected, run(asyncio.wait_for(main(), 60)))

    def test_said(self) -> None:
        """After thoughts an event says that they do not count; without them it is a mere status."""
        thinks, fails = _failing("thinks", Reasoning("hm")), _failing("fails")
        items = list(ChatCompletion.create("m", "?", IterListProvider([thinks, fails, Echo]), stream=True))
        expected = [
            ProviderInfo("thinks", "m"),
            Reasoning("hm"),
            PassedOver("thinks: no; asking fails"),
            Status("fails: no; asking Echo"),
            ProviderInfo("Echo", "m"),
            "m",
        ]
        self.assertEqual(expected, items)

    def test_foreign_failure(self) -> None:
        """What a failure says is told in one line, be it long or in many lines."""
        fails = Says("fails", error=ValueError("a\nb " + "long " * 999))
        items = list(ChatCompletion.create("m", "?", IterListProvider([fails, Echo]), stream=True))
        self.assertRegex(items[0].text, r"^fails: a b long [long ]*; asking Echo$")
        self.assertLess(len(items[0].text), 600)
        with self.assertRaises(errors.RetryProviderError) as caught:
            ChatCompletion.create("m", "?", IterListProvider([fails, fails]))
        self.assertLess(len(str(caught.exception)), 1200)

    def test_trimmed_on_a_tape(self) -> None:
        """A tape keeps how many turns were left out, and how long it all took."""

        class Small(Says):
            async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[Any]:
                if len(messages) > 3:
                    raise errors.ContextLengthError("too long")
                await asyncio.sleep(0.03)
                yield Reasoning("hm")
                raise errors.ResponseError("no")

        good = Holds("good", 3)
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(2):
                with g4f.tape(Path(folder, "t.jsonl")):
                    chat = Conversation("m", IterListProvider([Small("small"), good]), turns=[Turn("a", "b")] * 2)
                    answer = chat("?")
                self.assertEqual(("3", 1, ""), (answer, answer.trimmed, answer.reasoning))
                self.assertGreaterEqual(answer.seconds, 0.02)
        self.assertTrue(answer.replayed)

    def test_not_on_a_tape(self) -> None:
        """A tape has only the thoughts of the one that answered, and gives the same answer."""
        thinks, good = _failing("thinks", Reasoning("first guess")), Says("good", Reasoning("sure"), "yes")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "t.jsonl")
            for _ in range(2):
                with g4f.tape(file):
                    answer = Conversation("m", IterListProvider([thinks, good]))("?")
                self.assertEqual(("yes", "sure", "good"), (answer, answer.reasoning, answer.provider))
            self.assertNotIn("first guess", file.read_text(encoding="utf-8"))
            self.assertEqual(1, len(good.models))


class TestAgain(unittest.TestCase):
    """Each is asked once before the first is asked again, and nobody is waited for while another can be asked."""

    def setUp(self) -> None:
        self.pauses: list[float] = []
        self.asked: list[str] = []
        self.enterContext(mock.patch("g4f.providers.transport.retries.sleep", self.pause))
        passed = mock.Mock(side_effect=lambda: monotonic() + sum(self.pauses))
        self.enterContext(mock.patch("g4f.providers.transport.governor.monotonic", passed))

    async def pause(self, seconds: float) -> None:
        """Note the pause, and make none."""
        self.pauses.append(seconds)

    def far(self, name: str, *answers: Any) -> str:
        """Start a server, which notes that it was asked; return its address."""

        def noted(answer: Any) -> Any:
            def answered(request: Any) -> Any:
                self.asked.append(name)
                return answer(request) if callable(answer) else answer

            return answered

        return self.enterContext(Server(*map(noted, answers))).url

    def items(self, *providers: Any, **options: Any) -> list[Any]:
        """Return the items of the answer."""
        return list(ChatCompletion.create("m", "Hi", IterListProvider(providers), stream=True, **options))

    def test_nobody_is_waited_for(self) -> None:
        """Whatever the first one says, and however long it wants to be left alone, the second is asked at once."""
        slow = {"Retry-After": "3"}
        for bad in (
            whole({}, 503),
            whole({}, 429, **slow),
            whole({}, 503, **slow),
            [RESET],
            LOADING,
            whole({"error": {"code": "insufficient_quota", "message": "no"}}, 429),
            whole({}, 401),
        ):
            self.asked.clear()
            with self.subTest(bad[0]):
                items = self.items(self.far("a", bad), self.far("b", hello))
                self.assertEqual(["a", "b"], self.asked)
                self.assertEqual("Hello", "".join(map(str, items)))
                self.assertEqual([], self.pauses)
                self.assertEqual([Status], [type(item) for item in items if isinstance(item, Status)])

    def test_first_again(self) -> None:
        """Once all have failed, the first is asked again, after a pause that the stream tells."""
        a, b = self.far("a", whole({}, 503), hello), self.far("b", whole({}, 503))
        items = self.items(a, b)
        self.assertEqual(["a", "b", "a"], self.asked)
        self.assertEqual("Hello", "".join(map(str, items)))
        self.assertEqual(1, len(self.pauses))
        self.assertTrue(0.3 < self.pauses[0] <= 0.625, self.pauses)
        told = [item.text for item in items if isinstance(item, Status)]
        self.assertRegex(told[1], r"^127\.0\.0\.1:\d+ failed \(HTTP 503\); asking 127\.0\.0\.1:\d+ again in 0\.\d s$")

    def test_how_often(self) -> None:
        """Each is asked again up to `max_retries` times, and in growing pauses; in the error it stands once."""
        for options, rounds in (({}, 3), ({"max_retries": 0}, 1), ({"max_retries": 4}, 5)):
            self.asked.clear()
            self.pauses.clear()
            with self.subTest(options), self.assertRaises(errors.RetryProviderError) as caught:
                self.items(self.far("a", whole({}, 503)), self.far("b", whole({}, 500)), **options)
            self.assertEqual(["a", "b"] * rounds, self.asked)
            self.assertEqual([503, 500], [error.status for _, error in caught.exception.errors])
            firsts = self.pauses[::2]
            self.assertEqual(sorted(firsts), firsts)
        self.assertGreater(self.pauses[-2], 3)
        self.assertEqual(0, caught.exception.retry_after)

    def test_environment(self) -> None:
        """So many times as `G4F_MAX_RETRIES` says, too."""
        with mock.patch.dict("os.environ", G4F_MAX_RETRIES="1"), self.assertRaises(errors.RetryProviderError):
            self.items(self.far("a", whole({}, 503)), self.far("b", whole({}, 503)))
        self.assertEqual(["a", "b"] * 2, self.asked)

    def test_only_who_may_answer(self) -> None:
        """Nobody is asked again whose failure stays: a wrong key, no money, a class of the notebook."""
        for bad in (whole({}, 401), whole({}, 402), whole({"error": "insufficient funds"}, 429)):
            self.asked.clear()
            with self.subTest(bad[0]), self.assertRaises(errors.RetryProviderError) as caught:
                failing = Says("own", error=errors.RateLimitError("no", status=429))
                self.items(self.far("a", bad), failing, self.far("b", whole({}, 503)))
            self.assertEqual(["a", "b", "b", "b"], self.asked)
            self.assertEqual(1, len(failing.models))
            self.assertEqual(3, len(caught.exception.errors))
        with self.assertRaises(errors.RetryProviderError) as caught:
            self.items(self.far("a", bad), failing)
        self.assertIsNone(caught.exception.retry_after)

    def test_who_may_be_asked_first(self) -> None:
        """Not before it may be: who wants to be left alone for longer comes later."""
        a = self.far("a", whole({}, 429, **{"Retry-After": "30"}), hello)
        b = self.far("b", whole({}, 503), whole({}, 503), whole({}, 401))
        self.items(a, b)
        self.assertEqual(["a", "b", "b", "b", "a"], self.asked)
        self.assertTrue(28 < self.pauses[-1] <= 30.5, self.pauses)

    def test_too_long_a_wait(self) -> None:
        """One that asks for more than a minute is not waited for. The error says when the first may be asked again."""
        busy = [self.far("a", whole({}, 429, **{"Retry-After": seconds})) for seconds in ("90", "61")]
        with self.assertRaises(errors.RetryProviderError) as caught:
            self.items(*busy, self.far("b", whole({}, 402)))
        self.assertEqual((["a", "a", "b"], []), (self.asked, self.pauses))
        self.assertEqual(61, caught.exception.retry_after)

    def test_loading(self) -> None:
        """A model that is being loaded is waited for where nobody else answers, more often than others."""
        self.items(self.far("a", *[LOADING] * 5, hello), self.far("b", whole({}, 402)), max_retries=1)
        self.assertEqual(["a", "b", *"aaaaa"], self.asked)

    def test_alone(self) -> None:
        """One that is alone in its list is asked again as without a list."""
        for provider in (IterListProvider, RetryProvider):
            self.asked.clear()
            url = self.far("a", whole({}, 503), whole({}, 503), hello)
            self.assertEqual("Hello", ChatCompletion.create("m", "Hi", provider([url])))
            self.assertEqual(["a"] * 3, self.asked)

    def test_several_times_in_the_list(self) -> None:
        """One that stands there several times is asked so often, and waited for like any other."""
        for answer, pauses in ((whole({}, 503), 3), (whole({}, 400), 0)):
            self.asked.clear()
            self.pauses.clear()
            retrying = RetryProvider([self.far("a", answer)], single_provider_retry=True, max_retries=4)
            with self.subTest(answer[0]), self.assertRaises(errors.RetryProviderError) as caught:
                ChatCompletion.create("m", "Hi", retrying)
            self.assertEqual(["a"] * 4, self.asked)
            self.assertEqual(pauses, len(self.pauses))
            self.assertEqual(sorted(self.pauses), self.pauses)
            self.assertEqual(4, len(caught.exception.errors))
        self.asked.clear()
        a, b = catalogue.load_at(self.far("a", whole({}, 503))), self.far("b", whole({}, 401))
        with self.assertRaises(errors.RetryProviderError):
            self.items(a, b, a)
        self.assertEqual(["a", "b", "a"], self.asked)
        self.assertEqual(1, len(self.pauses))

    def test_several_times_but_too_late(self) -> None:
        """One that asks for more than a minute is not asked again, however often it stands there."""
        busy = self.far("a", whole({}, 429, **{"Retry-After": "90"}))
        with self.assertRaises(errors.RateLimitError):
            ChatCompletion.create("m", "Hi", RetryProvider([busy], single_provider_retry=True))
        self.assertEqual((["a"], []), (self.asked, self.pauses))

    def test_failure_in_the_answer(self) -> None:
        """One whose answer begins with a failure that may pass is asked again, like one that refuses."""
        for status, again in ((429, True), (503, True), (400, False), (402, False), ("insufficient_quota", False)):
            for form in (whole, lambda body: stream(event(body))):
                self.asked.clear()
                with self.subTest(status, form=form):
                    busy = form({"error": {"code": status, "message": "Busy"}})
                    a, b = self.far("a", busy, hello), self.far("b", whole({}, 401))
                    if again:
                        self.assertEqual("Hello", "".join(map(str, self.items(a, b))))
                    else:
                        self.assertRaises(errors.RetryProviderError, self.items, a, b)
                    self.assertEqual(["a", "b", *"a" * again], self.asked)

    def test_list_in_a_list(self) -> None:
        """A list within a list waits for nobody either."""
        inner = IterListProvider([self.far("a", whole({}, 503), hello), self.far("b", whole({}, 503))])
        self.items(inner, self.far("c", whole({}, 503)))
        self.assertEqual(["a", "b", "c", "a"], self.asked)

    def test_not_after_text(self) -> None:
        """Once there was text, nobody is asked again."""
        late = Says("late", "so far", error=errors.ServerError("gone", status=503))
        late.error.retry_after = 0.0  # type: ignore[union-attr]
        with self.assertRaises(errors.ServerError):
            self.items(self.far("a", whole({}, 503), hello), late)
        self.assertEqual(["a"], self.asked)


class Holds(AsyncGeneratorProvider):
    """Holds so many messages; answers with their number."""

    def __init__(self, name: str, size: int) -> None:
        self.name, self.size = name, size

    async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[str]:
        if len(messages) > self.size:
            raise errors.ContextLengthError("too long", status=400)
        yield str(len(messages))


class TestTrimmed(unittest.TestCase):
    """A conversation that is too long for a list is sent again without its oldest turns."""

    def ask(self, *providers: Any) -> Any:
        """Return the answer to the last question of a conversation of six turns and that question: 13 messages."""
        turns = [Turn(str(number), "yes") for number in range(6)]
        return Conversation("m", IterListProvider(providers), turns=turns)("?")

    def test_all_too_small(self) -> None:
        """As for one provider: the first that can hold what is left answers."""
        alone = self.ask(Holds("a", 5))
        self.assertEqual(("5", 4), (alone, alone.trimmed))
        answer = self.ask(Holds("a", 5), Holds("b", 3))
        self.assertEqual(("5", 4, "a"), (answer, answer.trimmed, answer.provider))
        answer = self.ask(Holds("a", 3), Holds("b", 5))
        self.assertEqual(("5", 4, "b"), (answer, answer.trimmed, answer.provider))

    def test_larger_one(self) -> None:
        """One that can hold the whole is asked for the whole."""
        answer = self.ask(Holds("a", 5), Holds("b", 99))
        self.assertEqual(("13", 0, "b"), (answer, answer.trimmed, answer.provider))

    def test_others_fail_otherwise(self) -> None:
        """So it is where others of the list fail for another reason, or are lists."""
        for providers in (
            [Holds("a", 5), _failing("b")],
            [_failing("b"), Holds("a", 5)],
            [IterListProvider([_failing("b"), Holds("a", 5)]), _failing("c")],
        ):
            answer = self.ask(*providers)
            self.assertEqual(("5", 4, "a"), (answer, answer.trimmed, answer.provider))

    def test_thoughts_before(self) -> None:
        """Thoughts of a provider that failed before the conversation was trimmed are not of the answer."""
        turns = [Turn(str(number), "yes") for number in range(2)]
        providers = [Holds("a", 3), _failing("b", Reasoning("hm"))]
        answer = Conversation("m", IterListProvider(providers), turns=turns)("?")
        self.assertEqual(("3", 1, ""), (answer, answer.trimmed, answer.reasoning))

    def test_none(self) -> None:
        """Where not even the question is short enough, the error says so of each; others are no such error."""
        with self.assertRaises(errors.RetryProviderError) as caught:
            self.ask(Holds("a", 0), _failing("b"))
        self.assertEqual("no provider answered. a: too long; b: no", str(caught.exception))
        self.assertIsInstance(caught.exception, errors.ContextLengthError)
        with self.assertRaises(errors.RetryProviderError) as caught:
            self.ask(_failing("a"), _failing("b"))
        self.assertIs(errors.RetryProviderError, type(caught.exception))
        self.assertEqual(2, len(pickle.loads(pickle.dumps(caught.exception)).errors))


class TestOptions(unittest.TestCase):
    """An option that says how a request is sent keeps nobody from answering who sends none."""

    def test_passed_over_settings(self) -> None:
        """Each is taken by a server, and left alone by a provider without a network."""
        for name, value in {
            "api_key": "sk-123456789",
            "base_url": "http://127.0.0.1:9/v1",
            "extra_headers": {"X": "y"},
            "extra_query": {"x": "y"},
            "proxy": "http://127.0.0.1:9",
            "verify": False,
            "max_retries": 0,
            "connect_timeout": 1.0,
            "first_timeout": 1.0,
            "stream_timeout": 1.0,
            "timeout": 30.0,
        }.items():
            for providers in ([Echo], ["http://127.0.0.1:9/v1", Echo], [Echo, "http://127.0.0.1:9/v1"]):
                with self.subTest(name, providers=providers):
                    provider = IterListProvider(providers)
                    self.assertEqual("m", ChatCompletion.create("m", "?", provider, **{name: value}))

    def test_nothing_is_added(self) -> None:
        """A provider gets what the caller gave, and nothing else."""

        class Takes:
            async def create_async(self, model: str, messages: Any, **options: Any) -> str:
                return repr(options)

        self.assertEqual("{}", ChatCompletion.create("m", "?", IterListProvider([Takes(), Echo])))
        self.assertEqual(
            "{'max_retries': 5}", ChatCompletion.create("m", "?", IterListProvider([Takes()]), max_retries=5)
        )

    def test_another_option(self) -> None:
        """One that a provider does not take has the next one asked that does."""
        with Server(hello) as server:
            self.assertEqual("Hello", ChatCompletion.create("m", "?", IterListProvider([Echo, server.url]), seed=1))
        with self.assertRaisesRegex(errors.InputError, "^Echo does not take the option 'seed'"):
            ChatCompletion.create("m", "?", IterListProvider([Echo]), seed=1)


class TestFaces(unittest.TestCase):
    """A list, and a name with a model, are taken wherever a provider is."""

    def test_list(self) -> None:
        """Of a client, of a conversation, and of a call; a conversation saves their names."""
        given = [_failing("bad"), Echo]
        self.assertEqual("m", ChatCompletion.create("m", "?", given))
        self.assertEqual("m", run(ChatCompletion.create_async("m", "?", given)))
        self.assertEqual("Echo", g4f.Client(given).chat.completions.create("?", "m").provider)
        self.assertEqual("Echo", g4f.Client().chat.completions.create("?", "m", provider=given).provider)
        chat = Conversation("m", given)
        self.assertEqual("m", chat("?"))
        with only(Echo, Other):
            for provider in (["Other:o", "Echo"], "Other:o Echo", ("Other:o, Echo",)):
                chat = Conversation.from_json(Conversation("m", provider).to_json())
                answer = chat("?")
                self.assertEqual(("o", "Other", "o"), (answer, answer.provider, answer.model))

    def test_addresses_of_strangers(self) -> None:
        """A saved conversation asks no address that it names, beside whatever names of models it has."""
        for provider in ("Echo:a http://127.0.0.1:9/v1", "127.0.0.1:9", "localhost:9/v1", "[::1]:9", "host/v1", "a@b"):
            with self.subTest(provider), self.assertLogs("g4f", "WARNING"):
                self.assertIsNone(Conversation.from_json(Conversation("m", provider).to_json()).provider)
        for provider in ("Echo:a/b:free", "Echo:llama3:8b Other", "llama.cpp:hf.co/a/b:Q4", "Echo"):
            with self.subTest(provider), self.assertNoLogs("g4f", "WARNING"):
                self.assertEqual(provider, Conversation.from_json(Conversation("m", provider).to_json()).provider)

    def test_key_stays(self) -> None:
        """A key that belongs to a provider goes with it where a model is named, and to no other."""
        with Server(hello) as server:
            client = g4f.Client("OpenAI", base_url=server.url, api_key="sk-own-123456")
            client.chat.completions.create("Hi", "m", provider="OpenAI:gpt-x")
            client.chat.completions.create("Hi", "m", provider=["openai"])
            sent = [(each.headers["authorization"], each.json["model"]) for each in server.requests]
            self.assertEqual([("Bearer sk-own-123456", "gpt-x"), ("Bearer sk-own-123456", "m")], sent)
            with mock.patch.dict("os.environ", MISTRAL_API_KEY=""), self.assertRaises(errors.MissingAuthError):
                client.chat.completions.create("Hi", "m", provider="Mistral:gpt-x")
            self.assertEqual(2, len(server.requests))

    def test_thoughts_in_tags(self) -> None:
        """Whoever answers after a provider that thought may write its thoughts into tags."""
        bad, good = _failing("bad", Reasoning("hm")), Says("good", "<think>a</think>", "yes")
        answer = Conversation("m", [bad, good])("?")
        self.assertEqual(("yes", "a"), (answer, answer.reasoning))

    def test_secret_in_a_list(self) -> None:
        """A password in an address of a list is sealed as that of one address is."""
        provider, _ = in_our_words(["http://u:S3cret@127.0.0.1:9/v1", Echo], {})
        self.assertNotIn("S3cret", repr(provider))


class TestNamed(unittest.TestCase):
    """Names, addresses, classes and instances, in a list or a text, each with its own model if it has one."""

    def setUp(self) -> None:
        self.enterContext(only(Echo, Other))

    def test_text_and_list(self) -> None:
        """A text is taken where a list is, and both may stand in each other."""
        mine = Says("mine", "yes")
        for given, expected in (
            ("Echo Other", [Echo, Other]),
            ("Echo, Other", [Echo, Other]),
            (["Echo", Other], [Echo, Other]),
            (("Echo Other", mine), [Echo, Other, mine]),
            ((each for each in ("Echo", mine)), [Echo, mine]),
            ([mine, mine], [mine, mine]),
        ):
            with self.subTest(given):
                provider = named(given)  # type: ignore[arg-type]
                self.assertEqual((IterListProvider, expected), (type(provider), provider.providers))
        for kind in (IterListProvider, RetryProvider):
            self.assertEqual([Echo, Other], kind("Echo Other").providers)
            self.assertEqual("Echo Other", kind("Echo, Other").name)

    def test_one(self) -> None:
        """One is itself, in a list or not."""
        mine = Says("mine", "yes")
        for given, expected in (("Echo", Echo), (["Echo"], Echo), ([mine], mine), (mine, mine), (Echo, Echo)):
            with self.subTest(given):
                self.assertIs(expected, named(given))
        self.assertEqual([], named([]).providers)
        with self.assertRaisesRegex(errors.ProviderNotFoundError, "^the name of the provider is empty$"):
            named(" , ")

    def test_models(self) -> None:
        """A model that stands with a provider is that provider's, whatever the call names, and only its."""
        for names, model, expected in (
            ("Echo:gpt-x Other", "", ("gpt-x", "Echo")),
            ("Echo:gpt-x Other", "m", ("gpt-x", "Echo")),
            ("Other Echo:gpt-x", "m", ("m", "Other")),
            ("Other Echo:gpt-x", "", ("other-1", "Other")),
            ("echo:llama3:8b Other", "m", ("llama3:8b", "Echo")),
            ("Echo:hf.co/a/b-GGUF:Q4_K_M Other", "m", ("hf.co/a/b-GGUF:Q4_K_M", "Echo")),
            ("Echo:a/b:free,Other", "m", ("a/b:free", "Echo")),
            ("Echo:file:///m.gguf Other", "m", ("file:///m.gguf", "Echo")),
            ("Echo: Other", "m", ("m", "Echo")),
        ):
            with self.subTest(names, model=model):
                answer = Conversation(model, IterListProvider(names))("?")
                self.assertEqual((expected[0], *expected[::-1]), (answer, answer.provider, answer.model))

    def test_one_provider_with_several_models(self) -> None:
        """A provider may stand in a list with one model after the other, also in any order."""
        asks = _failing("asks")
        with only(Echo), mock.patch.object(catalogue, "_load", lambda _: asks), self.assertRaises(errors.RetryError):
            ChatCompletion.create("m", "?", IterListProvider("Echo:a Echo:b Echo"))
        self.assertEqual(["a", "b", "m"], asks.models)
        shuffled = IterListProvider("Echo:a Echo:b Echo:c", shuffle=True)
        self.assertEqual({"a", "b", "c"}, {ChatCompletion.create("", "?", shuffled) for _ in range(60)})

    def test_name_with_models(self) -> None:
        """The list is called by what was asked of it: another model is another question, on a tape, too."""
        self.assertEqual("Echo:a Other", IterListProvider("Echo:a Other").name)
        with tempfile.TemporaryDirectory() as folder:
            for model in "ab":
                with g4f.tape(Path(folder, "t.jsonl")):
                    self.assertEqual(model, ChatCompletion.create("", "?", IterListProvider(f"Echo:{model} Other")))

    def test_addresses(self) -> None:
        """An address has a colon, and no model."""
        with Server(hello) as server:
            provider = IterListProvider(f"{server.url} Echo:m")
            self.assertEqual("Hello", ChatCompletion.create("x", "Hi", provider))
            self.assertEqual(("/v1/chat/completions", "x"), (server.requests[0].path, server.requests[0].json["model"]))
        with self.assertRaisesRegex(errors.InputError, "must be like https://host/v1"):
            IterListProvider("ftp://host/v1 Echo")

    def test_misspelt(self) -> None:
        """Of a name with a model only the name is looked for."""
        for names in ("Ehco:gpt-x", "Other Ehco:gpt-x"):
            with (
                self.subTest(names),
                self.assertRaisesRegex(
                    errors.ProviderNotFoundError, "^there is no provider 'Ehco'. Did you mean 'Echo'"
                ),
            ):
                named(names)

    def test_of_the_notebook(self) -> None:
        """A name in a cell is one of the notebook first, alone and in a list, with a model and without."""
        mine, place = Says("mine", "yes"), "http://127.0.0.1:9/v1"
        namespace = {"mine": mine, "place": place, "Other": Echo}
        for names, expected in (
            ("mine", mine),
            ("place", place),
            ("Other", Echo),
            ("Echo", "Echo"),
            ("Echo:a", "Echo:a"),
        ):
            self.assertEqual(expected, who(names, namespace).provider)
        self.assertEqual([mine, Echo, catalogue.load_at(place)], who("mine Echo place", namespace).provider.providers)
        for names, models in (
            ("mine:llama3:8b", ["llama3:8b"]),
            ("mine:a, mine:b mine", ["a", "b", ""]),
            ("Echo:x mine:a", ["x", "a"]),
            (f"{place} mine:a", ["", "a"]),
            ("Other:y place:z", ["y", "z"]),
        ):
            with self.subTest(names):
                found = IterListProvider([who(names, namespace).provider]).providers
                listed = found if len(models) == 1 else found[0].providers
                self.assertEqual(models, [parted(each)[1] for each in listed])
                self.assertLessEqual({str}, {type(model) for _, model in map(parted, listed)})
                self.assertNotIn(str, {type(asked) for asked, _ in map(parted, listed)})
        with self.assertRaisesRegex(errors.ProviderNotFoundError, "^there is no provider 'mien'. Did you mean 'mine'"):
            who("Echo mien:a", namespace)

    def test_rest_is_the_provider(self) -> None:
        """A provider with a model has all else of the provider, also in a copy."""
        (provider,) = IterListProvider("Echo:gpt-x").providers
        for each in (provider, copy.copy(provider), pickle.loads(pickle.dumps(provider))):
            self.assertEqual(("Echo", "gpt-x", True), (each.name, each.default_model, each.working))
            self.assertFalse(hasattr(each, "row"))


if __name__ == "__main__":
    unittest.main()
