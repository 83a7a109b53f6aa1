"""The caller's messages: what is taken, what is refused, and in which words."""

from __future__ import annotations

import copy
import dataclasses
import enum
import json
import tempfile
import unittest
from collections import UserDict, deque
from collections.abc import AsyncGenerator
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType, SimpleNamespace
from typing import Any

import msgspec
import numpy as np

import g4f
from g4f import AsyncClient, ChatCompletion, Client
from g4f.answer import Answer
from g4f.client.types import CompletionFunction, CompletionMessage, CompletionToolCall
from g4f.errors import G4FError, InputError
from g4f.messages import ROLES, encoded, normalize
from g4f.providers.base_provider import AsyncGeneratorProvider

from .asking import ask
from .servers import Server, hello

HELLO = {"role": "user", "content": "Hello"}


def _user(content: object) -> list[dict[str, object]]:
    return [{"role": "user", "content": content}]


class TestTaken(unittest.TestCase):
    """What may be given."""

    def test_text(self) -> None:
        """A text is one message of the user, as it is."""
        self.assertEqual([{"role": "user", "content": " Hello\n"}], normalize(" Hello\n"))

    def test_sequences(self) -> None:
        """Any sequence of any mappings is a list of messages."""
        for messages in (
            [HELLO],
            (HELLO,),
            deque([HELLO]),
            [MappingProxyType(HELLO)],
            [UserDict(HELLO)],
        ):
            with self.subTest(kind=type(messages).__name__, of=type(messages[0]).__name__):
                self.assertEqual([HELLO], normalize(messages))

    def test_roles(self) -> None:
        """Each role of chat completions is taken."""
        for role in ROLES:
            self.assertEqual([{"role": role, "content": "x"}], normalize([{"role": role, "content": "x"}]))

    def test_other_keys(self) -> None:
        """Other keys stay; those that are None are left out."""
        message = {"role": "tool", "content": "4", "tool_call_id": "c1", "name": None}
        self.assertEqual([{"role": "tool", "content": "4", "tool_call_id": "c1"}], normalize([message]))

    def test_empty_content(self) -> None:
        """A content that is an empty text is a content."""
        self.assertEqual([{"role": "system", "content": ""}], normalize([{"role": "system", "content": ""}]))

    def test_answer(self) -> None:
        """The message of an answer is taken as it is, and so are its tool calls."""
        call = CompletionToolCall("c1", CompletionFunction("add", '{"a": 1}'))
        dumped = {"id": "c1", "function": {"name": "add", "arguments": '{"a": 1}'}, "type": "function"}
        expected = {"role": "assistant", "tool_calls": [dumped]}
        self.assertEqual([expected], normalize([CompletionMessage(tool_calls=[call])]))
        self.assertEqual([expected], normalize([{"role": "assistant", "content": None, "tool_calls": [call]}]))
        self.assertEqual([{"role": "assistant", "content": "4"}], normalize([CompletionMessage(content="4")]))
        old = {"role": "assistant", "function_call": {"name": "add", "arguments": "{}"}}
        self.assertEqual([old], normalize([{**old, "content": None}]))

    def test_refusals_and_sound(self) -> None:
        """An answer that was a refusal goes back as its text; one that was spoken needs none."""
        for message, expected in (
            ({"content": None, "refusal": "No."}, {"content": "No."}),
            ({"content": "", "refusal": "No."}, {"content": "No."}),
            ({"content": "Yes.", "refusal": None}, {"content": "Yes."}),
            ({"content": None, "audio": {"id": "a"}}, {"audio": {"id": "a"}}),
        ):
            with self.subTest(message):
                role = {"role": "assistant"}
                self.assertEqual([role | expected], normalize([role | message]))

    def test_objects(self) -> None:
        """An object with a role and a content is a message; what else it has, its owner keeps."""

        class Role(enum.Enum):
            USER = "user"

        expected = [{"role": "user", "content": "Hello"}]
        for kind, message in (
            ("dataclass", dataclasses.make_dataclass("Message", ["role", "content", "parts"])("user", "Hello", [])),
            ("struct", msgspec.defstruct("Message", ["role", "content"])("user", "Hello")),
            ("namespace", SimpleNamespace(role="user", content="Hello", id=5, name=None)),
            ("pydantic", SimpleNamespace(model_dump=lambda: {"role": "user", "content": "Hello"})),
            ("role", SimpleNamespace(role=Role.USER, content="Hello")),
            ("role in a dict", {"role": Role.USER, "content": "Hello"}),
            ("part", {"role": "user", "content": [SimpleNamespace(type="text", text="Hello")]}),
        ):
            with self.subTest(kind):
                parts = _user([{"type": "text", "text": "Hello"}])
                self.assertEqual(parts if kind == "part" else expected, normalize([message]))
        address = SimpleNamespace(url="https://host.invalid/a.png", detail="low")
        self.assertEqual(
            _user([{"type": "image_url", "image_url": {"url": "https://host.invalid/a.png", "detail": "low"}}]),
            normalize(_user([SimpleNamespace(type="image_url", image_url=address)])),
        )
        call = SimpleNamespace(id="c", type="function", function=SimpleNamespace(name="f", arguments="{}"), by="me")
        [asks] = normalize([SimpleNamespace(role="assistant", content=None, tool_calls=[call])])
        self.assertEqual(
            [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}], asks["tool_calls"]
        )

    def test_parts(self) -> None:
        """A content may be a list of parts; a text among them becomes a part."""
        image = {"type": "image_url", "image_url": {"url": "https://host.invalid/a.png"}}
        expected = _user([{"type": "text", "text": "What is this?"}, image])
        self.assertEqual(expected, normalize(_user(["What is this?", image])))
        self.assertEqual(expected, normalize(_user(({"type": "text", "text": "What is this?"}, image))))

    def test_callers_own(self) -> None:
        """The caller's list, messages and parts are not changed, neither here nor by who changes the result."""
        messages: list[dict[str, Any]] = [
            {"role": "user", "content": ["a", {"type": "text", "text": "b"}], "name": None},
            {"role": "assistant", "tool_calls": [CompletionToolCall("c", CompletionFunction("f", ""))]},
        ]
        before = copy.deepcopy(messages)
        normal = normalize(messages)
        normal[0]["content"][1]["text"] = normal[0]["content"][0]["text"] = "changed"
        normal[1]["tool_calls"].clear()
        normal.pop()
        self.assertEqual(before, messages)


