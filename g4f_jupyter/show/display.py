"""An answer as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from time import monotonic
from typing import Any, NamedTuple

from IPython.display import DisplayHandle, display

from g4f.images import inline
from g4f.markdown.code import fenced
from g4f.markdown.entities import literal
from g4f.markdown.rewriting import Growing, safe
from g4f.printable import printable
from g4f.providers.response import (
    AskedAgain,
    Event,
    FinishReason,
    Omitted,
    PassedOver,
    Reasoning,
    Status,
    Step,
    TextWasReasoning,
)

from ..session import Question
from .forms import check, formatted, marked
from .steps import Steps
from .updates import Updates

__all__ = ["Frames", "Look", "Screen", "show"]

PAUSE = 0.08
"""Least seconds between two frames."""

RATE = 200_000
"""Most characters of frames per second."""

SHARE = 0.2
"""Largest share of the time that is spent on making frames."""


class Look(NamedTuple):
    """How an answer is shown: in one of the `FORMATS`, with or without images that its text names."""

    format: str = "markdown"
    images: bool = False


class Screen:
    """Where an answer is shown. This one shows nothing: the others say how they show it."""

    def add(self, text: str) -> None:
        """Show `text` after the text that is there."""

    def think(self, text: str) -> None:
        """Show the reasoning of the model, apart from the answer."""

    def reclassify(self) -> None:
        """Show the text so far as reasoning: it was the thoughts of the model."""

    def forget(self) -> None:
        """Show the thoughts no longer: they are not of the answer."""

    def discard(self) -> None:
        """Show neither thoughts nor text so far: another answer takes their place."""

    def call(self, code: str) -> None:
        """Show the tool calls below the answer: a line for each, in the model's order."""

    def step(self, step: Step) -> None:
        """Show a call of a tool that was made, and its result: the text so far was said before it."""

    def wait(self, what: str) -> None:
        """Show what the answer waits for, until it begins."""

    def close(self, mark: str, *, more: bool = False) -> None:
        """Show all that came, and `mark` below it, if it is not "". `more` says that `foot` follows."""

    def foot(self, lines: Sequence[str], metadata: Mapping[str, Any]) -> None:
        """Show `lines` below a complete answer, and attach `metadata` where a front end keeps it."""

    def note(self, line: str) -> None:
        """Show a `line` below a complete answer from now on, even from another cell, where the screen can; "": none."""


async def show(question: Question, screen: Screen, form: str) -> None:
    """Ask, and show the answer as it comes, and its tool calls. The text that came stays, marked if it is not whole.

    Raises ResponseError if the answer does not have its `form`, and what asking raises.
    """
    assembly, is_whole, omitted, words = question.assembly, False, dict[str, None](), ""
    try:
        async with aclosing(question.items()) as items:
            async for item in items:
                if isinstance(item, str):
                    screen.add(item)
                elif isinstance(item, Omitted):
                    omitted[item.what] = None
                elif isinstance(item, FinishReason):
                    words = item.words
                else:
                    _show_event(item, screen)
        if question.request.schema is None:  # else it was checked
            check(question.answer, form)
        is_whole = True
    finally:
        if question.is_complete and (calls := assembly.tool_calls):
            screen.call("\n".join(f"{call.name}({call.arguments})" for call in calls))
        screen.close("" if assembly.is_empty else marked(question.answer.mark, words, omitted), more=is_whole)


def _show_event(event: Event, screen: Screen) -> None:
    if isinstance(event, Reasoning):
        screen.think(event.text)
    elif isinstance(event, Step):
        screen.step(event)
    elif isinstance(event, TextWasReasoning):
        screen.reclassify()
    elif isinstance(event, Status):
        if isinstance(event, PassedOver):
            screen.forget()
        elif isinstance(event, AskedAgain):
            screen.discard()
        screen.wait(event.text)


