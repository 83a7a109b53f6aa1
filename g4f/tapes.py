"""Record and replay: a tape holds answers, and gives them instead of asking again.

`with g4f.tape("answers.jsonl", mode="auto"): …`, or `G4F_TAPE=auto` for the whole process. The modes:

auto     give the answer that is on the tape; ask, and record, what is not
replay   give the answer that is on the tape; never ask
record   ask, and replace what is on the tape
off      no tape

The same question is the same whoever asks it, streamed or not, with whatever key, time limit or proxy, and on any
machine; where the caller names no provider, also whoever would answer there.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from .errors import InputError
from .tape_player import FILE, Tape

__all__ = ["current", "on", "tape"]

_here: ContextVar[Tape | None] = ContextVar("g4f_tape", default=None)

_open: list[tuple[int, Tape]] = []
"""The tapes that are on, each with the thread that put it on."""


@contextmanager
def tape(file: str | os.PathLike[str] | None = None, mode: str = "auto", *, pace: bool = False) -> Iterator[Tape]:
    """Have a tape on for the calls that are made in the block, also those of the threads that it starts.

    `file` is where answers are kept (else `G4F_TAPE_FILE`, else "g4f_tape.jsonl"), `mode` "auto", "replay", "record" or
    "off"; with `pace` an answer takes as long as it once did. Raises InputError for an unknown mode, and in "record" if
    the file cannot be written.
    """
    with on(Tape(file, mode, pace=pace)) as player:
        yield player


@contextmanager
def on(player: Tape) -> Iterator[Tape]:
    """Have this tape on. It goes on where it was: the order of repeated questions does not begin again."""
    before, mark = _here.get(), (threading.get_ident(), player)
    _here.set(player)
    _open.append(mark)
    try:
        yield player
    finally:
        _here.set(before)
        _open.remove(mark)


def current() -> Tape | None:
    """Return the tape that is on for a call that is made here, if one is.

    That is the one of the block; in a thread, which has no block of its own, the last that another thread has put on;
    else that of `G4F_TAPE`. Raises InputError for what that cannot be.
    """
    found = _here.get() or _of_another_thread() or _of_environment()
    return None if found is None or found.mode == "off" else found


def _of_another_thread() -> Tape | None:
    here = threading.get_ident()
    return next((player for thread, player in reversed(_open) if thread != here), None)


def _of_environment() -> Tape | None:
    mode = os.environ.get("G4F_TAPE")
    if not mode:
        return None
    try:
        return _shared(os.path.abspath(os.environ.get("G4F_TAPE_FILE") or FILE), mode)  # noqa: PTH100 - ~ is left alone
    except InputError as error:
        raise InputError(f"G4F_TAPE: {error}") from None


@cache
def _shared(file: str, mode: str) -> Tape:
    return Tape(file, mode)
