"""Code written for OpenAI's package runs with ours in its place, and gives what it gives there."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import unittest
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import g4f
from g4f import errors
from g4f.client.types import ChatCompletion
from g4f.providers.response import FinishReason, Refusal, Usage

from .mocks import AsyncGeneratorProviderMock
from .servers import Server, whole
from .test_faces import Stream
from .their_code import PROGRAMS, RECORDED, TEXT, Outcome, run, tree

OURS = SimpleNamespace(OpenAI=g4f.Client, AsyncOpenAI=g4f.AsyncClient, NOT_GIVEN=g4f.NOT_GIVEN)
ADDED = {"provider", "reasoning"}
"""Fields that only ours have."""

UNASKED = {"stream_options"}
"""Fields of a request that only ours send."""


def said(body: Any) -> Any:
    """Leave out what is null in a request, which is the same as what is not there."""
    if isinstance(body, dict):
        return {name: said(value) for name, value in body.items() if value is not None}
    return list(map(said, body)) if isinstance(body, list) else body


THERE = importlib.util.find_spec("openai") is not None


class TestPrograms(unittest.TestCase):
    """Each program, compared with what came of it with OpenAI's package."""

    maxDiff = None

    def setUp(self) -> None:
        self.recorded = json.loads(RECORDED.read_text(encoding="utf-8"))

    def test_ours(self) -> None:
        """Every attribute is there, and has the same value of the same type; the same is sent."""
        for name in PROGRAMS:
            with self.subTest(name):
                outcome, expected = run(name, OURS), self.recorded[name]
                self.same(expected["result"], outcome.result, name)
                self.assertEqual(len(expected["requests"]), len(outcome.requests))
                for theirs, ours in zip(expected["requests"], outcome.requests, strict=True):
                    self.assertEqual([theirs[0], theirs[2]], [ours[0], ours[2]])
                    self.assertEqual(said(theirs[1]), self.asked(ours[1], theirs[1]))

    @unittest.skipUnless(THERE, "needs the package openai")
    def test_theirs(self) -> None:
        """What is recorded is what comes of each program with OpenAI's package today."""
        kit = importlib.import_module("openai")
        for name in PROGRAMS:
            with self.subTest(name):
                outcome = run(name, kit)
                self.assertEqual(self.recorded[name], Outcome(tree(outcome.result), outcome.requests)._asdict())

    def same(self, expected: Any, ours: Any, where: str) -> None:
        """Compare what is recorded with ours, at every depth."""
        if isinstance(expected, dict) and expected.keys() == {"object"}:
            for field, value in expected["object"].items():
                self.assertTrue(hasattr(ours, field), f"{where}.{field}")
                self.same(value, getattr(ours, field), f"{where}.{field}")
        elif isinstance(expected, dict):
            self.assertEqual(expected.keys(), ours.keys() - ADDED, where)
            for field, value in expected.items():
                self.same(value, ours[field], f"{where}[{field!r}]")
        elif isinstance(expected, list):
            self.assertEqual(len(expected), len(ours), where)
            for place, (one, other) in enumerate(zip(expected, ours, strict=True)):
                self.same(one, other, f"{where}[{place}]")
        else:
            self.assertEqual((type(expected), expected), (type(ours), ours), where)

    def asked(self, ours: Any, theirs: Any) -> Any:
        """Return the body of a request without what only ours ask for."""
        return ours and {name: value for name, value in ours.items() if name not in UNASKED - theirs.keys()}


class TestModels(unittest.TestCase):
    """The list of models."""

    def test_end(self) -> None:
        """A model says from when on it will not answer, if its server does."""
        listed = {"data": [{"id": "old", "shutdown_date": "2027-01-14"}, {"id": "new"}]}
        with Server(whole(listed)) as server:
            models = g4f.Client(base_url=server.url).models.list()
        self.assertEqual(["2027-01-14", None], [model.shutdown_date for model in models])


