"""Answers as values: every type, every face and protocol; what does not fit is asked once more, and never lost."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import tempfile
import unittest
from collections import namedtuple
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from random import Random
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypedDict, TypeVar
from unittest import mock

import msgspec
import pydantic

import g4f
from g4f import AsyncClient, ChatCompletion, Client, Conversation
from g4f.assembly import Assembly
from g4f.errors import (
    BadRequestError,
    ContextLengthError,
    InputError,
    MissingRequirementsError,
    RateLimitError,
    SchemaError,
)
from g4f.providers.base_provider import AsyncGeneratorProvider
from g4f.providers.protocols.openai_words import SchemaFormat
from g4f.providers.response import (
    AskedAgain,
    FinishReason,
    Item,
    Reasoning,
    Replayed,
    ToolCall,
    Trimmed,
    Usage,
    Value,
)
from g4f.providers.retry_provider import IterListProvider
from g4f.typed import schema as typed
from g4f.typed.fitting import fitted
from g4f.typed.reading import Problem, find
from g4f.typed.schema import schema_for

from . import script
from .dialects import ANTHROPIC, GEMINI, OLLAMA, OPENAI
from .loops import run
from .servers import Request, Server, whole


class Topic(msgspec.Struct):
    """What a text is about."""

    label: str
    score: float


@dataclasses.dataclass
class Point:
    """A place."""

    x: int
    y: int = 0


class Row(TypedDict):
    """A row."""

    name: str


class Pair(NamedTuple):
    """Two of them."""

    first: str
    second: int = 7


class Colour(enum.Enum):
    """A colour."""

    RED = "red"
    BLUE = "blue"


class Place(pydantic.BaseModel):
    """A place."""

    city: str
    since: dt.date


class Trip(pydantic.BaseModel):
    """Places in a row."""

    places: list[Place]


@dataclasses.dataclass
class Mixed:
    """One of each."""

    topic: Topic
    trip: Trip
    colour: Colour
    pairs: list[Pair]
    more: dict[str, Any]


Loose = namedtuple("Loose", "a b")  # noqa: PYI024 - without types

GOOD = '{"label": "cats", "score": 0.5}'
CATS = Topic("cats", 0.5)
JSON = {"type": "object", "properties": {"label": {"type": "string"}, "size": {"enum": [1, 2]}}, "required": ["label"]}


TEXT = {"type": "string"}


class Says(AsyncGeneratorProvider):
    """Gives one answer after the other, each a list of items, and the last for ever; keeps the messages."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), list[list[dict[str, Any]]]()

    async def create_async_generator(self, model: str, messages: Any) -> AsyncGenerator[Item]:
        self.asked.append(messages)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        for item in [answer] if isinstance(answer, str) else answer:
            if isinstance(item, Exception):
                raise item
            yield item


Held = TypeVar("Held")


class Box(msgspec.Struct, Generic[Held]):
    """A generic one."""

    held: Held
    size: int = 1


class Two(NamedTuple, Generic[Held]):
    """Another."""

    first: Held
    second: int = 2


def ask(provider: Any, schema: Any = Topic, **options: Any) -> Any:
    """Return the value."""
    return ChatCompletion.create("", "?", provider, schema=schema, **options)


