"""Several answers to one question as they come: side by side, or one after another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Any, cast

from IPython.display import DisplayHandle

from g4f.markdown.columns import columns
from g4f.markdown.entities import literal
from g4f.printable import printable, say

from .display import Look, Screen
from .frames import PAUSE, RATE, Frames
from .terminal import terminal
from .updates import Updates

__all__ = ["Columns", "InTurn", "SideBySide"]


class Columns:
    """Where the answers of a comparison are shown, each on a screen of its own. This one shows nothing."""

    def screen(self, name: str) -> Screen:  # noqa: ARG002 - all are the same here
        """Return the screen of the answer called `name`."""
        return Screen()

    def fail(self, name: str, line: str) -> None:
        """Show in one `line` why there is no answer called `name`."""

    def end(self, name: str) -> None:
        """Note that nothing more comes to the screen of the answer called `name`."""

    def judge(self, line: str) -> None:
        """Show a `line` of the judge below all answers, instead of the one before."""

    def below(self, lines: Sequence[str]) -> None:
        """Show `lines` below all that."""

    def close(self, metadata: Mapping[str, Any]) -> None:
        """Show all that there is, for good, and attach `metadata` where a front end keeps it."""


class SideBySide(Columns):
    """One display, in which the answers stand side by side as Markdown, and one after another in `text/plain`.

    However many there are, it is updated as rarely as that of one answer, by the same rules: see `Frames`. Where
    updates may be lost, it is displayed once, at the end.
    """

    def __init__(self, names: Iterable[str], look: Look, updates: Updates) -> None:
        self._look, self._streams = look, updates is Updates.TAKEN
        self._columns = {name: _Column(self, look) for name in names}
        self._lines: Sequence[str] = ()
        self._judge = ""
        self._handle: DisplayHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def screen(self, name: str) -> Screen:
        """Return a column."""
        return self._columns[name]

    def fail(self, name: str, line: str) -> None:
        """Show the line in its column, below what came."""
        self._columns[name].fail(line)

    def judge(self, line: str) -> None:
        """Show the line below the columns."""
        self._judge = line
        self.changed()

    def below(self, lines: Sequence[str]) -> None:
        """Show the lines small, below the columns, with the last frame."""
        self._lines = lines

    def changed(self) -> None:
        """Show all now, or with the next frame."""
        if not self._streams or self._timer is not None:
            return
        pause = self._due - monotonic()
        if pause > 0:
            self._timer = asyncio.get_running_loop().call_later(pause, self._frame)
        else:
            self._frame()

    def close(self, metadata: Mapping[str, Any]) -> None:
        """Show the last frame, in any case."""
        if self._timer is not None:
            self._timer.cancel()
        self._put(metadata)

    def _frame(self) -> None:
        self._timer = None
        self._due = monotonic() + max(PAUSE, self._put({}) / RATE)

    def _put(self, metadata: Mapping[str, Any]) -> int:
        """Show all, and return how many characters that were."""
        plain = [f"{name}:\n{column.plain}".rstrip() for name, column in self._columns.items()]
        plain.append("\n".join(filter(None, [self._judge, *(f"[{line}]" for line in self._lines)])))
        bundle = {"text/plain": printable("\n\n".join(filter(None, plain)))}
        if self._look.format != "text":
            parts = [columns((name, column.markdown) for name, column in self._columns.items()), literal(self._judge)]
            parts += [f"<sub>{literal(line)}</sub>" for line in self._lines]
            bundle["text/markdown"] = "\n\n".join(filter(None, parts))
        if self._handle is None:
            self._handle = DisplayHandle()
            self._handle.display(bundle, raw=True, metadata=metadata)
        else:
            self._handle.update(bundle, raw=True, metadata=metadata)
        return sum(map(len, bundle.values()))


class _Column(Frames):
    """One answer of several: its frames are a part of theirs."""

    def __init__(self, whole: SideBySide, look: Look) -> None:
        super().__init__(look)
        self._place, self._error = whole, ""
        self._text = self._made_of = ""

    @property
    def plain(self) -> str:
        """The text so far, and the lines below it."""
        return "\n".join(filter(None, [self._text, *(f"[{line}]" for line in (*self._lines, *self._errors))]))

    @property
    def markdown(self) -> str:
        """The same as Markdown."""
        return "\n\n".join(filter(None, [self._made_of, *(f"*[{literal(line)}]*" for line in self._errors)]))

    @property
    def _errors(self) -> list[str]:
        return [self._error] if self._error else []

    def fail(self, line: str) -> None:
        """Show the line below what came."""
        self._error = line
        self._place.changed()

    def _put(self, plain: str, markdown: str, _: Mapping[str, Any] | None = None) -> None:
        self._text, self._made_of = plain, markdown
        self._place.changed()


class InTurn(Columns):
    """Answers that a terminal prints one after another: the first as it comes, each other when those above it ended."""

    def __init__(self, names: Iterable[str], look: Look) -> None:
        self._screens = {name: _Held(terminal(look)) for name in names}
        self._ended = set[str]()
        self._left = list(self._screens)
        self._open_next()

    def screen(self, name: str) -> Screen:
        """Return a screen that keeps what is not to be printed yet."""
        return cast("Screen", self._screens[name])

    def fail(self, name: str, line: str) -> None:
        """Print the line below what came."""
        self._screens[name].do(say, f"[{line}]")

    def end(self, name: str) -> None:
        """Print the next answer as far as it has come, if this was the one that is printed as it comes."""
        self._ended.add(name)
        while self._left and self._left[0] in self._ended:
            del self._left[0]
            self._open_next()

    def judge(self, line: str) -> None:
        """Print the line."""
        say(f"\n{line}")

    def below(self, lines: Sequence[str]) -> None:
        """Print the lines."""
        for line in lines:
            say(f"[{line}]")

    def close(self, metadata: Mapping[str, Any]) -> None:  # noqa: ARG002 - a terminal keeps none
        """Print all that was kept: nothing more comes."""
        for name in list(self._left):
            self.end(name)

    def _open_next(self) -> None:
        for name in self._left[:1]:
            above = "" if len(self._left) == len(self._screens) else "\n"
            say(f"{above}{name}:")
            self._screens[name].open()


class _Held:
    """Stands for a screen, and keeps what is to be shown on it until it is opened."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._held: list[tuple[Any, Any, Any]] | None = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._screen, name)
        return lambda *given, **named: self.do(method, *given, **named)

    def do(self, method: Any, *given: Any, **named: Any) -> None:
        """Call the method now, or when it is opened."""
        if self._held is None:
            method(*given, **named)
        else:
            self._held.append((method, given, named))

    def open(self) -> None:
        """Show what was kept, and from now on all at once."""
        held, self._held = self._held or [], None
        for method, given, named in held:
            method(*given, **named)
