"""A question about the last error of the notebook: where it was raised, and the variables there."""

from __future__ import annotations

import linecache
import re
import reprlib
import sys
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType, TracebackType

from g4f.errors import InputError

__all__ = ["FIX", "about_last_error", "note_as_own"]

FIX = "Explain in short why this happened, and show the corrected code."

FRAMES = 4
"""Frames of the notebook's own code that are told, the innermost."""

AROUND = 3
"""Lines above and below the one that raised, of code that is no cell."""

VARIABLES = 30
"""Variables that are told, at the most."""

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 300
_short.maxlist = _short.maxdict = _short.maxtuple = 20


_BEFORE = "_g4f_before"
"""The attribute of a chat's own error that holds the notebook's last one."""


def note_as_own(error: BaseException) -> None:
    """Note that a chat failed with `error`: whoever asks about the last error means the one before."""
    setattr(error, _BEFORE, _last_error())


def _last_error() -> BaseException | None:
    """Return the last error of the notebook that was none of a chat's."""
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    error = getattr(error, _BEFORE, error)
    return error if isinstance(error, BaseException) else None


def about_last_error() -> str:
    """Return the last error: its line, its cells, and the values of the variables that they name.

    Raises InputError if there was none.
    """
    error = _last_error()
    if error is None:
        raise InputError("there was no error yet that could be asked about")
    told = "".join(traceback.format_exception_only(error)).strip()
    frames = list(_frames(error.__traceback__))
    own = [each for each in frames if _is_own(each[0])][-FRAMES:] or frames[-1:]
    places: dict[str, list[tuple[FrameType, int]]] = {}
    for frame, line in own:
        places.setdefault(frame.f_code.co_filename, []).append((frame, line))
    parts = [f"This error was raised:\n```\n{told}\n```", *map(_place, places.values())]
    if variables := list(_variables(frame for frame, _ in own)):
        parts.append("The variables there:\n```\n" + "\n".join(variables[:VARIABLES]) + "\n```")
    return "\n\n".join(parts)


def _frames(trace: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def _is_own(frame: FrameType) -> bool:
    """Whether the code is a cell, or a file of the user's: of no package, and not IPython's way to the cell."""
    return not any(
        part in frame.f_code.co_filename for part in ("site-packages", "dist-packages", "lib/python", "<frozen")
    )


def _place(frames: list[tuple[FrameType, int]]) -> str:
    """Return the code of one file around the lines that raised, which are marked: a whole cell, or some lines."""
    name = frames[0][0].f_code.co_filename
    marked = {line for _, line in frames}
    lines = linecache.getlines(name, frames[0][0].f_globals)
    is_cell = "ipykernel" in name or name.startswith("<ipython")
    first, last = (1, len(lines)) if is_cell else (max(1, min(marked) - AROUND), max(marked) + AROUND)
    code = "".join(
        f"{'-->' if number in marked else '   '} {line.rstrip()}\n"
        for number, line in enumerate(lines, 1)
        if first <= number <= last
    )
    return f"{'In this cell' if is_cell else f'In {Path(name).name}, from line {first}'}:\n```python\n{code}```"


def _variables(frames: Iterable[FrameType]) -> Iterator[str]:
    """Yield `name = value` for the variables that the code names; a value that cannot be shown says so."""
    for frame in frames:
        code = frame.f_code
        for name in dict.fromkeys((*code.co_varnames, *code.co_freevars, *code.co_names)):
            value = frame.f_locals.get(name, _MISSING)
            if value is not _MISSING and not name.startswith("_") and not _is_code(value):
                yield f"{name} = {'***' if _SECRET.search(name) else _short.repr(value)}"


_MISSING = object()

_SECRET = re.compile(r"api_?key|token|secret|passw", re.IGNORECASE)
"""Names of variables whose values are nobody's business: what is asked goes to a provider."""


def _is_code(value: object) -> bool:
    return callable(value) or type(value).__name__ == "module"
