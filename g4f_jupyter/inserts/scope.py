"""The code that calls a magic: its variables, which the magic sees, and whether it uses what the magic returns."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["is_result_used", "variables_of"]

_BETWEEN = ("", "IPython", "decorator", "ipykernel", "g4f_jupyter")
"""Packages whose code stands between the caller of a magic and the magic; "" is what IPython 7 makes by `decorator`."""

_WITHIN = ("<listcomp>", "<setcomp>", "<dictcomp>")
"""Code that Python 3.11 runs in a frame of its own, and which sees the variables around it."""


def variables_of(shell: InteractiveShell) -> dict[str, Any]:
    """Return the variables of the notebook, without IPython's own, and over them those of the calling function.

    IPython hands over the local ones of a line magic only, and not in `run_cell_magic`.
    """
    hidden = shell.user_ns_hidden
    names = {name: each for name, each in shell.user_ns.items() if not (name in hidden and each is hidden[name])}
    frame = _caller()
    if frame is None or frame.f_locals is shell.user_ns:
        return names
    if frame.f_globals is not shell.user_ns:  # a function of a module sees what is there
        names |= {name: each for name, each in frame.f_globals.items() if name[:2] != "__"}
    frames = [frame]
    while frames[-1].f_code.co_name in _WITHIN and frames[-1].f_back is not None:
        frames.append(frames[-1].f_back)
    for each in reversed(frames):
        if each.f_locals is not each.f_globals:
            names |= each.f_locals
    return names


def is_result_used() -> bool:
    """Whether the code that called the magic uses what it returns. A line of its own would only show it once more."""
    frame = _caller()
    if frame is None:
        return False
    *_, column, _ = list(frame.f_code.co_positions())[frame.f_lasti // 2]
    return bool(column)


def _caller() -> FrameType | None:
    """Return the frame of the user's code that called the magic; None if it is Python's own, such as a thread's."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - `inspect.currentframe` is the same with an import of 20 ms
    while frame is not None and _package(frame) in _BETWEEN:
        frame = frame.f_back
    return None if frame is None or _package(frame) in sys.stdlib_module_names - {"__main__"} else frame


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