class TestTypes(unittest.TestCase):
    """What an answer may be."""

    def test_values(self) -> None:
        """Of each type, an answer in the form that is asked for is a value of it, and the form is an object."""
        for kind, text, expected in (
            (Topic, GOOD, CATS),
            (Point, '{"x": 1}', Point(1)),
            (Row, '{"name": "n"}', {"name": "n"}),
            (Pair, '{"first": "a"}', Pair("a")),
            (Loose, '{"a": 1, "b": [2]}', Loose(1, [2])),
            (Colour, '{"value": "red"}', Colour.RED),
            (Literal["a", 1], '{"value": 1}', 1),
            (int, '{"value": 3}', 3),
            (str, '{"value": "s"}', "s"),
            (dt.date, '{"value": "2026-11-30"}', dt.date(2026, 11, 30)),
            (Annotated[int, msgspec.Meta(ge=1)], '{"value": 3}', 3),
            (Topic | None, '{"value": null}', None),
            (list[Topic], f'{{"value": [{GOOD}]}}', [CATS]),
            (list[Pair], '{"value": [["a", 1]]}', [Pair("a", 1)]),
            (set[int], '{"value": [1, 1]}', {1}),
            (tuple[int, str], '{"value": [1, "a"]}', (1, "a")),
            (dict[str, int], '{"a": 1}', {"a": 1}),
            (dict[str, Point], '{"a": {"x": 1}}', {"a": Point(1)}),
            (Box[int], '{"held": 1}', Box(1)),
            (list[Box[Topic]], f'{{"value": [{{"held": {GOOD}, "size": 2}}]}}', [Box(CATS, 2)]),
            (list[Two[int]], '{"value": [[1]]}', [Two(1)]),
            (Place, '{"city": "Rome", "since": "2026-11-30"}', Place(city="Rome", since=dt.date(2026, 11, 30))),
            (list[Trip], '{"value": [{"places": []}]}', [Trip(places=[])]),
            (JSON, '{"label": "a", "size": 2, "more": 3}', {"label": "a", "size": 2, "more": 3}),
            ({"type": "array", "items": JSON}, '{"value": [{"label": "a"}]}', [{"label": "a"}]),
            ({"$ref": "#/definitions/N", "definitions": {"N": {"type": "integer"}}}, '{"value": 1}', 1),
            ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "integer"}}}, '{"value": 1}', 1),
        ):
            with self.subTest(str(kind)):
                self.assertEqual("object", schema_for(kind).format.schema["type"])
                provider = Says(text)
                value = ask(provider, kind)
                self.assertEqual((expected, type(expected)), (value, type(value)))
                self.assertEqual(1, len(provider.asked))

    def test_bare(self) -> None:
        """A value that is no object is also understood where the model leaves out the object around it."""
        for kind, text, expected in (
            (list[Topic], f"[{GOOD}]", [CATS]),
            (Colour, '"blue"', Colour.BLUE),
            (Topic | None, GOOD, CATS),
            ({"type": "array", "items": {"type": "integer"}}, "[1]", [1]),
        ):
            with self.subTest(str(kind)):
                self.assertEqual(expected, ask(Says(text), kind))

    def test_mixed(self) -> None:
        """Types stand in each other, also those of pydantic, whose own parts are found."""
        trip = {"places": [{"city": "Rome", "since": "2026-11-30"}]}
        text = json.dumps(
            {
                "topic": {"label": "cats", "score": 0.5},
                "trip": trip,
                "colour": "red",
                "pairs": [["a", 1]],
                "more": {"a": [1]},
            }
        )
        made = ask(Says(text), Mixed)
        self.assertEqual(Mixed(CATS, Trip(**trip), Colour.RED, [Pair("a", 1)], {"a": [1]}), made)
        self.assertEqual({"Topic", "Place", "Colour", "Pair"}, set(schema_for(Mixed).format.schema["$defs"]))

    def test_names_of_tuples(self) -> None:
        """The fields of a NamedTuple keep their names: its own as those of an object, others as titles."""
        self.assertEqual(["first", "second"], list(schema_for(Pair).format.schema["properties"]))
        items = schema_for(list[Pair]).format.schema["$defs"]["Pair"]["prefixItems"]
        self.assertEqual(["first", "second"], [item["title"] for item in items])

    def test_description(self) -> None:
        """What a class says of itself is sent with it; its name is that of the form."""
        form = schema_for(Topic).format
        self.assertEqual("What a text is about.", form.schema["description"])
        self.assertEqual("Topic", form["json_schema"]["name"])
        self.assertRegex(schema_for(dict[str, list[Topic]]).format["json_schema"]["name"], "^dict_str_list_Topic$")

    def test_made_once(self) -> None:
        """The schema of a type is made once, and so is that of an equal dict; a dict that was changed has another."""
        self.assertIs(schema_for(Topic), schema_for(Topic))
        changed = json.loads(json.dumps(JSON))
        self.assertIs(schema_for(JSON), schema_for(changed))
        changed["required"] = []
        self.assertIsNot(schema_for(JSON), schema_for(changed))

    def test_many_references(self) -> None:
        """Definitions that refer to each other twice are looked at once."""
        both = [{"properties": {key: {"$ref": f"#/$defs/N{number + 1}"} for key in "ab"}} for number in range(40)]
        named = {f"N{number}": each for number, each in enumerate([*both, TEXT])}
        self.assertEqual("object", schema_for({"$ref": "#/$defs/N0", "$defs": named}).format.schema["type"])

    def test_given_stays(self) -> None:
        """The caller's dict, and the schema of a class of pydantic, stay as they are."""
        given = {"$schema": "https://json-schema.org/draft/2020-12/schema", **json.loads(json.dumps(JSON))}
        before = json.dumps(given)
        schema_for(given), schema_for(Trip)
        self.assertEqual(before, json.dumps(given))
        self.assertNotIn("additionalProperties", json.dumps(Trip.model_json_schema()))

    def test_light(self) -> None:
        """Neither `import g4f` nor a typed answer loads pydantic; jsonschema is loaded for a dict alone."""
        out = script.run(
            """
            import sys, g4f, msgspec
            g4f.ChatCompletion, g4f.Client, g4f.Conversation
            names = ("pydantic", "jsonschema", "g4f.typed")
            print([name for name in names if name in sys.modules])
            class Topic(msgspec.Struct):
                label: str
            class Says:
                @classmethod
                async def create_async(cls, model, messages):
                    return '{"label": "a"}'
            print(g4f.ChatCompletion.create("", "?", Says, schema=Topic))
            print([name for name in names if name in sys.modules])
            """
        )
        self.assertEqual("[]\nTopic(label='a')\n['g4f.typed']\n", out)


class TestStrict(unittest.TestCase):
    """Strict mode is asked for only where the schema has its form."""

    def test_strict(self) -> None:
        """All properties are required, objects are closed, and there are no keywords that it does not know."""
        closed = JSON | {"additionalProperties": False, "required": ["label", "size"]}
        for kind in (
            Topic,
            Row,
            Place,
            Trip,
            Colour,
            Literal["a"],
            list[Topic],
            Topic | None,
            Annotated[int, msgspec.Meta(ge=1)],
            dt.datetime,
            closed | {"properties": {"label": {"type": "string"}, "size": {"type": "integer"}}},
            closed
            | {"$schema": "https://json-schema.org/draft/2020-12/schema"}
            | {"properties": {"label": TEXT, "size": TEXT}},
        ):
            with self.subTest(str(kind)):
                self.assertIs(True, schema_for(kind).format["json_schema"]["strict"])

    def test_not_strict(self) -> None:
        """Else it is not: a default, an open object, an array of fixed places, a keyword or format of its own."""
        closed = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
        for kind in (
            Point,
            Mixed,
            dict[str, int],
            list[Pair],
            tuple[int, str],
            set[int],
            list,
            Annotated[str, msgspec.Meta(min_length=1)],
            closed,
            closed | {"additionalProperties": True},
            closed | {"additionalProperties": False, "required": []},
            closed | {"additionalProperties": False, "properties": {"a": {"type": "string", "format": "uri"}}},
            closed | {"additionalProperties": False, "properties": {"a": {}}},
            closed | {"additionalProperties": False, "properties": {"a": {"type": "array"}}},
            closed | {"additionalProperties": False, "anyOf": [{"$ref": "#/$defs/A"}], "$defs": {"A": TEXT}},
            closed | {"additionalProperties": False, "properties": {"a": {"type": "string", "minLength": 1}}},
        ):
            with self.subTest(str(kind)):
                self.assertNotIn("strict", schema_for(kind).format["json_schema"])


class Node(msgspec.Struct):
    """Holds itself."""

    children: list[Node]


class Tree(pydantic.BaseModel):
    """Holds itself."""

    children: list[Tree]


