"""Chat in a cell: `%load_ext g4f_jupyter`, then `%%chat`."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from g4f import bridge
from g4f.errors import NestAsyncioError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load_ipython_extension", "unload_ipython_extension"]

logger = logging.getLogger("g4f.jupyter")


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext g4f_jupyter`: register `%%chat` and its kin, and make the running loop nestable.

    Prints a line only where something needs saying: the loop cannot be nested, or another `chat` magic existed.
    """
    from .registration import register  # noqa: PLC0415 - importing the package must not need an IPython

    try:
        bridge.make_nestable(asyncio.get_running_loop())
        logger.debug("the running loop is nestable")
    except NestAsyncioError as error:
        print(f"g4f_jupyter: {error}")
    except RuntimeError:
        logger.debug("no loop runs here")
    register(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """`%unload_ext g4f_jupyter`: remove the magics. The loop stays nestable: others may rely on it."""
    from .registration import unregister  # noqa: PLC0415

    unregister(shell)
