"""Notebooks that talk to models: validated by nbval with the plugin, executed by papermill and `jupyter execute`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from unittest import mock
from xml.etree import ElementTree as ET

import nbformat
from nbclient import NotebookClient

from . import script

PLUGIN = "g4f_jupyter.pytest_plugin"

SERVER = """
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b'data: {"choices": [{"delta": {"content": "Hello"}, "finish_reason": "stop"}]}\\n\\n')
        self.wfile.write(b"data: [DONE]\\n\\n")

    def log_message(self, *_):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
here = f"http://127.0.0.1:{server.server_port}/v1"
"""

ECHO = """
class Echo:
    @classmethod
    async def create_async_generator(cls, model, messages):
        for word in messages[-1]["content"].split():
            yield word + " "
"""


class Cell(NamedTuple):
    """A cell; what is changed in its saved outputs, and into what; whether the validation has to fail then."""

    source: str
    old: str = ""
    new: str = ""
    fails: bool = False


ASKED = "%%chat -p Echo\none two three"
BY_ADDRESS = 'g4f.ChatCompletion.create("one", "Hello", base_url=here)'
UNKNOWN = "%%chat -p Ech\nHello"
KEYLESS = "%%chat -p OpenAI\nHello"
THRICE = "for text in 'abc': display(text, display_id='one')"
UPDATED = """
shown = display({"text/plain": "first", "text/html": "first"}, raw=True, display_id=True)
shown.update({"text/plain": "last"}, raw=True)
"""

CELLS = (
    Cell("%load_ext g4f_jupyter"),
    Cell(ECHO),
    Cell(ASKED),
    Cell(ASKED, "three", "four", fails=True),
    Cell(ASKED, r"[\d.]+ s</sub>", "86.4 s</sub>"),
    Cell(ASKED, "<sub>Echo", "<sub>Fast", fails=True),
    Cell(UNKNOWN),
    Cell(UNKNOWN, '"evalue": "there', '"evalue": "where', fails=True),
    Cell(UNKNOWN, r'(?<="traceback": \[")ProviderNotFoundError: there', "ProviderNotFoundError: where", fails=True),
    Cell(KEYLESS, "In Colab", "In Kolab", fails=True),
    Cell("1 / 0"),
    Cell("1 / 0", "line 1", "line 2"),
    Cell("1 / 0", "division by zero", "division by one", fails=True),
    Cell(SERVER),
    Cell("%%chat -p here -m one\nHello", r"127\.0\.0\.1:\d+", "127.0.0.1:43210"),
    Cell("print('127.0.0.1:9')", ":9", ":8", fails=True),
    Cell("%chat_usage"),
    Cell("%chat_usage", r"\d\.\d(?= (\| | +)?unknown)", "12.9"),
    Cell("%chat_usage", r"\| 4 \|", "| 5 |", fails=True),
    Cell(UPDATED),
    Cell(UPDATED, "last", "first", fails=True),
    Cell(THRICE),
    Cell(THRICE, "'c'", "'a'", fails=True),
)


def _environment() -> dict[str, str]:
    """Return one without a key, and with nothing of whoever runs the tests."""
    kept = {name: value for name, value in script.environment().items() if not name.endswith("_API_KEY")}
    return kept | {"PYTEST_ADDOPTS": "", "PYTHONWARNINGS": "ignore"}


def _notebook(*sources: str) -> nbformat.NotebookNode:
    cells = [nbformat.v4.new_code_cell(source, metadata={"tags": ["nbval-check-output"]}) for source in sources]
    return nbformat.v4.new_notebook(cells=cells)


def _saved() -> nbformat.NotebookNode:
    """Return the notebook as a front end saves it, with the changes."""
    notebook = _notebook(*(cell.source for cell in CELLS))
    NotebookClient(notebook, kernel_name="python3", allow_errors=True).execute(env=_environment())
    for cell, kept in zip(CELLS, notebook.cells, strict=True):
        if cell.source in (UNKNOWN, KEYLESS, "1 / 0"):
            kept.metadata.tags.append("raises-exception")
        text, count = re.subn(cell.old, cell.new, json.dumps(kept.outputs)) if cell.old else ("", 0)
        if cell.old:
            assert count, f"{cell.old} is not in {kept.outputs}"
            kept.outputs = nbformat.from_dict(json.loads(text))
    return notebook


def _pytest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=folder, env=_environment(), capture_output=True, text=True, check=False)


def _failed(folder: Path, *options: str, says: str = "") -> dict[str, list[str]]:
    """Return the names of the cells that fail validation, by notebook. `says` is what nbval says beside that."""
    file = folder / "report.xml"
    ended = _pytest(folder, "-p", PLUGIN, "--nbval-current-env", f"--junitxml={file}", *options)
    assert "".join({*re.findall("^unhandled .*$", ended.stdout, re.MULTILINE)}) == says, ended.stdout
    failed: dict[str, list[str]] = {}
    for case in ET.parse(file).iter("testcase"):
        cells = failed.setdefault(case.attrib["classname"], [])
        assert case.find("error") is None, ended.stdout
        if case.find("failure") is not None:
            cells.append(case.attrib["name"])
    return failed


class TestValidation(unittest.TestCase):
    """One notebook, in which saved outputs have been changed."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.notebook = _saved()

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        nbformat.write(self.notebook, self.folder / "one.ipynb")

    def test_what_is_compared(self) -> None:
        """An answer, an error's lines, a table, by what stands there at the end; no seconds, no port of a server."""
        (failed,) = _failed(self.folder, "--nbval").values()
        for number, cell in enumerate(CELLS):
            with self.subTest(number=number, cell=cell):
                self.assertEqual(cell.fails, f"Cell {number}" in failed)

    def test_without(self) -> None:
        """An option leaves nbval to itself, which compares a first frame."""
        cells = [f"one.ipynb::Cell {number}" for number in range(3)]
        options = ["--nbval", "--nbval-without-g4f", *cells]
        says = "unhandled iopub msg: update_display_data"
        self.assertEqual({"one.ipynb": ["Cell 2"]}, _failed(self.folder, *options, says=says))

    @unittest.skipUnless(find_spec("xdist"), "needs pytest-xdist, of the test extra")
    def test_at_the_same_time(self) -> None:
        """Notebooks on processes of their own are compared alike, also where cells have to ask for it by a tag."""
        nbformat.write(self.notebook, self.folder / "two.ipynb")
        expected = [f"Cell {number}" for number, cell in enumerate(CELLS) if cell.fails]
        failed = _failed(self.folder, "--nbval-lax", "-n", "2", "--dist", "loadfile")
        self.assertEqual({"one.ipynb": expected, "two.ipynb": expected}, failed)


