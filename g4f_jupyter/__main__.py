"""`python -m g4f_jupyter NOTEBOOK`: play a notebook in the terminal, cell by cell, each answer as it comes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from IPython.terminal.interactiveshell import TerminalInteractiveShell

from g4f.errors import InputError
from g4f.files import load
from g4f.printable import say

__all__ = ["main"]


class _Metadata(msgspec.Struct):
    tags: list[str] = []


class _Cell(msgspec.Struct):
    cell_type: str
    source: str | list[str]
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class _Notebook(msgspec.Struct):
    cells: list[_Cell]


def main(argv: Sequence[str] | None = None) -> int:
    """Play the notebook and return 0, or 1 at the first cell that fails without being tagged `raises-exception`."""
    parser = argparse.ArgumentParser(prog="python -m g4f_jupyter", description="Play a notebook in the terminal.")
    parser.add_argument("notebook", type=Path, help="an .ipynb file")
    path: Path = parser.parse_args(argv).notebook
    try:
        notebook = load(path, _Notebook, f"{path} is not a notebook that can be read")
    except InputError as error:
        parser.error(str(error))
    shell = TerminalInteractiveShell.instance()
    for cell in notebook.cells:
        source = "".join(cell.source).strip()
        if cell.cell_type != "code":
            say(f"\n{source}")
        elif source:
            say("\nIn [ ]: " + source.replace("\n", "\n   ...: "))
            if not shell.run_cell(source).success and "raises-exception" not in cell.metadata.tags:
                return 1
    python = f"{min(sys.executable, os.path.relpath(sys.executable), key=len)} -m"
    say(f"\nTo open it in a browser: {python} pip install jupyterlab && {python} jupyterlab {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
