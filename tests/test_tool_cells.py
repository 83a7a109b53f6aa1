"""Tools in a cell of a real kernel: what is asked, called, shown and kept."""

from __future__ import annotations

import io
import json
import unittest
from contextlib import redirect_stdout
from typing import Any

from g4f.providers.response import Step
from g4f.showing import LONG, Steps, line_of
from g4f_jupyter.show.display import Look
from g4f_jupyter.show.terminal import terminal

from .kernel import PATIENCE, Cell
from .test_cell import CellTestCase

TOOLS = '''
from g4f.providers.response import ToolCall
from g4f.tools.tool import Result
import threading

class Calls(AsyncGeneratorProvider):
    """Calls what the lines of the question say; then says what came of it."""
    @classmethod
    async def create_async_generator(cls, model, messages, tools=None):
        asked.append([each["function"]["name"] for each in tools or ()])
        if messages[-1]["role"] != "user" or isinstance(messages[-1]["content"], list):
            yield "So: "
            yield str([each["content"] for each in messages if each["role"] == "tool"])
            return
        yield "Let me *see*."
        for number, line in enumerate(messages[-1]["content"].splitlines()):
            name, _, arguments = line.partition(" ")
            yield ToolCall(number, f"call{number}", name, arguments)
        yield FinishReason("tool_calls")

def sales(month: int, region: str = "N") -> float:
    """Sum of sales."""
    return month * 1.5

class Prices:
    factor = 2
    def lookup(self, item: str) -> int:
        return len(item) * self.factor

prices = Prices()
stopped = threading.Event()

async def waits() -> None:
    try:
        await asyncio.sleep(1e9)
    finally:
        stopped.set()

async def stranger() -> str:
    return "<script>alert(1)</script>\\n```\\n**bold** $x$ [link](javascript:alert(1))"

class Shop:
    name = "shop"
    async def tools(self):
        return [Buy()]

class Buy:
    name, description = "buy", "Buy | it."
    parameters = {"type": "object", "properties": {"what": {"type": "string"}}}
    async def call(self, arguments):
        return Result("bought " + arguments["what"])

shop = Shop()
number = 3
'''


class ToolTestCase(CellTestCase):
    """A kernel with tools, and a provider that calls them."""

    @classmethod
    def setUpClass(cls) -> None:
        """Start what the tests need."""
        super().setUpClass()
        loaded = cls.kernel.run(TOOLS)
        assert loaded.status == "ok", loaded.outputs