class TestTape(unittest.TestCase):
    """A notebook that is answered from the tape beside it, as a setting has it."""

    @classmethod
    def setUpClass(cls) -> None:
        """Record what it says, then have its provider say something else."""
        folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        notebook = _notebook("%load_ext g4f_jupyter", ECHO, ASKED, "%chat_usage", f"import g4f\n{SERVER}", BY_ADDRESS)
        client = NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
        client.execute(env=_environment() | {"G4F_TAPE": "auto"})
        cls.recorded = (folder / "g4f_tape.jsonl").read_text(encoding="utf-8")
        cls.notebook = nbformat.from_dict(json.loads(json.dumps(notebook).replace("yield word", "yield 2 * word")))

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.tape = self.folder / "g4f_tape.jsonl"
        self.tape.write_text(self.recorded, encoding="utf-8")

    def _failed(self, *options: str) -> list[str]:
        nbformat.write(self.notebook, self.folder / "one.ipynb")
        return _failed(self.folder, "--nbval", *options)["one.ipynb"]

    def test_replay(self) -> None:
        """What it says then is what it said, whatever its provider would say by now, on whatever port that listens."""
        self.assertEqual(["Cell 2", "Cell 3"], self._failed())
        self.assertEqual([], self._failed("-o", "g4f_tape=replay"))

    def test_changed(self) -> None:
        """A cell fails whose answer is another on the tape, or whose question is not there."""
        lines = self.recorded.replace('["Hello"', '["Goodbye"').splitlines(keepends=True)
        self.tape.write_text("".join(line for line in lines if '"Echo"' not in line), encoding="utf-8")
        self.assertEqual(["Cell 2", "Cell 3", "Cell 5"], self._failed("-o", "g4f_tape=replay"))

    def test_environment(self) -> None:
        """G4F_TAPE comes first, where it is set."""
        with mock.patch.dict(os.environ, G4F_TAPE="off"):
            self.assertEqual(["Cell 2", "Cell 3"], self._failed("-o", "g4f_tape=replay"))

    def test_record(self) -> None:
        """Everything is asked again, and replaced on the tape."""
        self.assertEqual(["Cell 2", "Cell 3"], self._failed("-o", "g4f_tape=record"))
        self.assertIn("threethree", self.tape.read_text(encoding="utf-8"))


