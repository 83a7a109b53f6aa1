"""Tables, as they are read in a notebook and in a terminal."""

from __future__ import annotations

import os
import re
import string
import tempfile
import unittest
from html import unescape
from unittest import mock

from IPython.core.formatters import DisplayFormatter
from markdown_it import MarkdownIt

from g4f.errors import InputError, MissingAuthError, ProviderNotFoundError
from g4f.providers.catalogue import ROWS, load_at
from g4f.providers.retry_provider import IterListProvider
from g4f_jupyter.line.aliases import AliasTarget
from g4f_jupyter.show.tables import Table, alias_table, model_table, provider_table

from . import loops
from .servers import HANG, HELD, Server, whole

LISTED = whole({"data": [{"id": "b"}, {"id": "a"}]})


def cells(table: Table) -> list[list[str]]:
    """Return what a reader of the rendered table sees, row by row; it must have no markup of its own."""
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(table._repr_markdown_())
    page = re.sub("</?span>", "", page)  # around what front ends make formulas and links of
    page = re.sub(' style="text-align:(left|right)"', "", page)
    assert re.sub(r"</?(table|thead|tbody|tr|th|td)>|\n", "", re.sub(r"<t[dh]>.*?</t[dh]>", "", page)) == "", page
    found = [re.findall(r"<t[dh]>(.*?)</t[dh]>", row) for row in page.split("</tr>")[:-1]]
    assert not any("<" in cell for row in found for cell in row), page
    return [[unescape(cell) for cell in row] for row in found]


class TestTable(unittest.TestCase):
    """The table itself."""

    def test_faces(self) -> None:
        """Aligned text, and Markdown."""
        table = Table(("Name", "Size"), [("a", "1"), ("long name", "")])
        self.assertEqual("Name       Size\n---------  ----\na          1\nlong name", repr(table))
        self.assertEqual("| Name | Size |\n| :--- | :--- |\n| a | 1 |\n| long name |  |", table._repr_markdown_())
        bundle, _ = DisplayFormatter().format(table)
        self.assertEqual({"text/plain": repr(table), "text/markdown": table._repr_markdown_()}, bundle)

    def test_numbers(self) -> None:
        """What is named a number stands at the right, its head too; all else at the left."""
        table = Table(("Name", "Size"), [("a", "1"), ("b", "12,345")], ("Size",))
        self.assertEqual("Name    Size\n----  ------\na          1\nb     12,345", repr(table))
        self.assertEqual("| :--- | ---: |", table._repr_markdown_().splitlines()[1])

    def test_empty(self) -> None:
        """No rows leave the head."""
        self.assertEqual("Name\n----", repr(Table(("Name",), [])))
        self.assertEqual([["Name"]], cells(Table(("Name",), [])))

    def test_foreign_text(self) -> None:
        """Whatever stands in a cell is read as it is: no markup, no HTML, no formula, and no new row or column."""
        for text in (
            string.punctuation,
            *(f"{sign}a{sign} b" for sign in string.punctuation),
            *(f"{sign}{sign}a{sign}{sign}" for sign in string.punctuation),
            "a|b\\|c",
            "<script>alert(1)</script><img src=x onerror=alert(1)>",
            "[a](javascript:alert(1)) ![b](http://c/d.png) <http://e>",
            "&lt;b&gt; &#60;",
            "a_b_c _d_ OPENAI_API_KEY",
            "`a` ``b|c``",
        ):
            with self.subTest(text):
                self.assertEqual([["Name", "x"], [text, "y"]], cells(Table(("Name", "x"), [(text, "y")])))
                self.assertIn(text, repr(Table(("Name",), [(text,)])))

    def test_money(self) -> None:
        """A dollar begins no formula."""
        self.assertIn(
            "| <span>&#36;</span>5 and <span>&#36;</span>10 |", Table(("Cost",), [("$5 and $10",)])._repr_markdown_()
        )

    def test_controls(self) -> None:
        """Lines are blanks, and controls a sign that stands for what cannot be shown, in both faces."""
        table = Table(("Name",), [("a\r\n\n| b\x1b[2J\x07c",)])
        self.assertEqual("Name\n-----------\na | b�[2J�c", repr(table))
        self.assertEqual([["Name"], ["a | b�[2J�c"]], cells(table))


