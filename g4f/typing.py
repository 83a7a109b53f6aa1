"""Shapes that several floors share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

__all__ = ["Dumps", "Key", "Message", "Messages", "seal"]


class Dumps(Protocol):
    """A message that is an object, such as the message of an answer."""

    def model_dump(self) -> dict[str, Any]:
        """Return the message as a dict."""


Message: TypeAlias = Mapping[str, Any] | Dumps
"""One message: `{"role": "user", "content": "…"}`, in the words of OpenAI's chat completions."""

Messages: TypeAlias = str | Sequence[Message]
"""What a caller may give: a list of messages, or one question as text."""


class Key(str):
    """An API key. It is the text itself wherever it is used, and stars wherever it is shown by `repr`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def seal(options: dict[str, Any]) -> dict[str, Any]:
    """Make the `api_key` in `options` a Key, in place: a verbose traceback shows what every frame holds."""
    if isinstance(options.get("api_key"), str):
        options["api_key"] = Key(options["api_key"])
    return options
