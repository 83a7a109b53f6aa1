"""A question as it is written on a tape: everything that determines its answer, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec

from ..errors import InputError
from ..providers.access import shown
from ..providers.transport.settings import TRANSPORT
from ..secrets.key import Key
from ..wire import plain

__all__ = ["GIVEN_PORT", "RecordedQuestion", "differences", "key_of", "question", "shortened"]

_LEFT_OUT = TRANSPORT - {"base_url"}
"""Options that say how a question is sent, or by whom: no part of it."""

_INLINE = re.compile(r"data:([\w.+/-]*);base64,", re.IGNORECASE)

GIVEN_PORT = r"(127\.0\.0\.1|localhost|\[::1\]):(?:3276[89]|327[7-9]\d|32[89]\d\d|3[3-9]\d{3}|[45]\d{4}|6[0-5]\d{3})\b"
"""The address of a server whose port the system chose, a new one each time: 32768 or higher. People choose lower ports,
such as 30000."""


class RecordedQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """A question on a tape. `provider` is "" where the caller named none; for a list it has all names."""

    provider: str
    model: str
    messages: list[dict[str, Any]]
    options: dict[str, Any] = {}

    def encode(self) -> bytes:
        """Return it as JSON: the same bytes for the same question."""
        return msgspec.json.encode(self, order="sorted", enc_hook=plain)

    def last(self) -> str:
        """Return the text of its last message, in one line."""
        content = self.messages[-1].get("content", "") if self.messages else ""
        parts = content if isinstance(content, list) else [{"text": content}]
        return " ".join(" ".join(str(part.get("text", "")) for part in parts).split())


def question(provider: str, model: str, messages: list[dict[str, Any]], options: Mapping[str, Any]) -> bytes:
    """Return a question as it is written on a tape, with hashes for inline data and stars for keys.

    Raises InputError for what JSON cannot hold.
    """
    kept = {name: value for name, value in options.items() if name not in _LEFT_OUT}
    if isinstance(address := kept.get("base_url"), str):
        kept["base_url"] = _somewhere(shown(address))
    try:
        return RecordedQuestion(_somewhere(provider), model, _plain(messages), _plain(kept)).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"the question cannot be written on a tape: {error}. Ask it with the tape off") from None


def key_of(encoded: bytes) -> str:
    """Return the key of a question."""
    return sha256(encoded).hexdigest()[:32]


def differences(one: RecordedQuestion, other: RecordedQuestion) -> list[str]:
    """Return the names of the parts in which two questions differ."""
    return [name for name in RecordedQuestion.__struct_fields__ if getattr(one, name) != getattr(other, name)]


def shortened(text: str, length: int) -> str:
    """Return the text, or its beginning and "…", in at most `length` characters."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _somewhere(address: str) -> str:
    return re.sub(GIVEN_PORT, r"\1:…", address)


def _plain(value: Any, name: str = "") -> Any:
    """Return `value` in the types of JSON: 1.0 is 1, a tuple is a list, inline data (see `_text`) is a hash."""
    if isinstance(value, str):
        return "***" if isinstance(value, Key) else _text(value, name)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return int(value) if value == value // 1 else float(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(held, key) for key, held in value.items()}
    given = value if isinstance(value, list | tuple) else msgspec.to_builtins(value, order="sorted", enc_hook=plain)
    return [_plain(held) for held in given] if isinstance(given, list | tuple) else _plain(given)


def _text(value: str, name: str) -> str:
    if inline := _INLINE.match(value):
        return f"data:{inline[1]};sha256,{sha256(value[inline.end() :].encode()).hexdigest()}"
    if name == "data":  # base64 without a prefix, such as sound
        return f"sha256,{sha256(value.encode()).hexdigest()}"
    return str.__str__(value)
