"""Tab in a chat cell: what is offered where the cursor stands, in a kernel and in a shell."""

from __future__ import annotations

import os
import sys
import tempfile
import unittest
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

from IPython.core.completer import CompletionContext, provisionalcompleter, rectify_completions
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments

from g4f import Provider, tool
from g4f.providers.base_provider import AsyncGeneratorProvider
from g4f.providers.catalogue import ROWS, find
from g4f_jupyter.line import completion
from g4f_jupyter.line.aliases import Aliases
from g4f_jupyter.line.model_names import _file, _keep

from .cost import cost
from .kernel import PATIENCE, Kernel

NAMES = [row.name for row in ROWS]
OPTIONS = [
    "--model",
    "--provider",
    "--thread",
    "--format",
    "--rows",
    "--json",
    "--new",
    "--reasoning-effort",
    "--tool",
    "--mcp",
    "--schema",
]


@magics_class
class Chats(Magics):
    """Magics as the extension has them: what completes them reads their parsers."""

    @magic_arguments()
    @argument("-m", "--model")
    @argument("-p", "--provider")
    @argument("--thread")
    @argument("--format", choices=["markdown", "text"])
    @argument("--rows")
    @argument("--json", metavar="FILE")
    @argument("--new", action="store_true")
    @argument("--reasoning-effort")
    @argument("--tool")
    @argument("--mcp")
    @argument("--schema")
    @line_cell_magic
    def chat(self, line: str, cell: str | None = None) -> None:
        """Ask."""

    @magic_arguments()
    @argument("providers", nargs="*")
    @line_magic
    def chat_models(self, line: str) -> None:
        """List."""

    @magic_arguments()
    @argument("alias", nargs="?")
    @argument("target", nargs="?")
    @argument("--remove", action="store_true")
    @line_magic
    def chat_alias(self, line: str) -> None:
        """Name."""


class Echo(AsyncGeneratorProvider):
    """A provider of the notebook."""

    default_model = "echo-1"

    @classmethod
    async def create_async_generator(cls, model: str, messages: Any) -> Any:
        yield "Hello"


class Touchy:
    """A variable that must not be touched."""

    plain: ClassVar = [1]

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"asked for {name}")

    @property
    def computed(self) -> Any:
        raise AssertionError("computed")


class ShellTestCase(unittest.TestCase):
    """A shell with the magics, aliases, cached models and variables."""

    def setUp(self) -> None:
        """Start what the tests need."""
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.enterContext(mock.patch.dict(os.environ, {"XDG_CACHE_HOME": folder, "IPYTHONDIR": folder}))
        self.shell = InteractiveShell()
        self.addCleanup(self.shell.history_manager.end_session)
        self.magics = Chats(self.shell)
        self.shell.register_magics(self.magics)
        self.provider = ""
        self.aliases = Aliases(folder)
        self.aliases.set("fast", "OpenAI:gpt-5.4-nano")
        completion.register(
            self.shell,
            (self.magics,),
            provider=lambda: self.provider,
            threads=lambda: ["main", "my thread", "it's"],
            aliases=self.aliases,
        )
        self.shell.user_ns |= {"Echo": Echo, "here": "http://127.0.0.1:1/v1", "mine": Provider.OpenAI, "rows": [1, 2]}
        cached = {"gpt-cached": find("OpenAI"), "groq-cached": find("Groq"), "own": "http://127.0.0.1:1/v1"}
        for name, provider in cached.items():
            _keep(provider, [name])

    def matched(self, text: str, limit: int | None = None) -> list[str]:
        """Return what our matcher alone offers."""
        (matcher,) = self.shell.Completer.custom_matchers
        *above, line = text.split("\n")
        context = CompletionContext("", text.replace("|", ""), line.index("|"), len(above), limit)
        return [each.text for each in matcher(context)["completions"]]

    def offered(self, text: str) -> list[str]:
        """Return the texts that the cell may have at the cursor, which is "|", each with what it takes the place of."""
        at, code = text.index("|"), text.replace("|", "", 1)
        with provisionalcompleter():
            found = list(rectify_completions(code, self.shell.Completer.completions(code, at)))
        self.assertEqual({at}, {each.end for each in found} | {at})
        return [code[: each.start] + each.text for each in found]

    def assert_offers(self, text: str, begin: str, *ends: str) -> None:
        """Assert that just these are offered, behind `begin`."""
        self.assertEqual([f"{begin}{end}" for end in ends], self.offered(text))


