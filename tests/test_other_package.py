"""Another package called g4f: said in one line, by `%load_ext` and by an import that fails for it."""

from __future__ import annotations

import shutil
import tempfile
import unittest
from pathlib import Path

import g4f
import g4f_jupyter

from . import script

LINE = (
    "another package g4f is installed, by other: it and g4f-jupyter overwrite each other. Use an environment of its "
    "own, or: pip uninstall other g4f-jupyter, then pip install g4f-jupyter"
)
LOAD = """
import sys
sys.path.insert(0, {folder!r})
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="NoColor")
shell.run_cell("%load_ext g4f_jupyter")
print("chat" in shell.magics_manager.magics["cell"])
"""


class TestBeside(unittest.TestCase):
    """What stands in a folder before all others on the path."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def install(self, name: str, **files: str) -> None:
        """Have a distribution of that name, with what its lists say."""
        info = self.folder / f"{name}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        for file, text in files.items():
            (info / file.replace("top_level", "top_level.txt")).write_text(text)

    def copy(self) -> None:
        """Copy both packages into the folder, as an installation does."""
        for package in (g4f, g4f_jupyter):
            source = Path(str(package.__file__)).parent
            shutil.copytree(source, self.folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))

    def load(self) -> str:
        """Return what loading the extension shows."""
        return script.run(LOAD.format(folder=str(self.folder)), "-W", "ignore")

    def test_installed(self) -> None:
        """A distribution that has files of such a package is named once; ours, and others, are not."""
        self.install("g4f_jupyter", RECORD="g4f/__init__.py,,\ng4f_jupyter/__init__.py,,\n")
        self.install("g4f-tools", RECORD="g4f_tools/__init__.py,,\nmy/g4f/__init__.py,,\n", top_level="g4f_tools\n")
        self.install("empty")
        self.assertEqual("True\n", self.load())
        self.install("other", RECORD="README,,\ng4f/Provider/__init__.py,sha256=x,1\n")
        self.assertEqual(f"g4f_jupyter: {LINE}\nTrue\n", self.load())

    def test_installed_long_ago(self) -> None:
        """So is one that only says which packages it has."""
        self.install("other", top_level="etc\ng4f\n")
        self.assertEqual(f"g4f_jupyter: {LINE}\nTrue\n", self.load())

    def test_overwritten(self) -> None:
        """Where the other one's files have broken ours, that line is the error, of the extension and of an import."""
        self.copy()
        (self.folder / "g4f/Provider").mkdir()
        (self.folder / "g4f/Provider/__init__.py").write_text("from ..typing import Nothing")
        (self.folder / "g4f/errors.py").write_text("")
        self.install("other", RECORD="g4f/__init__.py,,\n")
        self.assertEqual(f"ImportError: {LINE}\nFalse\n", self.load())
        code = f"""
            import sys
            sys.path.insert(0, {str(self.folder)!r})
            for line in ("import g4f; g4f.Provider", "from g4f import Provider", "from g4f import ChatCompletion"):
                try:
                    exec(line)
                except ImportError as error:
                    print(error)
            """
        self.assertEqual(f"{LINE}\n" * 3, script.run(code))

    def test_a_folder(self) -> None:
        """A folder of that name which hides ours is named."""
        (self.folder / "g4f").mkdir()
        (self.folder / "g4f/__init__.py").write_text("")
        hides = f"g4f is imported from {self.folder / 'g4f'}, which hides the one of g4f-jupyter"
        self.assertEqual(f"ImportError: {hides}: rename it, or start elsewhere\nFalse\n", self.load())

    def test_another_cause(self) -> None:
        """An import that fails for something else says what."""
        code = """
            import sys
            sys.modules["msgspec"] = None
            try:
                from g4f import ChatCompletion
            except ImportError as error:
                print("msgspec" in str(error), error.__suppress_context__)
            """
        self.assertEqual("True True\n", script.run(code))
