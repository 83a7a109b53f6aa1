"""Record and replay: a tape holds answers, and replays them instead of asking again.

`with g4f.tape("answers.jsonl", mode="auto"): …`, or `G4F_TAPE=auto` for the whole process. The modes:

auto     replay the answer that is on the tape; ask a question that is not, and record its answer
replay   replay the answer that is on the tape; never ask
record   ask, and replace what is on the tape
off      no tape

Two questions are the same if their provider, model, messages and options are. It makes no difference whether the answer
is streamed, with which key, time limit, proxy or label (`user`, `metadata`) it is asked, and on which machine; and if
the caller names no provider, which one would answer there.

A server on this machine whose port the system chose (32768 or higher) may have another port the next time, and its
answers are replayed all the same. Two servers are two: a port belongs to another server than those on the tape if each
of these still listens where it did.
"""

from __future__ import annotations

import os
import threading
from asyncio.events import AbstractEventLoop, _get_running_loop
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from .player import Tape

__all__ = ["FILE", "current", "load", "on", "tape"]

FILE = "g4f_tape.jsonl"
"""The tape if none is named: in the current folder, which is the folder of the notebook."""


class _Block:
    """A block with a tape, the thread and the loop that are in it, and the block around it."""

    def __init__(self, tape: Tape | None, around: _Block | None = None, loop: AbstractEventLoop | None = None) -> None:
        self.tape, self.around, self.loop = tape, around, loop
        self.thread = threading.current_thread()
        self.is_open = True


_OUTSIDE = _Block(None)
"""Where a thread of a pool is when it works for nobody."""

_here: ContextVar[_Block | None] = ContextVar("g4f_tape", default=None)
_open: list[_Block] = []


@contextmanager
def tape(
    file: str | os.PathLike[str] | None = None, mode: str = "auto", *, pace: bool = False, run_tools: bool = False
) -> Iterator[Tape]:
    """Put a tape on for the calls of the block, and of the threads, tasks and executors to which it gives work.

    At its end the file is put in order. `file` is where answers are kept (else `G4F_TAPE_FILE`, else "g4f_tape.jsonl"),
    `mode` "auto", "replay", "record" or "off". With `pace`, an answer takes as long as it took when it was recorded.
    With `run_tools`, the tools that a replayed answer calls run again, and their results of today lead to the next
    round; else the results are those on the tape. Raises InputError for an unknown mode, and in "record" for a file
    that cannot be written.
    """
    with on(load(file, mode, pace=pace, run_tools=run_tools)) as player:
        try:
            yield player
        finally:
            player.close()


def load(
    file: str | os.PathLike[str] | None = None, mode: str = "auto", *, pace: bool = False, run_tools: bool = False
) -> Tape:
    """Return a tape that is not on yet. The arguments are those of `tape`."""
    from .player import Tape  # noqa: PLC0415 - 7 ms that only a tape has to spend

    return Tape(file or _file(), mode, pace=pace, run_tools=run_tools)


@contextmanager
def on(player: Tape) -> Iterator[Tape]:
    """Put this tape on again: a question that is repeated goes on with its next answer."""
    from .carrying import carried  # noqa: PLC0415 - 6 ms that only a tape has to spend

    block = _Block(player, _block(), _get_running_loop())
    before = _here.get()
    _here.set(block)
    _open.append(block)
    try:
        with carried(_here, lambda: _block() or _OUTSIDE, _OUTSIDE):
            yield player
    finally:
        _here.set(before)
        _open.remove(block)
        block.is_open = False


def current() -> Tape | None:
    """Return the tape that is on for a call that is made here, or None. Raises InputError for a wrong `G4F_TAPE`.

    That is the tape of the block that made the call, the thread, the task, or the function that a pool calls, as long
    as the block runs; then that of the block around it. Threads and tasks that others began are not in it. Else it is
    that of `G4F_TAPE`.
    """
    block = _block()
    found = _of_environment() if block is None else block.tape
    return None if found is None or found.mode == "off" else found


def _block() -> _Block | None:
    """Return the block that a call is in which is made here."""
    if not _open:
        return None
    block = _here.get()
    while block is not None and not block.is_open:
        block = block.around
    if block is None:
        thread, loop = threading.current_thread(), _get_running_loop()
        # A loop or a context that the block runs, and that was there before, does not have the block's context.
        each = (each for each in reversed(_open) if each.thread is thread and (loop is None or loop is not each.loop))
        return next(each, None)
    return None if block is _OUTSIDE else block


def _of_environment() -> Tape | None:
    mode = os.environ.get("G4F_TAPE")
    if not mode or mode == "off":
        return None
    try:
        return _shared(os.path.abspath(os.path.expanduser(_file())), mode)  # noqa: PTH100, PTH111 - an unknown ~name stays
    except InputError as error:
        raise InputError(f"G4F_TAPE: {error}") from None


def _file() -> str:
    return os.environ.get("G4F_TAPE_FILE") or FILE


@cache
def _shared(file: str, mode: str) -> Tape:
    return load(file, mode)
