"""How a value is told to a model: what it is, the beginning of what is large, and what was left out."""

from __future__ import annotations

import asyncio
import collections
import decimal
import enum
import io
import json
import math
import os
import sys
import tempfile
import types
import unittest
from functools import partial
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, NoReturn
from unittest import mock

import numpy as np
import pandas as pd
from PIL import Image

from g4f.errors import InputError
from g4f.secrets.key import Key
from g4f.secrets.scrubbing import Scrubber
from g4f.values import text as values
from g4f.values.blame import blamed
from g4f.values.form import Form
from g4f.values.kinds import is_a
from g4f.values.text import text_of
from g4f_jupyter.inserts.inserts import insert
from g4f_jupyter.inserts.last_error import _Shown

from .cost import cost
from .kernel import Kernel


def told(value: object, limit: int = 20_000) -> str:
    """Return what a model is told."""
    return text_of(value, "it", limit=limit)


def doubled(number: int) -> int:
    """Return twice `number`."""
    return number * 2  # which is ``2 * number``


class Doubles:
    """Doubles."""

    factor = 2

    def of(self, number: int) -> int:
        """Return twice `number`."""
        return number * self.factor


class Pair(NamedTuple):
    """Two numbers."""

    one: int
    two: int


class Color(enum.StrEnum):
    """One color."""

    RED = "red"


class TestPlain(unittest.TestCase):
    """Texts, numbers and what is like them."""

    def test_as_they_are(self) -> None:
        """As Python writes them, a text without quotes."""
        for value, expected in (
            ("a {b}\n\"c\" 'd'", "a {b}\n\"c\" 'd'"),
            ("", ""),
            (1, "1"),
            (0.1 + 0.2, "0.30000000000000004"),
            (True, "True"),
            (None, "None"),
            (2 + 1j, "(2+1j)"),
            (decimal.Decimal("1.10"), "1.10"),
            (PurePosixPath("/a/b.txt"), "/a/b.txt"),
            (Color.RED, "red"),
            (Pair(1, 2), "Pair(one=1, two=2)"),
            (range(3), "range(0, 3)"),
            (np.float64(1.5), "1.5"),
            (np.int8(3), "3"),
            (pd.Timestamp("2020-01-02"), "2020-01-02 00:00:00"),
        ):
            with self.subTest(repr(value)):
                self.assertEqual(expected, told(value))

    def test_bytes(self) -> None:
        """Their length and beginning."""
        self.assertEqual("bytes of length 3, beginning with b'a\\xffc'", told(b"a\xffc"))
        self.assertEqual(f"bytearray of length 1,000,000, beginning with {b'z' * 32!r}", told(bytearray(b"z" * 10**6)))

    def test_limit(self) -> None:
        """The beginning, and a line that says how much is left out."""
        self.assertEqual("a" * 10, told("a" * 10, 10))
        self.assertEqual("aaaaaaaaaa\n… 1,234 more characters", told("a" * 1244, 10))
        self.assertEqual("1111111111\n… 10 more characters", told(int("1" * 20), 10))
        self.assertEqual("\n… 1 more characters", told("a", 0))

    def test_iterators(self) -> None:
        """They are not consumed."""
        squares = (number * number for number in range(3))
        self.assertIn("generator object", told(squares))
        self.assertEqual([0, 1, 4], list(squares))


