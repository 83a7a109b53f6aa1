"""Calls that a model made, with their results: what is kept of them, and how they are sent again. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from .providers.response import ProviderState
from .wire import decoded, whole, written

__all__ = ["MadeCall", "Round", "Whole", "carried", "messages_in"]

_NO_RESULT = "no result was given"

SHORT = 200
"""Characters of a result that are shown of a turn."""


class Whole(msgspec.Struct, frozen=True, omit_defaults=True):
    """A struct whose texts can be sent and saved."""

    def __post_init__(self) -> None:
        """Replace halves of characters: a conversation that has one could be neither sent nor saved."""
        for name in self.__struct_fields__:
            if isinstance(value := getattr(self, name), str) and not value.isascii():
                msgspec.structs.force_setattr(self, name, whole(value))


class MadeCall(Whole, frozen=True):
    """A call of a tool, and its result; None where none was given. `arguments` is JSON text, as the model wrote it."""

    id: str
    name: str
    arguments: str
    result: str | None = None
    images: tuple[str, ...] = ()
    """The images of the result: data URLs."""

    def to_message(self) -> dict[str, Any]:
        """Return the result as a message. Services refuse a conversation in which a call has none."""
        return {"role": "tool", "tool_call_id": self.id, "content": _NO_RESULT if self.result is None else self.result}

    def __str__(self) -> str:
        result = "" if self.result is None else f" → {self.result}"
        return f"{self.name}({self.arguments}){result if len(result) <= SHORT else result[: SHORT - 1] + '…'}"


def carried(state: ProviderState | None) -> dict[str, Any]:
    """Return what a message of an answer carries for its provider."""
    return {} if state is None else state.to_message()


class Round(Whole, frozen=True):
    """Calls that a model made at once, what it said beside them, and what it thought before."""

    calls: tuple[MadeCall, ...]
    text: str = ""
    reasoning: str = ""
    state: ProviderState | None = None
    """What its provider needs back with it."""

    def to_messages(self) -> list[dict[str, Any]]:
        """Return the calls as one message, each result as another, and the images of the results as a last one.

        It is a user's: most services take nothing but text as the result of a tool.
        """
        calls = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _sendable(call.arguments)}}
            for call in self.calls
        ]
        beside = {"content": self.text} if self.text else {}
        thought = {"reasoning": self.reasoning} if self.reasoning else {}
        made = {"role": "assistant", **beside, **thought, "tool_calls": calls, **carried(self.state)}
        return [made, *(call.to_message() for call in self.calls), *self._seen()]

    def _seen(self) -> list[dict[str, Any]]:
        content: list[dict[str, Any]] = []
        for call in self.calls:
            if call.images:
                content.append({"type": "text", "text": f"What {call.name}({call.arguments}) shows:"})
                content += [{"type": "image_url", "image_url": {"url": url}} for url in call.images]
        return [{"role": "user", "content": content}] if content else []

    def __str__(self) -> str:
        return "\n".join(map(str, self.calls))


def _sendable(arguments: str) -> str:
    """Return arguments as the text of a JSON object: many servers refuse a conversation in which a model wrote another.

    Its words are then in the object, so that it can see what was wrong.
    """
    try:
        is_object = isinstance(decoded(arguments), dict)
    except msgspec.DecodeError:
        is_object = False
    if is_object:
        return arguments
    return written({"invalid_json": arguments}) if arguments.strip() else "{}"


def messages_in(rounds: Iterable[Round]) -> list[dict[str, Any]]:
    """Return the messages of several rounds."""
    return [message for each in rounds for message in each.to_messages()]
