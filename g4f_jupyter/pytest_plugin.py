"""The pytest plugin: with `--nbval`, it compares what a notebook finally shows; without, it does nothing.

With the setting `g4f_tape = "replay"` (or `-o g4f_tape=record`) the notebooks are answered from the tape beside them.
The variable `G4F_TAPE` does the same, and wins where both are set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

__all__ = ["pytest_addoption", "pytest_configure"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--nbval-without-g4f` beside nbval's own options, and the setting `g4f_tape`."""
    parser.getgroup("nbval", "Jupyter Notebook validation").addoption(
        "--nbval-without-g4f", action="store_true", help="Compare notebooks without g4f_jupyter's pytest plugin."
    )
    parser.addini("g4f_tape", "Tape mode of the notebooks if G4F_TAPE is not set: auto, replay, record or off.")


def pytest_configure(config: pytest.Config) -> None:
    """Register the comparison if nbval is installed and is to compare notebooks."""
    compares = config.getoption("nbval", False) or config.getoption("nbval_lax", False)
    if compares and not config.getoption("nbval_without_g4f"):
        from . import validation  # noqa: PLC0415 - every other run of pytest goes without nbval

        config.pluginmanager.register(validation)
