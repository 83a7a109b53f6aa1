"""The cell below a question, with the code of its answer. Nothing in it runs by itself.

What front ends make of `set_next_input` (their sources, November 2026):

JupyterLab, Notebook, VS Code   insert a new cell below, each time; they replace only the cell that runs
terminals                       put it into the next prompt
nbclient, and what builds on it ignore it

So the cell of an earlier answer cannot be replaced from here. In JupyterLab and Notebook, the extension in
`labextension` replaces it. Everywhere, no second one with the same code is made while the first may stand: JupyterLab
and Notebook say which cells were deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from IPython.display import display

from g4f.answer import Answer
from g4f.notebook import cell_of, deleted_cells

from .fixing import corrected
from .inserts.known import scrubber_for
from .inserts.last_error import FIX, failed_cells

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["CellsBelow"]


class _Made:
    """A cell that was made with `code`. Its own id is known once it has run as it was made."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.cell: str | None = None


class CellsBelow:
    """The last cell that was made below each cell with a question, as far as the kernel can know."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._codes: dict[str | None, list[str]] = {}
        self._made: dict[str, _Made] = {}
        self._have_run: set[str] = set()

    def begin(self, parent: Mapping[str, Any]) -> None:
        """Take note of the cell that begins to run, and of those that were deleted before.

        A deleted cell that has never run may be one that was made here: then it is taken for one.
        """
        deleted, cell = set(deleted_cells(parent)), cell_of(parent).cell
        is_unknown = bool(deleted - self._have_run)
        for above, made in [*self._made.items()]:
            if above in deleted or made.cell in deleted or (made.cell is None and is_unknown):
                del self._made[above]
        if cell is None:
            return
        self._have_run.add(cell)
        code = parent.get("content", {}).get("code")
        for made in self._made.values():
            if made.cell is None and made.code == code:
                made.cell = cell

    def offer(
        self, answer: Answer, form: str, parent: Mapping[str, Any], *, text: str, error: Mapping[str, Any] | None
    ) -> None:
        """Have the code of a whole answer stand in the cell below the one that runs, behind that of others in it.

        That is all Python of one that is shown as code. Of one to a question about the last error, whose variables are
        then in `error`, it is the corrected cell, and its diff is shown. `text` is the question itself.
        """
        if answer.mark:
            return
        fixed = None if error is None else corrected(answer, failed_cells(scrubber_for(error)))
        if fixed is not None:
            display(fixed)
        code = fixed.code if fixed is not None else answer.code if form == "code" or text == FIX else ""
        if code:
            self._codes.setdefault(cell_of(parent).run, []).append(code)

    def end(self, parent: Mapping[str, Any], *, well: bool) -> None:
        """Have the front end make the cell below one that ended `well`, unless one with the same code may stand there.

        Most front ends make none for a cell that failed.
        """
        cell, run = cell_of(parent)
        code = "\n\n".join(self._codes.pop(run, ()))
        made = None if cell is None else self._made.get(cell)
        if not code or not well or (made is not None and made.code == code):
            return
        if cell is not None:
            self._made[cell] = _Made(code)
        self._shell.set_next_input(code, replace=False)
