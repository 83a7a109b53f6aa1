"""What a model gets of a table that is too large: a summary of each column, and rows from all parts of it."""

from __future__ import annotations

import datetime as dt
import json
import re
import tracemalloc
import unittest
from decimal import Decimal
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from g4f.errors import InputError
from g4f.secrets.scrubbing import Scrubber
from g4f.values.form import Form
from g4f.values.room import ALL
from g4f.values.summary import spread
from g4f.values.text import text_of

HAS_OTHERS = find_spec("polars") and find_spec("pyarrow")
BERLIN = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def told(value: object, **how: Any) -> str:
    """Return what a model gets."""
    return text_of(value, "it", **how)


def left_out(value: object, **how: Any) -> list[str]:
    """Return the lines for the reader of the answer."""
    lines: list[str] = []
    text_of(value, "it", left_out=lines, **how)
    return lines


def summary(text: str) -> dict[str, list[str]]:
    """Return the cells that stand behind the name of each column in a summary."""
    lines = text.partition("| column |")[2].partition("\n\n")[0].splitlines()[2:]
    rows = [re.split(r"(?<!\\) \| ", line.removeprefix("| ").removesuffix(" |")) for line in lines]
    return {name: [cell.strip() for cell in cells] for name, *cells in rows}


def places(text: str) -> list[int]:
    """Return the places of the rows in a sample."""
    return [int(row) for row in re.findall(r"^\| (\d+) \|", text.partition("| row |")[2], re.MULTILINE)]


