"""Threads and pools that carry a value of a context variable, which they do by themselves from Python 3.14 on.

While a tape is on, a thread begins in the block that starts it, and a pool calls a function in the block that hands it
in. Else nobody could tell for whom a thread works.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any, NamedTuple

__all__ = ["carried"]

_lock = threading.Lock()


class _Carried(NamedTuple):
    variable: ContextVar[Any]
    value: Callable[[], Any]
    nothing: Any


class _Patch(NamedTuple):
    """A method that was replaced: `before` is what others had put there, which is called behind our own."""

    owner: type
    name: str
    before: Callable[..., Any]
    own: Callable[..., Any]


_carried: list[_Carried] = []
_patches: list[_Patch] = []


@contextmanager
def carried(variable: ContextVar[Any], value: Callable[[], Any], nothing: Any) -> Iterator[None]:
    """Have threads and pools carry `value()` in the variable; a thread that a pool starts carries `nothing`."""
    each = _Carried(variable, value, nothing)
    with _lock:
        if not _carried:
            _put(threading.Thread, "start", _starts)
            _put(ThreadPoolExecutor, "submit", _submits)
        _carried.append(each)
    try:
        yield
    finally:
        with _lock:
            _carried.remove(each)
            if not _carried:
                _put_back()


def _put(owner: type, name: str, make: Callable[[Any], Callable[..., Any]]) -> None:
    before = getattr(owner, name)
    own = make(before)
    setattr(owner, name, own)
    _patches.append(_Patch(owner, name, before, own))


def _put_back() -> None:
    """Put back what was there. What others have put before our own since then stays: it calls our own, in vain."""
    for owner, name, before, own in _patches:
        if getattr(owner, name) is own:
            setattr(owner, name, before)
    _patches.clear()


def _starts(before: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    @wraps(before)
    def start(thread: threading.Thread) -> None:
        for variable, value, _ in _carried[-1:]:
            thread.run = partial(_run, thread, partial(_with, variable, value(), thread.run))  # type: ignore[method-assign]
        before(thread)

    return start


def _run(thread: threading.Thread, run: Callable[[], None]) -> None:
    vars(thread).pop("run", None)  # it holds the thread
    run()


def _submits(before: Callable[..., Future[Any]]) -> Callable[..., Future[Any]]:
    @wraps(before)
    def submit(pool: ThreadPoolExecutor, function: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        for variable, value, nothing in _carried[-1:]:
            call = partial(_with, variable, value(), partial(function, *given, **named))
            return _with(variable, nothing, partial(before, pool, call))  # type: ignore[no-any-return]
        return before(pool, function, *given, **named)

    return submit


def _with(variable: ContextVar[Any], value: Any, call: Callable[[], Any]) -> Any:
    token = variable.set(value)
    try:
        return call()
    finally:
        variable.reset(token)
