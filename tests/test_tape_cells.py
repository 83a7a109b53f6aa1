"""A tape in a notebook: a cell that is run again replays, and a loop that asks on purpose gets new answers."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any
from unittest import TestCase

from .kernel import Kernel

COUNTER = """
%load_ext g4f_jupyter
import asyncio, os, g4f

class Counter:
    count = 0

    @classmethod
    async def create_async_generator(cls, model, messages):
        cls.count += 1
        yield str(cls.count)

def ask():
    return g4f.ChatCompletion.create("", "?", Counter)

def chat():
    get_ipython().run_line_magic("chat", "-p Counter --once --quiet -o answer ?")
    return str(answer)
"""

ONE = "%%chat -p Counter --once --quiet -o answer\n?"
LOOPS = ("print(*[ask() for _ in range(3)])", "print(*[chat() for _ in range(3)])")


class TestCells(TestCase):
    """Each test has a tape of its own, first in the settings of the magics, then in the environment."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.kernel = cls.enterClassContext(Kernel())
        cls.kernel.run(COUNTER)

    def begin(self, mode: str = "auto", file: str = "") -> str:
        """Put a tape on, and forget all that was asked. Return its path."""
        file = file or str(Path(self.enterContext(tempfile.TemporaryDirectory()), "tape.jsonl"))
        setting = f"%config ChatMagics.tape_file = {file!r}\n%config ChatMagics.tape = {mode!r}"
        self.run_cell(f"Counter.count = 0\n%reload_ext g4f_jupyter\n{setting}")
        self.run_cell(f"os.environ.update(G4F_TAPE={mode!r}, G4F_TAPE_FILE={file!r})")
        self.run_cell("from g4f.taping import tapes; tapes._shared.cache_clear()")
        return file

    def run_cell(self, code: str, cell: str | None = None) -> str:
        """Run a cell as a front end does that sends this id of it."""
        done = self.kernel.run(code, metadata={} if cell is None else {"cellId": cell})
        self.assertEqual("", done.error)
        return done.text.strip()

    def answer(self, cell: str | None) -> str:
        """Ask in a cell, and return the answer."""
        self.run_cell(ONE, cell)
        return self.run_cell("print(answer)")

    def test_again(self) -> None:
        """A cell that is run again replays, with an id or without, and so does another that asks the same."""
        self.begin()
        self.assertEqual(["1"] * 6, [self.answer(cell) for cell in ("a", "a", "b", None, None, "a")])
        self.run_cell("%reload_ext g4f_jupyter")
        self.assertEqual("1", self.answer("a"))
        self.assertEqual("1", self.run_cell("print(Counter.count)"))

    def test_loop(self) -> None:
        """A question that one run of a cell repeats is asked each time; run again, the cell has all the answers."""
        for code in LOOPS:
            with self.subTest(code):
                file = self.begin()
                self.assertEqual(["1 2 3", "1 2 3"], [self.run_cell(code, "a") for _ in range(2)])
                self.assertEqual(["3 3 3", "1 2 3"], [self.run_cell(code, cell) for cell in "ba"])
                self.begin("replay", file)
                self.assertEqual(["1 2 3", "3 3 3", "1 2 3"], [self.run_cell(code, cell) for cell in "aba"])

    def test_odd_metadata(self) -> None:
        """What a front end sends of a cell that is no id costs no answer."""
        self.begin()
        odd: tuple[dict[str, Any], ...] = ({"colab": "a"}, {"colab": {"cell_id": 1}}, {"cellId": ["a"]}, {"cellId": ""})
        for metadata in odd:
            with self.subTest(metadata):
                self.assertEqual("", self.kernel.run(ONE, metadata=metadata).error)
                self.assertEqual("1", self.run_cell("print(answer)"))

    def test_await(self) -> None:
        """So it is for cells that await, and for tasks."""
        asks = "g4f.ChatCompletion.create_async('', '?', Counter)"
        for code in (f"print(await {asks})", f"print(await asyncio.create_task({asks}))"):
            self.begin()
            self.assertEqual(["1", "1"], [self.run_cell(code, cell) for cell in ("a", "a")])

    def test_record(self) -> None:
        """In "record" two cells that ask the same have an answer each, and one that is run again replaces its own."""
        file = self.begin("record")
        self.assertEqual(["1", "2", "3"], [self.answer(cell) for cell in ("a", "b", "a")])
        self.begin("replay", file)
        self.assertEqual(["3", "2", "3"], [self.answer(cell) for cell in ("a", "b", "a")])

    def test_failed(self) -> None:
        """Run again after a failure, a cell gets the answer that it had, and for more questions the last again."""
        self.begin()
        code = "Counter.count += 10\nprint(ask())\nif Counter.count < 12: 1 / 0\nprint(ask())"
        self.assertIn("ZeroDivisionError", self.kernel.run(code, metadata={"cellId": "a"}).error)
        self.assertEqual("11\n11", self.run_cell(code, "a"))
        self.assertEqual("11\n11", self.run_cell(code, "a"))