class Empty(msgspec.Struct):
    """Has nothing."""


class EmptyModel(pydantic.BaseModel):
    """Has nothing."""


class Unfit(msgspec.Struct):
    """Its default is of another type."""

    count: int = "many"  # type: ignore[assignment]


@dataclasses.dataclass
class UnfitWithin:
    """So is that of a part, and not that of the other."""

    colour: Colour = Colour.RED
    other: Colour = "green"  # type: ignore[assignment]


class Plain:
    """No class with fields."""

    label: str


class Other(msgspec.Struct):
    """Not told apart from Topic."""

    name: str


def _endless() -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    schema["properties"] = {"a": schema}
    return schema


BAD: tuple[tuple[Any, str], ...] = (
    ("Topic", "'Topic' is no type: give a dataclass"),
    (5, "5 is no type"),
    (CATS, "Topic(label='cats', score=0.5) is no type"),
    (print, "<built-in function print> is no type"),
    ([Topic], "is no type"),
    (Plain, "Plain has no fields that are known: make it a dataclass"),
    (list[Plain], "list[Plain] cannot be asked for: Plain has no fields that are known"),
    (object, "object has no fields that are known"),
    (Topic | Other, "Topic | Other cannot be asked for: If a type union contains multiple Struct types"),
    (Node, "Node is recursive"),
    (list[Node], "Node is recursive"),
    (Tree, "Tree is recursive"),
    (Any, "Any is open, and says nothing of the answer: name its fields"),
    (dict, "dict is open"),
    (dict[str, Any], "dict[str, Any] is open"),
    (Empty, "Empty has no fields"),
    (list[Empty], "Empty has no fields"),
    (EmptyModel, "EmptyModel has no fields"),
    (enum.Enum("None_", []), "at least one item"),
    (Unfit, "the default of Unfit.count, 'many', does not fit its type: Expected `int`, got `str`"),
    (list[UnfitWithin], "the default of UnfitWithin.other, 'green', does not fit its type"),
    ({}, "the dict {} is no JSON schema: it must be like {"),
    ({"label": "str"}, "the dict {'label': 'str'} is no JSON schema: it must be like {"),
    ({"type": "text"}, "the dict is no JSON schema: $.type: 'text' is not valid"),
    ({"type": "json_schema", "json_schema": {}}, "the dict is no JSON schema: $.type: 'json_schema' is not valid"),
    ({"type": {1, 2}, "properties": print}, "for JSON cannot hold it"),
    (_endless(), "for JSON cannot hold it"),
    ({"type": "object"}, "the JSON schema is open"),
    ({"title": "T", "type": "object", "additionalProperties": True}, "T is open"),
    ({"type": "object", "properties": {}, "additionalProperties": False}, "the JSON schema has no fields"),
    ({"enum": []}, "has no members"),
    ({"type": "object", "properties": {"a": {"$ref": "#"}}}, "the JSON schema is recursive"),
    ({"$ref": "#/$defs/A", "$defs": {"A": {"items": {"$ref": "#/$defs/A"}}}}, "A is recursive"),
    ({"$ref": "#/$defs/B", "$defs": {}}, "it refers to '#/$defs/B', which is not in it"),
    ({"$ref": "http://127.0.0.1:1/s"}, "it refers to 'http://127.0.0.1:1/s', which is not in it"),
    ({"properties": {"a": {"type": "integer", "default": "x"}}}, "the default 'x' does not fit: 'x' is not of type"),
)


class TestBadInput(unittest.TestCase):
    """What cannot be a schema is refused in one line, before anything is sent."""

    def test_refused(self) -> None:
        """So it is on each face."""
        provider = Says(GOOD)
        for schema, says in BAD:
            for name, call in (
                ("create", lambda **given: ChatCompletion.create("", "?", provider, **given)),
                ("create_async", lambda **given: ChatCompletion.create_async("", "?", provider, **given)),
                ("Client", lambda **given: Client(provider).chat.completions.create("?", **given)),
                ("Conversation", lambda **given: Conversation("", provider).stream("?", **given)),
            ):
                with self.subTest(f"{name} {says}"), self.assertRaises(InputError) as caught:
                    call(schema=schema)
                self.assertTrue(str(caught.exception).startswith("schema: "), caught.exception)
                self.assertIn(says, str(caught.exception))
                self.assertNotIn("\n", str(caught.exception))
        self.assertEqual([], provider.asked)

    def test_both(self) -> None:
        """A schema beside a response_format is refused."""
        with self.assertRaisesRegex(InputError, "^schema and response_format both say what form the answer has"):
            ask(Says(GOOD), response_format={"type": "json_object"})

    def test_no_jsonschema(self) -> None:
        """Without jsonschema a dict is refused with the remedy."""
        typed._of_json.cache_clear()
        self.addCleanup(typed._of_json.cache_clear)
        self.enterContext(mock.patch.object(typed, "find_spec", return_value=None))
        with self.assertRaisesRegex(MissingRequirementsError, "needs jsonschema: pip install jsonschema$"):
            ask(Says(GOOD), JSON)

    def test_none(self) -> None:
        """None is the same as not given."""
        self.assertEqual(GOOD, ask(Says(GOOD), None))


