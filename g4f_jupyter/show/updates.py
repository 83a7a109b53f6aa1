"""Whether a front end takes updates of a display. Those that do not would keep the first frame of an answer."""

from __future__ import annotations

import enum
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from g4f.notebook import cell_of

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Updates", "takes_metadata", "updates"]


class Updates(enum.Enum):
    """What becomes of the updates of a display."""

    TAKEN = enum.auto()
    """They are shown."""
    DOUBTED = enum.auto()
    """Nobody knows."""
    LOST = enum.auto()
    """Nobody sees them."""


def updates(shell: InteractiveShell, parent: Mapping[str, Any]) -> Updates:
    """Return what becomes of the updates of what is displayed now, for the message `parent` of a front end.

    They are lost where `capture_output()`, `%%capture` or an Output of ipywidgets takes what is displayed, and in what
    nbclient runs: papermill logs each display once. A terminal such as `jupyter console` cannot be told from a
    notebook that takes them; it can read input, and has no cells.
    """
    is_caught = type(shell.display_pub) is not shell.display_pub_class
    if is_caught or _in_output_widget(parent) or _is_run_by_nbclient(shell):
        return Updates.LOST
    is_console = cell_of(parent).cell is None and parent.get("content", {}).get("allow_stdin")
    return Updates.DOUBTED if is_console else Updates.TAKEN


def takes_metadata(parent: Mapping[str, Any]) -> bool:
    """Whether the front end that sent `parent` accepts changed metadata in an update of a display.

    VS Code then rewrites all outputs of the cell from an older state: the end of the answer would be lost.
    """
    return not str(parent.get("metadata", {}).get("cellId")).startswith("vscode-")


def _in_output_widget(parent: Mapping[str, Any]) -> bool:
    """Whether an Output takes what is displayed for this message: it then has the message's id."""
    message = parent.get("header", {}).get("msg_id")
    return any(getattr(each, "msg_id", "") == message for each in _widgets()) if message else False


def _widgets() -> Iterable[object]:
    """Return the widgets of ipywidgets that are alive. Version 7 keeps them in another place than version 8."""
    module = sys.modules.get("ipywidgets.widgets.widget")
    alive = getattr(module, "_instances", None)
    if alive is None:
        alive = getattr(getattr(module, "Widget", None), "widgets", {})
    return list(alive.values())


def _is_run_by_nbclient(shell: InteractiveShell) -> bool:
    """Whether nbclient has started the kernel: it keeps its history in memory, which people at a keyboard do not."""
    history = shell.history_manager
    return history is not None and history.hist_file == ":memory:"