class TestItself(unittest.TestCase):
    """A type that says how."""

    def test_order(self) -> None:
        """`_repr_llm_` before what is known, what is known before `_repr_markdown_`, and that before `str`."""

        class Marked:
            def _repr_markdown_(self) -> str:
                return "**marked**"

        class Said(Marked):
            def _repr_llm_(self) -> str:
                return "said"

        class Listed(list[int]):
            def _repr_llm_(self) -> str:
                return "listed"

        class Table(pd.DataFrame):
            def _repr_markdown_(self) -> str:
                return "no table"

        class Beside:
            def _repr_markdown_(self) -> tuple[str, dict[str, str]]:
                return "beside", {"a": "b"}

        class Neither:
            def _repr_llm_(self) -> None:
                return None

            def _repr_markdown_(self) -> None:
                return None

            def __repr__(self) -> str:
                return "neither"

        for value, expected in (
            (Marked(), "**marked**"),
            (Said(), "said"),
            (Listed([1]), "listed"),
            (Beside(), "beside"),
        ):
            with self.subTest(expected):
                self.assertEqual(expected, told(value))
        self.assertEqual("neither", told(Neither()))
        self.assertIn("| 1 |", told(Table({"a": [1]})))

    def test_proposed(self) -> None:
        """`_ai_repr_` of Jupyter's enhancement proposal 129, also as a coroutine: its Markdown, or its plain text."""

        class Said:
            def __init__(self, bundle: object) -> None:
                self.bundle = bundle

            def _ai_repr_(self, **_: object) -> object:
                return self.bundle

        class Later(Said):
            async def _ai_repr_(self, **_: object) -> object:
                await asyncio.sleep(0)
                return self.bundle

        class Both(Said):
            def _repr_llm_(self) -> str:
                return "by itself"

        class Drawn(Said):
            def _repr_png_(self) -> bytes:
                Image.new("L", (1, 1)).save(drawn := io.BytesIO(), "PNG")
                return drawn.getvalue()

        bundle = {"image/png": "", "text/plain": "plain", "text/markdown": "**marked**"}
        for value, expected in (
            (Said(bundle), "**marked**"),
            (Later({"text/plain": "plain"}), "plain"),
            (Both(bundle), "by itself"),
        ):
            self.assertEqual(expected, told(value))
        self.assertEqual("it is plain", insert("it is {it}", {"it": Drawn({"text/plain": "plain"})}).text)
        self.assertEqual("pla\n… 2 more characters", told(Said({"text/plain": "plain"}), 3))
        for wrong in ("text", {}, {"image/png": ""}, {"text/plain": 3}, None):
            for kind in (Said, Later):
                with (
                    self.subTest(wrong),
                    self.assertRaisesRegex(InputError, "_ai_repr_ must return a dict with a str as"),
                ):
                    told(kind(wrong))
        self.assertIn("class Said", told(Said))

    def test_of_the_type(self) -> None:
        """An instance's attribute is not asked, nor is a class asked for what its instances say."""

        class Said:
            def _repr_llm_(self) -> str:
                return "said"

        class Any_:  # noqa: N801 - answers to every name
            def __getattr__(self, name: str) -> str:
                return name

        self.assertIn("class Said", told(Said))
        self.assertIn("object at", told(Any_()))

    def test_no_text(self) -> None:
        """What is no text is refused in words."""

        class Wrong:
            def _repr_llm_(self) -> int:
                return 3

        with self.assertRaisesRegex(InputError, "it holds raised TypeError: _repr_llm_ must return a str, not int"):
            told(Wrong())

    def test_capped(self) -> None:
        """What a type says is not longer than anything else."""

        class Long:
            def _repr_llm_(self) -> str:
                return "z" * 100

        self.assertEqual("zzz\n… 97 more characters", told(Long(), 3))


class TestEnvironment(unittest.TestCase):
    """The environment of the process is told to nobody."""

    def test_copies(self) -> None:
        """Neither itself nor a copy, alone or within other values, in a question and below an error."""
        held = dict(os.environ) | {"HARMLESS": "a-value-without-a-secret"}
        with mock.patch.dict(os.environ, held):
            for value in (os.environ, dict(os.environ), [dict(os.environ)], (1, {"a": [dict(os.environ)]})):
                for text in (told(value), _Shown(Scrubber()).repr(value)):
                    self.assertNotIn("HARMLESS", text)
                    self.assertIn("***", text)