class TestFaces(unittest.IsolatedAsyncioTestCase):
    """Each face gives the value."""

    def test_create(self) -> None:
        """Whole, it is the value; a stream gives the text, and the value last."""
        self.assertEqual(CATS, ChatCompletion.create("", "?", Says(GOOD), schema=Topic))
        self.assertEqual(CATS, ChatCompletion.create("", "?", Says(GOOD), response_format=Topic))
        self.assertEqual([CATS], ChatCompletion.create("", "?", Says(f"[{GOOD}]"), response_format=list[Topic]))
        pieces = [GOOD[:9], GOOD[9:]]
        stream = ChatCompletion.create("", "?", Says(pieces), schema=Topic, stream=True)
        self.assertEqual([*pieces, Value(CATS)], list(stream))

    async def test_create_async(self) -> None:
        """The same, awaited."""
        self.assertEqual(CATS, await ChatCompletion.create_async("", "?", Says(GOOD), schema=Topic))
        stream = ChatCompletion.create_async("", "?", Says(GOOD), schema=Topic, stream=True)
        self.assertEqual([GOOD, Value(CATS)], [item async for item in stream])

    def test_client(self) -> None:
        """`parsed` is the value, by OpenAI's names and by ours; it is dumped, and is no part of the next question."""
        completions = Client(Says(GOOD)).chat.completions
        for completion in (
            completions.parse("?", "", response_format=Topic),
            completions.parse(model="", messages="?", response_format=Topic),
            completions.create("?", response_format=Topic),
            completions.create("?", schema=Topic),
        ):
            message = completion.choices[0].message
            self.assertEqual((CATS, GOOD), (message.parsed, message.content))
            self.assertEqual(
                {"label": "cats", "score": 0.5}, completion.model_dump()["choices"][0]["message"]["parsed"]
            )
        provider = Says(GOOD)
        Client(provider).chat.completions.create([message, {"role": "user", "content": "?"}])
        self.assertEqual({"role": "assistant", "content": GOOD}, provider.asked[0][0])
        self.assertIsNone(Client(provider).chat.completions.create("?").choices[0].message.parsed)

    def test_client_dumps(self) -> None:
        """A model of pydantic is dumped as it dumps itself."""
        text = '{"city": "Rome", "since": "2026-11-30"}'
        completion = Client(Says(text)).chat.completions.parse("?", response_format=Place)
        self.assertEqual(json.loads(text), json.loads(completion.model_dump_json())["choices"][0]["message"]["parsed"])

    def test_client_stream(self) -> None:
        """The last chunk has the value; a second answer begins with a role anew."""
        chunks = list(Client(Says("no", GOOD)).chat.completions.create("?", schema=Topic, stream=True))
        deltas = [(chunk.choices[0].delta.role, chunk.choices[0].delta.content) for chunk in chunks]
        self.assertEqual([("assistant", "no"), ("assistant", GOOD), (None, None)], deltas)
        self.assertEqual([None, None, CATS], [chunk.choices[0].delta.parsed for chunk in chunks])

    async def test_async_client(self) -> None:
        """The same, awaited."""
        completion = await AsyncClient(Says(GOOD)).chat.completions.parse("?", response_format=Topic)
        self.assertEqual(CATS, completion.choices[0].message.parsed)
        stream = AsyncClient(Says(GOOD)).chat.completions.stream("?", schema=Topic)
        self.assertEqual([None, CATS], [chunk.choices[0].delta.parsed async for chunk in stream])

    def test_conversation(self) -> None:
        """A call returns the value, a stream ends with it; the turn has its text, and of two answers the second's."""
        chat = Conversation("", Says(GOOD, GOOD, "no", GOOD, "plain"))
        self.assertEqual(CATS, chat("1", schema=Topic))
        self.assertEqual([GOOD, Value(CATS)], list(chat.stream("2", schema=Topic)))
        self.assertEqual(CATS, chat("3", schema=Topic))
        answer = chat("4")
        self.assertEqual(("plain", None), (answer, answer.value))
        self.assertEqual([GOOD, GOOD, GOOD, "plain"], [turn.answer for turn in chat.turns])
        self.assertEqual(["1", "2", "3", "4"], [turn.question for turn in chat.turns])

    async def test_conversation_async(self) -> None:
        """The same, awaited; the answer of a turn knows its value."""
        chat = Conversation("", Says(GOOD))
        self.assertEqual(CATS, await chat.acall("1", schema=Topic))
        self.assertEqual([GOOD, Value(CATS)], [item async for item in chat.astream("2", schema=Topic)])
        pending = chat.prepare("3", schema=Topic)
        self.assertEqual(CATS, await pending.answer())
        self.assertEqual((GOOD, CATS), (pending.result, pending.result.value))

    def test_trimmed(self) -> None:
        """A conversation that is longer than the context gives one value, of the shorter one."""
        provider = Says(GOOD, [ContextLengthError("too long")], GOOD)
        chat = Conversation("", provider)
        chat("1", schema=Topic)
        items = list(chat.stream("2", schema=Topic))
        self.assertEqual([Trimmed(1), GOOD, Value(CATS)], items)
        self.assertEqual(3, len(provider.asked))

    def test_null(self) -> None:
        """A value that is None is one."""
        self.assertIsNone(ask(Says('{"value": null}'), Topic | None))
        self.assertIsNone(Conversation("", Says("null"))("?", schema=Topic | None))
        self.assertEqual([Value(None)], list(ask(Says("null"), Topic | None, stream=True))[1:])

    def test_calls(self) -> None:
        """An answer that calls tools has no value yet, and is not asked for again."""
        provider = Says([ToolCall(0, "1", "f", "{}")], GOOD)
        chat = Conversation("", provider)
        self.assertEqual("f", chat("?", schema=Topic).tool_calls[0].function.name)
        self.assertEqual(CATS, chat({"1": "result"}, schema=Topic))
        self.assertEqual(2, len(provider.asked))

    def test_thoughts(self) -> None:
        """Thoughts are not of the value."""
        self.assertEqual(CATS, ask(Says(f"<think>{{}} or []?</think>\n\n{GOOD}")))
        self.assertEqual(CATS, ask(Says([Reasoning("{hm}"), GOOD])))


