"""The only file that shows anything: an answer as it comes, and an error in one line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from IPython.display import DisplayHandle

from g4f.errors import G4FError
from g4f.markdown import closed, safe
from g4f.providers.response import FinishReason, Item, Status

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Frames", "Screen", "Terminal", "in_one_line", "screen_for", "show"]

PAUSE = 0.08
"""Seconds between two frames, at the least."""

RATE = 200_000
"""Characters of frames a second, at the most."""

SHARE = 0.2
"""Share of the time that may go into making frames, at the most."""

_CUT = {"length": "cut off: the limit of its length", "content_filter": "cut off: the provider's content filter"}
_CONTROLS = {code: "\ufffd" for code in [*range(32), *range(127, 160)] if chr(code) not in "\n\t"}


class Screen(Protocol):
    """Where an answer is shown."""

    def add(self, text: str) -> None:
        """Show `text` behind what is there."""

    def wait(self, what: str) -> None:
        """Show what is waited for before the answer begins, which takes its place."""

    def close(self, mark: str) -> None:
        """Show all that came, and `mark` behind an answer that is not whole ("" for one that is)."""


async def show(answer: AsyncGenerator[Item], screen: Screen) -> str:
    """Show the answer as it comes, and return its text. However it ends, what came stays, and says if it is cut."""
    texts: list[str] = []
    mark = "incomplete"
    try:
        async with aclosing(answer) as items:
            async for item in items:
                if isinstance(item, str):
                    texts.append(item)
                    screen.add(item)
                elif isinstance(item, FinishReason):
                    mark = _CUT.get(item.reason, "")
                elif isinstance(item, Status):
                    screen.wait(item.text)
        mark = "" if mark == "incomplete" else mark
    except asyncio.CancelledError:
        mark = "interrupted"
        raise
    finally:
        screen.close(mark)
    return "".join(texts)


class Frames:
    """One display handle an answer, updated a few times a second whatever the rate of tokens, and once at the end.

    Each frame holds the whole text so far, as `text/plain` as it is and as `text/markdown` made safe. The longer it
    gets, the rarer they are: see `PAUSE`, `RATE` and `SHARE`.
    """

    def __init__(self) -> None:
        self._handle: DisplayHandle | None = None
        self._texts: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._shown = True
        self._waits = False

    def add(self, text: str) -> None:
        """Show `text` now, or with the next frame; never later than that, also when nothing follows."""
        self._texts.append(text)
        self._shown = False
        now = monotonic()
        if now >= self._due:
            self._frame()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._due - now, self._frame)

    def wait(self, what: str) -> None:
        """Show `what` where the answer will stand."""
        self._waits = True
        self._put(f"[{what}]", safe(f"[{what}]"))

    def close(self, mark: str) -> None:
        """Show the last frame."""
        if self._texts and (mark or not self._shown):
            self._frame(mark)
        elif self._waits and not self._texts:
            self._put("", "")
        self._cancel_timer()

    def _frame(self, mark: str = "") -> None:
        start = monotonic()
        self._cancel_timer()
        self._texts = [text := "".join(self._texts)]
        plain, markdown = text, safe(text)
        if mark:
            plain, markdown = f"{plain}\n\n[{mark}]", f"{closed(markdown)}\n\n*[{mark}]*"
        self._put(plain, markdown)
        self._shown = True
        end = monotonic()
        self._due = end + max(PAUSE, 2 * len(text) / RATE, (end - start) / SHARE)

    def _put(self, plain: str, markdown: str) -> None:
        bundle = {"text/plain": plain, "text/markdown": markdown}
        if self._handle is None:
            self._handle = DisplayHandle()
            self._handle.display(bundle, raw=True)
        else:
            self._handle.update(bundle, raw=True)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Terminal:
    """Prints the text as it comes. What could steer the terminal is not printed."""

    def __init__(self) -> None:
        self._last = "\n"

    def add(self, text: str) -> None:
        """Print `text`."""
        print(text.translate(_CONTROLS), end="", flush=True)
        self._last = text[-1:] or self._last

    def wait(self, what: str) -> None:
        """Print `what`, in a line of its own."""
        print(f"[{what}]".translate(_CONTROLS), flush=True)

    def close(self, mark: str) -> None:
        """End the line."""
        if self._last != "\n":
            print()
        if mark:
            print(f"[{mark}]", flush=True)


def screen_for(shell: InteractiveShell) -> Screen:
    """Return where `shell` shows an answer: frames where there is a kernel, else the terminal."""
    return Frames() if hasattr(shell, "kernel") else Terminal()


def in_one_line(error: BaseException) -> None:
    """Make IPython show `error` in one line: its own message, and who was asked."""
    told = str(error)
    if isinstance(error, G4FError) and error.provider and error.provider not in told:
        told = f"{error.provider}: {told}"
    line = f"{type(error).__name__}: {' '.join(told.split())}".translate(_CONTROLS)
    error._render_traceback_ = lambda: [line]  # type: ignore[attr-defined] # IPython asks for it by this name
