"""Shapes that several floors share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

__all__ = ["Dumps", "Message", "Messages"]


class Dumps(Protocol):
    """A message that is an object, such as the message of an answer."""

    def model_dump(self) -> dict[str, Any]:
        """Return the message as a dict."""


Message: TypeAlias = Mapping[str, Any] | Dumps
"""One message: `{"role": "user", "content": "…"}`, in the words of OpenAI's chat completions."""

Messages: TypeAlias = str | Sequence[Message]
"""What a caller may give: a list of messages, or one question as text."""