class TestClient(unittest.TestCase):
    """What a client does by itself."""

    def test_elsewhere(self) -> None:
        """What OpenAI's clients have, and ours have not, is refused in one line that names what to use."""
        for path, remedy in (
            ("embeddings", "`openai`"),
            ("images", "images="),
            ("audio", "input_audio"),
            ("files", "files="),
            ("batches", "asyncio.gather"),
            ("beta", "chat.completions.parse"),
            ("responses", "client.chat.completions.create(messages, model)"),
            ("completions", "client.chat.completions.create(messages, model)"),
            ("moderations", "`openai`"),
            ("with_raw_response", "_request_id"),
            ("chat.completions.with_raw_response", "_request_id"),
            ("chat.completions.list", "g4f.tape"),
        ):
            *above, name = path.split(".")
            for client in (g4f.Client(), g4f.AsyncClient()):
                with self.subTest(path, client=type(client).__name__):
                    held: Any = client
                    for each in above:
                        held = getattr(held, each)
                    self.assertFalse(hasattr(held, name))
                    with self.assertRaises(errors.UnsupportedError) as caught:
                        getattr(held, name)
                    self.assertTrue(str(caught.exception).startswith(f"client.{path} is not here: "))
                    self.assertIn(remedy, str(caught.exception))
                    self.assertNotIn("\n", str(caught.exception))

    def test_no_such_attribute(self) -> None:
        """A name that nobody has is an AttributeError of Python's."""
        for held in (g4f.Client(), g4f.Client().chat.completions):
            with self.assertRaises(AttributeError) as caught:
                held.chatt  # noqa: B018
            self.assertIs(AttributeError, type(caught.exception))
            self.assertIn("no attribute 'chatt'", str(caught.exception))

    def test_with_options(self) -> None:
        """Another client has the options of the first but for those that were given; a key stays with its provider."""
        first = g4f.Client("OpenAI", model="m", api_key="k-12345678", timeout=5, default_headers={"A": "1"})
        second = first.with_options(model="n", timeout=7, default_headers={"B": "2"})
        self.assertIs(g4f.Client, type(second))
        self.assertEqual(("OpenAI", "n"), (second.provider, second.model))
        self.assertEqual(
            {"api_key": "k-12345678", "timeout": 7, "extra_headers": {"A": "1", "B": "2"}}, dict(second.options)
        )
        self.assertEqual(("m", 5), (first.model, first.options["timeout"]))
        other = first.copy("Groq")
        self.assertEqual(("Groq", "m", {"timeout": 5}), (other.provider, other.model, other.options))
        self.assertEqual("'***'", repr(first.copy(api_key="k-87654321").options["api_key"]))
        with self.assertRaisesRegex(errors.InputError, "there is no option 'temprature'"):
            first.with_options(temprature=1)  # type: ignore[call-arg]

    def test_models(self) -> None:
        """The models are those of the provider that would answer, asked with the client's key, headers and address."""
        body = {"data": [{"id": "a"}, {"id": "b"}]}
        with Server(whole(body)) as server:
            client = g4f.Client(base_url=server.url, api_key="k-12345678", default_headers={"X-One": "1"})
            listed = client.models.list()
            self.assertEqual((["a", "b"], server.url.split("/")[2]), ([m.id for m in listed], listed.data[0].owned_by))
            self.assertEqual("b", client.models.retrieve("b").id)
            with self.assertRaisesRegex(errors.ModelNotFoundError, "no model 'bb' among those .* Did you mean 'b'"):
                client.models.retrieve("bb")
            sent = server.requests[0].headers
            self.assertEqual(("Bearer k-12345678", "1"), (sent["authorization"], sent["x-one"]))
            client.models.list(api_key="k-87654321", extra_query={"a": "1"})
            self.assertEqual("Bearer k-87654321", server.requests[-1].headers["authorization"])
            self.assertEqual("/v1/models?a=1", server.requests[-1].path)
            client.with_options(base_url="http://no.such.host/v1", proxy=server.url).models.list()
            self.assertTrue(server.requests[-1].path.startswith("http://no.such.host/v1/models"))
        with self.assertRaisesRegex(errors.InputError, "AsyncGeneratorProviderMock has no list of its models"):
            g4f.Client(AsyncGeneratorProviderMock).models.list()

    def test_not_given(self) -> None:
        """What OpenAI's package says for an option that is not given is not given here: the client's own holds."""
        with mock.patch.dict(sys.modules, {"openai": ModuleType("openai")}), Server(TEXT) as server:
            for name in ("NotGiven", "Omit"):
                nothing = type(name, (), {"__module__": "openai._types", "__bool__": lambda _: False})()
                with self.subTest(name):
                    client = g4f.Client(base_url=server.url, temperature=0.5, top_p=nothing)
                    client.chat.completions.create(
                        "?", "m", temperature=nothing, tools=nothing, seed=1, stop=g4f.NOT_GIVEN, stream=nothing
                    )
                    sent = server.requests[-1].json
                    self.assertEqual({"model", "messages", "temperature", "seed"}, sent.keys())
                    self.assertEqual(0.5, sent["temperature"])
            other = type("NotGiven", (), {"__module__": "mine"})()
            with self.assertRaisesRegex(errors.InputError, "must be what JSON can hold"):
                client.chat.completions.create("?", "m", user=other)

    def test_one_answer(self) -> None:
        """Several answers of one call are refused, with what to do."""
        for client in (g4f.Client("Local"), g4f.AsyncClient(AsyncGeneratorProviderMock)):
            with self.assertRaisesRegex(errors.InputError, "^n must be 1: .* Ask several times"):
                client.chat.completions.create("?", "m", n=2)  # type: ignore[call-overload]
        with Server(TEXT) as server:
            g4f.Client(base_url=server.url).chat.completions.create("?", "m", n=1)  # type: ignore[call-overload]
            self.assertNotIn("n", server.requests[0].json)


