"""Whose fault an exception is: code of the user's own runs where a value is read."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import InputError
from .room import CELL

__all__ = ["blamed"]


@contextmanager
def blamed(step: str) -> Iterator[None]:
    """Turn any exception of the user's own code into an InputError of one line, which begins with `step`."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        line = " ".join("".join(traceback.format_exception_only(error)).split())
        raise InputError(f"{step} raised {line if len(line) <= CELL else line[:CELL] + '…'}") from error
