"""What the README promises a newcomer: what it shows is what comes, and what it names is there."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
import unittest
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from g4f.__main__ import main
from g4f.providers.catalogue import ROWS

from . import script
from .kernel import Kernel

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
NOTEBOOK = "notebooks/01_first_five_minutes.ipynb"


def blocks(language: str) -> list[str]:
    """Return the blocks of code in that language, "" for those that name none."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return [code for name, code in found if name == language]


def table() -> str:
    """Return the table of providers."""
    _, _, behind = TEXT.partition("<!-- providers -->\n")
    found, mark, _ = behind.partition("<!-- end of providers -->\n")
    return found if mark else ""


class TestProviders(unittest.TestCase):
    """The table of providers."""

    def test_table(self) -> None:
        """It is what `python -m g4f --markdown` prints, with a line for each provider."""
        printed = StringIO()
        with redirect_stdout(printed):
            main(["--markdown"])
        self.assertEqual(printed.getvalue(), table())
        self.assertEqual(len(ROWS) + 2, len(table().splitlines()))


class TestNewcomer(unittest.TestCase):
    """What somebody sees who has just found it."""

    def test_beginning(self) -> None:
        """The first 30 lines show it in a picture, name each supported Python, install it and run it."""
        beginning = "\n".join(TEXT.splitlines()[:30])
        self.assertIn("](notebooks/screenshot.png)", beginning)
        self.assertIn("<!-- the first command -->\n```sh\n", beginning)
        self.assertIn("pip install", beginning)
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        versions = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
        self.assertEqual(["3.11", "3.12", "3.13"], versions)
        self.assertIn(f"Python {', '.join(versions[:-1])} or {versions[-1]}.", beginning)

    def test_length(self) -> None:
        """Without the table of providers it has 160 lines at the most."""
        self.assertLessEqual(len(TEXT.replace(table(), "").splitlines()), 160)

    def test_neighbour(self) -> None:
        """It warns of the distribution that has the same import name."""
        self.assertRegex(TEXT, r"Never\s+install it beside the distribution `g4f`")

    def test_links(self) -> None:
        """Each link to a file, and each file and folder that it tells of, is in the checkout."""
        linked = re.findall(r"\]\(((?!https?:)[^)]+)\)", TEXT)
        self.assertIn(NOTEBOOK, linked)
        # What comes from a wheel is tested without its checkout, where the packages lie elsewhere.
        told = [*linked, *re.findall(r"`((?:g4f|g4f_jupyter|tests)/[\w./]*)`", TEXT)] if (ROOT / "g4f").exists() else []
        self.assertEqual([], [path for path in told if not (ROOT / path).exists()])


class TestCode(unittest.TestCase):
    """What stands in its blocks."""

    def test_first_command(self) -> None:
        """What it shows of the first command's output is what the notebook's tape gives, in this order."""
        shown = next(block for block in blocks("") if block.startswith("In [ ]: %%chat"))
        variables = script.environment() | {
            "G4F_TAPE": "replay",
            "G4F_TAPE_FILE": str(ROOT / "notebooks" / "g4f_tape.jsonl"),
        }
        command = [sys.executable, "-m", "g4f_jupyter", NOTEBOOK]
        done = subprocess.run(
            command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=script.PATIENCE, check=False
        )
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        printed = re.sub(r"\S+(?= -m (pip|jupyterlab))", ".venv/bin/python", done.stdout)
        for part in shown.split("⋮\n"):
            _, found, printed = printed.partition(part)
            self.assertEqual(part, found)

    def test_python(self) -> None:
        """Each block of Python runs in a cell, with the model in the process and nothing set up."""
        self.assertEqual(3, len(blocks("python")))
        with tempfile.TemporaryDirectory() as folder, Kernel(G4F_PROVIDER="Local", G4F_TAPE="off") as kernel:
            kernel.run(f"import os; os.chdir({folder!r})")
            for block in blocks("python"):
                with self.subTest(block):
                    self.assertEqual("", kernel.run(block).error)
            polly = kernel.run("%load_ext g4f_jupyter\n%chat -p Parrot Polly wants a cracker")
            self.assertEqual("Polly wants a cracker ", polly.displays[-1]["text/plain"])
            self.assertTrue(Path(folder, "answers.jsonl").exists())

    def test_magics(self) -> None:
        """Each magic that it names is there once the extension is loaded, and those that are there it names."""
        with Kernel() as kernel:
            kernel.run("%load_ext g4f_jupyter")
            listed = kernel.run("print(*(n for n in get_ipython().magics_manager.magics['line'] if 'chat' in n))").text
        self.assertEqual(sorted(listed.split()), sorted(set(re.findall(r"%(chat\w*)", TEXT))))


if __name__ == "__main__":
    unittest.main()
