"""OpenAI's chat completions. What differs between its providers is in the rows of the catalogue.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from ...errors import InputError, quoted
from ...wire import decoded
from ..access import is_usual
from ..base_provider import ModelName
from ..rows import ROWS, Row
from .http_provider import HTTPProvider, Page
from .openai_answer import OpenAIReader, ThoughtsReader
from .responses import Responses

__all__ = ["OpenAICompatible"]


class OpenAICompatible(HTTPProvider):
    """Messages and options are OpenAI's own: they go into the request as they are."""

    reader = OpenAIReader

    def __init__(self, row: Row) -> None:
        super().__init__(row)
        self._responses = Responses(row)
        if row.returns_thoughts:
            self.reader = ThoughtsReader
        if row not in ROWS:  # an address: nobody knows whether its server counts tokens in a stream
            self.unasked = frozenset({"stream_options"})

    def speaks(self, protocol: str | None, url: str) -> HTTPProvider:
        """Return who speaks the `protocol`; of none, that of the row at its own server, elsewhere chat completions."""
        if protocol is None:
            return self._responses if self.row.protocol == "responses" and is_usual(self.row, url) else self
        if protocol == "chat":
            return self
        if protocol == "responses":
            return self._responses
        raise InputError(f'protocol must be "responses" or "chat", not {quoted(protocol)}')

    def request(
        self, model: str, messages: list[dict[str, Any]], options: dict[str, Any], *, stream: bool
    ) -> tuple[str, dict[str, Any]]:
        """Return the request, with each option under the name that this provider has for it."""
        row = self.row
        for name, own in (("max_tokens", row.max_tokens), ("seed", row.seed)):
            if name in options:
                options[own] = options.pop(name)
        messages = [
            message if _OWN.isdisjoint(message) else _without_own(message, thinks_on=row.returns_thoughts)
            for message in messages
        ]
        body: dict[str, Any] = {"model": model, "messages": messages}
        if stream:
            body["stream"] = True
            if row.stream_usage:
                body["stream_options"] = {"include_usage": True}
        return "/chat/completions", body | options

    def listed(self, body: bytes) -> Page:
        """Return the names of the models, with the days of their ends. Together sends a bare list."""
        listed = decoded(body, _List | list[_Model])
        models = listed if isinstance(listed, list) else listed.data
        return Page([ModelName(model.id, _day(model.shutdown_date)) for model in models])


_OWN = frozenset(("reasoning", "provider_state"))
"""What a message of an answer has, and one of a question must not have."""


def _without_own(message: dict[str, Any], *, thinks_on: bool) -> dict[str, Any]:
    """Leave that out; a provider that `thinks_on` gets the thoughts that it had before it called tools."""
    plain = {name: value for name, value in message.items() if name not in _OWN}
    match message.get("provider_state"):
        case {"items": [{"reasoning_content": str(thoughts)}]} if thinks_on:
            plain["reasoning_content"] = thoughts
    return plain


def _day(given: object) -> str:
    """Return a day, such as "2027-01-14"; "" for what is none."""
    try:
        return date.fromisoformat(given[:10]).isoformat() if isinstance(given, str) else ""
    except ValueError:
        return ""


class _Model(msgspec.Struct):
    id: str
    shutdown_date: Any = None


class _List(msgspec.Struct):
    data: list[_Model]
