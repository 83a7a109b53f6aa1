"""Record and replay: a tape holds answers, and gives them instead of asking again.

`with g4f.tape("answers.jsonl", mode="auto"): …`, or `G4F_TAPE=auto` for the whole process. The modes:

auto     give the answer that is on the tape; ask, and record, what is not
replay   give the answer that is on the tape; never ask
record   ask, and replace what is on the tape
off      no tape

The same question is the same whoever asks it, streamed or not, with whatever key, time limit or proxy, and on any
machine; where the caller names no provider, also whoever would answer there; and for a server on this machine, whatever
port the system gave it.
"""

from __future__ import annotations

import os
import sys
import threading
from asyncio.events import AbstractEventLoop, _get_running_loop
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from weakref import WeakSet

from ..errors import InputError

if TYPE_CHECKING:
    from .player import Tape

__all__ = ["FILE", "current", "load", "on", "tape"]

_Place: TypeAlias = tuple[threading.Thread, AbstractEventLoop | None]

FILE = "g4f_tape.jsonl"
"""The tape where none is named: in the current folder, which is a notebook's own."""

_here: ContextVar[Tape | None] = ContextVar("g4f_tape", default=None)


class _Open(NamedTuple):
    """A tape that is on, the place where it was put on, and threads that began before: these are not in its block."""

    tape: Tape
    place: _Place
    older: WeakSet[threading.Thread]


_open: list[_Open] = []


@contextmanager
def tape(file: str | os.PathLike[str] | None = None, mode: str = "auto", *, pace: bool = False) -> Iterator[Tape]:
    """Have a tape on for the calls that are made in the block, also those of the threads that it starts.

    `file` is where answers are kept (else `G4F_TAPE_FILE`, else "g4f_tape.jsonl"), `mode` "auto", "replay", "record" or
    "off"; with `pace` an answer takes as long as it once did. Raises InputError for an unknown mode, and in "record" if
    the file cannot be written.
    """
    with on(load(file, mode, pace=pace)) as player:
        yield player


def load(file: str | os.PathLike[str] | None = None, mode: str = "auto", *, pace: bool = False) -> Tape:
    """Return a tape that is not on yet. The arguments are those of `tape`."""
    from .player import Tape  # noqa: PLC0415 - 7 ms that only a tape has to spend

    return Tape(file or _file(), mode, pace=pace)


@contextmanager
def on(player: Tape) -> Iterator[Tape]:
    """Have this tape on, once more: it goes on in the order of questions that come again."""
    place = _place()
    before, mark = _here.get(), _Open(player, place, WeakSet({*threading.enumerate()} - {place[0]}))
    _here.set(player)
    _open.append(mark)
    try:
        yield player
    finally:
        _here.set(before)
        _open.remove(mark)


def current() -> Tape | None:
    """Return the tape that is on for a call that is made here, if one is. Raises InputError for a wrong `G4F_TAPE`.

    That is the one of the block; in a thread that began while a block ran, a thread of a pool, or a loop that the block
    runs, which may know nothing of it, the last that is on; else that of `G4F_TAPE`. Any other thread that began before
    the block is not in it, nor is a task on the same loop.
    """
    found = _here.get() or _of_elsewhere() or _of_environment()
    return None if found is None or found.mode == "off" else found


def _place() -> _Place:
    return threading.current_thread(), _get_running_loop()


def _of_elsewhere() -> Tape | None:
    if not _open:
        return None
    here = _place()
    return next((each.tape for each in reversed(_open) if _is_within(here, each)), None)


def _is_within(here: _Place, opened: _Open) -> bool:
    if here[0] is opened.place[0]:
        return here[1] is not opened.place[1] or here[1] is None
    return here[0] not in opened.older or _is_of_pool(here[0])


def _is_of_pool(thread: threading.Thread) -> bool:
    """Whether a thread is one of a pool's, which works for whoever calls: only the pools' own module knows them."""
    pools = sys.modules.get("concurrent.futures.thread")
    return pools is not None and thread in pools._threads_queues  # noqa: SLF001


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