class TestSent(unittest.TestCase):
    """What each protocol is sent, and what of its answer is understood."""

    def sent(self, provider: str, dialect: Any, schema: Any, value: Any = CATS, text: str = GOOD) -> Any:
        """Return the body of the request that is answered with the value."""
        with Server(whole(dialect.whole(text))) as server:
            url = server.url.removesuffix("/v1")
            answer = ChatCompletion.create("m", "?", provider, base_url=url, api_key="k", schema=schema)
            self.assertEqual(value, answer)
            [request] = server.requests
            return request.json

    def test_structured(self) -> None:
        """Each protocol's own form of a schema has it, and the messages stay."""
        wire = schema_for(Topic).format.schema
        self.assertEqual({"label", "score"}, set(wire["properties"]))
        sent = self.sent("OpenAI", OPENAI, Topic)
        named = {"name": "Topic", "schema": wire, "strict": True}
        self.assertEqual({"type": "json_schema", "json_schema": named}, sent["response_format"])
        self.assertEqual([{"role": "user", "content": "?"}], sent["messages"])
        anthropic = self.sent("Anthropic", ANTHROPIC, Topic)
        self.assertEqual({"format": {"type": "json_schema", "schema": wire}}, anthropic["output_config"])
        self.assertNotIn("system", anthropic)
        config = self.sent("Gemini", GEMINI, Topic)["generationConfig"]
        self.assertEqual({"responseMimeType": "application/json", "responseJsonSchema": wire}, config)
        self.assertEqual(wire, self.sent("Ollama", OLLAMA, Topic)["format"])

    def test_not_strict(self) -> None:
        """A schema that does not have the form of strict mode is sent without the word."""
        sent = self.sent("OpenAI", OPENAI, Point, Point(1), '{"x": 1}')
        self.assertEqual(["name", "schema"], list(sent["response_format"]["json_schema"]))

    def test_in_words(self) -> None:
        """What a provider lacks is asked for in words: at the end of the system prompt, with JSON where it has that."""
        sent = self.sent("DeepSeek", OPENAI, Topic)
        self.assertEqual({"type": "json_object"}, sent["response_format"])
        system, question = sent["messages"]
        self.assertEqual(("system", {"role": "user", "content": "?"}), (system["role"], question))
        self.assertIn(json.dumps(schema_for(Topic).format.schema, separators=(",", ":")), system["content"])
        cloud = self.sent("OllamaCloud", OLLAMA, Topic)
        self.assertNotIn("format", cloud)
        self.assertIn('"label"', cloud["messages"][0]["content"])
        provider = Says(GOOD)
        messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "?"}]
        ChatCompletion.create("", messages, provider, schema=Topic)
        self.assertTrue(provider.asked[0][0]["content"].startswith("Be kind.\n\nAnswer with JSON alone"))
        self.assertEqual(messages[1:], provider.asked[0][1:])
        self.assertEqual("Be kind.", messages[0]["content"])

    def test_anthropic(self) -> None:
        """Anthropic gets no limits, which it refuses, and an open schema in words."""
        limited = Annotated[int, msgspec.Meta(ge=1, le=9, description="maximum")]
        schema = self.sent("Anthropic", ANTHROPIC, list[limited], [3], '{"value": [3]}')["output_config"]["format"]
        item = schema["schema"]["properties"]["value"]["items"]
        self.assertEqual({"type": "integer", "description": "maximum"}, item)
        named = msgspec.defstruct("Range", [("minimum", int), ("kind", Literal["maximum"])])
        sent = self.sent("Anthropic", ANTHROPIC, named, named(1, "maximum"), '{"minimum": 1, "kind": "maximum"}')
        properties = sent["output_config"]["format"]["schema"]["properties"]
        self.assertEqual({"minimum": {"type": "integer"}, "kind": {"enum": ["maximum"], "type": "string"}}, properties)
        given = self.sent("Anthropic", ANTHROPIC, dict[str, int], {"a": 1}, '{"a": 1}')
        self.assertNotIn("output_config", given)
        self.assertIn('"additionalProperties"', given["system"][0]["text"])

    def test_refused(self) -> None:
        """A server that refuses the schema is asked once more, in words; a caller's own format is not changed."""
        for provider, dialect, refused in (
            ("OpenAI", OPENAI, 400),
            ("Mistral", OPENAI, 422),
            ("Anthropic", ANTHROPIC, 400),
            ("Gemini", GEMINI, 400),
            ("Ollama", OLLAMA, 400),
        ):
            wrong = whole({"error": {"message": "this model knows no schema"}}, refused)
            with self.subTest(provider), Server(wrong, whole(dialect.whole(GOOD))) as server:
                given = {"base_url": server.url.removesuffix("/v1"), "api_key": "k"}
                self.assertEqual(CATS, ChatCompletion.create("m", "?", provider, schema=Topic, **given))
                first, second = (json.dumps(request.json) for request in server.requests)
                self.assertEqual((False, True), tuple("Answer with JSON alone" in body for body in (first, second)))
                forms = "response_format", "output_config", "responseJsonSchema", '"format"'
                self.assertEqual((True, False), tuple(any(form in body for form in forms) for body in (first, second)))
        own = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
        with Server(whole({"error": {"message": "no"}}, 400)) as server:
            with self.assertRaises(BadRequestError):
                ChatCompletion.create("m", "?", server.url, response_format=own)
            self.assertEqual([own], [request.json["response_format"] for request in server.requests])

    def test_own(self) -> None:
        """A provider of one's own gets the form if it takes it by name, or says that it follows it; else the words."""

        class Named(AsyncGeneratorProvider):
            async def create_async_generator(
                self, model: str, messages: Any, response_format: Any = None
            ) -> AsyncGenerator[str]:
                seen.append((type(response_format), len(messages)))
                yield GOOD

        class Anything(AsyncGeneratorProvider):
            async def create_async_generator(self, model: str, messages: Any, **given: Any) -> AsyncGenerator[str]:
                seen.append((type(given.get("response_format")), len(messages)))
                yield GOOD

        class Follows(Anything):
            follows_schemas = "any"

        seen: list[Any] = []
        for provider in (Named(), Anything(), Follows()):
            self.assertEqual(CATS, ask(provider))
        self.assertEqual([(SchemaFormat, 1), (type(None), 2), (SchemaFormat, 1)], seen)

    def test_list(self) -> None:
        """Each provider of a list is asked in its own way."""
        failing = Says([RateLimitError("no")])
        with Server(whole(OPENAI.whole(GOOD))) as server:
            providers = IterListProvider([failing, server.url])
            self.assertEqual(CATS, ChatCompletion.create("m", "?", providers, schema=Topic, max_retries=0))
            self.assertEqual("system", failing.asked[0][0]["role"])
            self.assertEqual(["user"], [message["role"] for message in server.requests[0].json["messages"]])
            self.assertEqual("json_schema", server.requests[0].json["response_format"]["type"])

    def test_names_of_secrets(self) -> None:
        """A field may have the name of a secret."""
        login = {"type": "object", "properties": {"password": {"type": "string", "default": "x"}}}
        sent = self.sent("OpenAI", OPENAI, login, {"password": "p"}, '{"password": "p"}')
        self.assertEqual(login, sent["response_format"]["json_schema"]["schema"])