class TestLine(ShellTestCase):
    """The line of a magic."""

    def test_options(self) -> None:
        """Of the magic's own parser, at the end and in the middle of a line, in a cell and on a line."""
        for text, begin, names in (
            ("%%chat |", "%%chat ", OPTIONS),
            ("%%chat --|", "%%chat ", OPTIONS),
            ("%%chat -|", "%%chat ", ["-m", "--model", "-p", "--provider", *OPTIONS[2:]]),
            ("%%chat --mo|\nwhat?", "%%chat ", ["--model"]),
            ("\n%%chat --mo|", "\n%%chat ", ["--model"]),
            ("%%chat -p Echo --n| -m x\nwhat?", "%%chat -p Echo ", ["--new"]),
            ("x = 1\n  %chat --mo|", "x = 1\n  %chat ", ["--model"]),
            ("%%chat --new --mo|", "%%chat --new ", ["--model"]),
            ("%chat_alias --r|", "%chat_alias ", ["--remove"]),
            ("%%chat --nothing|", "%%chat ", ["--nothing"]),
        ):
            with self.subTest(text):
                self.assert_offers(text, begin, *names)

    def test_providers(self) -> None:
        """Those of the notebook before those of the catalogue, in any case, alone or several."""
        own = ["Echo", "here", "mine"]
        for text, begin, names in (
            ("%%chat -p |", "%%chat -p ", [*own, *NAMES]),
            ("%%chat --provider op|", "%%chat --provider ", ["OpenAI", "OpenRouter"]),
            ("%%chat --provider=Opena|", "%%chat --provider=", ["OpenAI"]),
            ('%%chat -p "OpenAI Loc|', '%%chat -p "OpenAI ', ["Local"]),
            ('%%chat -p "OpenAI, |" -m x', '%%chat -p "OpenAI, ', [*own, *NAMES]),
            ("%%chat -p OpenAI,her|", "%%chat -p OpenAI,", ["here"]),
            ("%%chat -p nobody|", "%%chat -p ", ["nobody"]),
        ):
            with self.subTest(text):
                self.assert_offers(text, begin, *names)

    def test_models(self) -> None:
        """Those of the provider that the line names, before the cursor or behind it; else of the configured one."""
        openai = self.offered("%%chat -p OpenAI -m |")
        self.assertEqual("%%chat -p OpenAI -m gpt-6-luna", openai[0])
        self.assertIn("%%chat -p OpenAI -m gpt-4o", openai)
        self.assertEqual("%%chat -p OpenAI -m gpt-cached", openai[-1])
        self.assertNotIn("%%chat -p OpenAI -m fast", openai)
        for text, begin, names in (
            ("%%chat -m |x -p Groq", "%%chat -m ", ["openai/gpt-oss-20b", "groq-cached"]),
            ('%%chat -m "|a b" -p Groq', '%%chat -m "', ["openai/gpt-oss-20b", "groq-cached"]),
            ("%%chat -p groq -m |", "%%chat -p groq -m ", ["openai/gpt-oss-20b", "groq-cached"]),
            (
                "%%chat -p 'Groq Echo' -m |",
                "%%chat -p 'Groq Echo' -m ",
                ["openai/gpt-oss-20b", "groq-cached", "echo-1"],
            ),
            ("%%chat -p mine -m gpt-c|", "%%chat -p mine -m ", ["gpt-cached"]),
            ("%%chat -p here -m |", "%%chat -p here -m ", ["own"]),
            ("%%chat -p http://127.0.0.1:1/v1 -m |", "%%chat -p http://127.0.0.1:1/v1 -m ", ["own"]),
        ):
            with self.subTest(text):
                self.assert_offers(text, begin, *names)
        self.provider = "Groq"
        self.assert_offers("%%chat -m |", "%%chat -m ", "openai/gpt-oss-20b", "groq-cached")
        self.assert_offers("%%chat -p here -m |", "%%chat -p here -m ", "own")

    def test_all_models(self) -> None:
        """Without a provider: aliases, the well-known, then all; also in the middle of a name, if none begins so."""
        offered = [text.removeprefix("%%chat -m ") for text in self.offered("%%chat -m |")]
        self.assertEqual(["fast", "gpt-4o"], offered[:2])
        self.assertLessEqual({"gpt-cached", "groq-cached", "gemini-flash-latest"}, set(offered))
        self.assertEqual(len(set(offered)), len(offered))
        self.assert_offers("%%chat -m fa|", "%%chat -m ", "fast")
        self.assert_offers("%%chat -m OQ-ca|", "%%chat -m ", "groq-cached")
        for who in ("nobody", "http://127.0.0.1:2/v1"):  # whose models are not known, rather than an empty entry
            self.assertEqual(offered, [text.split(" -m ")[1] for text in self.offered(f"%%chat -p {who} -m |")])

    def test_other_values(self) -> None:
        """Threads, in quotes where they need them, choices, aliases and their targets."""
        for text, begin, names in (
            ("%%chat --thread |", "%%chat --thread ", ["main", "'my thread'", """'it'"'"'s'"""]),
            ('%%chat --thread "my|', '%%chat --thread "', ["my thread"]),
            ("%%chat --thread '|", "%%chat --thread '", ["main", "my thread"]),
            ("%%chat --format |", "%%chat --format ", ["markdown", "text"]),
            ("%%chat --rows a|", "%%chat --rows ", ["all"]),
            ("%%chat --reasoning-effort m|", "%%chat --reasoning-effort ", ["minimal", "medium"]),
            ("%chat_models gro|", "%chat_models ", ["Groq"]),
            ("%chat_alias |", "%chat_alias ", ["fast"]),
            ("%chat_alias quick OpenAI:gpt-c|", "%chat_alias quick ", ["OpenAI:gpt-cached"]),
        ):
            with self.subTest(text):
                self.assert_offers(text, begin, *names)

    def test_tools(self) -> None:
        """Functions of the notebook, and servers of tools."""

        def sales() -> None: ...

        class Shop:
            async def tools(self) -> list[Any]: ...

        self.shell.user_ns |= {"sales": sales, "shown": tool(sales), "shop": Shop(), "touchy": Touchy(), "Shop": Shop}
        self.assert_offers("%%chat --tool s|", "%%chat --tool ", "sales", "shown")
        self.assert_offers("%%chat --mcp |", "%%chat --mcp ", "shop")

    def test_schemas(self) -> None:
        """Types of the notebook."""
        self.shell.user_ns |= {"Topic": Touchy, "topic": Touchy(), "other": {}}
        self.assert_offers("%%chat --schema to|", "%%chat --schema ", "Topic")

    def test_left_to_ipython(self) -> None:
        """Files, the names of magics, the question behind the options, and the magics of others."""
        Path(folder := self.enterContext(tempfile.TemporaryDirectory()), "talk.json").touch()
        self.assertIn(f"%%chat --json {folder}/talk.json", self.offered(f"%%chat --json {folder}/ta|"))
        self.assertEqual(["%%chat"], self.offered("%%cha|"))
        self.assertEqual([], self.matched("%chat wha|"))
        for line in ("%chat -p Echo what", "x = 1\n%%chat", "%chat what", "%chat --", "%timeit", "chat", "%%chat\n"):
            with self.subTest(line):
                self.assertNotIn(f"{line} --new", self.offered(f"{line} --n|"))

    def test_unregistered(self) -> None:
        """Registered twice it completes once; unregistered, not at all."""
        before = list(self.shell.Completer.custom_matchers)
        completion.register(self.shell, (self.magics,), provider=str, threads=list, aliases=self.aliases)
        self.assertEqual(len(before), len(self.shell.Completer.custom_matchers))
        completion.unregister(self.shell)
        self.assertNotIn("%%chat --model", self.offered("%%chat --mo|"))


