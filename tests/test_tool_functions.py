"""A function as a tool: its signature as a schema, its docstring, its results."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import itertools
import json
import threading
import unittest
from collections.abc import AsyncGenerator, Iterator
from functools import partial, wraps
from typing import Annotated, Any, Literal, NamedTuple, TypedDict
from unittest import mock

import msgspec
import numpy as np
import pandas as pd
import polars as pl
from matplotlib.figure import Figure

import g4f
from g4f import errors
from g4f.tools import results
from g4f.tools.function import FunctionTool
from g4f.tools.results import LIMIT, result_of
from g4f.tools.tool import Result
from g4f.waiting.threads import in_thread

from .loops import run


class Colour(enum.Enum):
    """A colour."""

    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Size:
    """A size."""

    width: int
    height: int = 1


class Place(TypedDict):
    """A place."""

    city: str


class Node(msgspec.Struct):
    """It may hold itself."""

    name: str
    below: list[Node] = []


class Pair(NamedTuple):
    """Two."""

    one: int
    two: int


def parameters(function: Any) -> dict[str, Any]:
    """Return the schemas of the parameters."""
    made: dict[str, Any] = FunctionTool(function).parameters["properties"]
    return made


def lambda_of(value: Any) -> Any:
    """Return a function that returns the value."""

    def made() -> Any:
        return value

    return made


def called(function: Any, **arguments: Any) -> Result:
    """Return the result of a call."""
    return run(FunctionTool(function).call(arguments))


class TestSchema(unittest.TestCase):
    """What a model is told."""

    def test_types(self) -> None:
        """Each type has its schema, and arguments come in as that type."""
        seen: list[Any] = []

        def take(  # noqa: PLR0917 - as many as there are types
            colour: Colour,
            size: Size,
            place: Place,
            day: dt.date,
            price: decimal.Decimal,
            kind: Literal["a", "b"],
            numbers: list[float],
            counts: dict[str, int],
            pair: Pair,
            node: Node,
            maybe: int | None,
            either: int | str,
            anything: Any,
            plain,  # noqa: ANN001 - a parameter without a type is the subject
        ) -> None:
            seen.append(
                (colour, size, place, day, price, kind, numbers, counts, pair, node, maybe, either, anything, plain)
            )

        tool = FunctionTool(take)
        schema = tool.parameters
        self.assertEqual(sorted(schema["properties"]), sorted(schema["required"]))
        self.assertIs(False, schema["additionalProperties"])
        self.assertEqual({"enum": ["a", "b"]}, schema["properties"]["kind"])
        self.assertEqual({"type": "string", "format": "date"}, schema["properties"]["day"])
        self.assertEqual({"anyOf": [{"type": "integer"}, {"type": "null"}]}, schema["properties"]["maybe"])
        self.assertEqual({}, schema["properties"]["anything"])
        self.assertEqual({}, schema["properties"]["plain"])
        for name in ("Colour", "Size", "Place", "Node", "Pair"):
            self.assertIn(name, schema["$defs"])
        json.dumps(schema)
        given = {
            "colour": "red",
            "size": {"width": 2},
            "place": {"city": "Rome"},
            "day": "2026-11-30",
            "price": "1.50",
            "kind": "a",
            "numbers": [1, 2.5],
            "counts": {"x": 1},
            "pair": [1, 2],
            "node": {"name": "a", "below": [{"name": "b"}]},
            "maybe": None,
            "either": "x",
            "anything": [1],
            "plain": "p",
        }
        self.assertEqual(Result("null"), run(tool.call(given)))
        node = Node("a", [Node("b")])
        day, price = dt.date(2026, 11, 30), decimal.Decimal("1.50")
        values = (Colour.RED, Size(2), {"city": "Rome"}, day, price, "a", [1.0, 2.5], {"x": 1}, Pair(1, 2), node)
        self.assertEqual((*values, None, "x", [1], "p"), seen[0])

    def test_defaults(self) -> None:
        """A default stands in the schema if it is JSON; whatever it is, it is what the function gets."""
        nothing = object()

        def take(one: int = 1, two: str = "x", three: Any = nothing, four: int = None, *, five: list[int] = [1]) -> Any:  # type: ignore[assignment]  # noqa: B006, RUF013
            return [one, two, three is nothing, four, five]

        schema = FunctionTool(take).parameters
        defaults = {name: each["default"] for name, each in schema["properties"].items() if "default" in each}
        self.assertEqual({"one": 1, "two": "x", "five": [1]}, defaults)
        self.assertEqual([], schema["required"])
        self.assertEqual('[1,"x",true,null,[1]]', called(take).text)
        self.assertEqual('[2,"x",true,null,[]]', called(take, one=2, four=None, five=[]).text)

    def test_docstrings(self) -> None:
        """Descriptions are those of the docstring, in each of the usual styles."""

        def google(month: int, region: str = "N") -> float:
            """Sum of sales.

            Of all shops.

            Args:
                month: 1 to 12, of
                    this year.
                region (str): Where.

            Returns:
                Euros.

            """

        def numpy_(month: int, region: str = "N") -> float:
            """Sum of sales.

            Of all shops.

            Parameters
            ----------
            month : int
                1 to 12, of
                this year.
            region : str
                Where.

            Returns
            -------
            float
                Euros.

            """

        def sphinx(month: int, region: str = "N") -> float:
            """Sum of sales.

            Of all shops.

            :param month: 1 to 12, of
                this year.
            :param region: Where.
            :returns: Euros.
            """

        for function in (google, numpy_, sphinx):
            with self.subTest(function.__name__):
                self.assertEqual(
                    "Sum of sales.\n\nOf all shops.\n\nReturns: Euros.", FunctionTool(function).description
                )
                described = {name: each["description"] for name, each in parameters(function).items()}
                self.assertEqual({"month": "1 to 12, of this year.", "region": "Where."}, described)

    def test_annotated(self) -> None:
        """A text in `Annotated` wins over the docstring; limits in it hold."""

        def take(
            month: Annotated[int, "which", msgspec.Meta(ge=1, le=12)], day: Annotated[int | None, "of the month"] = None
        ) -> int:
            """Take.

            Args:
                month: of the docstring
                day: of the docstring

            """
            return month

        schema = parameters(take)
        self.assertEqual("which", schema["month"]["description"])
        self.assertEqual("of the month", schema["day"]["description"])
        self.assertEqual(12, schema["month"]["maximum"])
        self.assertIn("<= 12 - at `$.month`", called(take, month=13).text)

    def test_kinds(self) -> None:
        """Functions, methods, instances with `__call__`, partial functions, decorated ones; sync and async."""

        class Shop:
            """A shop."""

            factor = 2

            def price(self, item: int) -> int:
                """Price."""
                return item * self.factor

            @classmethod
            def of_class(cls, item: int) -> int:
                return item * cls.factor

            @staticmethod
            def of_nothing(item: int) -> int:
                return item * 2

            async def later(self, item: int) -> int:
                return item * self.factor

        class Called:
            """Twice as much."""

            def __call__(self, item: int) -> int:
                return item * 2

        class CalledAsync:
            async def __call__(self, item: int) -> int:
                """Later."""
                return item * 2

        def both(item: int, factor: int) -> int:
            """Both."""
            return item * factor

        @wraps(both)
        def wrapped(*given: Any, **named: Any) -> int:
            return both(*given, **named)

        shop = Shop()
        for function, name, description in (
            (shop.price, "price", "Price."),
            (Shop.of_class, "of_class", ""),
            (Shop.of_nothing, "of_nothing", ""),
            (shop.later, "later", ""),
            (Called(), "Called", "Twice as much."),
            (CalledAsync(), "CalledAsync", "Later."),
            (partial(both, factor=2), "both", "Both."),
            (partial(wrapped, factor=2), "both", "Both."),
            (g4f.tool(shop.price), "price", "Price."),
            (g4f.tool(name="other")(shop.price), "other", "Price."),
        ):
            with self.subTest(function):
                tool = function if isinstance(function, FunctionTool) else FunctionTool(function)
                self.assertEqual((name, description), (tool.name, tool.description))
                self.assertEqual({"type": "integer"}, tool.parameters["properties"]["item"])
                self.assertEqual("6", run(tool.call({"item": 3})).text)
        self.assertEqual(6, g4f.tool(shop.price)(3))

    def test_names(self) -> None:
        """Letters that no service takes are replaced."""

        def größe() -> int:  # noqa: PLC2401 - it is the subject
            return 1

        self.assertEqual("gr__e", FunctionTool(größe).name)

    def test_refused(self) -> None:
        """What cannot be a tool is refused in one line, with the parameter."""

        class Shop:
            def price(self, item: str) -> int: ...

        FunctionTool(Shop().price)

        def names(**names: int) -> None: ...
        def star(*items: int) -> None: ...
        def slash(item: int, /) -> None: ...
        def unknown(frame: pd.DataFrame, item: int) -> None: ...
        def missing(item: Missing) -> None: ...  # noqa: F821
        def mixed(item: Node | Size) -> None: ...

        for function, says in (
            (star, "star cannot be a tool: its parameter *items has no name"),
            (names, "names cannot be a tool: a model must know the names in **names"),
            (Shop.price, "price cannot be a tool: it is a method without its object"),
            (slash, "slash cannot be a tool: its parameter item has no name"),
            (unknown, "there is no JSON schema for its parameter frame, which is of type DataFrame"),
            (missing, "the type of its parameter item is unknown: name 'Missing' is not defined"),
            (mixed, "there is no JSON schema for its parameter item"),
            (lambda item: item, "a lambda has no name"),
            (Shop, "Shop is a class: give a function"),
            (3, "a tool must be a function, not int"),
            (None, "a tool must be a function, not None"),
            (dict.update, "Python does not know its parameters"),
        ):
            with self.subTest(says), self.assertRaises(errors.InputError) as caught:
                FunctionTool(function)
            self.assertIn(says, str(caught.exception))
            self.assertNotIn("\n", str(caught.exception))

    def test_options_of_a_function(self) -> None:
        """What stands behind two stars is no parameter for a model."""

        def draw(item: int, **style: Any) -> str:
            return f"{item}{style}"

        self.assertEqual(["item"], list(parameters(draw)))
        self.assertEqual("1{}", called(draw, item=1).text)
        self.assertIn("unknown field `colour`", called(draw, item=1, colour=2).text)


class Opaque:
    """It says nothing of itself."""


class TestResults(unittest.TestCase):
    """What the model gets."""

    def test_json(self) -> None:
        """A text is as it is, all else is JSON."""
        for value, expected in (
            ("a text", "a text"),
            (None, "null"),
            (4.5, "4.5"),
            ({"a": (1, 2)}, '{"a":[1,2]}'),
            (Size(1), '{"width":1,"height":1}'),
            (dt.date(2026, 11, 30), '"2026-11-30"'),
            (decimal.Decimal("1.50"), "1.50"),
            (Colour.RED, '"red"'),
            (np.float64(1.5), "1.5"),
            (np.arange(3), "[0,1,2]"),
            ({"a": Opaque()}, '{"a":"<Opaque>"}'),
            ([1 + 2j], '["(1+2j)"]'),
            (float("nan"), "null"),
            ("half \ud800", "half \ufffd"),
        ):
            with self.subTest(expected):
                self.assertEqual(Result(expected), result_of(value))

    def test_what_is_no_json(self) -> None:
        """What JSON cannot hold is written as Python shows it."""
        itself: list[Any] = []
        itself.append(itself)
        self.assertEqual("[[...]]", result_of(itself).text)
        self.assertEqual("{(1, 2): [[...]]}", result_of({(1, 2): itself}).text)

    def test_tables(self) -> None:
        """A table is its rows; of a long one, the first, and a note."""
        columns = {"a": [1, 2], "b": ["x", None]}
        expected = [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
        self.assertEqual(expected, json.loads(result_of(pl.DataFrame(columns)).text))
        rows = json.loads(result_of(pd.DataFrame(columns)).text)
        self.assertEqual(expected, [{name: row[name] for name in ("a", "b")} for row in rows])
        self.assertEqual({"x": 1, "y": 2}, json.loads(result_of(pd.Series([1, 2], index=["x", "y"])).text))
        long = result_of(pd.DataFrame({"a": range(1_000_000)})).text
        self.assertTrue(long.endswith("[the first 500 of 1,000,000 rows]"))
        self.assertLess(len(long), LIMIT)

    def test_iterators(self) -> None:
        """Of a generator, also one that does not end, the result has the items; of what is to be awaited, its value."""

        def each(number: int) -> Iterator[int]:
            yield from range(number)

        async def later(number: int) -> AsyncGenerator[int]:
            try:
                for item in itertools.count() if number < 0 else range(number):
                    yield item
            finally:
                closed.append(number)

        async def soon(number: int) -> int:
            return number

        def given(number: int) -> Any:
            return soon(number)

        def opened(number: int) -> Any:
            return later(number)

        closed: list[int] = []
        for function, expected in ((each, "[0,1,2]"), (later, "[0,1,2]"), (opened, "[0,1,2]"), (given, "3")):
            for in_kernel in (False, True):
                with self.subTest(function.__name__, in_kernel=in_kernel):
                    made = FunctionTool(function, in_kernel=in_kernel)
                    self.assertEqual(Result(expected), run(made.call({"number": 3})))
        self.assertEqual([3] * 4, closed)
        self.assertEqual("[1,2]", called(lambda_of(map(int, "12"))).text)
        with mock.patch("g4f.tools.results.MOST", 2):
            for endless in (lambda_of(itertools.count()), opened):
                text = called(endless, **({"number": -1} if endless is opened else {})).text
                self.assertEqual("[0,1]\n[the first 2 items]", text)
            self.assertEqual("[0,1]", called(each, number=2).text)
        self.assertEqual(-1, closed[-1])

    def test_not_awaited_well(self) -> None:
        """What is to be awaited, and raises, is an error of the tool."""

        async def fails() -> None:
            raise KeyError("x")

        self.assertEqual(Result("KeyError: 'x'", failed=True), called(lambda_of(fails())))

    def test_bounded(self) -> None:
        """At most 32 KB, and it says so; in bytes, and in whole characters."""
        self.assertEqual(Result("x" * LIMIT), result_of("x" * LIMIT))
        for letter in ("x", "é", "😀"):
            text = result_of(letter * LIMIT * 2).text
            kept, _, note = text.rpartition("\n")
            self.assertEqual(LIMIT, len(kept.encode()))
            size = len(letter.encode()) * LIMIT * 2 // 1024
            self.assertEqual(f"[cut: the first 32 KB of {size:,} KB]", note)
        self.assertIn("[cut", results.failure(ValueError("x" * LIMIT * 2)).text)

    def test_images(self) -> None:
        """A figure, its axes, a list of figures: images, each once. A list with something else in it is JSON."""
        figure, other = Figure(), Figure()
        axes = figure.subplots()
        axes.plot([1, 2])
        for value, count in ((figure, 1), (axes, 1), ((figure, axes), 1), ([figure, other.subplots()], 2)):
            with self.subTest(type(value)):
                result = result_of(value)
                self.assertEqual(count, len(result.images))
                self.assertTrue(all(url.startswith("data:image/png;base64,") for url in result.images))
                self.assertEqual("1 image" if count == 1 else "2 images", result.text)
        self.assertEqual((), result_of([figure, 1]).images)
        self.assertEqual((), result_of([]).images)


class TestThreads(unittest.TestCase):
    """Where functions run."""

    def test_reused(self) -> None:
        """A thread that has nothing to do takes the next call; one that is at work does not."""
        leave, busy = threading.Event(), threading.Event()
        self.addCleanup(leave.set)

        def block() -> int:
            busy.set()
            leave.wait()
            return threading.get_ident()

        async def main() -> None:
            import asyncio

            first = await in_thread(threading.get_ident)
            blocked = asyncio.create_task(in_thread(block))
            while not busy.is_set():
                await asyncio.sleep(0)
            self.assertNotEqual(threading.get_ident(), await in_thread(threading.get_ident))
            leave.set()
            self.assertNotEqual(threading.get_ident(), await blocked)
            self.assertNotEqual(threading.get_ident(), first)

        run(main())

    def test_in_kernel(self) -> None:
        """A sync function runs in a thread of its own, unless it is for the main thread."""

        def where() -> bool:
            return threading.current_thread() is threading.main_thread()

        self.assertEqual("false", run(FunctionTool(where).call({})).text)
        self.assertEqual("true", run(FunctionTool(where, in_kernel=True).call({})).text)
        self.assertEqual("true", run(g4f.tool(in_kernel=True)(where).call({})).text)