class TestRepair(unittest.TestCase):
    """What does not fit is asked for once more; what is still wrong then is in the error, whole."""

    def test_once_more(self) -> None:
        """The second question has the first answer, where it does not fit and why, and the schema."""
        provider = Says('{"label": 1, "score": 2}', GOOD)
        self.assertEqual(CATS, ask(provider))
        first, second = provider.asked
        self.assertEqual(first, second[:-2])
        self.assertEqual({"role": "assistant", "content": '{"label": 1, "score": 2}'}, second[-2])
        self.assertIn("$.label: Expected `str`, got `int`", second[-1]["content"])
        self.assertIn('"label":{"type":"string"}', second[-1]["content"])

    def test_stream(self) -> None:
        """A stream says that another answer follows, and what is put together has that alone; usage is of both."""
        one, two = Usage(1, 2, 3, reasoning_tokens=1, tier="flex"), Usage(10, 20, 30, cached_tokens=5)
        first = [Reasoning("hm"), "no", one]
        items = list(ask(Says(first, [GOOD, two]), stream=True))
        says = "the answer does not fit Topic, asking once more: it is not JSON"
        self.assertTrue(items[3].text.startswith(says), items)
        self.assertEqual([*first, items[3], GOOD, two, Value(CATS)], items)
        self.assertIsInstance(items[3], AskedAgain)
        message = Client(Says(first, [GOOD, two])).chat.completions.create("?", schema=Topic)
        self.assertEqual((GOOD, None), (message.choices[0].message.content, message.choices[0].message.reasoning))
        usage = message.usage
        self.assertEqual((11, 22, 33), (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens))
        self.assertEqual(5, usage.prompt_tokens_details.cached_tokens)
        pending = Conversation("", Says(first, [GOOD, two])).prepare("?", schema=Topic)
        run(pending.answer())
        self.assertEqual(Usage(11, 22, 33, 5, 1, None, "flex"), pending.result.usage)

    def test_seconds(self) -> None:
        """Two answers from a tape took what both took."""

        async def replay(messages: list[Any]) -> AsyncGenerator[Item]:
            for item in (Replayed(1.5), GOOD if messages else "no"):
                answer.add(item)
                yield item

        async def read() -> list[Item]:
            return [item async for item in fitted(schema_for(Topic), answer, replay)]

        answer = Assembly()
        self.assertEqual(Value(CATS), run(read())[-1])
        self.assertEqual(Replayed(3.0), answer.replayed)

    def test_twice(self) -> None:
        """A second answer that does not fit is in the error, with each path and reason; there is no third."""
        provider = Says("first", '{"label": "a", "score": "high"} and more', GOOD)
        with self.assertRaises(SchemaError) as caught:
            ask(provider)
        error = caught.exception
        self.assertEqual("the answer does not fit Topic: $.score: Expected `float`, got `str`", str(error))
        self.assertEqual([("$.score", "Expected `float`, got `str`")], error.problems)
        self.assertEqual('{"label": "a", "score": "high"} and more', error.partial)
        self.assertEqual(("Says", 2), (error.provider, len(provider.asked)))

    def test_all_problems(self) -> None:
        """Pydantic and jsonschema say all that is wrong, each at its path; the line has the first three."""
        text = '{"places": [{"city": 1, "since": "x"}, {"city": "Rome"}]}'
        with self.assertRaises(SchemaError) as caught:
            ask(Says(text), Trip)
        paths = ["$.places[0].city", "$.places[0].since", "$.places[1].since"]
        self.assertEqual(paths, [path for path, _ in caught.exception.problems])
        with self.assertRaises(SchemaError) as caught:
            ask(Says(f"[{text}]"), list[Trip])
        self.assertEqual("$[0].places[0].city", caught.exception.problems[0].path)
        with self.assertRaises(SchemaError) as caught:
            ask(Says('[{"size": 3}, {"label": 1}, {"label": 2}]'), {"type": "array", "items": JSON})
        paths = ["$[0].size", "$[0]", "$[1].label", "$[2].label"]
        self.assertEqual(sorted(paths), sorted(path for path, _ in caught.exception.problems))
        self.assertTrue(str(caught.exception).endswith("; and 1 more"))
        self.assertEqual(3, str(caught.exception).count("; "))

    def test_wrapped(self) -> None:
        """Within the object around a list, the path is that in the text; else the problem is that of the list."""
        for text, problem in (
            ('{"value": [{"label": 1}]}', ("$.value[0].label", "Expected `str`, got `int`")),
            ('{"label": 1}', ("$", "Expected `array`, got `object`")),
        ):
            with self.subTest(text), self.assertRaises(SchemaError) as caught:
                ask(Says(text), list[Topic])
            self.assertEqual([problem], caught.exception.problems)

    def test_keywords(self) -> None:
        """Of a dict, each keyword counts: types, required, enum, items, properties and the others."""
        for schema, fits, other in (
            ({"type": "integer"}, "1", "1.5"),
            ({"type": ["string", "null"]}, "null", "1"),
            ({"enum": ["a"]}, '"a"', '"b"'),
            ({"const": 3}, "3", "4"),
            ({"type": "array", "items": {"type": "string"}}, '["a"]', "[1]"),
            (JSON, '{"label": "a"}', '{"size": 1}'),
            ({"properties": {"a": {"minimum": 1}}, "type": "object"}, '{"a": 1}', '{"a": 0}'),
            ({"anyOf": [{"type": "null"}, {"$ref": "#/$defs/N"}], "$defs": {"N": {"maximum": 1}}}, "1", "2"),
            ({"type": "string", "pattern": "^a", "maxLength": 2}, '"ab"', '"abc"'),
            ({"type": "array", "uniqueItems": True}, "[1, 2]", "[1, 1]"),
        ):
            with self.subTest(str(schema)):
                self.assertEqual(json.loads(fits), ask(Says(fits), schema))
                with self.assertRaises(SchemaError) as caught:
                    ask(Says(other), schema)
                self.assertEqual(other, caught.exception.partial)

    def test_cut(self) -> None:
        """An answer that was cut is not asked for again; one that is whole all the same fits."""
        for reason, says in (
            ("length", "it was cut off: the limit of its length. Raise max_tokens"),
            ("content_filter", "it was cut off: the provider's content filter"),
        ):
            with self.subTest(reason):
                provider = Says([GOOD[:-4], FinishReason(reason)])
                with self.assertRaises(SchemaError) as caught:
                    ask(provider)
                self.assertEqual(f"the answer does not fit Topic: {says}", str(caught.exception))
                self.assertEqual((GOOD[:-4], [("$", says)]), (caught.exception.partial, caught.exception.problems))
                self.assertEqual(1, len(provider.asked))
                self.assertEqual(CATS, ask(Says([GOOD, FinishReason(reason)])))

    def test_second_is_cut(self) -> None:
        """So it is with the second answer."""
        provider = Says("no", [GOOD[:-4], FinishReason("length")])
        with self.assertRaisesRegex(SchemaError, "Raise max_tokens$"):
            ask(provider)
        self.assertEqual(2, len(provider.asked))

    def test_second_fails(self) -> None:
        """Where the second answer cannot be had, the first stays: in the error, in a stream, with both reasons."""
        for failure in ([RateLimitError("too many requests")], ['{"label', RateLimitError("too many requests")]):
            items: list[Any] = []
            with self.subTest(failure), self.assertRaises(SchemaError) as caught:
                for item in ask(Says("the first", failure), stream=True):
                    items.append(item)  # noqa: PERF402 - an error must not take the items with it
            self.assertEqual("the first", caught.exception.partial)
            self.assertRegex(str(caught.exception), "not JSON: .*Asking once more failed: too many requests$")
            self.assertIsInstance(caught.exception.__cause__, RateLimitError)
            self.assertEqual("the first", items[-1])
            self.assertIsInstance(items[-2], AskedAgain)

    def test_first_fails(self) -> None:
        """An error of the first answer is raised as it is."""
        provider = Says(['{"label', RateLimitError("too many requests")])
        with self.assertRaises(RateLimitError) as caught:
            ask(provider)
        self.assertEqual(('{"label', 1), (caught.exception.partial, len(provider.asked)))

    def test_not_entered(self) -> None:
        """A turn whose answer does not fit does not enter its conversation."""
        chat = Conversation("", Says("no"))
        with self.assertRaises(SchemaError):
            chat("?", schema=Topic)
        self.assertEqual([], chat.turns)

    def test_left_early(self) -> None:
        """Leaving a stream early asks nothing more."""
        provider = Says("no", GOOD)

        async def leave() -> Item:
            async for item in ChatCompletion.create_async("", "?", provider, schema=Topic, stream=True):
                return item
            raise AssertionError

        self.assertEqual("no", run(leave()))
        self.assertEqual(1, len(provider.asked))