class Frames(Screen):
    """One display handle per answer, updated a few times per second at any rate of tokens, and once at the end.

    Each frame holds the whole text so far: as it is in `text/plain`, and made safe in `text/markdown`. The longer it
    is, the rarer frames are: see `PAUSE`, `RATE` and `SHARE`. Where `updates` are lost, the last frame is the only one;
    where they may be, it is displayed anew.
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
        self._shown = True
        self._waits = False
        self._first = self._mark = ""
        self._lines: Sequence[str] = ()
        self._metadata: Mapping[str, Any] = {}
        self._answer, self._reasoning = Growing(images=look.images), Growing()

    def add(self, text: str) -> None:
        """Show `text` now or with the next frame, which comes even if no more text does."""
        self._texts.append(text)
        self._changed()

    def think(self, text: str) -> None:
        """Show `text` folded away above the answer."""
        self._thoughts.append(text)
        self._changed()

    def reclassify(self) -> None:
        """Fold the text so far away, with the next frame."""
        self._thoughts += self._texts
        self._texts.clear()
        self._answer = Growing(images=self._look.images)
        self._changed()

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

    def call(self, code: str) -> None:
        """Show `code` below the answer: arguments of tools are not Markdown."""
        self._calls = code
        self._shown = False

    def step(self, step: Step) -> None:
        """Fold the call away below the answer, with the next frame. Images of its result are shown by themselves."""
        self._steps.say("".join(self._texts))
        self._steps.add(step)
        self._texts.clear()
        self._answer = Growing(images=self._look.images)
        for image in filter(None, map(inline, step.images)):
            display({image.media_type: image.data, "text/plain": "[an image]"}, raw=True)
        self._changed()

    def wait(self, what: str) -> None:
        """Show `what` in the place of the answer, while there is none."""
        if self._updates is not Updates.LOST and not self._came:
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
            self._put("", "")

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
            self._put("", "")
            self._handle, self._shown = None, False

    def _changed(self) -> None:
        self._shown = False
        if self._updates is Updates.LOST:
            return
        now = monotonic()
        if now >= self._due:
            self._frame()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._due - now, self._frame)

    def _frame(self) -> None:
        start = monotonic()
        self._cancel_timer()
        plain, markdown = self._made(growing=True)
        self._put(plain, markdown)
        self._shown = True
        end = monotonic()
        self._due = end + max(PAUSE, (len(plain) + len(markdown)) / RATE, (end - start) / SHARE)

    def _whole(self, text: str) -> str:
        return safe(text, images=self._look.images)

    def _made(self, *, growing: bool) -> tuple[str, str]:
        """Return the text so far, plain and as Markdown: rewritten as a whole unless it is still `growing`."""
        self._texts, self._thoughts = [text := "".join(self._texts)], [thought := "".join(self._thoughts)]
        answered, reasoned = (self._answer.safe, self._reasoning.safe) if growing else (self._whole, safe)
        plain, markdown = formatted(text, self._look.format, answered)
        if thought:
            markdown = f"<details><summary>Reasoning</summary>\n\n{reasoned(thought)}\n\n</details>\n\n{markdown}"
        if self._calls:
            plain, markdown = (f"{form}\n\n[calls]\n\n{fenced(self._calls)}".lstrip() for form in (plain, markdown))
        plain, markdown = self._steps.plain(plain), self._steps.markdown(markdown)
        if self._mark:
            plain = f"{plain}\n\n[{self._mark}]" if plain else f"[{self._mark}]"
            markdown = f"{markdown}\n\n*[{literal(self._mark)}]*".removeprefix("\n\n")
        return plain, markdown

    def _put(self, plain: str, markdown: str, metadata: Mapping[str, Any] | None = None) -> None:
        bundle = {"text/plain": printable(plain), "text/markdown": markdown}
        if self._look.format == "text":
            del bundle["text/markdown"]
        if self._handle is None:
            self._handle, self._first = DisplayHandle(), bundle["text/plain"]
            self._handle.display(bundle, raw=True, metadata=metadata)
        else:
            self._handle.update(bundle, raw=True, metadata=metadata)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