class TestShown(ToolTestCase):
    """What stands in a cell."""

    def test_calls(self) -> None:
        """The calls are folded below the answer, with what was said before them; as text in `text/plain`."""
        shown = self.shown('%%chat -p Calls --tool sales --tool prices.lookup --once -o told\nsales {"month": 3}')
        self.assertEqual(
            "So: ['4.5']\n\n[steps]\n\n```\nLet me *see*.\nsales({\"month\": 3}) → 4.5\n```", shown["text/plain"]
        )
        fold = '<summary>sales({"month": 3}) → 4.5</summary>\n\n```\n{"month": 3}\n```\n\n```\n4.5\n```\n\n'
        self.assertEqual(
            f"So: &#91;'4.5'&#93;\n\nLet me &#42;see&#42;.\n\n<details>{fold}</details>",
            shown["text/markdown"].replace("\\[", "&#91;"),
        )
        told = self.kernel.run("str(told), [(s.name, s.arguments, s.result, s.seconds > 0) for s in told.steps]").result
        self.assertEqual(repr(("So: ['4.5']", [("sales", '{"month": 3}', "4.5", True)])), " ".join(told.split()))

    def test_as_it_happens(self) -> None:
        """A call is shown once it has ended, while another still runs. An interrupt stops that; no turn enters."""
        self.kernel.run("stopped.clear()")
        before = self.kernel.run("%chat_history").displays
        cell = self.send('%%chat -p Calls --tool sales --tool waits\nsales {"month": 3}\nwaits {}', wait=False)
        self.kernel.wait_for(cell, "sales({")
        self.kernel.interrupt()
        self.kernel.finish(cell)
        self.assertIn("interrupted", cell.error)
        self.assertIn("[interrupted]", cell.displays[-1]["text/plain"])
        self.assertIn("→ 4.5", cell.displays[-1]["text/plain"])
        self.assertEqual("True", self.kernel.run("stopped.is_set()").result)
        self.assertEqual(before, self.kernel.run("%chat_history").displays)
        self.assertIn("So: ", self.shown('%%chat -p Calls --tool sales --once\nsales {"month": 3}')["text/plain"])

    def test_safe(self) -> None:
        """What a tool or a model writes acts nowhere: not in the title of a fold, not below it."""
        shown = self.shown("%%chat -p Calls --once --tool stranger\nstranger {}\n<img/src=x> {}")["text/markdown"]
        summaries = [line for line in shown.splitlines() if "<summary>" in line]
        self.assertEqual(2, len(summaries))
        for line in summaries:
            inside = line.removeprefix("<details><summary>").removesuffix("</summary>")
            self.assertNotIn("<script", inside)
            self.assertNotIn("<img", inside)
            self.assertNotIn("**", inside)
        self.assertIn("````\n<script>alert(1)</script>\n```\n", shown)

    def test_image(self) -> None:
        """An image that a tool returns is shown by itself."""
        self.kernel.run(
            """
            def draw():
                from matplotlib.figure import Figure
                figure = Figure()
                figure.subplots().plot([1, 2])
                return figure
            """
        )
        cell = self.send("%%chat -p Calls --once --tool draw\ndraw {}")
        self.assertEqual([True, False], ["image/png" in shown for shown in reversed(cell.displays)])
        self.assertIn("draw({}) → 1 image", cell.displays[0]["text/plain"])

    def test_json(self) -> None:
        """An answer that is to be JSON is JSON without what was said before the calls."""
        self.kernel.run("async def listed() -> str:\n    return 'x'")
        failed = self.failure("%%chat -p Calls --once -f json --tool listed\nlisted {}")
        self.assertIn("the answer is not JSON", failed)
        shown = self.shown("%%chat -p Calls --once -f text --tool listed\nlisted {}")
        self.assertNotIn("text/markdown", shown)
        self.assertTrue(shown["text/plain"].startswith("So: ['x']"))

    def test_quiet(self) -> None:
        """`--quiet` shows nothing, and calls nevertheless."""
        cell = self.send('%%chat -q -p Calls --once --tool sales -o told\nsales {"month": 3}')
        self.assertEqual([], cell.displays)
        self.assertEqual("1", self.kernel.run("len(told.steps)").result)

    def send(self, code: str, *, wait: bool = True, **metadata: Any) -> Cell:
        """Send a cell, and wait for its end unless the test goes on before that."""
        return super().send(code, **metadata) if wait else self.kernel.send(code)


class TestKept(ToolTestCase):
    """Turns with calls, in the conversations of a notebook."""

    def test_history(self) -> None:
        """A cell that is run again replaces its turn, calls and all; the history shows calls and results."""
        self.send('%%chat -p Calls --new --tool sales\nsales {"month": 3}', cellId="a")
        self.send('%%chat -p Calls --tool sales\nsales {"month": 4}', cellId="a")
        (history,) = self.kernel.run("%chat_history").displays
        self.assertEqual(
            '[1] sales {"month": 4}\n[calls]\nsales({"month": 4}) → 6.0\nSo: [\'6.0\']', history["text/plain"]
        )
        self.assertIn('sales({"month": 4}) → 6.0', history["text/markdown"])

    def test_tape(self) -> None:
        """In replay nothing is called, unless a setting says so, and the cell looks the same."""
        self.kernel.run(
            "import tempfile; folder = tempfile.mkdtemp()\n%config ChatMagics.tape_file = folder + '/t.jsonl'"
        )
        self.kernel.run("made = []\ndef count(month: int) -> float:\n    made.append(month)\n    return month * 1.5")
        line = '%%chat -p Calls --once --tool count --mcp shop --tape {}\ncount {{"month": 3}}'
        first = self.shown(line.format("auto"))
        self.assertEqual(first, self.shown(line.format("replay")))
        self.assertEqual("[3]", self.kernel.run("made").result)
        for setting, made in (("True", "[3, 3]"), ("False", "[3, 3]")):
            self.kernel.run(f"%config ChatMagics.tape_tools = {setting}")
            self.assertEqual(first, self.shown(line.format("replay")))
            self.assertEqual(made, self.kernel.run("made").result)