SURE = (
    "Sure! Here it is:\n",
    "See [1] and {name}. ",
    "1. ",
    "Of course - ",
    "JSON:\n\n    ",
    "```json\n",
    "```\n",
    '"Topic": ',
)
BEHIND = ("", "\n```", "\nI hope this helps {you}.", " [1]", "\n\n}", "\n---\n", "```\n\nOr not?")
CUTS = range(1, len(GOOD))


def malformed() -> Iterator[tuple[str, bool]]:
    """Yield answers, and whether the one object is in them."""
    for before in SURE:
        for behind in BEHIND:
            yield before + GOOD + behind, True
    yield f"{GOOD}\n{GOOD}", True  # the same twice
    yield GOOD.replace("0.5", "5e-1"), True
    yield GOOD.replace("}", ', "more": [null]}'), True
    for cut in CUTS:
        yield GOOD[:cut], False
        yield f"Sure: {GOOD[:cut]}", False
        yield f'{{"best": {GOOD}, "others": [{GOOD[:cut]}', False  # a part would fit
    for wrong in ("1", "null", '"cats"', "true", "[]", "{}", "NaN", "0.5", "[0.5]", '{"label": "cats"}', f"[{GOOD}]"):
        yield wrong, False
        yield f"Sure: {wrong}.", False
    for score in ('"0.5"', "null", "[0.5]", "NaN", "Infinity", "0,5", "", "'0.5'", "٠"):
        yield GOOD.replace("0.5", score), False
        yield f"```json\n{GOOD.replace('0.5', score)}\n```", False
    for other in ('{"label": "dogs", "score": 0.5}', GOOD.replace("0.5", "0.6")):
        yield f"{GOOD}{other}", False  # two, and who knows which
        yield f"{GOOD}\n\nor\n\n{other}", False
        yield f"[{GOOD}, {other}]", False
    for text in ("I cannot answer that.", "{", "[" * 5000, '{"a":' * 5000, "{" * 5000, "\x00", "<html>{}</html>"):
        yield text, False
    yield GOOD.replace("cats", "\\ud83d"), False


