"""An answer in a notebook: frames of a display, which is updated as the answer comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from IPython.display import DisplayHandle, display

from g4f.images import inline
from g4f.markdown.entities import literal
from g4f.markdown.rewriting import Growing, safe
from g4f.printable import printable
from g4f.providers.response import Step, ToolCall
from g4f.showing import Steps, put_together

from .display import Look, Screen
from .forms import formatted
from .updates import Updates
from .waiting import FIRST, Waiting

__all__ = ["Frames"]

PAUSE = 0.08
"""Least seconds between two frames."""

RATE = 200_000
"""Most characters of frames per second."""

SHARE = 0.2
"""Largest share of the time that is spent on making frames."""


class Frames(Screen):
    """One display handle per answer, updated a few times per second at any rate of tokens, and once at the end.

    Each frame holds the whole text so far: as it is in `text/plain`, and made safe in `text/markdown`. The longer it
    is, the rarer frames are: see `PAUSE`, `RATE` and `SHARE`. One in which nothing is new is not sent: a selection in
    the cell stays. Where `updates` are lost, the last frame is the only one; where they may be, it is displayed anew.

    While there is no text, a frame shows whom the cell waits for, and the last line of the thoughts. The fold with all
    thoughts comes with the text: each frame closes a fold that a reader has opened.

        WAITING ──text──▶ TEXT          a frame each second, and for new thoughts ──▶ a frame for new text
           ▲                │
           └── step, or ────┘           both ──close──▶ the last frame, without anything that is waited for
               TextWasReasoning

    The one timer is for the next frame: of what is new (`_is_due`), or for the next second.
    """

    def __init__(self, look: Look = Look(), updates: Updates = Updates.TAKEN) -> None:  # noqa: B008 - a tuple
        self._look, self._updates = look, updates
        self._handle: DisplayHandle | None = None
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._calls = ""
        self._steps = Steps()
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._is_due = self._waits = False
        self._shown = True
        self._waiting: Waiting | None = None
        self._sent: object = None
        self._first = self._mark = ""
        self._lines: Sequence[str] = ()
        self._metadata: Mapping[str, Any] = {}
        self._answer, self._reasoning = Growing(images=look.images), Growing()

    def begin(self, who: Callable[[], str]) -> None:
        """Show whom the answer is waited for from, soon and then each second; only where the updates will be taken."""
        if self._updates is Updates.TAKEN:
            self._waiting = Waiting(who)
            self._schedule(FIRST)

    def add(self, text: str) -> None:
        """Show `text` now or with the next frame, which comes even if no more text does."""
        self._texts.append(text)
        self._changed()

    def think(self, text: str) -> None:
        """Show `text` folded away above the answer."""
        self._thoughts.append(text)
        if self._waiting is not None:
            self._waiting.think(text)
        self._changed()

    def reclassify(self) -> None:
        """Fold the text so far away, with the next frame."""
        thoughts = "".join(self._texts)
        self._texts.clear()
        self._answer = Growing(images=self._look.images)
        self.think(thoughts)

    def forget(self) -> None:
        """Take the thoughts away with the next frame."""
        self._cancel_timer()
        self._shown = True
        self._thoughts.clear()
        self._reasoning = Growing()

    def discard(self) -> None:
        """Take thoughts and text away with the next frame."""
        self.forget()
        self._texts.clear()
        self._answer = Growing(images=self._look.images)

    def calling(self, call: ToolCall) -> None:
        """Show the name of the tool with the next second, while there is no text."""
        if self._waiting is not None and call.name:
            self._waiting.call(call.index, call.name)

    def call(self, code: str) -> None:
        """Show `code` below the answer: arguments of tools are not Markdown."""
        self._calls = code
        self._shown = False

    def step(self, step: Step) -> None:
        """Fold the call away below the answer, with the next frame. Images of its result are shown by themselves."""
        self._steps.say("".join(self._texts))
        self._steps.add(step)
        if self._waiting is not None:
            self._waiting.step(step.name)
        self._texts.clear()
        self._answer = Growing(images=self._look.images)
        for image in filter(None, map(inline, step.images)):
            display({image.media_type: image.data, "text/plain": "[an image]"}, raw=True)
        self._changed()

    def wait(self, what: str) -> None:
        """Show `what` in the place of the answer, while there is none."""
        if self._waiting is not None and not any(self._texts):
            self._waiting.say(what)
            self._frame()
        elif self._updates is not Updates.LOST and not self._came:
            self._waits = True
            self._put(f"[{what}]", literal(f"[{what}]"))

    def close(self, mark: str, *, more: bool = False) -> None:
        """Show the last frame; where updates are lost, with what `foot` shows if there is `more`."""
        self._cancel_timer()
        self._mark = mark
        if self._updates is Updates.LOST and more:
            return
        if self._updates is Updates.DOUBTED and (self._came or self._calls or mark):
            self._leave_first()
        if mark or self._calls or (self._came and (not self._shown or self._answer.is_cut)):
            self._put(*self._made(growing=False))
        elif self._waits and not self._came:
            self._empty()

    def foot(self, lines: Sequence[str], metadata: Mapping[str, Any]) -> None:
        """Show the lines small, below the Markdown; `text/plain` stays the answer alone."""
        self._lines, self._metadata = lines, metadata
        self._put_all(lines)

    def note(self, line: str) -> None:
        """Show the line with those of the foot."""
        self._put_all([line, *self._lines] if line else self._lines)

    @property
    def _came(self) -> bool:
        return any(self._texts) or any(self._thoughts) or self._steps.are_there

    def _put_all(self, lines: Sequence[str]) -> None:
        plain, markdown = self._made(growing=False)
        small = "".join(f"\n\n<sub>{literal(line)}</sub>" for line in lines)
        self._put(plain, f"{markdown}{small}", self._metadata)

    def _leave_first(self) -> None:
        """Leave nothing in the display that may have kept its first frame: the last one is displayed by itself."""
        plain, _ = self._made(growing=False)
        if self._handle is not None and printable(plain) != self._first:
            self._empty()
            self._handle, self._shown = None, False

    def _empty(self) -> None:
        """Leave a display in which nothing is, for none can be taken away; a console needs a text, be it empty."""
        if self._updates is Updates.TAKEN and self._handle is not None:
            self._handle.update({}, raw=True)
        else:
            self._put("", "")

    def _changed(self) -> None:
        self._shown = False
        if self._updates is Updates.LOST:
            return
        now = asyncio.get_running_loop().time()
        if now >= self._due:
            self._frame()
        elif not self._is_due:
            self._schedule(self._due - now)
            self._is_due = True

    def _schedule(self, seconds: float) -> None:
        self._cancel_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._frame)

    def _frame(self) -> None:
        clock = asyncio.get_running_loop().time
        start = clock()
        self._cancel_timer()
        self._waits = self._waiting is not None and not any(self._texts)
        plain, markdown = self._made(growing=True)
        self._put(plain, markdown)
        self._shown = not self._waits
        end = clock()
        pause = max(PAUSE, (len(plain) + len(markdown)) / RATE, (end - start) / SHARE)
        self._due = end + pause
        if self._waits and self._waiting is not None:
            self._schedule(max(pause, self._waiting.pause))

    def _whole(self, text: str) -> str:
        return safe(text, images=self._look.images)

    def _made(self, *, growing: bool) -> tuple[str, str]:
        """Return the text so far, plain and as Markdown: rewritten as a whole unless it is still `growing`."""
        self._texts, self._thoughts = [text := "".join(self._texts)], [thought := "".join(self._thoughts)]
        answered, reasoned = (self._answer.safe, self._reasoning.safe) if growing else (self._whole, safe)
        if growing and not text and self._waiting is not None:
            plain, markdown, thoughts = self._waiting.plain, self._waiting.markdown, ""
        else:
            plain, markdown = formatted(text, self._look.format, answered)
            thoughts = reasoned(thought) if thought else ""
        return put_together(plain, markdown, thoughts=thoughts, calls=self._calls, steps=self._steps, mark=self._mark)

    def _put(self, plain: str, markdown: str, metadata: Mapping[str, Any] | None = None) -> None:
        bundle = {"text/plain": printable(plain), "text/markdown": markdown}
        if self._look.format == "text":
            del bundle["text/markdown"]
        if self._handle is not None and self._sent == (bundle, metadata):
            return
        self._sent = bundle, metadata
        if self._handle is None:
            self._handle, self._first = DisplayHandle(), bundle["text/plain"]
            self._handle.display(bundle, raw=True, metadata=metadata)
        else:
            self._handle.update(bundle, raw=True, metadata=metadata)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._is_due = False
