"""The pytest plugin: with `--nbval`, what stands in a notebook is what is compared; else it does nothing.

The setting `g4f_tape = "replay"` (or `-o g4f_tape=record`) has the notebooks answered from the tape beside them, as
`G4F_TAPE` has it, which comes first where it is set.
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
    parser.addini("g4f_tape", "G4F_TAPE of the notebooks, where the environment has none: auto, replay, record or off.")


def pytest_configure(config: pytest.Config) -> None:
    """Register what compares, where nbval is there and asked to compare."""
    asked = config.getoption("nbval", False) or config.getoption("nbval_lax", False)
    if asked and not config.getoption("nbval_without_g4f"):
        from . import validation  # noqa: PLC0415 - every other run of pytest goes without nbval

        config.pluginmanager.register(validation)