class TestMalformed(unittest.TestCase):
    """Two hundred answers of a server that is none of the best."""

    def test_server(self) -> None:
        """The object is right, or the text is in the error: every time, whole or streamed, in whatever pieces."""
        answers = list(malformed())
        self.assertGreaterEqual(len(answers), 200)
        self.assertGreaterEqual(sum(fits for _, fits in answers), 35)
        random = Random(12)
        with Server(self._answer) as server:
            for text, fits in answers:
                self.text, self.random = text, random
                stream = random.random() < 0.3
                with self.subTest(text[:100]):
                    given: dict[str, Any] = {"base_url": server.url, "api_key": "k", "max_retries": 0, "schema": Topic}
                    try:
                        answer = ChatCompletion.create("m", "?", "OpenAI", stream=stream, **given)
                        value = list(answer)[-1].value if stream else answer
                    except SchemaError as error:
                        self.assertFalse(fits, error)
                        self.assertEqual(text, error.partial)
                        self.assertTrue(error.problems)
                    else:
                        self.assertEqual((CATS, True), (value, fits))

    def _answer(self, request: Request) -> Any:
        if not request.json.get("stream"):
            return whole(OPENAI.whole(self.text))
        cut = self.random.randrange(len(self.text))
        pieces = [OPENAI.text(piece) for piece in (self.text[:cut], self.text[cut:]) if piece]
        return whole(b"".join([*pieces, OPENAI.end]), kind="text/event-stream")

    def test_other_types(self) -> None:
        """A list may stand in prose, and what is broken or doubtful is never searched for a part of it."""
        reads = schema_for(list[int]).reads
        for text, expected in (
            ("Numbers [a]: [1, 2].", [1, 2]),
            ('Here: {"value": [1]} ok', [1]),
            ("```json\n[1]\n```", [1]),
            ("[[1, 2], [3", None),
            ("[1] or [2]", None),
            ('{"value": [1]} [2]', None),
        ):
            with self.subTest(text):
                found = find(text, reads)
                self.assertEqual((expected, expected is None), (found.value, bool(found.problems)))

    def test_many_brackets(self) -> None:
        """Prose with very many brackets is given up, in time that grows as it does."""
        for text in ("[ " * 100_000, "{x} " * 100_000, "[1] " * 100_000, f"{'{x} ' * 100}{GOOD}"):
            with self.subTest(text[:4]):
                self.assertTrue(find(text, schema_for(Topic).reads).problems)
        self.assertEqual(CATS, find(f"{'{x} ' * 60}{GOOD}", schema_for(Topic).reads).value)

    def test_problem(self) -> None:
        """A problem reads as its reason, with its path where that is not the whole."""
        self.assertEqual(("why", "$.a: why"), (str(Problem("$", "why")), str(Problem("$.a", "why"))))


class TestTape(unittest.TestCase):
    """A typed question has its place on a tape."""

    def setUp(self) -> None:
        self.tape = str(Path(self.enterContext(tempfile.TemporaryDirectory()), "tape.jsonl"))

    def test_replay(self) -> None:
        """Replayed, it gives the value again, and nobody is asked; whatever way the provider was asked in."""
        with g4f.tape(self.tape):
            self.assertEqual(CATS, ask(Says(GOOD)))
        provider = Says("never")
        with g4f.tape(self.tape, "replay"):
            self.assertEqual(CATS, ask(provider))
            items = list(ask(provider, stream=True))
            self.assertEqual([GOOD, Value(CATS)], items[1:])
            self.assertIsInstance(items[0], Replayed)
            self.assertEqual(CATS, Conversation("", provider)("?", schema=Topic))
        self.assertEqual([], provider.asked)

    def test_key(self) -> None:
        """Another schema is another question, and so is none; an equal one is the same."""
        with g4f.tape(self.tape):
            ask(Says(GOOD))
        twin = msgspec.defstruct("Topic", [("label", str), ("score", float)], namespace={"__doc__": Topic.__doc__})
        with g4f.tape(self.tape, "replay"):
            self.assertEqual(twin("cats", 0.5), ask(Says("never"), twin))
            for other in (Point, list[Topic], JSON, None):
                with self.subTest(str(other)), self.assertRaises(MissingRequirementsError):
                    ask(Says(GOOD), other)

    def test_repair(self) -> None:
        """Both answers of a repair are on it, and together take what they took."""
        used = Usage(1, 2, 3)
        with g4f.tape(self.tape):
            self.assertEqual(CATS, ask(Says(["no", used], [GOOD, used])))
        self.assertEqual(2, Path(self.tape).read_text(encoding="utf-8").count('"question"'))
        with g4f.tape(self.tape, "replay"):
            completion = Client(Says("never")).chat.completions.parse("?", response_format=Topic)
            self.assertEqual((CATS, 6), (completion.choices[0].message.parsed, completion.usage.total_tokens))

    def test_unfit(self) -> None:
        """What did not fit does not fit in replay either, with the same words."""
        errors = []
        for mode in ("auto", "replay"):
            with g4f.tape(self.tape, mode), self.assertRaises(SchemaError) as caught:
                ask(Says("no"))
            errors.append((str(caught.exception), caught.exception.partial, caught.exception.problems))
        self.assertEqual(errors[0], errors[1])


class TestLocal(unittest.TestCase):
    """The model in this process."""

    def test_typed(self) -> None:
        """It answers in each form, the first time."""

        class City(msgspec.Struct):
            city: Literal["Tokyo", "Cairo"]
            big: bool

        question = "What is the capital of Japan?"
        with mock.patch("g4f.typed.fitting._second", side_effect=AssertionError("it was asked again")):
            city = ChatCompletion.create("", question, "Local", schema=City)
            self.assertEqual(("Tokyo", bool), (city.city, type(city.big)))
            self.assertIn(ChatCompletion.create("", question, "Local", schema=Colour), list(Colour))
            self.assertIsInstance(ChatCompletion.create("", "How many days has a week?", "Local", schema=int), int)

    def test_cut(self) -> None:
        """Cut, it is not asked again, and its text is in the error."""
        with self.assertRaisesRegex(SchemaError, "Raise max_tokens$") as caught:
            ChatCompletion.create("", "Tell me a story.", "Local", schema=Topic, max_tokens=5)
        self.assertTrue(caught.exception.partial.startswith("{"))


if __name__ == "__main__":
    unittest.main()