class TestLine(ToolTestCase):
    """What a line says of tools."""

    def test_bad_input(self) -> None:
        """One line each, before anything is sent."""
        before = self.kernel.run("len(asked)").result
        for line, told in (
            ("--tool sale", "--tool sale: there is no variable 'sale' here. Did you mean 'sales'?"),
            ("--tool prices.look", "--tool prices.look: Prices has no 'look'. Did you mean 'lookup'?"),
            ("--tool Prices", "Prices is a class: give a function, or an instance that can be called"),
            ("--tool number", "a tool must be a function, not int"),
            ("--tool sales --tool {sales}", "two tools are called sales: give one of them another name"),
            ("--tool sales --max-steps 0", "max_steps must be a number of rounds, 1 or more, not 0"),
            ("--tool sales --max-steps x", "--max-steps: invalid int value: 'x'"),
            ("--max-steps 3", "--max-steps and --confirm belong to tools"),
            ("--confirm", "--max-steps and --confirm belong to tools"),
            ("--tool sales --confirm", "calls cannot be confirmed here: there is no input()"),
            ("--mcp sales", "--mcp sales: this is no server of tools, but function"),
            ("--mcp nothing", "--mcp nothing: there is no variable 'nothing' here"),
            ("--tool print", "--tool print: there is no variable 'print' here"),
        ):
            with self.subTest(line):
                self.assertIn(told, self.failure(f"%%chat -p Calls {line}\nsales {{}}"))
        self.assertEqual(before, self.kernel.run("len(asked)").result)

    def test_names(self) -> None:
        """A function, a method, an attribute, a value in braces, a server of tools."""
        for line, names in (
            ("--tool sales --tool prices.lookup", ["sales", "lookup"]),
            ("--tool {sales}", ["sales"]),
            ("--mcp shop --tool sales", ["sales", "buy"]),
            ("--tool shop", ["buy"]),
        ):
            with self.subTest(line):
                self.send(f"%%chat -p Calls --once {line}\nsales {{}}")
                self.assertEqual(names, self.asked())
        shown = self.shown('%%chat -p Calls --once --mcp shop\nbuy {"what": "hat"}')
        self.assertIn("bought hat", shown["text/plain"])

    def test_dry_run(self) -> None:
        """A dry run shows what the model would be told, and calls nothing."""
        shown = self.shown("%%chat -p Calls --once --dry-run --tool sales\nsales {}")
        self.assertIn('"description":"Sum of sales."', shown["text/plain"])

    def test_list(self) -> None:
        """`%chat_tools` lists functions and what servers have: those that are named, or all of the notebook."""
        (named,) = self.kernel.run("%chat_tools sales prices.lookup shop").displays
        lines = named["text/plain"].splitlines()
        self.assertEqual(["Tool", "Parameters", "Description"], lines[0].split())
        self.assertEqual(
            [
                "sales month: integer, region?: string Sum of sales.",
                "lookup item: string",
                "buy what?: string Buy | it.",
            ],
            [" ".join(line.split()) for line in lines[2:]],
        )
        self.assertIn("Buy &#124; it.", named["text/markdown"])
        (listed,) = self.kernel.run("%chat_tools").displays
        for name in ("sales", "waits", "buy"):
            self.assertRegex(listed["text/plain"], rf"(?m)^{name}\b")
        self.assertIn("there is no variable 'sale' here", self.kernel.run("%chat_tools sale").error)