class TestSpread(unittest.TestCase):
    """Which rows are sent."""

    def test_places(self) -> None:
        """So many, each once, in order, from the first to the last, and one of each stretch between."""
        for count in (0, 1, 2, 7, 50, 51, 100, 1001, 10**7):
            for rows in (0, 1, 2, 3, 8, 24, 50, 1000):
                with self.subTest(count=count, rows=rows):
                    found = spread(count, rows)
                    self.assertEqual(min(count, rows), len(found))
                    self.assertEqual(sorted({*found}), found)
                    self.assertEqual([], [place for place in found if not 0 <= place < count])
                    if rows > 1 and count:
                        self.assertEqual((0, count - 1), (found[0], found[-1]))
                        gaps = [after - before for before, after in pairwise(found)]
                        self.assertLessEqual(max(gaps, default=0), 2 * (count // max(rows - 6, 1) + 1))
        self.assertEqual([0, 1, 2, 97, 98, 99], [*spread(100, 24)[:3], *spread(100, 24)[-3:]])

    def test_the_same(self) -> None:
        """Each time the same, whatever chance has given others: a tape finds the question again."""
        self.assertEqual(spread(10**6, 50), spread(10**6, 50))

    def test_no_steps(self) -> None:
        """Not in even steps: of a table of days, each day of the week is there."""
        for count in (700, 7_000, 70_000):
            self.assertEqual({*range(7)}, {place % 7 for place in spread(count, 100)})


class TestSummary(unittest.TestCase):
    """A line for each column."""

    def test_text(self) -> None:
        """The whole text: size, summary, and rows with their places."""
        frame = pd.DataFrame({"region": ["north"] * 40 + ["south"] * 20, "amount": [*range(59), None]})
        self.assertEqual(
            "DataFrame, 60 rows x 2 columns\n\nA summary of each column:\n\n"
            "| column | type | missing | distinct | range, or most frequent values |\n"
            "| --- | --- | --- | --- | --- |\n"
            f"| region | {frame['region'].dtype} | 0 | 2 | north (40), south (20) |\n"
            "| amount | float64 | 1 | 59 | 0 to 58 |\n\n"
            '3 of the rows, spread over all; "row" is the place of each, from 0:\n\n'
            "| row | region | amount |\n| --- | --- | --- |\n"
            "| 0 | north | 0 |\n| 49 | south | 49 |\n| 59 | south | NaN |",
            told(frame, rows=3),
        )

    def test_kinds(self) -> None:
        """Missing, distinct, and a range or the most frequent values, by the type of a column."""
        nan, none = float("nan"), None
        for values, expected in (
            ([1, 2, 3] * 20, "0 | 3 | 1 to 3; 1 (20), 2 (20), 3 (20)"),
            ([4] * 60, "0 | 1 | only 4"),
            ([1.5, nan] * 30, "30 | 1 | only 1.5"),
            ([nan] * 60, "60 | 0 |"),
            ([none] * 60, "60 | 0 |"),
            ([pd.NaT] * 60, "60 | 0 |"),
            ([True, False, True] * 20, "0 | 2 | True (40), False (20)"),
            (pd.array([1, none] * 30, dtype="Int64"), "30 | 1 | only 1"),
            (pd.array([True, none] * 30, dtype="boolean"), "30 | 1 | True (30)"),
            (["a|b", none] * 30, r"30 | 1 | a\|b (30)"),
            ([str(number) for number in range(60)], "0 | 60 |"),
            ([*"abcdefg", "a"] * 8, "0 | 7 | a (16), b (8), c (8), d (8), e (8)"),
            (pd.Categorical(["x", none] * 30, ["x", "y"]), "30 | 1 | x (30)"),
            ([Decimal("1.10"), Decimal(2), none] * 20, "20 | 2 | 1.10 to 2; 1.10 (20), 2 (20)"),
            (
                pd.date_range("2024-03-30", periods=60, tz="Europe/Berlin"),
                "0 | 60 | 2024-03-30 00:00:00+01:00 to 2024-05-28 00:00:00+02:00",
            ),
            (pd.to_timedelta(range(60), "D"), "0 | 60 | 0 days 00:00:00 to 59 days 00:00:00"),
            (pd.period_range("2020", periods=60, freq="M"), "0 | 60 | 2020-01 to 2024-12"),
            ([dt.date(2024, 5, 6)] * 60, "0 | 1 | only 2024-05-06"),
            ([dt.date(2024, 5, 6), "soon"] * 30, "0 | 2 | 2024-05-06 (30), soon (30)"),
            ([BERLIN, dt.date(2024, 1, 1)] * 30, "0 | 2 | 2024-01-01 00:00:00+00:00 (30), 2024-01-01 (30)"),
            ([1, "a"] * 30, "0 | 2 | 1 (30), a (30)"),
            ([[1]] * 60, "0 |  |"),
            ([{"a": 1}] * 60, "0 |  |"),
            ([1.0, float("inf")] * 30, "0 | 2 | 1 to inf; 1 (30), inf (30)"),
            (pd.arrays.SparseArray([0, 1] * 30), "0 | 2 | 0 to 1; 0 (30), 1 (30)"),
            (["long " * 50] * 60, f"0 | 1 | {('long ' * 8).strip()} … (60)"),
        ):
            with self.subTest(expected):
                column = pd.Series(
                    values, name="x", dtype=object if isinstance(values, list) and none in values else None
                )
                [cells] = summary(told(column)).values()
                self.assertEqual(expected, " | ".join(cells[1:]).strip())

    def test_sorted(self) -> None:
        """The rows are from all parts, and their places stand beside them."""
        frame = pd.DataFrame({"region": ["north"] * 450 + ["south"] * 50, "n": range(500)})
        text = told(frame)
        self.assertEqual(50, len(places(text)))
        for place in places(text):
            self.assertIn(f"| {place} | {'north' if place < 450 else 'south'} | {place} |", text)
        self.assertIn("| north (450), south (50) |", text)

    def test_about(self) -> None:
        """Of many rows, how many values differ, and how often one occurs, is an estimate, and says so."""
        chance = np.random.default_rng(0)
        frame = pd.DataFrame(
            {
                "id": range(300_000),
                "place": chance.integers(0, 20_000, 300_000),
                "few": np.repeat(["a", "b"], [225_000, 75_000]),
                "rare": np.repeat([0, 1], [299_000, 1_000]),
                "object": pd.Series(np.repeat([1, 2], 150_000), dtype=object),
            }
        )
        said = summary(told(frame))
        self.assertEqual("about 300,000", said["id"][2])
        self.assertRegex(said["place"][2], "^about (19|20|21),000$")
        self.assertEqual(["0", "about 2"], said["few"][1:3])
        self.assertRegex(said["few"][3], r"^a \(about 7[45] %\), b \(about 2[56] %\)$")
        self.assertRegex(said["rare"][3], r"^0 to 1; 0 \(about 100 %\), 1 \(about 0\.\d\d %\)$")
        self.assertTrue(said["object"][3].startswith("about 1 to 2; "), said["object"])

    def test_exact(self) -> None:
        """Of however many rows, what is missing and how far a column reaches is not an estimate."""
        values = np.zeros(300_000)
        values[123_457], values[234_567], values[200_001:200_004] = -5, 7, np.nan
        names = pd.Series(["a"] * 300_000, dtype=object)
        names[99_999] = None
        said = summary(told(pd.DataFrame({"v": values, "names": names, "when": pd.to_datetime(values, unit="D")})))
        self.assertEqual("3", said["v"][1])
        self.assertTrue(said["v"][3].startswith("-5 to 7; "), said["v"])
        self.assertEqual("1", said["names"][1])
        self.assertEqual("3", said["when"][1])
        self.assertEqual(said["v"], summary(told(values))["value"])
        self.assertTrue(said["when"][3].startswith("1969-12-27 00:00:00 to 1970-01-08 00:00:00"), said["when"])

    def test_index(self) -> None:
        """Labels of rows are in the summary and in the rows, each level for itself; what only counts is not."""
        index = pd.MultiIndex.from_product([["u", "v"], range(30)], names=["p", None])
        text = told(pd.DataFrame({("a", 1): range(60), ("b", 2): 5}, index=index), rows=2)
        self.assertEqual(["p", "index", "a, 1", "b, 2"], [*summary(text)])
        self.assertIn("A summary of each column:\n", text)
        self.assertIn('2 of the rows, spread over all; "row"', text)
        self.assertIn("| row | p | index | a, 1 | b, 2 |", text)
        self.assertIn("| 59 | v | 29 | 59 | 5 |", text)
        days = pd.date_range("2024", periods=60, tz="UTC", name="day")
        self.assertIn("2024-01-01 00:00:00+00:00 to 2024-02-29", told(pd.Series(range(60), days)))
        wide = pd.DataFrame(np.zeros((60, 900)), index=index)
        found = re.search(r"with the first (\d+) columns", told(wide))
        assert found is not None
        self.assertIn(f" | {int(found[1]) - 1} |\n| --- |", told(wide))
        self.assertIn(
            f" {found[1]} of 900 columns and a summary of {len(summary(told(wide))) - 2} columns", left_out(wide)[0]
        )
        self.assertEqual(["a"], [*summary(told(pd.DataFrame({"a": range(60)})))])
        self.assertEqual(["index", "a"], [*summary(told(pd.DataFrame({"a": range(99)}).iloc[9:]))])

    def test_labels(self) -> None:
        """Columns of the same name, and names that are no text, are all there."""
        labels = ["a", "a", 3, None, dt.date(2024, 1, 1), ("t", 1), b"c"]
        text = told(pd.DataFrame([range(7)] * 60, columns=pd.Index(labels, dtype=object)), rows=1)
        self.assertIn("| row | a | a | 3 | None | 2024-01-01 | t, 1 | b'c' |", text)
        self.assertIn("| a | int64 | 0 | 1 | only 0 |\n| a | int64 | 0 | 1 | only 1 |", text)

    def test_wide(self) -> None:
        """Of 200 columns as many as fit are in the summary, the names of all are there, and some rows of some."""
        frame = pd.DataFrame({f"column_{at}": [f"{'text' * 9}{at}", "b"] * 250 for at in range(200)})
        text = told(frame)
        self.assertEqual([], [at for at in range(200) if not re.search(rf"column_{at}\b", text)])
        [line] = left_out(frame)
        found = re.fullmatch(
            r"it: (\d+) of 500 rows, (\d+) of 200 columns and a summary of (\d+) columns were sent", line
        )
        assert found is not None
        rows, columns, summarised = map(int, found.groups())
        self.assertEqual((rows, summarised), (len(places(text)), len(summary(text))))
        self.assertGreaterEqual(rows, 8)
        self.assertIn(f"with the first {columns} columns", text)
        self.assertIn(f"| column_{columns - 1} |\n", text)
        self.assertIn(f"Other columns: column_{summarised}, ", text)
        names = {f"{'name' * 9}{at}": [0] for at in range(5000)}
        self.assertRegex(told(pd.DataFrame(names)), r", … [\d,]+ more\n")
        self.assertRegex(
            left_out(pd.DataFrame(names))[0], r"^it: \d+ of 5,000 columns and a summary of \d+ columns were sent$"
        )

    def test_not_read(self) -> None:
        """What there is no room for is not even read."""

        class Bad:
            def __str__(self) -> str:
                raise RuntimeError("read")

        names = [str(at) for at in range(2_000)]
        frame = pd.DataFrame([[*range(1_999), Bad()]] * 5, columns=pd.Index(names, dtype=object))
        self.assertRegex(left_out(frame)[0], r"^it: \d+ of 2,000 columns and a summary of \d+ columns were sent$")

    def test_arrays(self) -> None:
        """An array of one or two dimensions is such a table; one of more is abbreviated as numpy does it."""
        column = np.arange(2000.0)
        column[5] = np.nan
        self.assertEqual({"value": ["float64", "1", "1,999", "0 to 1999"]}, summary(told(column)))
        self.assertEqual(
            {"0": ["int64", "0", "600", "0 to 1198"], "1": ["int64", "0", "600", "1 to 1199"]},
            summary(told(np.arange(1200, dtype="int64").reshape(-1, 2))),
        )
        days = np.arange("2020-01", "2030-01", dtype="datetime64[D]")
        self.assertEqual("2020-01-01 to 2029-12-31", summary(told(days))["value"][3])
        self.assertEqual("a (1,000), b (1,000)", summary(told(np.array(["a", "b"] * 1000)))["value"][3])
        self.assertIn("...", told(np.zeros((20, 20, 20))))
        self.assertIn("...", told(np.array([None] * 2000)))
        self.assertIn("...", told(np.ma.array(column)))
        self.assertTrue(told(column).startswith("ndarray, shape (2000,), dtype float64\n\nA summary:"))

    def test_empty(self) -> None:
        """Without rows, without columns, with names alone."""
        self.assertEqual("DataFrame, 100 rows x 0 columns", told(pd.DataFrame(index=range(100))))
        text = told(pd.DataFrame({str(at): [] for at in range(1000)}))
        self.assertIn("| 0 | float64 | 0 | 0 |  |", text)
        self.assertIn("Other columns: ", text)

    def test_raises(self) -> None:
        """The name of a column that cannot be read stands in the one line of the error."""

        class Bad:
            def __hash__(self) -> int:
                raise RuntimeError("no hash")

        frame = pd.DataFrame({"fine": range(60), "bad": [Bad()] * 60})
        with self.assertRaisesRegex(InputError, "^reading the column bad of it raised RuntimeError: no hash$"):
            told(frame)

    @unittest.skipUnless(HAS_OTHERS, "needs polars and pyarrow, of the test extra")
    def test_raises_in_a_small_one(self) -> None:
        """So it does where all of a table is sent."""
        import pyarrow as pa

        table = pa.table({"fine": [1], "late": pa.array([2**60], pa.timestamp("s"))})
        with self.assertRaisesRegex(InputError, "^reading the column late of it raised "):
            told(table)

    def test_secrets(self) -> None:
        """Neither summary nor rows show what is secret: columns, labels, what is nested; each star is counted."""
        secret = ["hunter2-hunter2"] * 60
        nested = [{"password": "hunter2-hunter2", "n": [1]}] * 60
        index = pd.MultiIndex.from_arrays([secret, range(60)], names=["api_key", "n"])
        for frame in (
            pd.DataFrame({"password": secret, "n": range(60)}),
            pd.DataFrame({("login", "password"): secret}),
            pd.DataFrame({"nested": nested}),
            pd.DataFrame({"n": range(60)}, index=index),
            pd.DataFrame({"n": range(60)}, index=pd.Index(secret, name="password")),
            pd.DataFrame({"note": ["sk-abcdefgh12345678"] * 60}),
            pd.DataFrame({"note": secret}),
        ):
            for how in ({}, {"rows": 5}, {"limit": 700}, {"rows": ALL}):
                with self.subTest(frame.columns, how=how):
                    scrubber = Scrubber(["hunter2-hunter2"])
                    text = told(frame, scrubber=scrubber, **how)
                    self.assertNotIn("hunter2", text)
                    self.assertNotIn("sk-abc", text)
                    self.assertEqual(text.count("***"), scrubber.count)
        self.assertIn("| the (30), a (30) |", told(pd.DataFrame({"token": ["the", "a"] * 30})))


class TestBudget(unittest.TestCase):
    """How much is sent."""

    def test_characters(self) -> None:
        """Never more than the limit, but for a line that says so; with a higher limit, more rows."""
        frames = (
            pd.DataFrame({"a": ["x" * 90] * 5000, "b": 1}),
            pd.DataFrame(np.zeros((500, 200))),
            pd.DataFrame({f"{'name' * 20}{at}": ["y" * 500] * 99 for at in range(40)}),
        )
        for frame in frames:
            sent = []
            for limit in (0, 10, 300, 1000, 5000, 20_000, 100_000):
                with self.subTest(limit=limit):
                    text = told(frame, limit=limit)
                    self.assertLessEqual(len(text), limit + 40)
                    sent.append(len(places(text)))
            self.assertEqual(sorted(sent), sent)
        long = pd.DataFrame({"a": [f"{'key' * 60}{at}" for at in range(99)], "b": 1}).groupby("a")
        for limit in (0, 300, 3000, 5000):  # sizes and table may each have such a line
            for groups in (frames[0].groupby("a"), long):
                self.assertLessEqual(len(told(groups, limit=limit)), limit + 80)
        self.assertEqual(2, told(long, limit=5000).count("| row |"))
        self.assertIn("What is grouped: \n… 33 more characters", told(frames[0].groupby("a"), limit=0))
        self.assertEqual(50, len(places(told(frames[0]))))
        self.assertEqual(250, len(places(told(frames[0], limit=100_000))))

    def test_room_is_used(self) -> None:
        """Where rows are long, most of the limit is."""
        for limit in (2_000, 20_000):
            self.assertGreater(len(told(pd.DataFrame({"a": ["x" * 190] * 500}), limit=limit, rows=500)), limit * 0.75)

    def test_rows(self) -> None:
        """So many at most, none if that is 0, and all of them, with all of their cells, whatever the limit."""
        frame = pd.DataFrame({"a": range(500), "text": "y" * 500})
        for rows in (0, 1, 7, 30):
            self.assertEqual(rows, len(places(told(frame, rows=rows))))
        self.assertEqual(["it: 0 of 500 rows and a summary of each column were sent"], left_out(frame, rows=0))
        self.assertEqual(["it: 9 of 40 rows and a summary were sent"], left_out(frame["a"][:40], rows=9))
        self.assertEqual([], left_out(frame["a"], rows=500))
        for how in ({"rows": ALL}, {"form": Form("all")}, {"rows": ALL, "limit": 10}):
            with self.subTest(how):
                self.assertEqual([], left_out(frame, **how))
                self.assertEqual(504, len(told(frame, **how).splitlines()))
                self.assertIn(f"| 499 | {'y' * 500} |", told(frame, **how))
        for value in (np.arange(20_000), frame.groupby("text"), pd.Series(range(20_000))):
            self.assertEqual([], left_out(value, rows=ALL))
            self.assertGreater(len(told(value, rows=ALL)), 20_000)
        self.assertEqual(["it: only 20,000 of 30,000 characters were sent"], left_out("x" * 30_000, rows=ALL))

    def test_all(self) -> None:
        """Of texts, lists, bytes and arrays, too."""
        form = Form("all")
        for value, expected in (
            ("x" * 50_000, "x" * 50_000),
            (["x" * 50_000, *range(10_000)], json.dumps(["x" * 50_000, *range(10_000)])),
            (b"x" * 50, f"bytes of length 50, beginning with {b'x' * 50!r}"),
            ("x", "x"),
        ):
            self.assertEqual(expected, told(value, form=form))
            self.assertEqual([], left_out(value, form=form))
        array = np.arange(20_000)
        self.assertEqual([*map(str, range(20_000))], re.findall(r"\d+", told(array, form=form).partition("\n")[2]))
        self.assertEqual([], left_out(array, form=form))


class TestGroups(unittest.TestCase):
    """A table in groups."""

    def test_pandas(self) -> None:
        """How many rows each group has, and the table."""
        frame = pd.DataFrame({"a": ["x", "y", "x"] * 30, "b": range(90), "c": 1})
        for groups, sizes in (
            (frame.groupby("a"), "| a | rows |\n| --- | --- |\n| x | 60 |\n| y | 30 |"),
            (frame.groupby("a", as_index=False), "| a | size |\n| --- | --- |\n| x | 60 |\n| y | 30 |"),
            (frame.groupby("a")["b"], "| a | rows |\n| --- | --- |\n| x | 60 |\n| y | 30 |"),
            (frame.groupby(["a", "c"]), "| a | c | rows |\n| --- | --- | --- |\n| x | 1 | 60 |\n| y | 1 | 30 |"),
        ):
            with self.subTest(sizes):
                text = told(groups)
                self.assertTrue(
                    text.startswith(f"{type(groups).__name__}, 2 groups, and how many rows each has."), text
                )
                self.assertIn(sizes, text)
                self.assertIn("What is grouped: ", text)
                self.assertIn("| b | int64 | 0 | 90 | 0 to 89 |", text)
                self.assertRegex(left_out(groups)[0], r"^it: 50 of 90 rows and a summary( of each column)? were sent$")
        many = pd.DataFrame({"a": range(90), "b": 1}).groupby("a", as_index=False)
        once = "it: 4 of 90 groups, 4 of 90 rows and a summary of each column were sent"
        self.assertEqual([once], left_out(many, rows=4))
        many = pd.DataFrame({"a": range(90), "b": 1}).groupby("a")
        self.assertEqual(
            ["it: 4 of 90 groups, 4 of 90 rows, a summary and a summary of each column were sent"],
            left_out(many, rows=4),
        )

    @unittest.skipUnless(HAS_OTHERS, "needs polars and pyarrow, of the test extra")
    def test_others(self) -> None:
        """Those of polars, in the order of the table, and of pyarrow."""
        import polars as pl
        import pyarrow as pa

        held = {"a": ["y", "x", "y"], "b": [1, 2, 3]}
        polars = told(pl.DataFrame(held).group_by("a"))
        self.assertIn("| a | len |\n| --- | --- |\n| y | 2 |\n| x | 1 |\n\nWhat is grouped: DataFrame, 3 rows", polars)
        places = told(pl.DataFrame({"a": [*range(40)]}).group_by("a"))
        self.assertEqual([*range(40)], [int(place) for place in re.findall(r"\| (\d+) \| 1 \|", places)])
        self.assertIn("| double | len |", told(pl.DataFrame(held).group_by(double=pl.col("b") * 2)))
        arrow = told(pa.table(held).group_by("a"))
        self.assertIn("| a | count_all |\n| --- | --- |\n| y | 2 |\n| x | 1 |\n\nWhat is grouped: Table, 3 rows", arrow)


@unittest.skipUnless(HAS_OTHERS, "needs polars and pyarrow, of the test extra")
class TestOthers(unittest.TestCase):
    """Tables of polars and pyarrow say the same as those of pandas."""

    HELD: dict[str, list[Any]] = {  # noqa: RUF012 - is not changed
        "region": ["north"] * 40 + ["south"] * 20,
        "n": [*range(59), None],
        "x": [1.5, float("nan"), None] * 20,
        "yes": [True, None] * 30,
        "when": [BERLIN, None] * 30,
        "day": [dt.date(2024, 5, 6)] * 60,
        "time": [dt.time(1, 2)] * 60,
        "took": [dt.timedelta(seconds=3)] * 60,
        "price": [Decimal("1.10"), None] * 30,
        "list": [[1, 2]] * 60,
        "held": [{"password": "hunter2"}] * 60,
        "bytes": [b"ab"] * 60,
        "none": [None] * 60,
        "password": ["hunter2"] * 60,
    }
    SAID = (
        "0 | 2 | north (40), south (20)",
        "1 | 59 | 0 to 58",
        "40 | 1 | only 1.5",
        "30 | 1 | True (30)",
        "30 | 1 | only 2024-01-01 00:00:00+00:00",
        "0 | 1 | only 2024-05-06",
        "0 | 1 | only 01:02:00",
        "0 | 1 | only 0:00:03",
        "30 | 1 | only 1.10",
        "0 |  |",
        "0 |  |",
        "0 | 1 | b'ab' (60)",
        "60 | 0 |",
        "|  | ***",
    )

    def tables(self) -> list[Any]:
        """Return one of each kind."""
        import polars as pl
        import pyarrow as pa

        table = pa.table(self.HELD)
        parts = pa.concat_tables([table[:7], table[7:7], table[7:]])
        return [pl.DataFrame(self.HELD), table, parts, table.to_batches()[0]]

    def test_kinds(self) -> None:
        """Missing, distinct, range or most frequent values; and rows, of whatever chunks a table consists."""
        for table in self.tables():
            with self.subTest(type(table).__name__):
                text = told(table, rows=4)
                said = [" | ".join(cells[1:]).strip() for cells in summary(text).values()]
                self.assertEqual([*self.SAID], said)
                self.assertEqual(spread(60, 4), places(text))
                self.assertEqual(
                    [place if place < 59 else None for place in spread(60, 4)],
                    [
                        None if n == "None" else int(n)
                        for n in re.findall(r"^\| \d+ \| \w+ \| (\w+) \|", text, re.MULTILINE)
                    ],
                )
                self.assertNotIn("hunter2", text)

    def test_own_kinds(self) -> None:
        """Categories, views, half floats, what has no order: whatever a library has is in a line."""
        import polars as pl
        import pyarrow as pa

        for table in (
            pl.DataFrame({"a": pl.Series(["x", "y"] * 30, dtype=pl.Categorical)}),
            pl.DataFrame({"a": pl.Series(["x", "y"] * 30, dtype=pl.Enum(["x", "y", "z"]))}),
            pa.table({"a": pa.array(["x", "y"] * 30).dictionary_encode()}),
            pa.table({"a": pa.array(["x", "y"] * 30, pa.string_view())}),
            pa.table({"a": pa.array(["x", "y"] * 30, pa.large_string())}),
        ):
            with self.subTest(table.schema):
                self.assertEqual(["0", "2", "x (30), y (30)"], summary(told(table))["a"][1:])
        for column, expected in (
            (pa.array(np.zeros(60, "float16")), "only 0"),
            (pa.array([[("k", 1)]] * 60, pa.map_(pa.string(), pa.int64())), ""),
            (pa.array([None] * 60, pa.month_day_nano_interval()), ""),
        ):
            self.assertEqual(expected, summary(told(column))["value"][3])
        zone = pl.datetime_range(dt.date(2024, 3, 1), dt.date(2024, 5, 1), "1d", time_zone="Europe/Berlin", eager=True)
        self.assertEqual(
            "2024-03-01 00:00:00+01:00 to 2024-05-01 00:00:00+02:00", summary(told(zone.rename("z")))["z"][3]
        )

    def test_exact(self) -> None:
        """What is missing and how far a column reaches is exact, of many rows and chunks."""
        import polars as pl
        import pyarrow as pa

        values: list[float | None] = [0.0] * 50_000
        values[12_345], values[23_456], values[34_567] = -5.0, 7.0, None
        parts = pa.chunked_array([values[:20_000], values[20_000:]])
        for column in (pl.Series("value", values), parts):
            cells = summary(told(column))["value"]
            self.assertEqual("1", cells[1])
            self.assertTrue(cells[3].startswith("-5 to 7; 0 (about 100 %)"), cells)
        for kind in (Decimal, dt.timedelta, lambda n: dt.date.fromordinal(9_999 + n), dt.time):
            typed = [kind(5)] * 50_000
            typed[12_345], typed[23_456] = kind(2), kind(7)
            for column in (pl.Series("value", typed), pa.chunked_array([typed[:20_000], typed[20_000:]])):
                about = "about " if str(column.type if hasattr(column, "type") else "").startswith("duration") else ""
                with self.subTest(typed[0], about=about):
                    reach = summary(told(column))["value"][3].partition(";")[0]
                    self.assertEqual(about or f"{typed[12_345]} to {typed[23_456]}", reach[:6] if about else reach)


class TestNothingIsCopied(unittest.TestCase):
    """A large table stays where it is."""

    def peak(self, value: object) -> int:
        """Return the most bytes that Python and numpy had to find for it."""
        told(value)
        tracemalloc.start()
        try:
            told(value)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    def test_pandas_and_numpy(self) -> None:
        """Ten million cells need less than a tenth of themselves, in however many columns, as labels, and in groups."""
        values = np.zeros(10_000_000)
        index = pd.MultiIndex.from_arrays([np.zeros(2_000_000), np.zeros(2_000_000)])
        for value in (
            pd.DataFrame({"a": values}),
            pd.DataFrame(values.reshape(-1, 20)),
            pd.Series(values.view("datetime64[ns]")),
            pd.DataFrame({"a": np.zeros(2_000_000)}, index=index),
            values,
        ):
            with self.subTest(type(value).__name__):
                self.assertLess(self.peak(value), 8_000_000)

    @unittest.skipUnless(HAS_OTHERS, "needs polars and pyarrow, of the test extra")
    def test_arrow(self) -> None:
        """Long texts in several chunks are not put together, nor all looked at."""
        import pyarrow as pa

        texts = pa.chunked_array([pa.array([str(at) * 5_000 for at in range(1_000)])] * 3)
        pool = pa.default_memory_pool()
        most = pool.max_memory() - pa.total_allocated_bytes()
        held = [pa.allocate_buffer(most)]  # so that any more would be the most that there ever was
        before = pool.max_memory()
        self.assertLess(self.peak(texts), 0.75 * texts.nbytes)
        self.assertLess(pool.max_memory() - before, 0.75 * texts.nbytes)
        self.assertGreater(texts.nbytes, 40_000_000)
        del held