class TestCollections(unittest.TestCase):
    """JSON where there is such a thing."""

    def test_json(self) -> None:
        """Of lists, dicts, tuples, sets, with whatever is in them."""
        for value, expected in (
            ({"a": [1, 2.5, None, True, "é\n"]}, '{"a": [1, 2.5, null, true, "é\\n"]}'),
            ((1, (2,)), "[1, [2]]"),
            ({3}, "[3]"),
            ([], "[]"),
            ({1: "a", (2, 3): "b"}, '{"1": "a", "(2, 3)": "b"}'),
            ([Path("a"), Pair(1, 2), Color.RED], '["a", "Pair(one=1, two=2)", "red"]'),
            ([np.int64(3), np.float32(0.5), np.bool_(True)], "[3, 0.5, true]"),
            (collections.Counter("aab"), '{"a": 2, "b": 1}'),
            (collections.defaultdict(list, a=[1]), '{"a": [1]}'),
        ):
            with self.subTest(repr(value)):
                self.assertEqual(expected, told(value))

    def test_long(self) -> None:
        """The beginning, and how much more there is, in JSON still."""
        for value in (list(range(100_000)), dict.fromkeys(range(100_000), "x" * 10), [["y" * 30] * 9] * 5_000):
            with self.subTest(repr(value)[:30]):
                text = told(value, 1000)
                shown = json.loads(text)
                self.assertLessEqual(len(text), 1000)
                self.assertGreater(len(text), 500)
                self.assertIn(f"{len(value) - len(shown) + 1:,} more items", text)

    def test_long_texts(self) -> None:
        """Also of a text in it, and of one that JSON makes longer."""
        self.assertLess(len(told(["z" * 10**6], 1000)), 1100)
        self.assertLess(len(told(["\n" * 10**6, "\x00" * 10**6], 1000)), 1100)

    def test_in_itself(self) -> None:
        """A list that is in itself ends, and so do lists in lists without end, and many ways to the same."""
        loop: list[object] = [1]
        loop.append(loop)
        self.assertEqual('[1, "…"]', told(loop))
        deep: list[object] = []
        wide: list[object] = ["z"]
        for _ in range(10_000):
            deep = [deep]
        for _ in range(40):
            wide = [wide] * 40
        self.assertLess(len(told(deep)), 200)
        self.assertLess(len(told(wide)), 21_000)
        self.assertLess(cost(lambda: told(wide)), 1000)
        twin = [1]
        self.assertEqual("[[1], [1]]", told([twin, twin]))

    def test_large(self) -> None:
        """Ten million items cost no more than some."""
        numbers, names = [0] * 10_000_000, dict.fromkeys(range(100_000))
        for large in numbers, names:
            self.assertIn("more items", told(large))
            self.assertLess(cost(partial(told, large)), 500)


