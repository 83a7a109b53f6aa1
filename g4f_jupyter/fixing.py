"""The corrected cell in an answer about an error, and how it differs from the one that failed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from difflib import unified_diff

from IPython.core.inputtransformer2 import TransformerManager

from g4f.markdown.code import PYTHON, blocks_of, fenced, is_python

from .show.shown import Shown

__all__ = ["Diff", "corrected"]

LIKE = 0.5
"""The least part of a cell's words that stands in code which resembles it."""


class Diff(Shown):
    """How a corrected cell differs from the one that failed."""

    def __init__(self, failed: str, code: str) -> None:
        self.code = code
        lines = unified_diff(failed.splitlines(), code.splitlines(), "failed", "corrected", lineterm="")
        self._lines = "\n".join(lines)

    def text(self) -> str:
        """Return it as a unified diff."""
        return self._lines

    def markdown(self) -> str:
        """Return the same as a block of code."""
        return fenced(self._lines, "diff")


def corrected(answer: str, failed: Collection[str]) -> Diff | None:
    """Return the block of Python in an answer that resembles one of the cells that `failed` most; None if none does.

    One that cannot be read is none: it may be the failed cell itself, with marks at its lines.
    """
    blocks = [code.strip("\n") for name, code in blocks_of(answer) if name in (PYTHON, "") and _can_run(code)]
    pairs = [(_likeness(cell, code), cell, code) for code in blocks for cell in failed if code.strip() != cell.strip()]
    likeness, cell, code = max(pairs, key=lambda pair: pair[0], default=(0.0, "", ""))
    return Diff(cell, code) if likeness >= LIKE else None


def _can_run(code: str) -> bool:
    """Whether a cell of IPython with this code can be read."""
    try:
        return is_python(TransformerManager().transform_cell(code))
    except SyntaxError:
        return False


def _likeness(cell: str, code: str) -> float:
    """Return which part of the words of a cell stands in `code`, too: it may have got lines around it."""
    words, others = (Counter(re.findall(r"\w+", text)) for text in (cell, code))
    return (words & others).total() / max(words.total(), 1)
