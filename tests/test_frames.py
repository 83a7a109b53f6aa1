"""A batch of a frame: the frame again, with its index and columns, and those of the answers."""

from __future__ import annotations

import json
import unittest
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from typing import Any, NamedTuple
from unittest import mock

import pandas as pd
import polars as pl
import pyarrow as pa
import pydantic

import g4f
from g4f.batching.frames import is_frame
from g4f.errors import InputError, MissingRequirementsError

from . import loops
from .counting import Counting, said

FACTS = ["error", "tokens", "seconds"]
LISTS: dict[type, dict[str, Any]] = {pd.DataFrame: {"orient": "list"}, pl.DataFrame: {"as_series": False}}


class Topic(NamedTuple):
    """With fields."""

    label: str
    score: float | None


@dataclass
class Event:
    """With values of several types."""

    day: date
    names: list[str]
    what: int | str


@dataclass
class Wide:
    """With what few frames can hold."""

    large: int
    several: list[str] | str
    missing: int | str | None


class Named(pydantic.BaseModel):
    """With a field whose name is another one in JSON."""

    label: str = pydantic.Field(alias="theLabel")
    day: date


class Must:
    """A provider that must not be asked."""

    @staticmethod
    async def create_async(model: str, messages: Any, **options: Any) -> str:
        raise AssertionError(messages)