class TestTables(unittest.TestCase):
    """What stands in them."""

    def setUp(self) -> None:
        """Start what the tests need."""
        folder = self.enterContext(tempfile.TemporaryDirectory())
        keyless = {name: value for name, value in os.environ.items() if not name.endswith(("_KEY", "_TOKEN"))}
        self.enterContext(mock.patch.dict(os.environ, keyless | {"XDG_CACHE_HOME": folder}, clear=True))

    def test_providers(self) -> None:
        """Every provider with its default model, and whether it can answer here, or what it needs; ready ones first."""
        with mock.patch.dict(os.environ, OPENAI_API_KEY="sk", OLLAMA_HOST="http://a:secret"):
            table = provider_table()
        found = {name: (here, model) for name, here, model in table.rows}
        ready = [name for name, (here, _) in found.items() if here == "ready"]
        self.assertIn("OpenAI", ready)
        others = [row.name for row in ROWS if row.name not in ready]
        self.assertEqual([*(row.name for row in ROWS if row.name in ready), *others], list(found))
        self.assertEqual(("ready", "gpt-6-luna"), found["OpenAI"])
        self.assertEqual("set GROQ_API_KEY", found["Groq"][0])
        self.assertEqual("OLLAMA_HOST must hold an address like http://127.0.0.1:11434", found["Ollama"][0])
        self.assertNotIn("secret", repr(table))

    def test_models(self) -> None:
        """Those that are kept, fetched when none are, and when they shall be."""
        with Server(LISTED, whole({"data": [{"id": "c"}]})) as server:
            for refresh, names in ((False, "ba"), (False, "ba"), (True, "c")):
                table = loops.run(model_table(server.url, refresh=refresh))
                name = f"127.0.0.1:{server.port}"
                self.assertEqual([(name, each) for each in names], table.rows)
            self.assertEqual(2, len(server.requests))

    def test_ends(self) -> None:
        """Where a provider says when a model ends, there is a column for it, of what is kept and what is new."""
        listed = whole({"data": [{"id": "a", "shutdown_date": "2027-01-14"}, {"id": "b", "shutdown_date": None}]})
        with Server(listed) as server:
            for refresh in (False, False, True):
                table = loops.run(model_table(server.url, refresh=refresh))
                self.assertEqual(("Provider", "Model", "Ends on"), table.columns)
                self.assertEqual([("a", "2027-01-14"), ("b", "")], [row[1:] for row in table.rows])
        with Server(LISTED) as server:
            self.assertEqual(("Provider", "Model"), loops.run(model_table(server.url)).columns)

    def test_several(self) -> None:
        """Of several providers, in their order, however they are given."""
        with Server(LISTED) as server:
            first, other = load_at(server.url), load_at(server.url + "/x")
            for given in (f"{server.url} {server.url}/x", IterListProvider([first, other])):
                self.assertEqual(["b", "a", "b", "a"], [name for _, name in loops.run(model_table(given)).rows])

    def test_fails(self) -> None:
        """Who is named and fails, fails; among those that nobody named, the error stands in the place of the models."""
        refused = whole({"error": {"message": "no"}}, status=401)
        with Server(refused) as server:
            with self.assertRaises(MissingAuthError):
                loops.run(model_table(server.url))
            with self.assertRaisesRegex(ProviderNotFoundError, "Did you mean 'OpenAI'"):
                loops.run(model_table("OpenAY"))
            with self.assertRaises(InputError):
                loops.run(model_table(object()))
        with Server(LISTED, refused) as server, mock.patch.dict(os.environ, OPENAI_API_KEY="sk-1234"):
            os.environ["OPENAI_BASE_URL"] = server.url  # which is looked for, and then asked
            found = dict(loops.run(model_table(None)).rows)
        self.assertRegex(found["OpenAI"], r"^\[.*OPENAI_API_KEY.*\]$")
        self.assertNotIn("sk-1234", found["OpenAI"])

    def test_at_the_same_time(self) -> None:
        """All are asked at once, and stand in the order in which they were named."""
        with Server([HELD], LISTED) as server:  # the first answers when the second was asked
            found = loops.run(model_table(f"{server.url} {server.url}/x"))
        self.assertEqual(["b", "a", "b", "a"], [name for _, name in found.rows])

    def test_slow(self) -> None:
        """Who does not answer in time has a line that says so, and holds nobody else."""
        with Server(LISTED, [HANG]) as slow, Server(LISTED) as quick:  # a server on this machine is looked for first
            addresses = {"OPENAI_BASE_URL": slow.url, "ANTHROPIC_BASE_URL": quick.url}
            keys = {"OPENAI_API_KEY": "sk", "ANTHROPIC_API_KEY": "sk"}
            with mock.patch.dict(os.environ, keys | addresses), mock.patch("g4f_jupyter.show.tables.PATIENCE", 0.3):
                found = loops.run(model_table(None)).rows
        self.assertEqual(("OpenAI", "[no answer within 0.3 s; use -p OpenAI to wait longer]"), found[0])
        self.assertEqual([("Anthropic", "b"), ("Anthropic", "a")], found[1:3])

    def test_no_list(self) -> None:
        """A class that lists nothing has its default model."""

        class Mine:
            default_model = "mine-1"

        self.assertEqual([("Mine", "mine-1")], loops.run(model_table(Mine)).rows)

    def test_aliases(self) -> None:
        """What each stands for."""
        table = alias_table({"fast": AliasTarget("OpenAI", "gpt-5.4-nano")})
        self.assertEqual([("fast", "OpenAI", "gpt-5.4-nano")], table.rows)
