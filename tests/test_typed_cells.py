"""Typed answers in a cell: readable JSON as it comes, the value in a variable, and what goes wrong in one line."""

from __future__ import annotations

import io
import unittest
from contextlib import redirect_stdout
from typing import Any

from g4f_jupyter.show.display import Look
from g4f_jupyter.show.forms import formatted
from g4f_jupyter.show.terminal import terminal

from .test_magics import ChatTestCase

TYPES = """
import msgspec, types
from typing import Literal

class Topic(msgspec.Struct):
    label: str
    score: float

class Node(msgspec.Struct):
    children: list["Node"]

form = {"type": "object", "properties": {"label": {"type": "string"}}, "required": ["label"]}
mine = types.SimpleNamespace(Topic=Topic)
GOOD = '{"label": "a*b*", "score": 0.5}'

class Fits(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages):
        asked.append(len(messages))
        yield GOOD

class Second(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages):
        asked.append(len(messages))
        yield GOOD if len(messages) > 2 else "no"

class Bad(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages):
        asked.append(len(messages))
        yield '{"label": "a", "score": "high"} that is it'

class Halves(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(cls, model, messages):
        yield GOOD[:20]
        yield GOOD[20:]
"""

PRETTY = '{\n  "label": "a*b*",\n  "score": 0.5\n}'
SHOWN = {"text/plain": PRETTY, "text/markdown": f"```json\n{PRETTY}\n```"}


class TestCells(ChatTestCase):
    """`--schema` in a notebook."""

    @classmethod
    def setUpClass(cls) -> None:
        """Start what the tests need."""
        super().setUpClass()
        made = cls.kernel.run(TYPES)
        assert made.status == "ok", made.reply

    def value(self, expression: str) -> Any:
        """Return the repr of what an expression gives."""
        return self.kernel.run(expression).result

    def test_value(self) -> None:
        """The cell shows the answer as JSON in lines, and the variable holds the value; the turn has the text."""
        cell = self.chat("-p Fits --new --schema Topic -o topic", "Which?")
        self.assertEqual(("ok", [SHOWN]), (cell.status, cell.displays))
        self.assertEqual("Topic(label='a*b*', score=0.5)", self.value("topic"))
        self.assertIn('{"label": "a*b*", "score": 0.5}', self.kernel.run("%chat_history").displays[0]["text/plain"])

    def test_names(self) -> None:
        """A type may stand in a name, an attribute, braces, or be made of others; a dict is a schema."""
        topic = "Topic(label='a*b*', score=0.5)"
        for given, expected in (
            ("mine.Topic", topic),
            ("{Topic}", topic),
            ("'Topic | None'", topic),
            ("'int | Topic'", topic),
            ("'dict[str, str | float]'", "{'label': 'a*b*', 'score': 0.5}"),
            ("form", "{'label': 'a*b*', 'score': 0.5}"),
        ):
            with self.subTest(given):
                cell = self.chat(f"-p Fits --once --schema {given} -o topic", "Which?")
                self.assertEqual("ok", cell.status, cell.reply)
                self.assertEqual(expected, self.value("topic"))
        self.kernel.run("said = '[1, \"a\"]'")
        self.chat("-p Says --once --schema 'tuple[Literal[1], Literal[\"a\"]]' -o pair", "?")
        self.assertEqual("(1, 'a')", self.value("pair"))

    def test_assigned(self) -> None:
        """`y = %chat …` gives the value to `y`, or the answer; a line of its own shows it once."""
        self.kernel.run("y = %chat -p Fits --once --schema Topic Which?")
        self.assertEqual("Topic(label='a*b*', score=0.5)", self.value("y"))
        self.kernel.run("y = %chat -p Fits --once Which?")
        self.assertEqual(("Answer", "'Fits'"), (self.value("type(y).__name__").strip("'"), self.value("y.provider")))
        self.kernel.run("def f():\n    y = %chat -p Fits --once --schema Topic Which?\n    return y.score")
        self.assertEqual("0.5", self.value("f()"))
        for line in ("%chat -p Fits --once --schema Topic Which?", "%%chat -p Fits --once --schema Topic\nWhich?"):
            cell = self.kernel.run(line)
            self.assertEqual(("", [SHOWN]), (cell.result, cell.displays))

    def test_grows(self) -> None:
        """While it comes, what is there stands in lines, too."""
        cell = self.chat("-p Halves --once --schema Topic", "?")
        self.assertEqual('{\n  "label": "a*b*",\n  "s', cell.data("text/plain")[0])
        self.assertTrue(cell.data("text/markdown")[0].startswith("```json\n{\n"))
        self.assertEqual([SHOWN], cell.displays)

    def test_second(self) -> None:
        """A second answer takes the place of the first; in between the cell says why."""
        cell = self.chat("-p Second --once --schema Topic -o topic", "Which?")
        self.assertEqual([SHOWN], cell.displays)
        first, why, *_ = cell.data("text/plain")
        self.assertEqual("no", first)
        self.assertTrue(why.startswith("[the answer does not fit Topic, asking once more: it is not JSON"), why)
        self.assertEqual("Topic(label='a*b*', score=0.5)", self.value("topic"))

    def test_unfit(self) -> None:
        """What does not fit stays on the screen, marked, and in the variable; the cell fails in one line; no turn."""
        self.chat("-p Fits --new", "first")
        cell = self.chat("-p Bad --schema Topic -o topic", "Which?")
        self.assert_fails(cell, "SchemaError: Bad: the answer does not fit Topic: $.score: Expected `float`, got `str`")
        shown = '{\n  "label": "a",\n  "score": "high"\n} that is it\n\n[it does not fit its schema]'
        self.assertEqual([shown], [display["text/plain"] for display in cell.displays])
        expected = """'{"label": "a", "score": "high"} that is it' [it does not fit its schema]\n"""
        self.assertEqual(expected, self.kernel.run("print(repr(topic))").text)
        self.assertNotIn("[2]", self.kernel.run("%chat_history").displays[0]["text/plain"])

    def test_cut(self) -> None:
        """One that was cut says so."""
        self.kernel.run(
            "class Cut(Fits):\n  async def create_async_generator(model, messages):\n    "
            "yield GOOD[:20]\n    yield FinishReason('length')"
        )
        cell = self.chat("-p Cut --once --schema Topic", "?")
        self.assertTrue(cell.displays[0]["text/plain"].endswith("[cut off: the limit of its length]"), cell.displays)

    def test_refused(self) -> None:
        """What is no schema is refused in one line, before anything is sent."""
        self.kernel.run("asked.clear(); topic = None")
        for given, says in (
            ("Topc", "--schema: there is no variable 'Topc'. Did you mean 'Topic'?"),
            ("list[Nobody]", "--schema: there is no variable 'Nobody'."),
            ("print", "--schema: print is no type that an answer can have"),
            ("Topic()", "--schema needs the name of a type, such as Topic or list[Topic], not 'Topic()'"),
            ("'Topic, ('", "--schema needs the name of a type, such as Topic or list[Topic], not 'Topic, ('"),
            ("mine.Tropic", "--schema mine.Tropic: 'types.SimpleNamespace' object has no attribute 'Tropic'"),
            ("Topic[int]", "--schema Topic[int]: type 'Topic' is not subscriptable"),
            ("form['x']", "--schema: there is no variable 'x'."),
            ("GOOD", 'schema: \'{"label": "a*b*", "score": 0.5}\' is no type: give a dataclass'),
            ("Node", "schema: Node is recursive"),
            ("dict", "schema: dict is open"),
        ):
            with self.subTest(given):
                cell = self.chat(f"-p Fits --once --schema {given}", "Which?")
                [line] = cell.reply["traceback"]
                self.assertTrue(line.startswith(f"InputError: {says}"), line)
        cell = self.chat("-p Fits --once --set schema=Topic", "Which?")
        self.assert_fails(cell, "InputError: --set schema=… is not possible: give --schema instead")
        self.assertEqual("[]", self.value("asked"))

    def test_prose(self) -> None:
        """A value in prose is one, though the text is no JSON."""
        self.kernel.run("said = f'Sure: {GOOD}'")
        cell = self.chat("-p Says --once --schema Topic -o topic", "?")
        self.assertEqual("ok", cell.status, cell.reply)
        self.assertEqual("Topic(label='a*b*', score=0.5)", self.value("topic"))

    def test_dry_run(self) -> None:
        """A dry run shows what would be sent: here the schema, in words."""
        cell = self.chat("-p Fits --once --schema Topic --dry-run", "Which?")
        self.assertIn('"label":{"type":"string"}', cell.displays[0]["text/plain"])

    def test_format(self) -> None:
        """`--format` wins over the form of JSON."""
        cell = self.chat("-p Fits --once --schema Topic -f text", "Which?")
        self.assertEqual([{"text/plain": '{"label": "a*b*", "score": 0.5}'}], cell.displays)


