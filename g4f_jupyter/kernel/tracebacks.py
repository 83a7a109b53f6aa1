"""An error that comes out of g4f is shown by its line and the user's own frames.

    a cell fails ──▶ shell.showtraceback ──no error of ours──▶ IPython's traceback, as ever
                                         ├─ours──────────────▶ its line, the user's own frames; `%xmode Verbose`: all
                                         └─an interrupt──────▶ KeyboardInterrupt, in one line
    `%tb` ─────────▶ shell.showtraceback, while no error is handled ──▶ IPython's traceback, whole

The frames of others are hidden while the traceback is made, and are back when it is shown: for `%tb` and `%debug`, too.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from g4f.errors import G4FError

from ..own_code import frames, is_ours, is_own

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

__all__ = ["Tracebacks"]


class Tracebacks:
    """Shows the errors of a shell, of its threads, finalizers and forgotten tasks, from `install` to `remove`."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._before = shell.showtraceback
        self._hooks = _Hook(threading, "excepthook"), _Hook(sys, "unraisablehook")
        self._is_installed = False
        self._interrupt: tuple[BaseException, KeyboardInterrupt] | None = None

    def install(self) -> None:
        """Show errors from now on."""
        self._is_installed = True
        self._shell.showtraceback = self.show  # type: ignore[method-assign, assignment]
        self._shell.events.register("post_run_cell", self.note_interrupt)
        for hook in self._hooks:
            hook.install()
        logging.getLogger("asyncio").addFilter(_shorten_record)

    def remove(self) -> None:
        """Leave errors to what showed them before. What was put around it meanwhile stays."""
        self._is_installed = False
        if self._shell.showtraceback == self.show:
            self._shell.showtraceback = self._before  # type: ignore[method-assign]
        for hook in self._hooks:
            hook.remove()
        self._shell.events.unregister("post_run_cell", self.note_interrupt)
        logging.getLogger("asyncio").removeFilter(_shorten_record)

    def show(
        self, exc_tuple: Any = None, filename: str | None = None, tb_offset: int | None = None, **options: Any
    ) -> None:
        """Show an error, by default the one that is handled now, or else the last one: as IPython's method."""
        error: BaseException | None = sys.exception() if exc_tuple is None else exc_tuple[1]
        maker = self._shell.InteractiveTB
        mode = maker.mode
        if not self._is_installed or error is None or mode == "Verbose":
            self._before(exc_tuple, filename, tb_offset, **options)
            return
        if is_cancelled := _is_cancelled_cell(error):
            interrupt = KeyboardInterrupt().with_traceback(error.__traceback__)
            self._interrupt, error = (error, interrupt), interrupt
        offset = maker.tb_offset if tb_offset is None else tb_offset
        try:
            maker.set_mode("Minimal" if is_cancelled else _mode(error, mode))
            show = self._show_group if _is_about_ours(error) and _has_group(error) else self._before
            with _own_frames_only(error, offset):
                show((type(error), error, error.__traceback__), filename, offset, **options)
        finally:
            maker.set_mode(mode)
            sys.last_traceback = maker.tb = error.__traceback__

    def _show_group(self, exc_tuple: Any, _: object, offset: int, **__: object) -> None:
        """Show a group, be it only behind an error, with all that is in it: IPython has no form of its own for one."""
        kind, error, trace = self._shell._get_exc_info(exc_tuple)  # noqa: SLF001 - `%tb` shows what it notes
        shown = next(islice(frames(trace), offset, None), None)
        lines = "".join(traceback.format_exception(kind, error, shown)).splitlines()
        self._shell._showtraceback(kind, error, lines)  # noqa: SLF001

    def note_interrupt(self, result: ExecutionResult) -> None:
        """Have the reply to a cell whose await was interrupted name the error that was shown."""
        if self._interrupt is not None and result is not None and result.error_in_exec is self._interrupt[0]:
            result.error_in_exec = self._interrupt[1]
        self._interrupt = None


