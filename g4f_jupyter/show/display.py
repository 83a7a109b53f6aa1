"""An answer as it comes, and what a screen must be able to show of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

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
    ToolCall,
)

from ..session import Question
from .forms import check, marked

__all__ = ["Look", "Screen", "show"]


class Look(NamedTuple):
    """How an answer is shown: in one of the `FORMATS`, with or without images that its text names."""

    format: str = "markdown"
    images: bool = False


class Screen:
    """Where an answer is shown. This one shows nothing: the others say how they show it."""

    def begin(self, who: Callable[[], str]) -> None:
        """Show from now on, until text comes, whom the answer is waited for from: `who` returns the names."""

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

    def calling(self, call: ToolCall) -> None:
        """Show, until it has ended or text comes, that a tool is called. There may be further pieces of the call."""

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
    screen.begin(lambda: " · ".join(filter(None, (assembly.provider, assembly.model))))
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
    elif isinstance(event, ToolCall):
        screen.calling(event)
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
