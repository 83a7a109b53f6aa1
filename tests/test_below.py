"""Code of an answer replaces that of an earlier one in the notebook: our extension in JupyterLab and Notebook 7."""

from __future__ import annotations

from typing import Any, ClassVar
from unittest import SkipTest, TestCase

from .browser import MISSING, Browser, Frontend, Notebook

SETUP = """
%load_ext g4f_jupyter
from itertools import count
from g4f.providers.base_provider import AsyncGeneratorProvider

numbers = count(1)

class Counts(AsyncGeneratorProvider):
    \"\"\"Answers with other code each time, but always the same if it is asked for the same.\"\"\"
    @classmethod
    async def create_async_generator(cls, model, messages):
        question = messages[-1]["content"]
        if "fail" in question:
            raise ValueError("as you say")
        number = 0 if "same" in question else next(numbers)
        yield f"```python\\n{'1 / 0' if 'wrong' in question else '0'} # {number}\\nn = {number}\\n```"
"""
ASK = "%%chat -p Counts --once -f code\n?"

ACTIVATE = "index => jupyterapp.shell.currentWidget.content.activeCellIndex = index"
CHANGE = """([index, source]) => {
    jupyterapp.shell.currentWidget.content.model.sharedModel.cells[index].setSource(source);
}"""
INSERT = """([index, source]) => {
    jupyterapp.shell.currentWidget.content.model.sharedModel.insertCell(index, {cell_type: 'code', source});
}"""
MOVE = "([from, to]) => jupyterapp.shell.currentWidget.content.moveCell(from, to)"


def code(number: int, first: str = "0") -> str:
    """Return the code of an answer."""
    return f"{first} # {number}\nn = {number}"


class BelowTestCase(TestCase):
    """Each test has a notebook of its own. Its cells are counted from below the one that sets it up."""

    kind: ClassVar[str]
    frontend: ClassVar[Frontend]
    browser: ClassVar[Browser]

    @classmethod
    def setUpClass(cls) -> None:
        """Start what the tests need."""
        if MISSING:
            raise SkipTest(f"not installed: {MISSING}")
        cls.browser = cls.enterClassContext(Browser())
        cls.frontend = cls.enterClassContext(Frontend(cls.kind))

    def open(self, *sources: str) -> Notebook:
        """Return a notebook with these cells."""
        self.notebook = self.browser.open(self.frontend)
        self.addCleanup(self.notebook.page.close)
        self.notebook.add(SETUP)
        self.first = len(self.notebook.sources())
        self.run_cell(-1)
        for source in sources:
            self.notebook.add(source)
        return self.notebook

    def run_cell(self, number: int = 0) -> list[str]:
        """Run a cell, and return the text of each one after that."""
        self.do(ACTIVATE, self.first + number)
        self.notebook.command("notebook:run-cell")
        return self.sources

    def do(self, script: str, argument: Any) -> None:
        """Change the notebook."""
        self.notebook.page.evaluate(script, argument)

    @property
    def sources(self) -> list[str]:
        """The text of each cell."""
        return self.notebook.sources()[self.first :]