class TestConfirm(ToolTestCase):
    """The user is asked."""

    def answered(self, *answers: str) -> tuple[Cell, list[str]]:
        """Run a cell with two calls, and answer what it asks. Return it with what it asked."""
        code = '%%chat -p Calls --once --confirm --tool sales\nsales {"month": 3}\nsales {"month": 4}'
        cell, prompts = self.kernel.send(code, allow_stdin=True), []
        for answer in answers:
            asked = self.kernel._client.stdin_channel.get_msg(timeout=PATIENCE)
            prompts.append(asked["content"]["prompt"])
            self.kernel._client.input(answer)
        return self.kernel.finish(cell), prompts

    def test_asked(self) -> None:
        """Each call is asked for, one after the other; what is not allowed is not called, and the model is told."""
        cell, prompts = self.answered("y", "no")
        self.assertEqual([f'Call sales({{"month": {month}}})? [y/N] ' for month in (3, 4)], prompts)
        self.assertIn("So: ['4.5', 'the user does not allow this call']", cell.displays[-1]["text/plain"])

    def test_interrupted(self) -> None:
        """An interrupt while it asks stops the cell."""
        code = '%%chat -p Calls --confirm --tool sales\nsales {"month": 3}'
        cell = self.kernel.send(code, allow_stdin=True)
        self.kernel._client.stdin_channel.get_msg(timeout=PATIENCE)
        self.kernel.interrupt()
        self.kernel.finish(cell)
        self.assertIn("KeyboardInterrupt: interrupted", cell.error)
        self.assertEqual("2", self.kernel.run("1 + 1").result)


class TestInKernel(ToolTestCase):
    """Where functions run."""

    def test_main_thread(self) -> None:
        """One that is `in_kernel` runs in the main thread, also for a cell of a subshell; others do not."""
        self.kernel.run(
            """
            import g4f
            def where() -> bool:
                return threading.current_thread() is threading.main_thread()
            there = g4f.tool(in_kernel=True, name="there")(where)
            """
        )
        code = "%%chat -p Calls --once --tool where --tool there\nwhere {}\nthere {}"
        shown = self.shown(code)["text/plain"]
        self.assertIn("So: ['false', 'true']", shown)
        cell = self.kernel.run(code, subshell=self.kernel.subshell())
        self.assertIn("So: ['false', 'true']", cell.displays[-1]["text/plain"])

    def test_prints(self) -> None:
        """What a function prints in a thread is in its cell, and not all of it."""
        self.kernel.run("def shouts() -> str:\n    print('x' * 10_000_000)\n    return 'done'")
        cell = self.send("%%chat -p Calls --once --tool shouts\nshouts {}")
        self.assertIn("x" * 2**15, cell.text)
        self.assertLess(len(cell.text), 2**15 + 200)

    def test_chats(self) -> None:
        """A function may ask a model, also by a cell's own magic."""
        self.kernel.run(
            """
            import g4f
            def ask() -> str:
                return g4f.ChatCompletion.create("", "hi", Echo)
            @g4f.tool(in_kernel=True)
            def ask_here() -> str:
                return g4f.ChatCompletion.create("", "here", Echo)
            @g4f.tool(in_kernel=True)
            def in_cell() -> str:
                get_ipython().run_line_magic("chat", "-p Echo -q --once -o inner cell")
                return str(inner)
            """
        )
        shown = self.shown(
            "%%chat -p Calls --once --tool ask --tool ask_here --tool in_cell\nask {}\nask_here {}\nin_cell {}"
        )
        self.assertIn("So: ['You said hi', 'You said here', 'You said cell']", shown["text/plain"])


class TestSteps(unittest.TestCase):
    """Calls as text."""

    def test_long(self) -> None:
        """A line is short, and what is folded below it is bounded."""
        step = Step("a", "f", json.dumps({"a": "x" * 10_000}), "y" * 10_000)
        self.assertLess(len(line_of(step)), 300)
        steps = Steps()
        steps.add(step)
        self.assertLess(len(steps.markdown("")), 3 * LONG)

    def test_terminal(self) -> None:
        """A terminal prints a line for each; what is printed at the end has no text of earlier rounds."""
        for form, expected in (
            ("text", "See.\n[f({}) → \ufffd[31mred]\nDone\n"),
            ("json", '[f({}) → \ufffd[31mred]\n{\n  "a": 1\n}\n'),
        ):
            with self.subTest(form), redirect_stdout(io.StringIO()) as printed:
                screen = terminal(Look(form))
                screen.add("See.")
                screen.step(Step("a", "f", "{}", "\x1b[31mred"))
                screen.add("Done" if form == "text" else '{"a":1}')
                screen.close("")
            self.assertEqual(expected, printed.getvalue())