class TestTables(unittest.TestCase):
    """DataFrames and Series."""

    def test_frame(self) -> None:
        """Shape, types, and a table in Markdown."""
        frame = pd.DataFrame({"n": [1, 2], "x": [0.1 + 0.2, math.nan], "t": pd.Series(["a|b", None], dtype=object)})
        self.assertEqual(
            "DataFrame, 2 rows x 3 columns. Types: n int64, x float64, t object\n\n"
            "| n | x | t |\n| --- | --- | --- |\n| 1 | 0.3 | a\\|b |\n| 2 | NaN | None |",
            told(frame),
        )

    def test_kinds(self) -> None:
        """Times, categories, small floats, missing numbers, lists, line ends."""
        frame = pd.DataFrame(
            {
                "when": pd.to_datetime(["2020-01-02"]),
                "kind": pd.Categorical(["u"]),
                "small": np.array([0.1], dtype="float32"),
                "many": pd.array([None], dtype="Int64"),
                "list": [[1, "a"]],
                "text": ["one\n  two"],
                3: [True],
            }
        )
        self.assertEqual(
            '| 2020-01-02 00:00:00 | u | 0.1 | <NA> | [1, "a"] | one two | True |', told(frame).splitlines()[-1]
        )

    def test_index(self) -> None:
        """One that says something is a column."""
        frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="who"))
        self.assertEqual(["| who | a |", "| --- | --- |", "| x | 1 |", "| y | 2 |"], told(frame).splitlines()[2:])
        frame = pd.DataFrame({("a", 1): [1]}, index=pd.MultiIndex.from_tuples([("u", 2)], names=["p", "q"]))
        self.assertEqual(["| p | q | a, 1 |", "| --- | --- | --- |", "| u | 2 | 1 |"], told(frame).splitlines()[2:])
        self.assertEqual("| 5 | 5 |", told(pd.DataFrame({"a": range(9)}).iloc[5:]).splitlines()[4])
        self.assertEqual(
            "| 2020-01-01 00:00:00 | 1 |", told(pd.Series([1], index=pd.date_range("2020", periods=1))).splitlines()[-1]
        )

    def test_same_names(self) -> None:
        """TableColumns of the same name are all there."""
        self.assertEqual("| 1 | 2 |", told(pd.DataFrame([[1, 2]], columns=["a", "a"])).splitlines()[-1])

    def test_small(self) -> None:
        """All of 50 rows, and of as many columns as there is room for."""
        self.assertEqual("| 49 |", told(pd.DataFrame({"a": range(50)})).splitlines()[-1])
        wide = told(pd.DataFrame(np.zeros((5, 300), dtype=int)))
        self.assertEqual(300, wide.splitlines()[-1].count(" 0 "))
        self.assertIn("299 int64\n", wide)

    def test_cells(self) -> None:
        """A long cell is cut, and a long text is not read to its end."""
        frame = pd.DataFrame({"a": pd.Series(["y" * 10**7, list(range(10**6)), "|" * 300], dtype=object)})
        lines = told(frame).splitlines()
        self.assertLess(cost(lambda: told(frame)), 500)
        self.assertEqual(f"| {'y' * 200}… |", lines[4])
        self.assertLess(len(lines[5]), 220)
        self.assertEqual("| " + r"\|" * 200 + "… |", lines[6])

    def test_empty(self) -> None:
        """No rows, no columns, neither."""
        self.assertEqual(
            "DataFrame, 0 rows x 1 columns. Types: a int64\n\n| a |\n| --- |",
            told(pd.DataFrame({"a": pd.Series([], dtype="int64")})),
        )
        self.assertEqual("DataFrame, 0 rows x 0 columns", told(pd.DataFrame()))
        self.assertEqual("DataFrame, 3 rows x 0 columns", told(pd.DataFrame(index=range(3))))

    def test_series(self) -> None:
        """A table of one column, by its name."""
        self.assertEqual(
            "Series, 2 values. Types: s int64\n\n| index | s |\n| --- | --- |\n| x | 1 |\n| y | 2 |",
            told(pd.Series([1, 2], ["x", "y"], name="s")),
        )
        self.assertEqual(
            "Series, 1 values. Types: value str\n\n| value |\n| --- |\n| a |", told(pd.Series(["a"], dtype="str"))
        )

    def test_keys(self) -> None:
        """A key in a cell is stars."""
        frame = pd.DataFrame({"key": pd.Series([Key("sk-secret"), [Key("sk-secret")]], dtype=object)})
        self.assertEqual(["| *** |", '| ["***"] |'], told(frame).splitlines()[-2:])

    def test_large(self) -> None:
        """Ten million rows cost milliseconds."""
        frame = pd.DataFrame({"a": np.zeros(10_000_000), "b": np.ones(10_000_000)})
        for large in frame, frame["a"]:
            self.assertIn("50 of the rows", told(large))
            self.assertLess(cost(partial(told, large)), 500)


@unittest.skipUnless(find_spec("polars") and find_spec("pyarrow"), "needs polars and pyarrow, of the test extra")
class TestOtherTables(unittest.TestCase):
    """Tables of polars and pyarrow are sent as those of pandas are."""

    def test_small(self) -> None:
        """Size, types, and all of it."""
        import polars as pl
        import pyarrow as pa

        held = {"n": [1, None], "list": [["a|b"], []], "password": ["hunter2-hunter2"] * 2}
        rows = '| n | list | password |\n| --- | --- | --- |\n| 1 | ["a\\|b"] | *** |\n| None | [] | *** |'
        arrow = "n int64, list list<item: string>, password string"
        for value, title in (
            (pl.DataFrame(held), "DataFrame, 2 rows x 3 columns. Types: n Int64, list List(String), password String"),
            (pa.table(held), f"Table, 2 rows x 3 columns. Types: {arrow}"),
            (pa.RecordBatch.from_pydict(held), f"RecordBatch, 2 rows x 3 columns. Types: {arrow}"),
        ):
            with self.subTest(title):
                self.assertEqual(f"{title}\n\n{rows}", told(value))
        for value, title, name in (
            (pl.Series("a", [1, 2]), "Series, 2 values. Types: a Int64", "a"),
            (pl.Series([1, 2]), "Series, 2 values. Types: value Int64", "value"),
            (pa.array([1, 2]), "Int64Array, 2 values. Types: value int64", "value"),
            (pa.chunked_array([[1], [2]]), "ChunkedArray, 2 values. Types: value int64", "value"),
        ):
            with self.subTest(title):
                self.assertEqual(f"{title}\n\n| {name} |\n| --- |\n| 1 |\n| 2 |", told(value))
        self.assertEqual("Table, 0 rows x 0 columns", told(pa.table({})))

    def test_large(self) -> None:
        """The reader learns how much was sent, also in the form of an f-string."""
        import polars as pl
        import pyarrow as pa

        column = "it: 50 of 500 rows and a summary were sent"
        rows = column.replace("summary", "summary of each column")
        wide = {str(number): [0] for number in range(31)}
        for value, *expected in (
            (pl.DataFrame({"a": range(50)}),),
            (pl.DataFrame({"a": range(500), "b": 1}), rows),
            (pl.DataFrame(wide),),
            (pl.DataFrame({"a": ["b" * 201]}), "it: 1 of its cells were sent only to 200 characters"),
            (pl.Series(range(500)), column),
            (pl.DataFrame(wide).lazy(), "it: only what it would compute was sent, not what that gives"),
            (pa.table({"a": range(500), "b": range(500)}), rows),
            (pa.table(wide),),
            (pa.array(range(500)), column),
            (pa.chunked_array([range(500)]), column),
            ([pa.array(range(500))], "it: only an excerpt of 1 of its values was sent"),
        ):
            for form in (None, Form(conversion="r")) if not isinstance(value, list) else (None,):
                with self.subTest(type(value).__name__, form=form):
                    lines: list[str] = []
                    text_of(value, "it", form=form, left_out=lines)
                    self.assertEqual(expected, lines)


