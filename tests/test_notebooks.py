"""The notebooks as they are saved. What their cells say is compared by nbval, from the tape beside them."""

from __future__ import annotations

import unittest
from pathlib import Path

import nbformat

from g4f.taping.command import main

FOLDER = Path(__file__).parent.parent / "notebooks"


class TestNotebooks(unittest.TestCase):
    """What nbval cannot tell."""

    def test_executed(self) -> None:
        """Each was executed from its first cell to its last: nbval passes over one without a number."""
        for file in sorted(FOLDER.glob("*.ipynb")):
            with self.subTest(file.name):
                code = [cell for cell in nbformat.read(file, 4).cells if cell.cell_type == "code"]
                self.assertEqual([*range(1, len(code) + 1)], [cell.execution_count for cell in code])

    def test_tape(self) -> None:
        """Nothing on the tape is wrong."""
        self.assertEqual(0, main(["check", str(FOLDER / "g4f_tape.jsonl")]))


if __name__ == "__main__":
    unittest.main()
