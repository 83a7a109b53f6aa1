"""Chat in a cell: `%load_ext g4f_jupyter`, then `%%chat`.

The walk of a cell, which `magics.chat` goes:

line (options) ─ inserts (`{name}`, the last error, images) ─ session (in which of the threads, for which of the cells)
     ─ g4f asks ─ show.display (the answer as it comes; show.terminal where there is no notebook) ─ show.footer (below)

`kernel` adds magics, Tab (`line.completion`), errors in one line and interrupts to IPython. `magics.chat_lines` has the
other magics, `magics.chat_calls` has `chat` and `achat`, which are `%%chat` for code. `pytest_plugin` and `validation`
compare notebooks under nbval; `python -m g4f_jupyter` plays one in a terminal. `other_package` says that another g4f is
installed; `own_code` tells the user's frames from ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .magics.chat_calls import achat, chat

__all__ = ["achat", "chat", "load_ipython_extension", "unload_ipython_extension"]


def __getattr__(name: str) -> Any:
    """Import the functions when they are first used: they need an IPython."""
    if name not in ("achat", "chat"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .magics import chat_calls  # noqa: PLC0415

    return getattr(chat_calls, name)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext g4f_jupyter`: register the magics, and make the running loop nestable.

    An interrupt then also ends a cell that awaits, at once: ipykernel by itself does not wake the loop for it. An error
    of g4f in the code of a cell is shown by its line and the user's own lines; `%tb` shows the whole traceback. Prints
    a line only if the loop cannot be made nestable, if another extension had a magic called `chat`, or if another
    package g4f is installed. Raises ImportError if that one hides ours.
    """
    from .other_package import explained  # noqa: PLC0415 - importing the package costs nothing: pytest imports it, too

    try:
        from .kernel.registration import register  # noqa: PLC0415
    except ImportError as error:
        raise explained(error) from None
    register(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """`%unload_ext g4f_jupyter`: remove the magics. The loop stays nestable: others may rely on it."""
    from .kernel.registration import unregister  # noqa: PLC0415

    unregister(shell)