class TestArrays(unittest.TestCase):
    """numpy's, and what is like them."""

    def test_array(self) -> None:
        """Shape, type, values."""
        self.assertEqual(
            "ndarray, shape (2, 2), dtype int64\n[[0 1]\n [2 3]]", told(np.arange(4, dtype="int64").reshape(2, 2))
        )
        self.assertEqual("1.5", told(np.array(1.5)))
        self.assertEqual(
            "MaskedArray, shape (2,), dtype int64\n[1 --]", told(np.ma.array([1, 2], mask=[0, 1], dtype="int64"))
        )

    def test_large(self) -> None:
        """Abbreviated, also where the user has all shown, if it is no table."""
        numbers = np.arange(10_000_000).reshape(10, 10, -1)
        with np.printoptions(threshold=10**9):
            self.assertIn("[[[      0       1       2 ...   99997   99998   99999]", told(numbers))
            self.assertLess(cost(lambda: told(numbers)), 50)

    def test_others(self) -> None:
        """Whatever has a shape and a dtype is told with them."""

        class Tensor:
            shape = (3, 4)
            dtype = "float16"

            def __str__(self) -> str:
                return "[...]"

        self.assertEqual("Tensor, shape (3, 4), dtype float16\n[...]", told(Tensor()))
        self.assertTrue(told(pd.Index(["a"])).startswith("Index, shape (1,), dtype "))

    def test_is_a(self) -> None:
        """By names of the class and its package, also of what inherits."""
        frame = type("Own", (pd.DataFrame,), {})()
        self.assertTrue(is_a(frame, "pandas", "DataFrame"))
        self.assertFalse(is_a(frame, "polars", "DataFrame"))
        self.assertFalse(is_a(type("DataFrame", (), {})(), "pandas", "DataFrame"))


