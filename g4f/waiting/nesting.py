"""On which running event loops a sync call may wait, nested, and how a loop is made such a one."""

from __future__ import annotations

import asyncio
import sys
import threading
from asyncio.events import _get_running_loop

from ..errors import NestAsyncioError

__all__ = ["is_nestable", "loop_here", "make_nestable"]


def loop_here() -> asyncio.AbstractEventLoop | None:
    """Return the loop that runs in this thread, on which a sync call may wait nested, or None if no loop runs here.

    The loop of an IPython is made nestable first. Raises NestAsyncioError where a sync call must not wait.
    """
    loop = _get_running_loop()
    if loop is None:
        _refuse_trio()
    elif not hasattr(loop, "_nest_asyncio2"):
        if _is_of_ipython(loop):
            make_nestable(loop)
        elif not is_nestable(loop):
            _check_patchable(loop)
            raise NestAsyncioError(
                f"a sync call would block the running event loop ({_name(loop)}). Use the async API (await "
                "create_async(…), AsyncClient), or a thread (await asyncio.to_thread(…)), or make the loop nestable "
                "first (import nest_asyncio2; nest_asyncio2.apply())"
            )
    return loop


def is_nestable(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether `loop` was patched by nest_asyncio2 or nest_asyncio."""
    return hasattr(loop, "_nest_patched")


def make_nestable(loop: asyncio.AbstractEventLoop) -> None:
    """Patch `loop` with nest_asyncio2. A patch by nest_asyncio, which loses queued cells on ipykernel 7, is replaced.

    Raises NestAsyncioError when nest_asyncio2 is not installed or the loop is of a type that cannot be patched.
    """
    _check_patchable(loop)
    try:
        import nest_asyncio2  # noqa: PLC0415 - asked for where it is needed, so its absence has its own error
    except ImportError:
        raise NestAsyncioError(
            "a sync call inside a running event loop needs the package nest_asyncio2: pip install nest_asyncio2"
        ) from None
    for patched in (asyncio, *type(loop).__mro__):
        if "_nest_patched" in vars(patched) and "_nest_asyncio2" not in vars(patched):
            del patched._nest_patched  # type: ignore[attr-defined]
    nest_asyncio2.apply(loop)


def _check_patchable(loop: asyncio.AbstractEventLoop) -> None:
    if not isinstance(loop, asyncio.BaseEventLoop):
        raise NestAsyncioError(
            f"a sync call cannot wait inside a running {_name(loop)} loop, which cannot be nested. Use the async API "
            "(await create_async(…), AsyncClient) or a thread (await asyncio.to_thread(…))"
        )


def _refuse_trio() -> None:
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        raise NestAsyncioError(
            "a sync call cannot wait inside trio: run it in a thread, await trio.to_thread.run_sync(…)"
        )


def _name(loop: asyncio.AbstractEventLoop) -> str:
    return f"{type(loop).__module__}.{type(loop).__qualname__}"


def _is_of_ipython(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether `loop` runs the cells of an IPython: a kernel's main loop or subshell, or a terminal's `await`."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return False
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return loop is getattr(sys.modules["IPython.core.async_helpers"], "_asyncio_event_loop", None)
    subshell = type(threading.current_thread()).__module__.startswith("ipykernel.")
    return subshell or loop is getattr(getattr(kernel, "io_loop", None), "asyncio_loop", None)
