"""Whether a call of a tool may be made: the user is asked."""

from __future__ import annotations

import inspect
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from ..errors import InputError, kind_of
from ..printable import one_line

__all__ = ["Confirm", "check_confirm"]

Confirm = Callable[[str, str], Awaitable[bool]]
"""Takes the name of a tool and its arguments, JSON text, and says whether it may be called."""

LONGEST = 500
"""Characters of the arguments that are shown."""


def check_confirm(confirm: Any) -> Confirm | None:
    """Return how calls are confirmed; None if they are not.

    True asks by `input()`, a function of the caller's is called with name and arguments. Raises InputError where nobody
    can be asked.
    """
    if confirm is None or confirm is False:
        return None
    if callable(confirm):
        return _asking(confirm)
    if confirm is not True:
        raise InputError(f"confirm must be True, or a function of a name and arguments, not {kind_of(confirm)}")
    if not _can_ask():
        raise InputError("calls cannot be confirmed here: there is no input(). Nothing was sent; leave confirm out")
    return _ask


def _asking(confirm: Callable[[str, str], Any]) -> Confirm:
    async def ask(name: str, arguments: str) -> bool:
        allowed = confirm(name, arguments)
        return bool(await allowed if inspect.isawaitable(allowed) else allowed)

    return ask


def _can_ask() -> bool:
    """Whether `input()` works: in a kernel if the front end says so, else if there is a terminal."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None and hasattr(shell, "kernel"):
        return bool(shell.get_parent().get("content", {}).get("allow_stdin"))
    return sys.stdin is not None and sys.stdin.isatty()


async def _ask(name: str, arguments: str) -> bool:
    """Ask by `input()`, one call after the other: the loop waits. An interrupt while it asks stops the whole call."""
    shown = one_line(arguments)
    shown = shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…"
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.default_int_handler) if is_main else None
    try:
        answer = input(f"Call {one_line(name)}({shown})? [y/N] ")  # noqa: ASYNC250 - nothing goes on before it is answered
        return answer.strip().lower() in ("y", "yes")
    except (EOFError, KeyboardInterrupt) as error:
        interrupted = isinstance(error, KeyboardInterrupt)
    finally:
        if is_main:
            signal.signal(signal.SIGINT, before)
    if interrupted:
        signal.raise_signal(signal.SIGINT)  # to whoever handled it before: that cancels the call
    return False