@unittest.skipUnless(find_spec("narwhals"), "needs narwhals, of the extra batch")
class TestFrames(unittest.TestCase):
    """What comes back."""

    def test_kinds(self) -> None:
        """A frame of each kind comes back as one of its kind, on each face: its columns, then those of the answers."""
        data = {"title": ["a", "b"], "n": [1, 2]}
        with Counting() as server:
            given = {"model": "m", "base_url": server.url}
            for frame in (pd.DataFrame(data), pl.DataFrame(data), pa.table(data)):
                for ask in (g4f.batch, lambda *each, **options: loops.run(g4f.abatch(*each, **options))):
                    with self.subTest(type(frame)):
                        out = ask(frame, "{title}: {n}", **given)
                        self.assertIs(type(frame), type(out))
                        columns = out.to_dict(**LISTS[type(out)]) if hasattr(out, "to_dict") else out.to_pydict()
                        self.assertEqual(["title", "n", "answer", *FACTS], list(columns))
                        self.assertEqual(["re a: 1", "re b: 2"], columns["answer"])
                        self.assertEqual([5, 5], columns["tokens"])
                        self.assertEqual([None, None], columns["error"])
                        self.assertTrue(all(seconds >= 0 for seconds in columns["seconds"]))
                        self.assertEqual(2, len(frame.columns))  # the caller's own stays as it was

    def test_index(self) -> None:
        """The index stays, also one with duplicates, and one of several levels; so does the order of the rows."""
        several = pd.MultiIndex.from_tuples([("x", 1), ("x", 2), ("y", 1)], names=["k", "l"])
        with Counting() as server:
            for index in (pd.Index([7, 7, 3], name="id"), several):
                frame = pd.DataFrame({"title": ["a", "b", "c"]}, index=index)
                out = g4f.batch(frame, "{title}", model="m", base_url=server.url)
                self.assertTrue(index.equals(out.index))
                self.assertEqual(index.names, out.index.names)
                self.assertEqual(["re a", "re b", "re c"], list(out["answer"]))

    def test_fields(self) -> None:
        """The fields of a value are columns; a row that failed has none of them, and says why."""

        def answer(text: str) -> list[Any]:
            if text == "b":
                return said("no such thing", 400)
            return said(json.dumps({"label": f"re {text}", "score": None if text == "c" else 0.5}))

        with Counting(answer) as server:
            frame = pl.DataFrame({"title": ["a", "b", "c"]})
            out = g4f.batch(frame, "{title}", model="m", base_url=server.url, schema=Topic)
        self.assertEqual(["title", "label", "score", *FACTS], out.columns)
        self.assertEqual([("re a", 0.5), (None, None), ("re c", None)], out.select("label", "score").rows())
        self.assertEqual([None, 5], [out["error"][0], out["tokens"][2]])
        self.assertRegex(out["error"][1], "^[A-Za-z]+Error: .*no such thing")

    def test_types(self) -> None:
        """Dates and lists stay what they are; a column of several types is one of JSON."""
        found = {"a": ("2026-01-02", ["x"], 1), "b": ("2026-01-03", [], "two")}
        texts = {
            text: json.dumps(dict(zip(("day", "names", "what"), values, strict=True))) for text, values in found.items()
        }
        with Counting(lambda text: said(texts[text])) as server:
            for frame in (pl.DataFrame({"title": ["a", "b"]}), pd.DataFrame({"title": ["a", "b"]})):
                out = g4f.batch(frame, "{title}", model="m", base_url=server.url, schema=Event)
                columns = [list(map(_plain, out[name])) for name in ("day", "names", "what")]
                self.assertEqual([[date(2026, 1, 2), date(2026, 1, 3)], [["x"], []], ["1", '"two"']], columns)
        with Counting(lambda text: said("[1, 2]")) as server:
            out = g4f.batch(pl.DataFrame({"a": [1]}), "{a}", model="m", base_url=server.url, schema=list[int])
            self.assertEqual([1, 2], out["answer"][0].to_list())

    def test_wide(self) -> None:
        """What a frame cannot hold is there as JSON, and what is missing stays so."""
        texts = [
            '{"large": 100000000000000000000, "several": ["u"], "missing": null}',
            '{"large": 1, "several": "v", "missing": 1}',
            '{"large": 2, "several": "w", "missing": "z"}',
        ]
        with Counting(lambda text: said(texts[int(text)])) as server:
            for kind in (pl.DataFrame, pa.table):
                out = g4f.batch(kind({"a": [0, 1, 2]}), "{a}", model="m", base_url=server.url, schema=Wide)
                columns = {name: list(map(_plain, out[name])) for name in ("large", "several", "missing")}
                self.assertEqual(["100000000000000000000", "1", "2"], columns["large"])
                self.assertEqual(['["u"]', '"v"', '"w"'], columns["several"])
                self.assertEqual([None, "1", '"z"'], columns["missing"])

    def test_aliases(self) -> None:
        """A model's columns are called as its JSON calls them."""
        with Counting(lambda text: said('{"theLabel": "x", "day": "2026-01-02"}')) as server:
            out = g4f.batch(pl.DataFrame({"a": [1]}), "{a}", model="m", base_url=server.url, schema=Named)
        self.assertEqual([("x", date(2026, 1, 2))], out.select("theLabel", "day").rows())

    def test_no_value(self) -> None:
        """A row without a value, of whichever kind, is not asked; of the columns that the template names alone."""
        with Counting() as server:
            given = {"model": "m", "base_url": server.url}
            for none in (None, float("nan"), pd.NA, pd.NaT):
                out = g4f.batch(pd.DataFrame({"a": [none, 1], "b": None}, dtype=object), "{a}", **given)
                self.assertEqual("re 1", out["answer"][1])
                self.assertTrue(pd.isna(out["answer"][0]))
                self.assertIn("'a' has no value here", out["error"][0])
            self.assertEqual(0, len(g4f.batch(pd.DataFrame({"a": []}), "{a}", **given)))

    def test_refused(self) -> None:
        """What cannot be is one line before anything is asked."""
        twice = pd.DataFrame([["a", "b"]], columns=["a", "a"])
        for frame, template, options, words in (
            (pd.DataFrame({"a": [1], "error": [2]}), "{a}", {}, "^the frame has 'error' already"),
            (pd.DataFrame({"a": [1], "answer": [2]}), "{a}", {}, "^the frame has 'answer' already"),
            (pd.DataFrame({"a": [1], "label": [2]}), "{a}", {"schema": Topic}, "^the frame has 'label' already"),
            (pd.DataFrame({"title": [1]}), "{titel}", {}, "Did you mean 'title'"),
            (pd.DataFrame({"a": [1]}), None, {}, "a frame needs a template"),
            (twice, "{a}", {}, "^the frame has two columns of one name[^\n]*$"),
        ):
            with self.subTest(words), self.assertRaisesRegex(InputError, words):
                g4f.batch(frame, template, provider=Must, **options)
        with (
            mock.patch("g4f.batching.frames.find_spec", return_value=None),
            self.assertRaisesRegex(MissingRequirementsError, r"needs narwhals: pip install 'g4f-jupyter\[batch\]'"),
        ):
            g4f.batch(pd.DataFrame({"a": [1]}), "{a}", provider=Must)

    def test_series(self) -> None:
        """A column is no frame: its values are questions."""
        self.assertFalse(is_frame(pd.Series(["a"])) or is_frame(pl.Series(["a"])))
        with Counting() as server:
            out = g4f.batch(pl.Series(["a"]), model="m", base_url=server.url)
            self.assertEqual(["re a"], [row.answer for row in out])


def _plain(value: Any) -> Any:
    if isinstance(value, pa.Scalar):
        return value.as_py()
    return value.to_list() if isinstance(value, pl.Series) else value
