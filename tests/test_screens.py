"""Whatever is shown goes through one function for each kind of screen."""

from __future__ import annotations

import ast
import io
import logging
import unittest
from collections.abc import AsyncGenerator, Iterator
from contextlib import redirect_stdout
from pathlib import Path

import g4f
import g4f_jupyter
from g4f import errors
from g4f.conversation import Conversation, Turn
from g4f.errors import G4FError
from g4f.markdown.code import fenced
from g4f.printable import logger, one_line, printable, say
from g4f.request import prepare
from g4f_jupyter.fixing import Diff
from g4f_jupyter.show.frames import Frames
from g4f_jupyter.show.history import History
from g4f_jupyter.show.preview import Preview
from g4f_jupyter.show.shown import Shown
from g4f_jupyter.show.tables import Table
from g4f_jupyter.show.terminal import Rendered, Terminal
from g4f_jupyter.threads import Thread

from . import loops
from .hostile import compared, framed, last_frame

ROOT = Path(g4f.__file__).parent.parent

STEERING = "a\x1b]52;c;eA==\x07b\x9b2Jc\x00d\u202ee\u2066f\x7fg\rh\x85i\ud800j&#8238;k&#155;l"
"""What sets the clipboard, clears the screen, turns text around, or is no character."""

SAFE = "a�]52;c;eA==�b�2Jc�d�e�f�g\nh�i�j&#8238;k&#155;l"


class Named:
    """A provider whose name and text are hostile."""

    name = STEERING

    async def create_async_generator(self, model: str, messages: object) -> AsyncGenerator[str]:
        yield STEERING


def _calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield each call of a function of that name, and its file."""
    for package in (g4f, g4f_jupyter):
        for path in sorted(Path(package.__file__).parent.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == name:
                    yield path.relative_to(ROOT).as_posix(), node


class TestOneWay(unittest.TestCase):
    """Who may show anything."""

    def test_printed(self) -> None:
        """Only `say` prints; and what is to steer: what rich has drawn, and what erases a line."""
        printed = [file for file, call in _calls("print") if ast.unparse(call.func) == "print"]
        files = ["g4f/printable.py", "g4f_jupyter/show/terminal.py", "g4f_jupyter/show/waiting_line.py"]
        self.assertEqual(files, printed)

    def test_displayed(self) -> None:
        """Frames have one place where they are displayed, those of several answers another; all else is `Shown`."""
        places = {"g4f_jupyter/show/columns.py", "g4f_jupyter/show/frames.py"}
        self.assertEqual(places, {file for file, _ in _calls("DisplayHandle")})
        shown = {file for file, _ in _calls("display")} - places
        files = {"below.py", "magics/chat.py", "magics/chat_lines.py", "magics/comparison.py"}
        self.assertEqual({f"g4f_jupyter/{file}" for file in files}, shown)
        for file, call in _calls("display"):
            if file in shown:
                self.assertRegex(ast.unparse(call.args[0]), r"^(Preview|History|Table)\(|_table\(|^fixed$", file)
        self.assertEqual({Diff, Preview, History, Table}, set(Shown.__subclasses__()))

    def test_logged(self) -> None:
        """All log by one logger, whose records are one line without controls; others are shortened or silenced."""
        others = ("'asyncio'", "'pypdf'", "_name")
        ours = {file for file, call in _calls("getLogger") if ast.unparse(call.args[0]) not in others}
        self.assertEqual({"g4f/printable.py", "g4f/__init__.py"}, ours)
        with self.assertLogs("g4f", logging.DEBUG) as logs:
            logger.info("%s", STEERING)
            loops.run(_drained(Named()))
        for record in logs.records:
            self.assertEqual(one_line(record.getMessage()), record.getMessage())


async def _drained(provider: object) -> None:
    await g4f.ChatCompletion.create_async("", "?", provider)


class TestNothingSteers(unittest.TestCase):
    """No control character, no C1, no OSC and no bidi override reaches a terminal, from anybody."""

    def test_printable(self) -> None:
        """Each becomes a sign that stands for what cannot be shown; tabs and newlines stay."""
        self.assertEqual(SAFE, printable(STEERING))
        self.assertEqual(SAFE, printable(SAFE))
        self.assertEqual("a\tb\nc\nd", printable("a\tb\r\nc\rd"))

    def test_errors(self) -> None:
        """An error of any class is one line, and so is who was asked by it."""
        for name in errors.__all__:
            kind = getattr(errors, name)
            if isinstance(kind, type) and issubclass(kind, G4FError):
                with self.subTest(name):
                    self.assertEqual(one_line(STEERING), str(kind(STEERING)))

    def test_shown(self) -> None:
        """Tables, histories and dry runs, as text and as Markdown; code in Markdown."""
        chat = Conversation(turns=[Turn(STEERING, STEERING)], system=STEERING)
        preview = Preview(prepare("", [{"role": "user", "content": STEERING}], Named(), {}))
        for each in (Table((STEERING,), [(STEERING,)]), History(Thread(chat)), preview):
            for text in (repr(each), each._repr_markdown_(), chat._repr_markdown_(), fenced(STEERING)):
                with self.subTest(type(each).__name__):
                    self.assertEqual(printable(text), text)

    def test_frames(self) -> None:
        """Each form of an answer in a notebook, with its thoughts, calls and the lines below it."""
        frame = loops.run(framed(STEERING, STEERING, STEERING, STEERING))
        self.assertEqual({"text/plain", "text/markdown"}, set(frame))
        for form, text in frame.items():
            with self.subTest(form):
                self.assertEqual(printable(text), text)

    def test_side_by_side(self) -> None:
        """Answers side by side, with their names, an error, and what a judge says, as text."""
        shown = loops.run(compared(STEERING, STEERING, STEERING, STEERING))["text/plain"]
        self.assertEqual(printable(shown), shown)

    def test_thoughts_at_the_end(self) -> None:
        """Text that turns out to be thoughts is folded away, although nothing follows it."""

        def show(frames: Frames) -> None:
            frames.add("hm")
            frames.reclassify()
            frames.close("")

        shown = loops.run(last_frame(show, Frames()))["text/markdown"]
        self.assertIn("<summary>Reasoning</summary>\n\nhm", shown)

    def test_terminal(self) -> None:
        """An answer as it comes, what is waited for, its calls, its mark and the lines below it, rendered or not."""
        for kind in (Terminal, Rendered):
            with self.subTest(kind.__name__), redirect_stdout(io.StringIO()) as printed:
                screen = kind()
                screen.wait(STEERING)
                screen.think(STEERING)
                screen.add(f"# {STEERING}\n\n[{STEERING}](http://a/{STEERING})")
                screen.call(STEERING)
                screen.close(STEERING)
                screen.foot([STEERING], {})
                say(STEERING)
            self.assertEqual(printable(printed.getvalue()), printed.getvalue())
            self.assertNotIn("\x1b", printed.getvalue())
