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
from functools import partial
from typing import Any, NamedTuple

__all__ = ["carried"]

_start, _submit = threading.Thread.start, ThreadPoolExecutor.submit
_lock = threading.Lock()


class _Carried(NamedTuple):
    variable: ContextVar[Any]
    value: Callable[[], Any]
    nothing: Any


_carried: list[_Carried] = []


@contextmanager
def carried(variable: ContextVar[Any], value: Callable[[], Any], nothing: Any) -> Iterator[None]:
    """Have threads and pools carry `value()` in the variable; a thread that a pool starts carries `nothing`."""
    each = _Carried(variable, value, nothing)
    with _lock:
        _carried.append(each)
        _patch(_started, _submitted)
    try:
        yield
    finally:
        with _lock:
            _carried.remove(each)
            if not _carried and threading.Thread.start is _started and ThreadPoolExecutor.submit is _submitted:
                _patch(_start, _submit)


def _patch(start: Any, submit: Any) -> None:
    threading.Thread.start, ThreadPoolExecutor.submit = start, submit  # type: ignore[method-assign]


def _started(thread: threading.Thread) -> None:
    for variable, value, _ in _carried[-1:]:
        thread.run = partial(_with, variable, value(), thread.run)  # type: ignore[method-assign]
    _start(thread)


def _submitted(pool: ThreadPoolExecutor, function: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
    call: Callable[[], Any] = partial(function, *given, **named)
    submit: Callable[[], Future[Any]] = partial(_submit, pool, call)
    for variable, value, nothing in _carried[-1:]:
        submit = partial(_with, variable, nothing, partial(_submit, pool, partial(_with, variable, value(), call)))
    return submit()


def _with(variable: ContextVar[Any], value: Any, call: Callable[[], Any]) -> Any:
    token = variable.set(value)
    try:
        return call()
    finally:
        variable.reset(token)
