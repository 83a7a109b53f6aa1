"""An answer in a terminal: printed as it comes, and rendered if `rich` is installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from time import monotonic
from typing import TYPE_CHECKING, Any

from g4f.markdown.code import finished
from g4f.printable import printable, say
from g4f.providers.response import Step, ToolCall
from g4f.showing import line_of

from .display import Look, Screen
from .forms import formatted
from .waiting import Waiting
from .waiting_line import WaitingLine

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

__all__ = ["Rendered", "Terminal", "terminal"]

PAUSE = 0.08
"""Least seconds between two drawings of the block that is being written."""


def terminal(look: Look) -> Screen:
    """Return the screen of a terminal: rendered Markdown if it can show that, plain text otherwise."""
    if look.format == "markdown" and _can_rewrite() and find_spec("rich") is not None:
        return Rendered()
    return _Held(look.format) if look.format in ("json", "code") else Terminal()


def _can_rewrite() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


class Terminal(Screen):
    """Prints the text as it comes, without characters that steer the terminal.

    Before it comes, a line says whom it waits for, and shows the end of the thoughts, where a line can be rewritten.
    Nothing stands behind that line: whatever else is printed takes it away first.
    """

    def __init__(self) -> None:
        self._last = "\n"
        self._thinks = False
        self._calls = ""
        self._line: WaitingLine | None = None

    def begin(self, who: Callable[[], str]) -> None:
        """Show whom the answer is waited for from, soon and then each second."""
        if _can_rewrite():
            self._line = WaitingLine(Waiting(who))

    def add(self, text: str) -> None:
        """Print `text`."""
        self._leave()
        say(text, end="")
        self._last = text[-1:] or self._last

    def think(self, text: str) -> None:
        """Show the thoughts in the line, or print once that the model thinks. The answer's `reasoning` has them all."""
        if self._line is not None:
            self._line.think(text)
        elif not self._thinks:
            self.wait("thinking")
        self._thinks = True

    def reclassify(self) -> None:
        """Say what the text was that is printed."""
        self.wait("the text above was thoughts")
        self._thinks = True

    def calling(self, call: ToolCall) -> None:
        """Leave the place to the tool, which may print, or ask."""
        self._leave()
        if self._line is not None and call.name:
            self._line.waiting.call(call.index, call.name)

    def call(self, code: str) -> None:
        """Print `code` below the answer."""
        self._calls = code

    def step(self, step: Step) -> None:
        """Print the call with its result, in a line of its own."""
        self.wait(line_of(step))
        self._thinks = False
        if self._line is not None:
            self._line.waiting.step(step.name)
            if not self._line.waiting.calls:
                self._line.come()

    def wait(self, what: str) -> None:
        """Print `what`, in a line of its own."""
        if self._line is not None:
            self._line.erase()
        self._end_line()
        say(f"[{what}]")

    def close(self, mark: str, *, more: bool = False) -> None:  # noqa: ARG002 - only frames need it
        """End the line, and mark what came."""
        self._leave()
        self._end_line()
        if self._calls:
            say(f"[calls]\n{self._calls}")
        if mark:
            say(f"[{mark}]")

    def foot(self, lines: Sequence[str], _: Mapping[str, Any]) -> None:
        """Print the lines."""
        for line in lines:
            say(f"[{line}]")

    def _leave(self) -> None:
        if self._line is not None:
            self._line.leave()

    def _end_line(self) -> None:
        if self._last != "\n":
            say("")
        self._last = "\n"


class _Held(Terminal):
    """Prints an answer at its end, in its form: before, nobody knows what of it will be shown."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self._form, self._texts = form, list[str]()

    def add(self, text: str) -> None:
        """Keep `text`."""
        self._texts.append(text)
        if self._line is not None:
            self._line.waiting.write()

    def reclassify(self) -> None:
        """Keep no text: thoughts are not of the answer."""
        self._texts.clear()
        self.think("")

    def discard(self) -> None:
        """Keep no text: another answer takes its place."""
        self._texts.clear()

    def step(self, step: Step) -> None:
        """Keep no text: what was said before a call is not of the answer."""
        self._texts.clear()
        super().step(step)

    def close(self, mark: str, *, more: bool = False) -> None:
        """Print it all."""
        super().add(formatted("".join(self._texts), self._form, str)[0])
        super().close(mark, more=more)


class Rendered(Terminal):
    """Markdown as `rich` renders it. The block that is being written is drawn again and again; those above it stay."""

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self._live: Live | None = None
        self._due = 0.0

    def add(self, text: str) -> None:
        """Show `text`."""
        self._leave()
        self._text += printable(text)
        if monotonic() >= self._due:
            self._draw()
            self._due = monotonic() + PAUSE

    def _end_line(self) -> None:
        """Draw what is left, for good."""
        self._stop()
        if self._text.strip():
            self._print(self._text, "\n")
        self._text = ""

    def _draw(self) -> None:
        done, rest = finished(self._text)
        if done:
            self._stop()
            self._print(done, "\n\n")
            self._text = rest
        self._writing().update(self._made(self._text), refresh=True)

    def _writing(self) -> Live:
        from rich.live import Live  # noqa: PLC0415 - an optional package

        if self._live is None:
            self._live = Live(console=self._console(), auto_refresh=False, transient=True)
            self._live.start()
        return self._live

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _print(self, text: str, end: str) -> None:
        console = self._console()
        with console.capture() as drawn:  # without the blank lines that it puts around some blocks
            console.print(self._made(text))
        print(drawn.get().strip("\n"), end=end)  # noqa: T201 - the colours of rich may steer

    @staticmethod
    def _console() -> Console:
        """Return a console with room for the ^C that a terminal shows: on a line of its own, nothing would erase it."""
        from rich.console import Console  # noqa: PLC0415

        return Console(width=max(Console().width - 2, 1))

    @staticmethod
    def _made(text: str) -> Any:
        from rich.markdown import Markdown  # noqa: PLC0415

        made = Markdown(
            text.strip(), hyperlinks=False
        )  # shows addresses; with hyperlinks they would be sent to the terminal
        for token in made.parsed:
            for each in (token, *(token.children or ())):
                each.content = printable(each.content)  # an entity may stand for any character
                each.attrs = {name: printable(str(value)) for name, value in each.attrs.items()}
        return made
