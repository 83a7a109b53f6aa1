"""One answer, put together from its events: the same on every face, in an error and on a tape."""

from __future__ import annotations

import tempfile
import unittest
import warnings
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, NamedTuple

import g4f
from g4f import AsyncClient, Client, Conversation
from g4f.assembly import Assembly
from g4f.client.types import ChatCompletion, ChatCompletionChunk, TokenLogprob
from g4f.errors import ResponseError
from g4f.providers.base_provider import AsyncGeneratorProvider
from g4f.providers.response import (
    FinishReason,
    Item,
    Logprobs,
    ProviderInfo,
    Reasoning,
    Status,
    ToolCall,
    Usage,
)

from . import loops

CALL = ToolCall(0, "c1", "f", "{}")
CUT = (
    ToolCall(0, "", "f", '{"a"'),
    ToolCall(1, "c2", "g", "{"),
    ToolCall(0, "c1", "", ": 1}"),
    ToolCall(1, "", "", "}"),
)

STREAMS: dict[str, tuple[Item, ...]] = {
    "text": ("Hel", "lo"),
    "text and why it ended": ("Hello", FinishReason("length")),
    "reasoning between texts": (Reasoning("hm "), "a", Reasoning("so"), "b"),
    "a call without a word why it ended": (CALL,),
    "a call and its word": (CALL, FinishReason("stop")),
    "text and a call": ("Look: ", CALL),
    "pieces of two calls": CUT,
    "the second call first": (ToolCall(1, "c2", "g", "{}"), CALL),
    "a later id and name": (CALL, ToolCall(0, "c9", "h", "")),
    "usage, counted twice": ("a", Usage(1, 2, 3), Usage(4, 5, 9)),
    "usage without a total": ("a", Usage(4, 5)),
    "another provider and model": ("a", ProviderInfo("Who", "theirs")),
    "another provider that names no model": (ProviderInfo("Who", ""), "a"),
    "a model, and then none": (ProviderInfo("Who", "theirs"), ProviderInfo("Who", ""), "a"),
    "a status": (Status("waiting"), "a", Status("still")),
    "a reason alone": (FinishReason("content_filter"),),
}


class Says(AsyncGeneratorProvider):
    """Yields these items, then raises `error`, if there is one."""

    name = "Says"
    default_model = "mine"

    def __init__(self, items: tuple[Item, ...], error: Exception | None = None) -> None:
        self.items, self.error = items, error

    async def create_async_generator(self, model: str, messages: Any, **_: Any) -> AsyncGenerator[Item]:
        for item in self.items:
            yield item
        if self.error is not None:
            raise self.error


class Seen(NamedTuple):
    """What each face knows of an answer."""

    text: str
    reasoning: str
    calls: list[tuple[str, str, str]]
    finish: str
    tokens: tuple[int, int] | None
    provider: str
    model: str