class TestText(ShellTestCase):
    """The text that is asked."""

    def test_variables(self) -> None:
        """Between braces, in a cell and behind `%chat`; not those of IPython, and private ones if asked for."""
        self.shell.user_ns |= {"_own": 1}
        for text, begin, names in (
            ("%%chat\nWhat is {|", "%%chat\nWhat is {", ["Echo", "here", "mine", "rows"]),
            ("%%chat -p Echo\nWhat\nis { ro|} and", "%%chat -p Echo\nWhat\nis { ", ["rows"]),
            ("%%chat\n{_ow|", "%%chat\n{", ["_own"]),
            ("%%chat\n{{{ro|", "%%chat\n{{{", ["rows"]),
            ("%chat -p Echo what is {ro|", "%chat -p Echo what is {", ["rows"]),
            ("%%chat\n{rows.ap|", "%%chat\n{rows.", ["append"]),
        ):
            with self.subTest(text):
                self.assert_offers(text, begin, *names)

    def test_nothing_is_computed(self) -> None:
        """No property and no `__getattr__` of a variable runs, be it for a provider or for its attributes."""
        self.shell.user_ns["touchy"] = Touchy()
        self.assert_offers("%%chat\n{touchy.comp|", "%%chat\n{touchy.", "computed")
        self.assert_offers("%%chat\n{touchy.plain.app|", "%%chat\n{touchy.plain.", "append")
        self.assert_offers("%%chat -p min|", "%%chat -p ", "mine")
        for path in ("computed", "unknown", "plain.append"):
            self.assertEqual([], self.matched(f"%%chat\n{{touchy.{path}.|"))

    def test_elsewhere(self) -> None:
        """Escaped braces, other cells and code are IPython's own."""
        for text in ("%%chat\n{{ro|", "x = {ro|", "%%time\n{ro|"):
            with self.subTest(text):
                self.assertEqual([], self.matched(text))