class Text(str):
    """A text of a type of its own."""

    __slots__ = ()


class TestEncoded(unittest.TestCase):
    """A text is a text, and a number a number, whatever its type."""

    def test_types(self) -> None:
        """Each becomes what JSON has for it."""
        for value, expected in (
            (Answer("a"), "a"),
            (Text("a"), "a"),
            (np.str_("a"), "a"),
            (np.float64(0.5), 0.5),
            (np.float32(0.5), 0.5),
            (np.int64(5), 5),
            (np.bool_(True), True),
            (np.array([1, 2]), [1, 2]),
            (np.array(["a"]), ["a"]),
            (Decimal("0.5"), 0.5),
            (Fraction(1, 2), 0.5),
            ({np.int64(5): np.float64(2), np.str_("a"): 1}, {"5": 2.0, "a": 1}),
            (MappingProxyType({"a": Text("b")}), {"a": "b"}),
        ):
            with self.subTest(kind=type(value).__name__, value=value):
                sent = json.loads(encoded({"x": value}))["x"]
                self.assertEqual((expected, type(expected)), (sent, type(sent)))

    def test_no_numbers(self) -> None:
        """What is no number is refused by its name: JSON would have null in its place."""
        for value in (float("nan"), np.float64("inf"), -float("inf"), np.float32("nan")):
            for options in (
                {"temperature": value},
                {"generationConfig": {"temperature": value}},
                {"generationConfig": MappingProxyType({"temperature": value})},
                {"tools": [{"other": None}, {"temperature": value}]},
            ):
                with self.subTest(options=options), self.assertRaisesRegex(InputError, "temperature is -?(nan|inf)$"):
                    encoded(options)
        for values in ([0.5, float("inf")], (None, float("inf")), np.array([0.5, np.inf])):
            with self.subTest(values=values), self.assertRaisesRegex(InputError, r"x\[1\] is inf$"):
                encoded({"x": values})
        self.assertEqual(b'{"x":[null,"null"]}', encoded({"x": [None, "null"]}))

    def test_saved(self) -> None:
        """A conversation with such texts in it is saved."""

        class Echo:
            async def create_async(model: str, messages: Any) -> str:  # noqa: N805 - a static one
                return str(messages[-1]["content"])

        chat = g4f.Conversation(np.str_("m"), Echo, system=Text("s"))
        chat(Answer("first"))
        again = g4f.Conversation.from_json(chat.to_json())
        self.assertEqual([("first", "first")], [(turn.question, turn.answer) for turn in again.turns])
        self.assertEqual(("m", "s"), (again.model, again.system))

    def test_every_protocol(self) -> None:
        """Texts and numbers of other types are sent by each protocol, and written on a tape, as the plain ones are."""
        plain: dict[str, Any] = {"model": "m", "messages": "Hi", "max_tokens": 5, "stop": ["x"], "top_k": 3}
        given = {
            "model": np.str_("m"),
            "messages": [SimpleNamespace(role=Text("user"), content=Answer("Hi"))],
            "max_tokens": np.int64(5),
            "stop": np.array(["x"]),
            "top_k": np.int32(3),
        }
        for provider in ("OpenAI", "Anthropic", "Gemini", "Ollama", "Cohere"):
            for stream in (False, True):
                with (
                    self.subTest(provider, stream=stream),
                    Server(hello) as server,
                    tempfile.TemporaryDirectory() as at,
                ):
                    ask(server, provider, stream=stream, **plain)
                    expected = server.requests[-1].json
                    with g4f.tape(f"{at}/tape.jsonl"):
                        ask(server, provider, stream=stream, **given)
                    self.assertEqual(2, len(server.requests))
                    self.assertEqual(expected, server.requests[-1].json)


