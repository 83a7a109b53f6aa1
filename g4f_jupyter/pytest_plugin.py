"""The pytest plugin: with `--nbval`, what stands in a notebook is what is compared; else it does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

__all__ = ["pytest_addoption", "pytest_configure"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--nbval-without-g4f` beside nbval's own options."""
    parser.getgroup("nbval", "Jupyter Notebook validation").addoption(
        "--nbval-without-g4f", action="store_true", help="Compare notebooks without g4f_jupyter's pytest plugin."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register what compares, where nbval is there and asked to compare."""
    asked = config.getoption("nbval", False) or config.getoption("nbval_lax", False)
    if asked and not config.getoption("nbval_without_g4f"):
        from . import validation  # noqa: PLC0415 - every other run of pytest goes without nbval

        config.pluginmanager.register(validation)
