"""Which cell of a notebook runs, as its front end says with the message that runs it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

__all__ = ["NOWHERE", "CellRun", "cell_of", "deleted_cells", "here"]


class CellRun(NamedTuple):
    """A cell of a notebook by its opaque id, and one run of it; None for what is not known."""

    cell: str | None
    run: str | None


NOWHERE = CellRun(None, None)


def here() -> CellRun:
    """Return the cell that is running; NOWHERE outside of IPython."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None:
        return NOWHERE
    place = cell_of(getattr(shell, "get_parent", dict)())
    return place if place.run else place._replace(run=str(shell.execution_count))


def cell_of(parent: Mapping[str, Any]) -> CellRun:
    """Return the cell that the message `parent` runs. JupyterLab, Notebook and VS Code send `cellId`, Colab `colab`."""
    metadata = parent.get("metadata", {})
    colab = metadata.get("colab")
    found = metadata.get("cellId") or (colab.get("cell_id") if isinstance(colab, Mapping) else None)
    cell = _opaque(found) if isinstance(found, str) and found else None
    return CellRun(cell, parent.get("header", {}).get("msg_id"))


def deleted_cells(parent: Mapping[str, Any]) -> list[str]:
    """Return the ids of the cells that were deleted since the last message, which JupyterLab and Notebook send.

    The running cell is not among them: it was only cut, and pasted elsewhere.
    """
    found = parent.get("metadata", {}).get("deletedCells")
    deleted = [_opaque(cell) for cell in found if isinstance(cell, str)] if isinstance(found, list) else []
    return [cell for cell in deleted if cell != cell_of(parent).cell]


def _opaque(cell: str) -> str:
    """Return a digest of the id of a cell: the id of VS Code contains the path of the notebook."""
    return sha256(cell.encode(errors="backslashreplace")).hexdigest()