def of_completion(completion: ChatCompletion) -> Seen:
    """Return what a completion knows."""
    (choice,), usage = completion.choices, completion.usage
    return Seen(
        choice.message.content or "",
        choice.message.reasoning or "",
        [(call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls or []],
        choice.finish_reason,
        (usage.prompt_tokens, usage.completion_tokens) if usage else None,
        completion.provider,
        completion.model,
    )


def of_answer(answer: Any) -> Seen:
    """Return what the answer of a conversation knows."""
    return Seen(
        str(answer),
        answer.reasoning,
        [(call.id, call.function.name, call.function.arguments) for call in answer.tool_calls],
        answer.finish_reason,
        (answer.usage.prompt_tokens, answer.usage.completion_tokens) if answer.usage else None,
        answer.provider,
        answer.model,
    )


def of_chunks(chunks: list[ChatCompletionChunk]) -> Seen:
    """Return what the chunks of a stream know, joined as a reader of OpenAI's chunks joins them."""
    calls: dict[int, list[str]] = {}
    for piece in (piece for chunk in chunks for piece in chunk.choices[0].delta.tool_calls or []):
        call, function = calls.setdefault(piece.index, ["", "", ""]), piece.function
        call[0] = piece.id or call[0]
        if function is not None:
            call[1:] = [function.name or call[1], call[2] + (function.arguments or "")]
    usage = chunks[-1].usage
    return Seen(
        "".join(chunk.choices[0].delta.content or "" for chunk in chunks),
        "".join(chunk.choices[0].delta.reasoning or "" for chunk in chunks),
        [(call[0], call[1], call[2]) for _, call in sorted(calls.items())],
        chunks[-1].choices[0].finish_reason or "",
        (usage.prompt_tokens, usage.completion_tokens) if usage else None,
        chunks[-1].provider,
        chunks[-1].model,
    )


EXPECTED = {
    "a call without a word why it ended": Seen("", "", [("c1", "f", "{}")], "tool_calls", None, "Says", "mine"),
    "a call and its word": Seen("", "", [("c1", "f", "{}")], "stop", None, "Says", "mine"),
    "pieces of two calls": Seen(
        "", "", [("c1", "f", '{"a": 1}'), ("c2", "g", "{}")], "tool_calls", None, "Says", "mine"
    ),
    "the second call first": Seen("", "", [("c1", "f", "{}"), ("c2", "g", "{}")], "tool_calls", None, "Says", "mine"),
    "a later id and name": Seen("", "", [("c9", "h", "{}")], "tool_calls", None, "Says", "mine"),
    "reasoning between texts": Seen("ab", "hm so", [], "stop", None, "Says", "mine"),
    "usage, counted twice": Seen("a", "", [], "stop", (4, 5), "Says", "mine"),
    "another provider and model": Seen("a", "", [], "stop", None, "Who", "theirs"),
    "another provider that names no model": Seen("a", "", [], "stop", None, "Who", "mine"),
    "a model, and then none": Seen("a", "", [], "stop", None, "Who", "theirs"),
    "text and why it ended": Seen("Hello", "", [], "length", None, "Says", "mine"),
    "a reason alone": Seen("", "", [], "content_filter", None, "Says", "mine"),
}


class TestFaces(unittest.TestCase):
    """The same events, and each face that puts them together."""

    def test_the_same_answer(self) -> None:
        """Completion, chunks and Answer know the same, in sync and in async code, and replayed from a tape."""
        for name, items in STREAMS.items():
            says = Says(items)
            with self.subTest(name):
                seen = of_answer(Conversation(provider=says)("q"))
                self.assertEqual(EXPECTED.get(name, seen), seen)
                self.assertEqual(seen, of_completion(Client(says).chat.completions.create("q")))
                self.assertEqual(seen, of_chunks(list(Client(says).chat.completions.stream("q"))))
                self.assertEqual(seen, of_completion(loops.run(AsyncClient(says).chat.completions.create("q"))))
                self.assertEqual(seen, of_answer(loops.run(Conversation(provider=says).acall("q"))))
                with tempfile.TemporaryDirectory() as folder, g4f.tape(Path(folder, "tape.jsonl")):
                    self.assertEqual(seen, of_answer(Conversation(provider=says)("q")))
                    replayed = Conversation(provider=says)("q")
                    self.assertEqual((seen, False), (of_answer(replayed), replayed.replayed))

    def test_content(self) -> None:
        """A completion without text has the content "", but None where it calls tools instead."""
        for items, expected in (((FinishReason("length"),), ""), ((CALL,), None), (("a", CALL), "a")):
            message = Client(Says(items)).chat.completions.create("q").choices[0].message
            self.assertEqual(expected, message.content, items)

    def test_partial(self) -> None:
        """An error has the text so far, and the provider and model that an answer would have."""
        says = Says((Reasoning("hm"), "a", ProviderInfo("Who", ""), CALL, "b"), ResponseError("broken"))
        for ask in (
            lambda: g4f.ChatCompletion.create("", "q", says),
            lambda: Client(says).chat.completions.create("q"),
            lambda: Conversation(provider=says)("q"),
        ):
            with self.assertRaises(ResponseError) as caught:
                ask()
            error = caught.exception
            self.assertEqual(("ab", "Who", "mine"), (error.partial, error.provider, error.model))


class TestBeside(unittest.TestCase):
    """What a server says beside its answer, as code for OpenAI's package reads it; from a tape, too."""

    SAYS = (
        ProviderInfo("Far", "served-1", "chatcmpl-far"),
        "a",
        Logprobs([{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": [{"token": "b", "logprob": -2}]}]),
        "b",
        Logprobs([{"token": "b", "logprob": None, "odd": 1}]),
        FinishReason("stop"),
    )

    def of(self, client: Client) -> None:
        """The id is the server's; each token has its probability, whole and streamed."""
        whole = client.chat.completions.create("?")
        self.assertEqual(("chatcmpl-far", "served-1", "Far"), (whole.id, whole.model, whole.provider))
        first, second = (whole.choices[0].logprobs or self.fail()).content
        self.assertEqual(("a", -0.5, [97], "b", -2.0), (first.token, first.logprob, first.bytes, *_other(first)))
        self.assertEqual(("b", None, None, []), (second.token, second.logprob, second.bytes, second.top_logprobs))
        chunks = [*client.chat.completions.create("?", stream=True)]
        self.assertEqual({"chatcmpl-far"}, {chunk.id for chunk in chunks})
        told = [chunk.choices[0].logprobs for chunk in chunks]
        self.assertEqual(["a", "b"], [token.token for each in told if each for token in each.content])
        self.assertEqual("ab", "".join(chunk.choices[0].delta.content or "" for chunk in chunks))

    def test_shapes(self) -> None:
        """As they come, recorded, and replayed."""
        client = Client(Says(self.SAYS))
        self.of(client)
        with tempfile.TemporaryDirectory() as folder:
            for mode in ("record", "replay"):
                with self.subTest(mode), g4f.tape(Path(folder) / "t.jsonl", mode):
                    self.of(client)

    def test_without(self) -> None:
        """A server that says nothing beside its answer: an id of our own, the same in all chunks, and no more."""
        client = Client(Says(("a", "b")))
        whole = client.chat.completions.create("?")
        self.assertRegex(whole.id, "^chatcmpl-[0-9a-f]{24}$")
        self.assertIsNone(whole.choices[0].logprobs)
        chunks = [*client.chat.completions.create("?", stream=True)]
        self.assertEqual(1, len({chunk.id for chunk in chunks}))
        self.assertEqual([None] * 3, [chunk.choices[0].logprobs for chunk in chunks])


def _other(token: TokenLogprob) -> tuple[str, float | None]:
    (other,) = token.top_logprobs
    return other.token, other.logprob


class TestSecrets(unittest.TestCase):
    """What a tape looks at before it records an answer."""

    def test_cut_anywhere(self) -> None:
        """A key that the model wrote is found in text, thoughts and calls, however it is cut, and is not recorded."""
        key = "sk-made-up-0123456789"
        one, other = key[:7], key[7:]
        for name, items in (
            ("text", (one, other)),
            ("text around thoughts", (one, Reasoning("hm"), other)),
            ("thoughts around text", (Reasoning(one), "hm", Reasoning(other))),
            ("arguments", (ToolCall(0, "c", "f", one), ToolCall(0, "", "", other))),
            (
                "arguments of calls that overlap",
                (ToolCall(0, "c", "f", one), ToolCall(1, "d", "g", "x"), ToolCall(0, "", "", other)),
            ),
            ("the name of a tool", (ToolCall(0, "c", key, ""),)),
            ("the id of a call", (ToolCall(0, key, "f", ""),)),
        ):
            with self.subTest(name), tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                path = Path(folder, "tape.jsonl")
                with g4f.tape(path):
                    Conversation(provider=Says(items), api_key=key)("q")
                self.assertFalse(path.exists() and path.read_text())


class TestAssembly(unittest.TestCase):
    """Reading it before its end."""

    def test_at_any_time(self) -> None:
        """It can be read after each item, and goes on."""
        assembly = Assembly("p", "m")
        seen = []
        for item in ("a", CALL, "b", ToolCall(0, "", "", " ")):
            assembly.add(item)
            seen.append((assembly.text, [call.arguments for call in assembly.tool_calls], assembly.finish_reason))
        expected = [
            ("a", [], "stop"),
            ("a", ["{}"], "tool_calls"),
            ("ab", ["{}"], "tool_calls"),
            ("ab", ["{} "], "tool_calls"),
        ]
        self.assertEqual(expected, seen)

    def test_empty(self) -> None:
        """It is empty until something answers: a count, a name or a status does not."""
        for items, expected in (
            ((), True),
            ((Usage(1, 2), ProviderInfo("p", "m"), Status("s")), True),
            (("a",), False),
            ((Reasoning("a"),), False),
            ((CALL,), False),
            ((FinishReason("stop"),), False),
        ):
            assembly = Assembly()
            for item in items:
                assembly.add(item)
            self.assertEqual(expected, assembly.is_empty, str(items))