class _Hook:
    """What Python calls, by a name of a module, with an error of a thread or of a finalizer: it shows less of it."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self._module, self._name = module, name
        self._before = getattr(module, name)
        self._is_installed = False

    def install(self) -> None:
        self._is_installed = True
        setattr(self._module, self._name, self)

    def remove(self) -> None:
        self._is_installed = False
        if getattr(self._module, self._name) is self:
            setattr(self._module, self._name, self._before)

    def __call__(self, args: Any) -> None:
        kind, error, _, *others = args
        if not self._is_installed or error is None:
            self._before(args)
            return
        with _own_frames_only(error, 0):
            self._before(type(args)((kind, error, error.__traceback__, *others)))  # the type takes no names


def _is_cancelled_cell(error: BaseException) -> bool:
    """Whether this ends a cell that awaits because the kernel has cancelled it: so it handles an interrupt."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def _mode(error: BaseException, mode: str) -> str:
    """Return the `%xmode` in which to show an error, where the user's is the default one."""
    if isinstance(error, KeyboardInterrupt) and not _is_in_own_code(error):
        return "Minimal"
    return "Plain" if isinstance(error, G4FError) and mode == "Context" else mode


@contextmanager
def _own_frames_only(error: BaseException, offset: int) -> Iterator[None]:
    """Hide what is not the user's in an error of ours, and in those behind it; the first `offset` frames stay.

    One behind it that never came to the user's code is hidden, too. All others are left as they are.
    """
    if not _is_about_ours(error):
        yield
        return
    all_ = list(_behind(error))
    before = [(each, [getattr(each, name) for name in _OF_TRACEBACK]) for each in all_]
    hidden = {id(each) for each in all_ if not (_own(each.__traceback__) or isinstance(each, BaseExceptionGroup))}
    try:
        for each, (_, cause, context, is_suppressed) in before:
            trace = _shortened(each, offset if each is error else 0)
            behind = [None if id(other) in hidden else other for other in (cause, context)]
            _set(each, trace, *behind, is_suppressed)
        yield
    finally:
        for each, values in before:
            _set(each, *values)


_OF_TRACEBACK = ("__traceback__", "__cause__", "__context__", "__suppress_context__")  # in this order: a cause sets it


def _set(error: BaseException, *values: object) -> None:
    for name, value in zip(_OF_TRACEBACK, values, strict=True):
        BaseException.__setattr__(error, name, value)  # an error may be frozen: a dataclass, or one of attrs


def _behind(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, those that it was raised from, and those of a group, each once."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += (each.__cause__, each.__context__)
            waiting += each.exceptions if isinstance(each, BaseExceptionGroup) else ()


def _is_about_ours(error: BaseException) -> bool:
    return any(
        isinstance(each, G4FError) or any(is_ours(entry.tb_frame) for entry in frames(each.__traceback__))
        for each in _behind(error)
    )


def _has_group(error: BaseException) -> bool:
    return any(isinstance(each, BaseExceptionGroup) for each in _behind(error))


def _is_in_own_code(interrupt: KeyboardInterrupt) -> bool:
    """Whether it ended work of the user's own code, not a wait for an answer or for a loop."""
    entries = list(frames(interrupt.__traceback__))
    return bool(_own(interrupt.__traceback__)) and (not _is_about_ours(interrupt) or is_own(entries[-1].tb_frame))


def _own(trace: TracebackType | None) -> list[TracebackType]:
    return [entry for entry in frames(trace) if is_own(entry.tb_frame)]


def _shortened(error: BaseException, offset: int) -> TracebackType | None:
    """Return the traceback without our frames: above the last one only the user's, below it all from the user's on."""
    entries = list(frames(error.__traceback__))
    last = max((place for place, entry in enumerate(entries) if is_ours(entry.tb_frame)), default=-1)
    if isinstance(error, BaseExceptionGroup):  # `_show_group` shows all frames, and none of asyncio's is wanted
        last = len(entries)
    if last < 0:
        return error.__traceback__
    kept, is_shown = [], False
    for place, entry in enumerate(entries):
        is_shown = is_own(entry.tb_frame) or (is_shown and place > last)
        if is_shown or place < offset:
            kept.append(entry)
    shortened = None
    for entry in reversed(kept):
        shortened = TracebackType(shortened, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return shortened


def _shorten_record(record: logging.LogRecord) -> bool:
    """Have asyncio's line about a task that nobody awaited show its error like a cell's."""
    error = record.exc_info[1] if record.exc_info else None
    if error is not None and _is_about_ours(error):
        with _own_frames_only(error, 0):
            record.exc_text = "".join(traceback.format_exception(error)).rstrip()
    return True
