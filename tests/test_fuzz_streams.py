"""A sample of what `python tests/fuzz_streams.py` tries by the hundred thousand."""

from __future__ import annotations

import os
import unittest
from unittest import mock

from . import loops
from .fuzz_streams import cases, run


class TestFuzz(unittest.TestCase):
    """Broken answers of each protocol, over a real socket."""

    def test_sample(self) -> None:
        """Each is the right answer, or an error of the tree in one clean line that shows no key."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("G4F_")}
        with mock.patch.dict(os.environ, environ, clear=True):
            result = loops.run(run(seed=9, count=2000))
        self.assertEqual([], result.wrong)
        self.assertGreater(result.outcomes["answer"], 600)
        self.assertGreater(result.outcomes["ResponseError"], 300)

    def test_seed(self) -> None:
        """The same seed gives the same cases, another one gives others."""
        self.assertEqual(cases(1, 50), cases(1, 50))
        self.assertNotEqual(cases(1, 50), cases(2, 50))
