"""What the README says of the providers is what the catalogue says."""

from __future__ import annotations

import unittest
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from g4f.__main__ import main
from g4f.providers.catalogue import ROWS

README = Path(__file__).parent.parent / "README.md"


class TestProviders(unittest.TestCase):
    """The table of providers."""

    def test_table(self) -> None:
        """It is what `python -m g4f --markdown` prints, with a line for each provider."""
        printed = StringIO()
        with redirect_stdout(printed):
            main(["--markdown"])
        text = README.read_text(encoding="utf-8")
        _, _, behind = text.partition("<!-- providers -->\n")
        table, mark, _ = behind.partition("<!-- end of providers -->\n")
        self.assertTrue(mark, "the table has no end")
        self.assertEqual(printed.getvalue(), table)
        self.assertEqual(len(ROWS) + 2, len(table.splitlines()))


if __name__ == "__main__":
    unittest.main()
