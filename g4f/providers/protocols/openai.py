"""OpenAI's chat completions. What differs between its providers is in the rows of the catalogue.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from typing import Any

import msgspec

from ...wire import decoded
from ..rows import ROWS, Row
from .http_provider import HTTPProvider, Page
from .openai_answer import OpenAIReader

__all__ = ["OpenAICompatible"]


class OpenAICompatible(HTTPProvider):
    """Messages and options are OpenAI's own: they go into the request as they are."""

    reader = OpenAIReader

    def __init__(self, row: Row) -> None:
        super().__init__(row)
        if row not in ROWS:  # an address: nobody knows whether its server counts tokens in a stream
            self.unasked = frozenset({"stream_options"})

    def request(
        self, model: str, messages: list[dict[str, Any]], options: dict[str, Any], *, stream: bool
    ) -> tuple[str, dict[str, Any]]:
        """Return the request, with each option under the name that this provider has for it."""
        row = self.row
        for name, own in (("max_tokens", row.max_tokens), ("seed", row.seed)):
            if name in options:
                options[own] = options.pop(name)
        messages = [_sent(message, row.reasoning) for message in messages]
        body: dict[str, Any] = {"model": model, "messages": messages}
        if stream:
            body["stream"] = True
            if row.stream_usage:
                body["stream_options"] = {"include_usage": True}
        return "/chat/completions", body | options

    def listed(self, body: bytes) -> Page:
        """Return the names of the models. Together sends a bare list."""
        listed = decoded(body, _List | list[_Model])
        return Page([model.id for model in (listed if isinstance(listed, list) else listed.data)])


def _sent(message: dict[str, Any], field: str) -> dict[str, Any]:
    """Return a message without its reasoning, or with it in the `field` in which calls must have it, if any."""
    reasoning = message.get("reasoning")
    if reasoning is not None:
        message = {name: value for name, value in message.items() if name != "reasoning"}
    return message | {field: reasoning or ""} if field and "tool_calls" in message else message


class _Model(msgspec.Struct):
    id: str


class _List(msgspec.Struct):
    data: list[_Model]