class TestCost(ShellTestCase):
    """What it costs to type."""

    def test_quick(self) -> None:
        """Ten providers with 500 models each, and 1,000 variables: a few milliseconds, and no module is imported."""
        for row in ROWS[:10]:
            _keep(row, [f"{row.name}-{number}" for number in range(500)])
        self.shell.user_ns |= {f"variable_{number}": object() for number in range(1000)}
        texts = ("%%chat --|", "%%chat -p |", "%%chat -m |", "%%chat -m nothing|", "%%chat\n{|", "%%chat\n{rows.|")
        self.assertEqual(500, len(self.matched("%%chat -m |", limit=500)))
        modules = set(sys.modules)
        for text in texts:
            with self.subTest(text):
                self.assertLess(cost(partial(self.offered, text)), 30)
        self.assertEqual(set(), {name for name in set(sys.modules) - modules if name.startswith("g4f")})

    def test_broken_files(self) -> None:
        """A cache and aliases that cannot be read complete nothing, and say nothing."""
        for file in (_file(find("Groq")), self.aliases._file):
            file.write_bytes(b"{")
        with mock.patch("sys.excepthook") as hook:
            self.assert_offers("%%chat -p Groq -m |", "%%chat -p Groq -m ", "openai/gpt-oss-20b")
            self.assertNotIn("%%chat -m fast", self.offered("%%chat -m fast|")[1:])
        hook.assert_not_called()


class TestKernel(unittest.TestCase):
    """As a notebook asks: the whole cell, and where the cursor stands in it."""

    def test_complete_request(self) -> None:
        """The reply has just ours, with their kind, and which part of the cell they take the place of."""
        with Kernel() as kernel:
            kernel.run("%load_ext g4f_jupyter\nhere = 'http://127.0.0.1:1/v1'")
            for text, start, name, kind in (
                ("%%chat -p Echo --prov| -m x\nWhat is {here}?", 15, "--provider", "option"),
                ("%%chat -p OpenA|\nWhat?", 10, "OpenAI", "provider"),
                ("%%chat\nÜber {he|?", 13, "here", "instance"),
            ):
                with self.subTest(text):
                    at = text.index("|")
                    reply = kernel._client.complete(text.replace("|", ""), at, reply=True, timeout=PATIENCE)["content"]
                    self.assertEqual("ok", reply["status"])
                    self.assertEqual([name], reply["matches"])
                    self.assertEqual((start, at), (reply["cursor_start"], reply["cursor_end"]))
                    self.assertEqual(
                        [kind], [each["type"] for each in reply["metadata"]["_jupyter_types_experimental"]]
                    )
