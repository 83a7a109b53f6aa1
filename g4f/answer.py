"""An answer as a text that knows how it came about."""

from __future__ import annotations

from itertools import islice
from typing import Any

from msgspec import UNSET
from msgspec.structs import astuple

from .assembly import Assembly
from .client.types import CompletionToolCall, completion_calls
from .kept import KeptStep, KeptUsage
from .markdown.code import code_of
from .markdown.rewriting import safe
from .printable import one_line, printable
from .providers.response import ProviderState
from .rounds import Round
from .showing import Steps, put_together

__all__ = ["Answer", "ending"]


_ENDS = {
    "stop": "",
    "tool_calls": "",
    "length": "cut off: the limit of its length",
    "content_filter": "cut off: the provider's content filter",
    "interrupted": "interrupted",
    "incomplete": "incomplete",
    "unfitting": "it does not fit its schema",
    "max_steps": "ended: the model calls tools again and again (max_steps)",
}
"""Finish reasons in words for people."""


def ending(reason: str) -> str:
    """Return in words for people why an answer ended that is not whole; "" for one that is."""
    return _ENDS[reason] if reason in _ENDS else f"finish reason: {one_line(reason)[:100]}"


class Answer(str):  # noqa: SLOT000 - it has attributes
    """The text of a whole answer, which knows how it came about.

    One that is replayed from a tape is as it was recorded.
    """

    reasoning: str = ""
    """What the model thought; "" where it did not say."""
    tool_calls: tuple[CompletionToolCall, ...] = ()
    """The tools that the model wants to be called, in the shape of a completion's."""
    steps: tuple[KeptStep, ...] = ()
    """The calls of tools that were made before it, each with its arguments, result and seconds."""
    rounds: tuple[Round, ...] = ()
    """The same calls by rounds, with what the model said beside them."""
    usage: KeptUsage | None = None
    """The tokens as the provider counted them; None where it did not. Printed: "27 + 8 tokens"."""
    provider: str = ""
    """The name of the provider that answered."""
    model: str = ""
    """The name of the model that answered."""
    seconds: float = 0.0
    """How long the answer took, from the call to its end."""
    finish_reason: str = "stop"
    """Why it ended: "stop", "length", "tool_calls", "content_filter", or what else the provider said; "max_steps" if
    the model was still calling tools. What came of an answer that did not come to its end is "interrupted", or
    "incomplete" if the call failed, and "unfitting" if it does not fit its schema."""
    messages: tuple[dict[str, Any], ...] = ()
    """The messages that were sent."""
    trimmed: int = 0
    """How many of the oldest turns were left out, so that the rest fits the model's context."""
    replayed: bool = False
    """Whether it is from a tape."""
    state: ProviderState | None = None
    """What its provider needs back to go on from it, if there is anything."""
    value: Any = None
    """What it says, of the type that was asked for by `schema=`; None where none was, and where it calls tools."""

    @property
    def code(self) -> str:
        """The Python in its code blocks, one below the other, without fences and prose; "" if there is none."""
        return code_of(self).code

    @property
    def says_something(self) -> bool:
        """Whether it has text or tool calls. One that has neither becomes no turn of a conversation."""
        return bool(self.strip() or self.tool_calls)

    @property
    def mark(self) -> str:
        """What a reader must know: why it is not whole, or has no text. "" if it is whole, and says something."""
        ended = ending(self.finish_reason)
        if self.says_something:
            return ended
        return f"no text{', only thoughts' * bool(self.reasoning.strip())}{f'; {ended}' * bool(ended)}"

    def __repr__(self) -> str:
        return f"{str(self)!r} [{self.mark}]" if self.mark else repr(str(self))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        """Return it as `%%chat` shows it: as text, and as Markdown in which nothing that the model writes acts."""
        plain, markdown = self._shown()
        return {"text/plain": printable(plain), "text/markdown": markdown}

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """Show the text in IPython, which would quote it as any other `str`; in a list, it is quoted."""
        printer.text(repr(self) if len(printer.stack) > 1 else printable(self._shown()[0]))

    def _shown(self) -> tuple[str, str]:
        steps, made = Steps(), iter(self.steps)
        for each in self.rounds:
            steps.say(each.text)
            for step in islice(made, len(each.calls)):
                steps.add(step)
        calls = "\n".join(f"{call.function.name}({call.function.arguments})" for call in self.tool_calls)
        thoughts = safe(self.reasoning) if self.reasoning else ""
        return put_together(str(self), safe(self), thoughts=thoughts, calls=calls, steps=steps, mark=self.mark)

    @classmethod
    def of(cls, assembly: Assembly, messages: list[dict[str, Any]], seconds: float) -> Answer:
        """Return the answer to `messages` that was put together. `seconds` is what it took, if it is not replayed."""
        answer = cls(assembly.text)
        answer.reasoning, answer.tool_calls = assembly.reasoning, tuple(completion_calls(assembly.tool_calls))
        answer.steps = tuple(KeptStep(*astuple(step)) for step in assembly.steps)
        answer.rounds, answer.finish_reason = tuple(assembly.rounds), assembly.finish_reason
        answer.usage = None if assembly.usage is None else KeptUsage(*astuple(assembly.usage))
        answer.provider, answer.model = assembly.provider, assembly.model
        answer.seconds = assembly.replayed.seconds if assembly.replayed else seconds
        answer.messages = tuple(messages)
        answer.trimmed, answer.replayed = assembly.trimmed, assembly.replayed is not None
        answer.state = assembly.state
        answer.value = None if assembly.value is UNSET else assembly.value
        return answer
