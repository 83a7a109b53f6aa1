"""Record and replay: a tape holds answers, and replays them instead of asking again.

`with g4f.tape("answers.jsonl", mode="auto"): …`, or `G4F_TAPE=auto` for the whole process. The modes:

auto     replay the answer that is on the tape; ask a question that is not, and record its answer
replay   replay the answer that is on the tape; never ask
record   ask, and replace what is on the tape
off      no tape

Two questions are the same if their provider, model, messages and options are. It makes no difference whether the answer
is streamed, with which key, time limit or proxy it is asked, and on which machine; if the caller names no provider,
which one would answer there; and for a server on this machine, which port the system chose.
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
"""The tape if none is named: in the current folder, which is the folder of the notebook."""

_here: ContextVar[Tape | None] = ContextVar("g4f_tape", default=None)


class _Open(NamedTuple):
    """A tape that is on, the place of its block, and the threads that began before: these are not in the block."""

    tape: Tape
    place: _Place
    older: WeakSet[threading.Thread]


_open: list[_Open] = []


@contextmanager
def tape(file: str | os.PathLike[str] | None = None, mode: str = "auto", *, pace: bool = False) -> Iterator[Tape]:
    """Put a tape on for the calls of the block, and for those of the threads that the block starts.

    `file` is where answers are kept (else `G4F_TAPE_FILE`, else "g4f_tape.jsonl"), `mode` "auto", "replay", "record" or
    "off". With `pace`, an answer takes as long as it took when it was recorded. Raises InputError for an unknown mode,
    and in "record" for a file that cannot be written.
    """
    with on(load(file, mode, pace=pace)) as player:
        yield player


def load(file: str | os.PathLike[str] | None = None, mode: str = "auto", *, pace: bool = False) -> Tape:
    """Return a tape that is not on yet. The arguments are those of `tape`."""
    from .player import Tape  # noqa: PLC0415 - 7 ms that only a tape has to spend

    return Tape(file or _file(), mode, pace=pace)


@contextmanager
def on(player: Tape) -> Iterator[Tape]:
    """Put this tape on again: a question that is repeated goes on with its next answer."""
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
    """Return the tape that is on for a call that is made here, or None. Raises InputError for a wrong `G4F_TAPE`.

    That is the tape of the block around the call. A thread that began while a block ran, a thread of a pool, and a loop
    that the block runs may not have the block's context: for them it is the last tape that was put on. Other threads
    that began before the block are not in it, nor are other tasks on the same loop. Else it is that of `G4F_TAPE`.
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
    """Whether a thread belongs to a pool, which works for any caller: only the pools' module knows it."""
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