class TestForms(unittest.TestCase):
    """JSON that is not whole yet."""

    def test_growing(self) -> None:
        """Each beginning is shown in lines; what is whole looks as it did while it grew; nothing of it is lost."""
        text = '{"a": [], "b": {}, "c": [1, {"d": "x, {y} \\" z"}], "e": -1.5e3, "f": null}'
        whole, _ = formatted(text, "json", str)
        for end in range(1, len(text)):
            with self.subTest(text[:end]):
                shown, markdown = formatted(text[:end], "json", str)
                self.assertEqual("".join(text[:end].split()), "".join(shown.split()))
                self.assertEqual(f"```json\n{shown}\n```", markdown)
                if not text[:end].endswith(("[", "{", ",", " ", ":")):
                    self.assertTrue(whole.startswith(shown.rstrip()), shown)
        self.assertEqual(whole, formatted(f"{text[:-1]}}}", "json", str)[0])

    def test_behind(self) -> None:
        """What is no JSON keeps its words: behind it, in it, and before it."""
        for text, expected in (
            ('{"a": 1} and that is it', '{\n  "a": 1\n} and that is it'),
            ("[not quite json, no]", "[\n  not quite json,\n  no\n]"),
            ("] {", "] {"),
            ("Sure: {", "Sure: {"),
        ):
            with self.subTest(text):
                self.assertEqual(expected, formatted(text, "json", str)[0])


class TestTerminal(unittest.TestCase):
    """In a terminal an answer in JSON is printed at its end."""

    def test_discarded(self) -> None:
        """That of two answers which counts is printed, and why there were two."""
        screen, printed = terminal(Look("json")), io.StringIO()
        with redirect_stdout(printed):
            screen.add("no")
            screen.discard()
            screen.wait("asking once more")
            screen.add("[1]")
            screen.close("")
        self.assertEqual("[asking once more]\n[\n  1\n]\n", printed.getvalue())