class TestCode(unittest.TestCase):
    """Functions, classes, modules, errors."""

    def test_function(self) -> None:
        """By its source, a method without its indentation."""
        self.assertEqual(
            "```python\ndef doubled(number: int) -> int:\n"
            '    """Return twice `number`."""\n    return number * 2  # which is ``2 * number``\n```',
            told(doubled),
        )
        for method in (Doubles.of, Doubles().of):
            self.assertTrue(told(method).startswith("```python\ndef of(self, number: int)"))

    def test_fence(self) -> None:
        """The fence is longer than any in it."""
        fence, rest = told(self.test_fence).split("python\n", 1)  # because of ````
        self.assertEqual("`" * 5, fence)
        self.assertTrue(rest.endswith(f"\n{fence}"))

    def test_class(self) -> None:
        """By its source."""
        text = told(Doubles)
        self.assertTrue(text.startswith("```python\nclass Doubles:\n"), text)
        self.assertIn("return number * self.factor", text)

    def test_without_source(self) -> None:
        """How it is called and what for."""
        self.assertTrue(told(len).startswith("len(obj, /)\nReturn the number of items"), told(len))
        self.assertTrue(told(int).startswith("class int("), told(int))
        made: dict[str, Any] = {}
        code = "def f(a, *, b=1):\n    'Makes.'\nclass C:\n    def __init__(self, a): pass"
        exec(compile(code, "<made>", "exec"), made)  # "<string>" is what `python -c` runs
        self.assertEqual("f(a, *, b=1)\nMakes.", told(made["f"]))
        self.assertEqual("class C(a)", told(made["C"]))

    def test_capped(self) -> None:
        """Within its fence."""
        self.assertRegex(told(doubled, 20), r"```python\ndef doubled\(number: \n… \d+ more characters\n```")

    def test_module(self) -> None:
        """Its name, what it is for, and what is in it."""
        module = types.ModuleType("mine", "Does this.\n\nAnd that.")
        vars(module).update(__version__="1.2", one=1, _two=2)
        self.assertEqual("module mine 1.2\nDoes this.\nNames: one", told(module))
        self.assertTrue(told(json).startswith("module json"))
        self.assertIn("Names: LIMIT, SAYS_ITSELF, text_of", told(values))

    def test_error(self) -> None:
        """Its type and message, and the end of its traceback."""

        def fall(depth: int) -> NoReturn:
            if depth:
                fall(depth - 1)
            raise ValueError("too deep")

        try:
            fall(30)
        except ValueError as error:
            lines = told(error).splitlines()
        self.assertEqual(["```", "Traceback (most recent call last):"], lines[:2])
        self.assertEqual(["ValueError: too deep", "```"], lines[-2:])
        self.assertLess(len(lines), 20)
        self.assertIn('    raise ValueError("too deep")', lines)
        self.assertEqual("ValueError: never raised", told(ValueError("never raised")))

    def test_cause(self) -> None:
        """The cause of an error is told too."""
        try:
            try:
                _ = {}["first"]
            except KeyError as error:
                raise ValueError("second") from error
        except ValueError as error:
            text = told(error)
        self.assertLess(text.index("KeyError: 'first'"), text.index("ValueError: second"))


