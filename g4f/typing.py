"""Shapes that several floors share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

__all__ = ["Key", "Message", "Messages"]

Message: TypeAlias = Mapping[str, Any]
"""One message: `{"role": "user", "content": "…"}`, in the words of OpenAI's chat completions."""

Messages: TypeAlias = str | Sequence[Message | Any]
"""What a caller may give: a list of messages, objects with `model_dump()` among them, or one question as text."""


class Key(str):
    """An API key. It is the text itself wherever it is used, and stars wherever it is shown by `repr`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"
