"""How far a batch is, in a notebook and in a terminal; and nothing where nobody looks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import termios
import unittest
from importlib.util import find_spec
from unittest import mock

from g4f.batching import progress
from g4f.batching.tally import Tally

from . import script
from .counting import Counting, said
from .kernel import Kernel

BATCH = """
import g4f
out = g4f.batch(["a", "b", "c"], model="m", base_url={url!r}, concurrency=1, max_retries=2)
print(len(out.failed), end="")
"""


@unittest.skipUnless(find_spec("tqdm"), "needs tqdm, of the extra batch")
class TestProgress(unittest.TestCase):
    """What a bar shows."""

    def test_terminal(self) -> None:
        """It counts what is done and what failed, and the tokens, up to the last row."""
        with Counting(lambda text: [0.3, *(said(text, 400) if text == "b" else said(text))]) as server:
            text = self.terminal(BATCH.format(url=server.url))
        self.assertRegex(text, "3/3 .*1 failed, 10 tokens")

    def test_limit(self) -> None:
        """While a server wants no questions, it says whose limit is waited for, and how long."""
        refused = [said("too many", 429, **{"Retry-After": "2"})]
        with Counting(lambda text: refused.pop() if refused else said(text)) as server:
            text = self.terminal(BATCH.format(url=server.url))
        found = re.search("1 waiting for the limit of [^,]+, (.) s more, 0 tokens", text)
        assert found is not None
        self.assertIn(found[1], "12")  # what is left of it; little of it is over
        self.assertIn("3/3", text)

    def test_notebook(self) -> None:
        """In a cell it is a display of its own, which the cell's text does not contain."""
        with Counting(lambda text: [0.3, *said(text)]) as server, Kernel() as kernel:
            cell = kernel.run(BATCH.format(url=server.url))
        self.assertEqual(("ok", "0"), (cell.status, cell.text))
        shown = [content for kind, content in cell.outputs if kind == "display_data"]
        self.assertEqual(1, len(shown))
        self.assertIn("/3", shown[0]["data"]["text/plain"])

    def test_nobody_looks(self) -> None:
        """Where the output goes to a file, and where tqdm is not installed, nothing is shown; nor is a short one."""
        with Counting(lambda text: [0.3, *said(text)]) as server:
            self.assertEqual("0", script.run(BATCH.format(url=server.url)))  # nothing is in stderr
            hidden = "import sys; sys.modules['tqdm'] = None; import importlib.util; importlib.util.find_spec = "
            hidden += "lambda name, find=importlib.util.find_spec: None if name == 'tqdm' else find(name)\n"
            self.assertEqual("0", self.terminal(hidden + BATCH.format(url=server.url)))
        with Counting() as server:
            self.assertEqual("0", self.terminal(BATCH.format(url=server.url)))

    def test_known(self) -> None:
        """What a journal had counts as done, but not as quick: the rate is that of what is asked."""
        tally = Tally(10)
        tally.known = 4
        bar = mock.Mock(n=4)
        progress._show(bar, tally)
        bar.update.assert_called_once_with(0)

    def terminal(self, code: str) -> str:
        """Return what a script writes to a terminal of 160 columns."""
        ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (24, 160))
        with subprocess.Popen([sys.executable, "-c", code], stdout=theirs, stderr=theirs, env=script.environment()):
            os.close(theirs)
            text = b""
            try:
                while read := os.read(ours, 65536):
                    text += read
            except OSError:  # Linux says so that the other end was closed
                pass
            finally:
                os.close(ours)
        return text.decode()