ROLE_LIST = "system, developer, user, assistant, tool, function"
LIKE = '{"role": "user", "content": "…"}'
LIKE_PART = '{"type": "text", "text": "…"}'
IMAGE = "a path, bytes, a figure, or what IPython shows as an image"
PART = f"a text, a dict such as {LIKE_PART}, or an image: {IMAGE}"
REFUSED: tuple[tuple[Any, str], ...] = (
    ("", f"messages are empty: give a text, or a list such as [{LIKE}]"),
    (" \n", f"messages are empty: give a text, or a list such as [{LIKE}]"),
    ([], f"messages are empty: give a text, or a list such as [{LIKE}]"),
    (None, f"messages must be a text or a list such as [{LIKE}], not None"),
    (5, f"messages must be a text or a list such as [{LIKE}], not int"),
    (b"Hello", f"messages must be a text or a list such as [{LIKE}], not bytes"),
    ({1, 2}, f"messages must be a text or a list such as [{LIKE}], not set"),
    (HELLO, "messages must be a list, not a single message: put it in [ ]"),
    (
        (message for message in [HELLO]),
        "messages must be a list, not a generator, which can be read only once: give list(messages)",
    ),
    (["Hello"], f"messages[0] must be a dict such as {LIKE}, not str"),
    ([HELLO, None], f"messages[1] must be a dict such as {LIKE}, not None"),
    ([{"content": "Hello"}], f'messages[0] has no "role": give one of {ROLE_LIST}'),
    ([{"role": None, "content": "Hello"}], f'messages[0] has no "role": give one of {ROLE_LIST}'),
    ([{"role": "asistant", "content": ""}], "messages[0] has the unknown role 'asistant'. Did you mean 'assistant'?"),
    ([{"role": "User", "content": ""}], "messages[0] has the unknown role 'User'. Did you mean 'user'?"),
    ([{"role": "bot", "content": ""}], f"messages[0] has the unknown role 'bot'. Known are: {ROLE_LIST}."),
    ([{"role": 1, "content": ""}], f"messages[0] has the unknown role 1. Known are: {ROLE_LIST}."),
    ([HELLO, {"role": "user"}], 'messages[1] (user) has no "content": give a text or a list of parts'),
    (_user(None), "messages[0] (user) has content None: give a text or a list of parts"),
    (_user(b"Hello"), "the content of messages[0] (user) is bytes: give a text, e.g. content.decode()"),
    (_user(5), "the content of messages[0] (user) must be a text or a list of parts, not int"),
    (_user(HELLO), "the content of messages[0] (user) must be a text or a list of parts, not dict"),
    (_user([]), "the content of messages[0] (user) is an empty list: give a text or a list of parts"),
    (_user([["Hello"]]), f"part 0 of messages[0] (user) must be {PART}, not list"),
    (_user(["Hello", b"x"]), "part 1 of messages[0] (user) is no PNG, JPEG, GIF or WebP: convert it first"),
    (_user([{"text": "Hello"}]), f'part 0 of messages[0] (user) has no "type": give e.g. {LIKE_PART}'),
    (_user([{"type": "text"}]), 'the "text" of part 0 of messages[0] (user) must be a text, not None'),
    (
        _user([{"type": "text", "text": b"Hello"}]),
        'the "text" of part 0 of messages[0] (user) must be a text, not bytes',
    ),
)


class _Never(AsyncGeneratorProvider):
    """Must not be asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def create_async_generator(self, model: str, messages: object, **_: object) -> AsyncGenerator[str]:
        self.asked += 1
        yield "asked"


class TestRefused(unittest.TestCase):
    """What cannot be sent: one line that says where it is wrong and what to give."""

    def test_words(self) -> None:
        """Each in its words, as an InputError, which is a ValueError of the tree."""
        for messages, words in REFUSED:
            with self.subTest(messages=messages):
                with self.assertRaises(InputError) as caught:
                    normalize(messages)
                self.assertEqual(words, str(caught.exception))
                self.assertIsInstance(caught.exception, G4FError)
                self.assertIsInstance(caught.exception, ValueError)

    def test_before_anything_is_asked(self) -> None:
        """Every face refuses at the call, also for a stream, and the provider is not called."""
        provider = _Never()
        client, async_client = Client(provider), AsyncClient(provider)
        for stream in (False, True):
            for face in (
                lambda messages, stream=stream: ChatCompletion.create("", messages, provider, stream=stream),
                lambda messages, stream=stream: ChatCompletion.create_async("", messages, provider, stream=stream),
                lambda messages, stream=stream: client.chat.completions.create(messages, stream=stream),
                lambda messages, stream=stream: async_client.chat.completions.create(messages, stream=stream),
            ):
                for messages, _ in REFUSED:
                    with self.assertRaises(InputError):
                        face(messages)
        self.assertEqual(0, provider.asked)
