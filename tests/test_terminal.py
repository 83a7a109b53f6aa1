"""`%%chat` in terminal IPython, and notebooks played there: text as it comes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stdout, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pexpect

from g4f_jupyter.show.display import Look
from g4f_jupyter.show.terminal import terminal

from .script import PATIENCE

FAR_SIDE = """
import asyncio

class Echo:
    async def create_async_generator(model, messages):
        yield "You said "
        yield messages[-1]["content"]

class Stuck:
    async def create_async_generator(model, messages):
        yield "as far as this"
        await asyncio.Event().wait()

async def wait():
    asyncio.get_running_loop().call_later(0.01, print, "begun")
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        print("cleaned")
"""


class TerminalTestCase(unittest.TestCase):
    """A folder with a module of providers, in which IPython starts without a profile."""

    def setUp(self) -> None:
        """Start what the tests need."""
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        Path(self.folder, "far.py").write_text(FAR_SIDE)
        path = os.pathsep.join([self.folder, *filter(None, sys.path)])
        self.environment = os.environ | {"PYTHONPATH": path, "IPYTHONDIR": f"{self.folder}/ipython", "TERM": "dumb"}


class TestTerminal(TerminalTestCase):
    """What a person at a terminal sees."""

    def setUp(self) -> None:
        """Start what the tests need."""
        super().setUp()
        options = ["--simple-prompt", "--no-banner", "--no-confirm-exit", "--colors=NoColor"]
        self.ipython: Any = pexpect.spawn(
            sys.executable,
            ["-m", "IPython", *options, "--HistoryManager.enabled=False", "--ext=g4f_jupyter"],
            env=self.environment,
            encoding="utf-8",
            timeout=PATIENCE,
            dimensions=(24, 200),
        )
        self.addCleanup(self.ipython.close, force=True)
        self.type("from far import Echo, Stuck, asyncio, wait")

    def type(self, line: str) -> None:
        """Wait for the prompt, and enter a line at it."""
        self.ipython.expect(r"In \[\d+\]: ")
        self.ipython.sendline(line)

    def test_text(self) -> None:
        """The answer is text, printed as it comes, without anything that could steer the terminal."""
        self.type("%chat -p Echo what's up?\x1b[2J".replace("\x1b", "\\x1b"))
        self.ipython.expect_exact("You said what's up?")
        self.type(r"get_ipython().run_line_magic('chat', '-p Echo a\x1b[2Jb')")
        self.ipython.expect_exact("You said a\ufffd[2Jb\r\n")

    def test_interrupt(self) -> None:
        """An interrupt is one line; the text stays, and the next line works."""
        self.type("%chat -p Stuck go on")
        self.ipython.expect_exact("as far as this")
        self.ipython.sendintr()
        self.ipython.expect_exact("[interrupted]")
        self.ipython.expect_exact("KeyboardInterrupt: interrupted.")
        self.type("%chat -p Echo still here?")
        self.assertNotIn("Traceback", self.ipython.before)
        self.ipython.expect_exact("You said still here?")

    def test_interrupt_of_await(self) -> None:
        """So is one of a line that awaits: what it waited for cleans up at once, and nothing is said of it later."""
        for load in ("1", "get_ipython().run_line_magic('reload_ext', 'g4f_jupyter')"):
            for line in ("await wait()", "await asyncio.gather(wait())", "asyncio.run(wait())"):
                with self.subTest(line, load=load):
                    self.type(f"{load}; {line}")
                    self.ipython.expect_exact("begun")
                    self.ipython.sendintr()
                    self.ipython.expect_exact("cleaned")
                    self.ipython.expect_exact("KeyboardInterrupt")
                    self.type("import gc; _ = gc.collect()")
                    self.assertEqual("", self.ipython.before.strip())
        self.type("await asyncio.sleep(0, 'awaited')")
        self.ipython.expect_exact("'awaited'")

    def test_unloaded(self) -> None:
        """Unloaded, lines that await are IPython's again; another loop than asyncio's is never taken from it."""
        loaded = "get_ipython().loop_runner is get_ipython().loop_runner_map['asyncio'][0]"
        for line, expected in (("0", "False"), ("%unload_ext g4f_jupyter", "True")):
            self.type(line)
            self.type(f"print('IPython:', {loaded})")
            self.ipython.expect(r"IPython: (\w+)\r")
            self.assertEqual(expected, self.ipython.match[1])
        self.type("get_ipython().loop_runner = 'trio'")
        self.type("%load_ext g4f_jupyter")
        self.type("print('runner:', get_ipython().loop_runner.__name__)")
        self.ipython.expect_exact("runner: _trio_runner\r")

    def test_code(self) -> None:
        """The code of an answer stands at the next prompt: it runs at Enter, and not before."""
        options = ["--no-banner", "--no-confirm-exit", "--HistoryManager.enabled=False", "--ext=g4f_jupyter"]
        ipython: Any = pexpect.spawn(
            sys.executable,
            ["-m", "IPython", *options],
            env=self.environment | {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
            encoding="utf-8",
            timeout=PATIENCE,
            dimensions=(24, 200),
        )
        self.addCleanup(ipython.close, force=True)
        for line in (r"from far import Echo; said = '\n```py\n40 + 2\n```'", "%chat -p Echo -f code {said}"):
            ipython.expect_exact("In [")
            ipython.send(f"{line}\r")
            ipython.expect_exact("\r\n")
        ipython.expect_exact("[Echo")
        ipython.expect(r"3\S+: 40")
        self.assertNotIn("Out", ipython.before)
        ipython.send("\r")
        ipython.expect(r"Out\S+: \S*42")

    def test_error(self) -> None:
        """An error is one line."""
        self.type("%chat -p Eco hi")
        self.ipython.expect_exact("ProviderNotFoundError: there is no provider 'Eco'.")
        self.type("1 + 1")
        self.assertNotIn("Traceback", self.ipython.before)


class TestPlay(TerminalTestCase):
    """`python -m g4f_jupyter NOTEBOOK`."""

    def play(self, *sources: str) -> subprocess.CompletedProcess[str]:
        """Play a notebook of code cells."""
        cells = [{"cell_type": "code", "source": source.splitlines(keepends=True)} for source in sources]
        Path(self.folder, "n.ipynb").write_text(json.dumps({"cells": cells}))
        return self.run_module("n.ipynb")

    def run_module(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m g4f_jupyter name` in the folder."""
        command = [sys.executable, "-m", "g4f_jupyter", name]
        return subprocess.run(
            command,
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def test_play(self) -> None:
        """Each cell is shown as typed, then what it printed; the end says how to open the notebook."""
        played = self.play(
            "%load_ext g4f_jupyter\nfrom far import Echo",
            "%%chat -p Echo\nhello",
            "await __import__('asyncio').sleep(0, 'awaited')",
        )
        self.assertEqual(0, played.returncode, played.stderr)
        self.assertIn("In [ ]: %%chat -p Echo\n   ...: hello\nYou said hello\n", played.stdout)
        self.assertIn("'awaited'", played.stdout)
        self.assertIn("jupyterlab", played.stdout)

    def test_failure(self) -> None:
        """The first cell that fails ends the play with exit code 1."""
        played = self.play("%load_ext g4f_jupyter", "%%chat -p Nobody\nhello", "print('never')")
        self.assertEqual(1, played.returncode)
        self.assertIn("ProviderNotFoundError: there is no provider 'Nobody'.", played.stdout)
        self.assertNotIn("never\n", played.stdout.replace("print('never')", ""))

    def test_tagged(self) -> None:
        """A cell that is tagged `raises-exception` fails as it should, and the play goes on."""
        failing = {"cell_type": "code", "source": "1 / 0", "metadata": {"tags": ["raises-exception"]}}
        following = {"cell_type": "code", "source": "print(6 * 7)", "metadata": {}}
        Path(self.folder, "t.ipynb").write_text(json.dumps({"cells": [failing, following]}))
        played = self.run_module("t.ipynb")
        self.assertEqual(0, played.returncode)
        self.assertIn("\n42\n", played.stdout)

    def test_no_notebook(self) -> None:
        """What is no notebook is told in one line."""
        for name, content in (("missing.ipynb", None), ("broken.ipynb", "{"), ("list.ipynb", "[]")):
            with self.subTest(name):
                if content is not None:
                    Path(self.folder, name).write_text(content)
                played = self.run_module(name)
                self.assertEqual(2, played.returncode)
                self.assertIn(f"{name} is not a notebook that can be read", played.stderr)
                self.assertNotIn("Traceback", played.stderr)


class TestForms(unittest.TestCase):
    """What is printed of an answer where Markdown is not rendered."""

    def printed(self, form: str, *texts: str, mark: str = "") -> str:
        """Return what is printed of an answer in this form."""
        with redirect_stdout(io.StringIO()) as printed:
            screen = terminal(Look(form))
            for text in texts:
                screen.add(text)
            screen.close(mark, more=True)
            screen.foot(["Local"], {})
        return printed.getvalue()

    def test_each(self) -> None:
        """JSON in lines, Python and below it other code, text as it is; what does not have the form stands as it is."""
        fenced = "Here:\n```json\n{", '"a": 1}\n```\n'
        mixed = "```sh\npip install a\n```\n```py\n", "import a\n```"
        for form, texts, shown in (
            ("json", fenced, '{\n  "a": 1\n}\n'),
            ("json", ("Yes", "."), "Yes.\n"),
            ("code", mixed, "import a\n\n```sh\npip install a\n```\n"),
            ("code", ("No", "ne"), "None\n"),
            ("text", fenced, "".join(fenced)),
            ("markdown", ("*a*", " b"), "*a* b\n"),
        ):
            with self.subTest(form=form, texts=texts):
                self.assertEqual(f"{shown}[Local]\n", self.printed(form, *texts))

    def test_text_that_was_reasoning(self) -> None:
        """A line says what the text above it was, where it is printed already; where it is not, it never is."""
        for form, shown in (
            ("text", "hm\n[the text above was thoughts]\n[1]\n"),
            ("markdown", "hm\n[the text above was thoughts]\n[1]\n"),
            ("json", "[thinking]\n[\n  1\n]\n"),
        ):
            with self.subTest(form), redirect_stdout(io.StringIO()) as printed:
                screen = terminal(Look(form))
                screen.add("hm")
                screen.reclassify()
                screen.think("\n")
                screen.add("[1]")
                screen.close("")
            self.assertEqual(shown, printed.getvalue())

    def test_waiting(self) -> None:
        """What is waited for stands in a line of its own, also within a text."""
        with redirect_stdout(io.StringIO()) as printed:
            screen = terminal(Look())
            for wait in ("first", "second"):
                screen.wait(wait)
                screen.add(wait)
            screen.close("")
        self.assertEqual("[first]\nfirst\n[second]\nsecond\n", printed.getvalue())

    def test_mark(self) -> None:
        """The mark stands below the text, and by itself where there is none."""
        for form in ("json", "code", "text"):
            with self.subTest(form):
                self.assertEqual("a\n[interrupted]\n[Local]\n", self.printed(form, "a", mark="interrupted"))
                self.assertEqual("[no text]\n[Local]\n", self.printed(form, mark="no text"))


RENDERED = r"""
from g4f_jupyter.show.display import Look
from g4f_jupyter.show.terminal import terminal

text = "# Title\n\nSome **bold** text.\n\n1. one\n2. two\n\n```python\nprint(1)\n```\n\n" + "last \x1b[2J" * 3
screen = terminal(Look())
screen.add("hm *hm*\n\nso")
screen._due = 0
screen.add("")
screen.reclassify()
for start in range(0, len(text), 5):
    screen.add(text[start : start + 5])
    screen._due = 0
screen.close("")
screen.foot(["Local"], {})
"""

INTERRUPTED = """
import os
from g4f_jupyter.show.display import Look
from g4f_jupyter.show.terminal import terminal

for text in ("word " * 20, ""):
    screen = terminal(Look())
    screen.add(text) if text else None
    os.write(1, b"^C")  # as a terminal does when the keys are pressed
    screen.close("interrupted" if text else "")
"""


@unittest.skipUnless(find_spec("rich") and find_spec("pyte"), "needs rich and pyte, of the test extra")
class TestRendered(TerminalTestCase):
    """Where `rich` is installed, a terminal shows Markdown as it is meant."""

    def lines(self, script: str = RENDERED, **environment: str) -> list[str]:
        """Return what stands on the screen of a terminal at the end."""
        import pyte

        screen = pyte.Screen(60, 24)
        stream = pyte.Stream(screen)
        size = {"LINES": "24", "COLUMNS": "60"}  # pexpect tells the terminal its size only after the script has begun
        environment = self.environment | {"TERM": "xterm-256color"} | size | environment
        shown = pexpect.spawn(sys.executable, ["-c", script], env=environment, encoding="utf-8", timeout=PATIENCE)
        with suppress(pexpect.EOF):
            while True:
                stream.feed(shown.read_nonblocking(4096, timeout=PATIENCE))
        shown.close()
        return [line.strip() for line in screen.display if line.strip()]

    def test_markdown(self) -> None:
        """Each block stands there once, rendered, however it was cut; nothing in it steers the terminal."""
        thoughts = ["hm hm", "so", "[the text above was thoughts]"]
        expected = ["Title", "Some bold text.", "1 one", "2 two", "print(1)", "last \ufffd[2J" * 3, "[Local]"]
        self.assertEqual([*thoughts, *expected], self.lines())

    def test_interrupted(self) -> None:
        """What stood there when the keys were pressed stands there once; where nothing did, nothing is marked."""
        words = " ".join(["word"] * 11)
        self.assertEqual([words, " ".join(["word"] * 9), "[interrupted]", "^C"], self.lines(INTERRUPTED))

    def test_dumb(self) -> None:
        """A terminal that cannot has the text as it is."""
        self.assertIn("Some **bold** text.", self.lines(TERM="dumb"))
