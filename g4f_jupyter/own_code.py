"""Whose code a frame of a traceback runs: the user's own, ours, or that of Python and other packages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import FrameType, TracebackType

__all__ = ["frames", "is_ours", "is_own"]

_OF_OTHERS = (os.path.dirname(os.__file__), "site-packages", "dist-packages", "<frozen")  # noqa: PTH120 - of a text


def frames(trace: TracebackType | None) -> Iterator[TracebackType]:
    """Yield the entries of a traceback, the innermost last."""
    while trace is not None:
        yield trace
        trace = trace.tb_next


def is_ours(frame: FrameType) -> bool:
    """Whether it runs code of g4f, of this package, or of the patch with which it lets loops be nested."""
    return str(frame.f_globals.get("__name__")).partition(".")[0] in ("g4f", "g4f_jupyter", "nest_asyncio2")


def is_own(frame: FrameType) -> bool:
    """Whether it runs a cell or a file of the user: no code of ours, of a package, of Python or of IPython."""
    # A compiled module names the files of its sources, which are not here.
    files = (frame.f_code.co_filename, str(frame.f_globals.get("__file__")))
    return not is_ours(frame) and not any(part in file for part in _OF_OTHERS for file in files)