class TestAnswers(unittest.TestCase):
    """What an answer says beside its text."""

    def test_usage_apart(self) -> None:
        """The usage stands in the last chunk, or where OpenAI's streams have it if they are asked for it."""
        provider = Stream("a", Usage(3, 4, 7), FinishReason("stop"))
        for options, expected in (
            ({}, [(1, None), (1, 7)]),
            ({"stream_options": {"include_usage": False}}, [(1, None), (1, 7)]),
            ({"stream_options": {"include_usage": True}}, [(1, None), (1, None), (0, 7)]),
        ):
            with self.subTest(options):
                chunks = list(g4f.Client(provider).chat.completions.create("?", stream=True, **options))
                self.assertEqual(
                    expected, [(len(chunk.choices), chunk.usage and chunk.usage.total_tokens) for chunk in chunks]
                )
        uncounted = g4f.Client(Stream("a")).chat.completions.create(
            "?", stream=True, stream_options={"include_usage": True}
        )
        self.assertEqual([1, 1], [len(chunk.choices) for chunk in uncounted])

    def test_refusal(self) -> None:
        """What follows a Refusal is no content, whole or streamed; sent back, it is what the model wrote."""
        provider = Stream(Refusal(), "I can", "not.")
        message = g4f.Client(provider).chat.completions.create("?").choices[0].message
        self.assertEqual((None, "I cannot."), (message.content, message.refusal))
        deltas = [chunk.choices[0].delta for chunk in g4f.Client(provider).chat.completions.stream("?")]
        self.assertEqual([(None, "I can"), (None, "not."), (None, None)], [(d.content, d.refusal) for d in deltas])
        with Server(TEXT) as server:
            g4f.Client(base_url=server.url).chat.completions.create([{"role": "user", "content": "?"}, message], "m")
            self.assertEqual({"role": "assistant", "content": "I cannot."}, server.requests[0].json["messages"][1])

    def test_its_own_names(self) -> None:
        """Without names of the server's, an answer has an id of its own and the time; the rest is None."""
        completion = g4f.Client(AsyncGeneratorProviderMock).chat.completions.create("?")
        self.assertTrue(completion.id.startswith("chatcmpl-"))
        self.assertGreater(completion.created, 1.7e9)
        self.assertEqual(
            (None, None, None), (completion.system_fingerprint, completion.service_tier, completion._request_id)
        )

    def test_dump(self) -> None:
        """A dump has the fields that were asked for; a misspelt option is an error."""
        completion: ChatCompletion = g4f.Client(AsyncGeneratorProviderMock).chat.completions.create("?", "m")
        self.assertEqual({"model": "m", "usage": None}, completion.model_dump(include=["model", "usage"]))
        for short in ("exclude_none", "exclude_unset", "exclude_defaults"):
            self.assertNotIn("usage", completion.model_dump(**{short: True}))  # type: ignore[arg-type]
        self.assertNotIn("id", completion.model_dump(exclude={"id"}))
        self.assertIn("usage", completion.to_dict(exclude_unset=False))
        self.assertEqual(completion.to_dict(), json.loads(completion.to_json()))
        self.assertNotIn("\n", completion.to_json(indent=None))
        self.assertIn('\n  "id": ', completion.to_json())
        with self.assertRaisesRegex(TypeError, "no option 'exclude_nones'"):
            completion.model_dump(exclude_nones=True)  # type: ignore[call-arg]

    def test_request_id(self) -> None:
        """It is the server's, with stars where it repeats the key."""
        for given, expected in (
            ("req_1", "req_1"),
            ("a.b/c", "a.b/c"),
            ("id-sk-12345678", "id-***"),
            ("sk-12345678", "***"),
        ):
            with self.subTest(given), Server(whole(json.loads(TEXT[1]), x_request_id=given)) as server:
                client = g4f.Client(base_url=server.url, api_key="sk-12345678")
                self.assertEqual(expected, client.chat.completions.create("?", "m")._request_id)
        with Server(whole(json.loads(TEXT[1]), x_request_id="pass-12345678")) as server:
            client = g4f.Client(base_url=server.url.replace("//", "//me:pass-12345678@"))
            self.assertEqual("***", client.chat.completions.create("?", "m")._request_id)


if __name__ == "__main__":
    unittest.main()