class TestLeftOut(unittest.TestCase):
    """The reader of an answer learns what of a value was not sent, and how much."""

    def left_out(self, value: object, **how: Any) -> list[str]:
        """Return the lines for the reader."""
        lines: list[str] = []
        text_of(value, "it", left_out=lines, **how)
        return lines

    def test_how_much(self) -> None:
        """Rows of rows, characters of characters; what fits says nothing."""

        class Excerpt:
            shape = (60, 2)

            def __str__(self) -> str:
                return "a … z"

        class Response:
            def __str__(self) -> str:
                return "<Response [200]>"

        class Element:
            def __init__(self, text: str) -> None:
                self.text = text

            def __str__(self) -> str:
                return self.text

        lazy = type("LazyFrame", (Element,), {"__module__": "polars.lazyframe.frame"})("naive plan: …")
        wide = np.zeros(2000)
        long, deep = "word " * 50, [0]
        for _ in range(60):
            deep = [deep]  # type: ignore[list-item]
        cells = "it: 1 of its cells were sent only to 200 characters"
        for value, *expected in (
            ("a" * 20_000,),
            ("a" * 20_001, "it: only 20,000 of 20,001 characters were sent"),
            (pd.DataFrame({"a": range(50)}),),
            (pd.DataFrame({"a": range(500)}), "it: 50 of 500 rows and a summary were sent"),
            (pd.DataFrame(np.zeros((9, 31))),),
            (pd.DataFrame(np.zeros((60, 40))), "it: 50 of 60 rows and a summary of each column were sent"),
            (pd.Series(range(51)), "it: 50 of 51 rows and a summary were sent"),
            (pd.Series([long, "b" * 200, " " * 300]), cells),
            (pd.Series([[long]]), cells),
            (pd.Series([list(range(1000))]), cells),
            (pd.Series([("a", long)]), cells),
            (pd.Series([" " * 3000 + "end"]), cells),
            (np.zeros(1000),),
            (np.zeros((60, 50)), "it: 50 of 60 rows and a summary of each column were sent"),
            (np.zeros((60, 5, 10)), "it: only an excerpt of its 3,000 values was sent"),
            ([np.zeros(2000)], "it: only an excerpt of 1 of its values was sent"),
            (Excerpt(), "it: only an excerpt was sent"),
            (types.SimpleNamespace(a=wide), "it: only an excerpt was sent"),
            (types.SimpleNamespace(a="…"),),
            (Pair(1, wide), "it: only an excerpt was sent"),  # type: ignore[arg-type]
            (pd.Series([wide, object(), "a"], dtype=object), "it: 2 of its cells were sent only in part"),
            (lazy, "it: only what it would compute was sent, not what that gives"),
            ([lazy], "it: of 1 of its values only the type was sent, not what they hold"),
            (b"z" * 32,),
            (b"z" * 33, "it: only 32 of 33 bytes were sent"),
            (deep, "it: only 0 of 1 items were sent"),
            ({"a": ["short"], "b": 1},),
            ([{"a": 1, "b": 2, "c": 3, "d": 4}] * 2000, "it: only 429 of 2,000 items were sent"),
            (iter([1]), "it: only that it is of type list_iterator was sent, not what it holds"),
            (pd.DataFrame({"a": [1]}).groupby("a"),),
            (object(), "it: only that it is of type object was sent, not what it holds"),
            ((each for each in ""), "it: only that it is of type generator was sent, not what it holds"),
            *((each, "it: the code of this method was sent, not what it returns") for each in (lazy.__str__, {}.items)),
            *((each,) for each in (len, Element.__str__, dict.fromkeys, told, Element)),
            (Response(), "it: only that it is of type Response was sent, not what it holds"),
            (Element("<p class='a'>text</p>"),),
            (Element("<img src='a' />"),),
            (pd.NA,),
            (
                [object(), {"a": object(), "b": "<a b>", "c": int, "d": pd.NA}],
                "it: of 2 of its values only the type was sent, not what they hold",
            ),
            ([sys.stdout], "it: the names of 1 files in it were sent, not what they hold"),
            (types.SimpleNamespace(a=1),),
            ([Path("a"), {"b": Path("b")}], "it: the names of 2 files in it were sent, not what they hold"),
        ):
            with self.subTest(repr(value)[:60]):
                self.assertEqual(expected, self.left_out(value))

    def test_forms(self) -> None:
        """In the form of an f-string, too, and what is asked for as it is written says nothing."""
        for value in (np.zeros(2000), [np.zeros(2000)]):
            for form in (Form(conversion="r"), Form(shows=True)):
                with self.subTest(form):
                    self.assertEqual(["it: only an excerpt was sent"], self.left_out(value, form=form))
        self.assertEqual([], self.left_out("…" * 9, form=Form(conversion="r")))

    def test_limited(self) -> None:
        """The numbers are those of what was sent."""
        [line] = self.left_out(list(range(1000)), limit=300)
        sent = json.loads(text_of(list(range(1000)), "it", limit=300))
        self.assertEqual(f"it: only {len(sent) - 1} of 1,000 items were sent", line)
        [line] = self.left_out({"a": "x" * 1000}, limit=300)
        self.assertRegex(line, "^it: only 2[0-9]{2} of 1,000 characters were sent$")
        frame = pd.DataFrame({"a": ["x" * 90] * 50})
        self.assertEqual(["it: 5 of 50 rows and a summary were sent"], self.left_out(frame, limit=1000))
        frame = pd.DataFrame({"a": ["x" * 300] * 50})
        self.assertIn("it: 2 of its cells were sent only to 200 characters", self.left_out(frame, limit=1000))
        frame = pd.DataFrame({"a": [np.zeros(2000)] * 50, "b": ["x" * 90] * 50})
        self.assertIn("it: 15 of its cells were sent only in part", self.left_out(frame, limit=1000))

    def test_traceback(self) -> None:
        """Of a long traceback only the innermost frames are sent."""

        def deeper(left: int) -> None:
            if left == 0:
                raise ValueError("deep")
            deeper(left - 1)

        for depth, expected in ((3, []), (8, ["it: only 5 of 10 frames were sent"])):
            try:
                deeper(depth)
            except ValueError as error:
                with self.subTest(depth):
                    self.assertEqual(expected, self.left_out(error))

    def test_files(self) -> None:
        """A path and an open file are refused: neither its name nor its type is what the reader means."""
        with (
            tempfile.NamedTemporaryFile("w") as file,
            Path(file.name).open() as opened,
            os.scandir(Path(file.name).parent) as entries,
        ):
            for value in (Path(file.name), next(entries), opened, file, io.StringIO("x"), io.BytesIO(b"x")):
                with self.subTest(type(value).__name__):
                    with self.assertRaises(InputError) as caught:
                        text_of(value, "it")
                    self.assertIn("give -a {it} in the line of %%chat", str(caught.exception))
            self.assertEqual(file.name, text_of(Path(file.name), "it", form=Form(conversion="s")))


