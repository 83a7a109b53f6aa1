"""Chat in a cell: `%load_ext g4f_jupyter`, then `%%chat`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext g4f_jupyter`: register `%%chat` and its kin, and make the running loop nestable.

    An interrupt then also ends a cell that awaits at once, for which ipykernel by itself does not wake the loop.
    Prints a line only where something needs saying: the loop cannot be nested, or another `chat` magic existed.
    """
    from .kernel.registration import load  # noqa: PLC0415 - importing the package costs nothing: pytest does it, too

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """`%unload_ext g4f_jupyter`: remove the magics. The loop stays nestable: others may rely on it."""
    from .kernel.registration import unregister  # noqa: PLC0415

    unregister(shell)