class TestRegistration(unittest.TestCase):
    """How pytest comes to the plugin."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def _declare(self) -> None:
        """Declare the entry point as an installed wheel does."""
        project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
        ((name, value),) = project["project"]["entry-points"]["pytest11"].items()
        info = self.folder / "declared-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: declared\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[pytest11]\n{name} = {value}\n")

    def _has_option(self, *options: str) -> bool:
        ended = _pytest(self.folder, "-p", "no:nbval", "--help", *options)
        self.assertEqual(0, ended.returncode, ended.stderr)
        return "--nbval-without-g4f" in ended.stdout

    def test_entry_point(self) -> None:
        """It is there where the package is installed; asking for it too does no harm; it can be left out."""
        self._declare()
        self.assertTrue(self._has_option())
        self.assertTrue(self._has_option("-p", PLUGIN))
        self.assertFalse(self._has_option("-p", f"no:{PLUGIN}"))

    def test_idle(self) -> None:
        """Without nbval it does nothing, and loads nothing that only a validation needs."""
        heavy = {"nbval", "nbformat", "IPython", "aiohttp"}
        code = f"import sys\n\ndef test(): assert not {heavy} & {{*sys.modules}}"
        (self.folder / "test_heavy.py").write_text(code)
        ended = _pytest(self.folder, "-p", PLUGIN, "-p", "no:nbval")
        self.assertEqual(0, ended.returncode, ended.stdout)


class TestExecution(unittest.TestCase):
    """A failing `%%chat` fails whoever executes the notebook."""

    def test_exit_codes(self) -> None:
        """A run by papermill or `jupyter execute` ends well if all cells do; else not, and says the error's line."""
        with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as threads:
            folder = Path(name)
            nbformat.write(_notebook("%load_ext g4f_jupyter", ECHO, ASKED), folder / "good.ipynb")
            nbformat.write(_notebook("%load_ext g4f_jupyter", ECHO, UNKNOWN), folder / "bad.ipynb")
            papermill = ("papermill", "--kernel", "python3")
            execute = ("jupyter", "execute", "--kernel_name=python3")
            runs = [
                (*command, f"{kind}.ipynb", *out)
                for kind in ("good", "bad")
                for command, out in ((papermill, [f"{kind}.out.ipynb"]), (execute, []))
            ]
            for run, ended in zip(runs, threads.map(lambda run: _module(folder, *run), runs), strict=True):
                with self.subTest(run=run):
                    bad = "bad.ipynb" in run
                    self.assertEqual(bad, ended.returncode != 0, ended.stderr)
                    self.assertEqual(bad, "ProviderNotFoundError: there is no provider 'Ech'" in ended.stderr)


def _module(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    own = _environment()
    own["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), own["PATH"]])  # where `jupyter` looks for execute
    line = [sys.executable, "-m", *command]
    return subprocess.run(line, cwd=folder, env=own, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    unittest.main()