class TestCells(unittest.TestCase):
    """What a notebook's cells define."""

    def test_cell(self) -> None:
        """Functions and classes by their source, errors without IPython's own way to the cell."""
        with Kernel() as kernel:
            kernel.run("def twice(x):\n    return x * 2\n\n@print\n@type\nclass _: pass")
            kernel.run(
                "def keep(x): return x\n\n@keep\nclass Kept:\n    '''Keeps.'''\n    def give(self):\n        return 7"
            )
            kernel.run("class Bare:\n    '''Holds nothing.'''")
            kernel.run("from g4f.values.text import text_of\nimport sys")
            show = "print(text_of({}, 'it'))"
            self.assertEqual("```python\ndef twice(x):\n    return x * 2\n```\n", kernel.run(show.format("twice")).text)
            kept = "```python\n@keep\nclass Kept:\n    '''Keeps.'''\n    def give(self):\n        return 7\n```\n"
            self.assertEqual(kept, kernel.run(show.format("Kept")).text)
            self.assertEqual("class Bare()\nHolds nothing.\n", kernel.run(show.format("Bare")).text)
            kernel.run("twice(None)")
            text = kernel.run(show.format("sys.last_value")).text
            self.assertIn("in twice\n    return x * 2", text)
            self.assertNotIn("interactiveshell", text)


class TestFaults(unittest.TestCase):
    """Values whose own code raises."""

    def test_faults(self) -> None:
        """One line with the name and the error, wherever it was raised."""

        class Bad:
            def __repr__(self) -> str:
                raise RuntimeError("no repr")

        class Worse:
            def _repr_markdown_(self) -> str:
                raise UnsaidError

        class UnsaidError(Exception):
            def __str__(self) -> str:
                raise ValueError

        class Shapeless:
            dtype = "x"

            @property
            def shape(self) -> tuple[int]:
                raise AttributeError("no shape")

        class Liar:
            @property  # type: ignore[misc]
            def __class__(self) -> type:  # type: ignore[override]
                raise KeyError("class")

        frame = pd.DataFrame({"a": pd.Series([Bad()], dtype=object)})
        for value in (Bad(), [Bad()], {"a": Bad()}, frame, Worse(), Shapeless(), Liar(), 10**5000, {"a": 10**5000}):
            with self.subTest(type(value).__name__), self.assertRaises(InputError) as caught:
                told(value)
            line = str(caught.exception)
            self.assertTrue(line.startswith("telling the model what it holds raised "), line)
            self.assertLess(len(line), 300)
            self.assertNotIn("\n", line)

    def test_blamed(self) -> None:
        """What is no fault of the user's code passes: an InputError, an interrupt."""
        for error in (InputError("as it is"), KeyboardInterrupt()):
            with self.assertRaises(type(error)) as caught, blamed("step"):
                raise error
            self.assertIs(error, caught.exception)
        with self.assertRaisesRegex(InputError, "^step raised ValueError: a b$") as caught, blamed("step"):
            raise ValueError("a\nb")
        self.assertIsInstance(caught.exception.__cause__, ValueError)

    def test_keys(self) -> None:
        """A key shows as stars, wherever it stands."""
        key = Key("sk-secret")
        for value in (
            key,
            [key],
            {key: key},
            {"a": {"b": (key,)}},
            {key},
            Pair(key, key),
            types.SimpleNamespace(key=key),
        ):  # type: ignore[arg-type]
            with self.subTest(type(value).__name__):
                self.assertIn("***", told(value))
                self.assertNotIn("secret", told(value))