class TestLab(BelowTestCase):
    """In JupyterLab."""

    kind = "lab"

    def test_replaced(self) -> None:
        """The code of another answer stands in the place of that of the first; undo takes that back in one step."""
        notebook = self.open(ASK, "0")
        self.assertEqual([ASK, code(1), "0"], self.run_cell())
        notebook.page.wait_for_timeout(600)  # changes closer than that are one step of undo
        self.run_cell(1)
        self.assertEqual([ASK, code(2), "0"], self.run_cell())
        notebook.command("notebook:undo-cell-action")
        self.assertEqual([ASK, code(1), "0"], self.sources)
        self.assertEqual([ASK, code(3), "0"], self.run_cell())

    def test_mark(self) -> None:
        """Only the cell that was made is marked in the file, by two short values; opened again, it holds."""
        notebook = self.open(ASK)
        self.run_cell()
        saved = notebook.saved().cells[self.first - 1 :]
        self.assertEqual([{}, {}], [cell.metadata for cell in saved[:2]])
        self.assertEqual({"g4f_jupyter"}, set(saved[2].metadata))
        mark = saved[2].metadata["g4f_jupyter"]
        self.assertEqual({"below", "made"}, set(mark))
        self.assertEqual(saved[1].id, mark["below"])
        self.assertLess(mark["made"], 2**32)
        notebook.reload()
        self.assertEqual([ASK, code(2)], self.run_cell())

    def test_changed(self) -> None:
        """A cell that somebody has changed stays; so does a copy, and one that is not to be deleted."""
        notebook = self.open(ASK)
        self.run_cell()
        self.do(CHANGE, [self.first + 1, "mine"])
        self.assertEqual([ASK, code(2), "mine"], self.run_cell())
        self.do(ACTIVATE, self.first + 1)
        notebook.command("notebook:duplicate-below")
        self.assertEqual([ASK, code(3), code(2), "mine"], self.run_cell())
        keep = "index => jupyterapp.shell.currentWidget.content.widgets[index].model.setMetadata('deletable', false)"
        self.do(keep, self.first + 1)
        self.assertEqual([ASK, code(4), code(3), code(2), "mine"], self.run_cell())

    def test_failure(self) -> None:
        """A run that fails replaces nothing, nor does one that makes no code."""
        self.open(ASK)
        self.run_cell()
        for question in (f"{ASK} fail", f"{ASK} fail".replace(" -f code", ""), ASK.replace(" -f code", "")):
            self.do(CHANGE, [self.first, question])
            self.assertEqual([question, code(1)], self.run_cell())

    def test_restart(self) -> None:
        """A new kernel has the same code made once more: the cell that is there stays, with what is below it."""
        notebook = self.open(f"{ASK} same")
        self.run_cell()
        self.do(CHANGE, [self.first + 1, code(0)])
        self.run_cell(1)
        before = notebook.saved().cells[self.first + 1].id
        notebook.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
        self.run_cell(-1)
        self.assertEqual([f"{ASK} same", code(0)], self.run_cell())
        after = notebook.saved().cells[self.first + 1]
        self.assertEqual((before, 3), (after.id, after.execution_count))

    def test_moved(self) -> None:
        """A cell that was moved, or has another above it, is replaced where it is; a deleted one is made again."""
        notebook = self.open(ASK, "0")
        self.run_cell()
        self.do(INSERT, [self.first + 1, "between"])
        self.assertEqual([ASK, "between", code(2), "0"], self.run_cell())
        self.do(MOVE, [self.first + 2, self.first])
        self.assertEqual([code(3), ASK, "between", "0"], self.run_cell(1))
        self.do(ACTIVATE, self.first)
        notebook.command("notebook:delete-cell")
        self.assertEqual([ASK, code(4), "between", "0"], self.run_cell())

    def test_several(self) -> None:
        """The questions of one cell have one cell below; those of two cells do not replace one another's."""
        line = "%chat -p Counts --once -f code ?"
        self.open(f"{line}\n{line}", ASK)
        self.run_cell()
        self.run_cell(2)
        self.run_cell(2)
        both = f"{code(5)}\n\n{code(6)}"
        self.assertEqual([f"{line}\n{line}", both, ASK, code(4)], self.run_cell())

    def test_twice(self) -> None:
        """Of two runs that were begun at once, the code of the second stays."""
        notebook = self.open(ASK)
        self.run_cell()
        self.do(ACTIVATE, self.first)
        run = "jupyterapp.commands.execute('notebook:run-cell')"
        notebook.page.evaluate(f"() => Promise.all([{run}, {run}])")
        self.assertEqual([ASK, code(3)], self.sources)

    def test_run_all(self) -> None:
        """Code that runs while its question is answered anew goes when it has ended; if it fails, its error is seen."""
        notebook = self.open(ASK)
        self.run_cell()
        self.do(CHANGE, [self.first - 1, "0"])  # or it would count anew
        notebook.command("notebook:run-all-cells")
        self.assertEqual([ASK, code(2)], self.sources)
        self.do(CHANGE, [self.first, f"{ASK} wrong"])
        self.assertEqual([f"{ASK} wrong", code(3, "1 / 0")], self.run_cell())
        notebook.command("notebook:run-all-cells")
        self.assertEqual([f"{ASK} wrong", code(4, "1 / 0"), code(3, "1 / 0")], self.sources)
        self.assertEqual([f"{ASK} wrong", code(5, "1 / 0")], self.run_cell())

    def test_others(self) -> None:
        """A cell that other code has made, or that the user adds while a question is answered, is left alone."""
        other = "get_ipython().set_next_input('x')"
        notebook = self.open(other, f"{ASK} same")
        self.run_cell()
        self.assertEqual([other, "x", "x", f"{ASK} same"], self.run_cell())
        self.run_cell(3)
        run = "const ran = jupyterapp.commands.execute('notebook:run-cell')"
        add = f"place => {{ {run}; ({INSERT})(place); return ran; }}"
        self.do(ACTIVATE, self.first + 3)
        self.do(add, [self.first + 4, "mine"])
        self.assertEqual([other, "x", "x", f"{ASK} same", "mine", code(0)], self.sources)
        marked = ["g4f_jupyter" in cell.metadata for cell in notebook.saved().cells[self.first :]]
        self.assertEqual([False] * 5 + [True], marked)

    def test_setting(self) -> None:
        """Where its setting is off, each answer with other code has a cell of its own, without a mark."""
        self.addCleanup(self.frontend.configure, "g4f-jupyter", "chat", {})
        self.frontend.configure("g4f-jupyter", "chat", {"below": False})
        notebook = self.open(ASK)
        self.run_cell()
        self.assertEqual([ASK, code(2), code(1)], self.run_cell())
        self.assertEqual([{}] * 3, [cell.metadata for cell in notebook.saved().cells[self.first :]])


class TestNotebook(TestLab):
    """The same in Notebook 7."""

    kind = "notebook"
