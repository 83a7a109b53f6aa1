"""How nbval compares a notebook with answers: an answer by its last frame, an error by its lines.

By itself nbval ignores updates of a display, so it would compare the first frame of an answer, a few words; and it
ignores the lines of an error. Seconds and the ports of servers differ from run to run, so they are not compared. All
this applies to the notebooks of one run of pytest; no class of nbval is changed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from nbformat import NotebookNode
from nbval.plugin import IPyNbCell

from g4f.taping.question import GIVEN_PORT

__all__ = ["pytest_collection_modifyitems"]

_COST = r"(none|unknown|((at least|less than) )?(\$|<span>&#36;</span>)[\d.,]+)"

VARYING = {
    r"(?<= · )[\d.]+ s(?=( · [^<]*)?</sub>)": "…",  # below an answer
    rf"(?m) +\d+\.\d +(?=(\| )?{_COST}( \|)?$)": " … ",  # in %chat_usage
    GIVEN_PORT: r"\1:…",
}
"""Text that is not compared, as nbval sanitizes it: a pattern, and its replacement."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Prepare each notebook, and each cell of it."""
    cells = [item for item in items if isinstance(item, IPyNbCell)]
    for notebook in {cell.parent for cell in cells}:
        notebook.setup = partial(_with_tape, notebook.setup, config.getini("g4f_tape"))
        notebook.get_kernel_message = _Messages(notebook.get_kernel_message)
        notebook.sanitize_patterns.update(VARYING)
    for cell in cells:
        cell.compare_outputs = partial(_compare, cell.compare_outputs)


def _with_tape(start: Callable[[], None], mode: str) -> None:
    """Start a notebook's kernel, which inherits the environment, with the tape in that mode."""
    with pytest.MonkeyPatch.context() as patch:
        if mode and "G4F_TAPE" not in os.environ:
            patch.setenv("G4F_TAPE", mode)
        start()


class _Messages:
    """The messages of a kernel for nbval: each display once, with the data of its last update."""

    def __init__(self, read: Callable[..., dict[str, Any]]) -> None:
        self._read = read
        self._displays: dict[str, list[NotebookNode]] = {}

    def __call__(self, timeout: float | None = None, stream: str = "iopub") -> dict[str, Any]:
        """Return the next message that is not an update. `timeout` is the longest silence in seconds."""
        message = self._read(timeout, stream)
        while self._is_update(message):
            message = self._read(timeout, stream)
        return message

    def _is_update(self, message: dict[str, Any]) -> bool:
        """Update all displays of an id, as a front end does. Return whether the message is an update."""
        content = message["content"]
        name = content.get("transient", {}).get("display_id")
        if name is None:
            return False
        displays = self._displays.setdefault(name, [])
        for shown in displays:
            shown.clear()
            shown.update(content["data"])
        if message["msg_type"] == "update_display_data":
            return True
        # nbval keeps this very object until the cell has ended, so that updates reach what it compares.
        content["data"] = NotebookNode(content["data"])
        displays.append(content["data"])
        return False


def _compare(compare: Callable[..., bool], test: Sequence[NotebookNode], saved: Sequence[NotebookNode]) -> bool:
    return compare([_with_lines(output) for output in test], [_with_lines(output) for output in saved])


def _with_lines(output: NotebookNode) -> NotebookNode:
    """Return an output. For an error shown as plain lines instead of a traceback, the lines are compared, too.

    nbval itself compares name and value. A traceback has paths and numbers of one run.
    """
    lines = output.get("traceback") or [""]
    if not lines[0].startswith(f"{output.get('ename')}: "):
        return output
    return NotebookNode({**output, "lines": "\n".join(lines)})
