"""A question as it is written on a tape: everything that determines its answer, and nothing else."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from math import isfinite
from typing import Any

import msgspec

from ..errors import InputError
from ..providers.access import shown
from ..providers.transport.settings import TRANSPORT
from ..providers.vendors import stateless
from ..secrets.key import Key
from ..secrets.known import SHORTEST, STARS, hides
from ..secrets.scrubbing import Scrubber
from ..wire import plain

__all__ = ["GIVEN_PORT", "RecordedQuestion", "Wordings", "differences", "key_of", "question", "shortened"]

_LEFT_OUT = TRANSPORT.union(("metadata", "prompt_cache_key", "safety_identifier", "user")) - {"base_url"}
"""Options that say how a question is sent, or by whom: no part of it."""

_NAMING = frozenset(("$defs", "definitions", "patternProperties", "properties"))
"""Parts of a schema whose names are those of values, which are not there: they may be called "password"."""

_FIXED = frozenset(("const", "default", "enum", "example", "examples"))
"""What a schema says of a value itself. All else in the schema of a secret is no secret."""

_METADATA = frozenset((b"iTXt", b"tEXt", b"tIME", b"zTXt"))
"""Chunks of a PNG that are no part of the image: matplotlib writes its version there."""

_INLINE = re.compile(r"data:([\w.+/-]*);base64,", re.IGNORECASE)

GIVEN_PORT = r"(127\.0\.0\.1|localhost|\[::1\]):(3276[89]|327[7-9]\d|32[89]\d\d|3[3-9]\d{3}|[45]\d{4}|6[0-5]\d{3})\b"
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

    def without_results(self) -> list[dict[str, Any]]:
        """Return its messages without the results of tools."""
        return [message for message in self.messages if message.get("role") != "tool"]

    def last(self) -> str:
        """Return the text of the user's last message, or else of the last one, in one line."""
        asked = [message for message in self.messages if message.get("role") == "user"] or self.messages
        content = asked[-1].get("content", "") if asked else ""
        parts = content if isinstance(content, list) else [{"text": content}]
        return " ".join(" ".join(str(part.get("text", "")) for part in parts).split())


def question(
    provider: str,
    model: str,
    messages: list[dict[str, Any]],
    options: Mapping[str, Any],
    server: Callable[[str, int], str] = lambda *_: "…",
) -> bytes:
    """Return a question as it is written on a tape, with hashes for inline data and stars for secrets.

    `server` names the server on this machine with a host and a port that the system chose. Raises InputError for what
    JSON cannot hold.
    """

    def somewhere(address: str) -> str:
        return re.sub(GIVEN_PORT, lambda found: f"{found[1]}:{server(found[1], int(found[2]))}", address)

    try:
        kept = _starred(_plain({name: value for name, value in options.items() if name not in _LEFT_OUT}))
        if isinstance(address := options.get("base_url"), str):
            kept["base_url"] = somewhere(shown(address))
        return RecordedQuestion(somewhere(provider), model, _plain(stateless(messages)), kept).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"the question cannot be written on a tape: {error}. Ask it with the tape off") from None


class Wordings:
    """Questions that differ in their messages alone: what `question` returns for each, at a fraction of its cost."""

    def __init__(
        self, provider: str, model: str, options: Mapping[str, Any], server: Callable[[str, int], str]
    ) -> None:
        """Raise InputError for options that JSON cannot hold."""
        empty = question(provider, model, [], options, server)
        self._after = empty.removeprefix(_NO_MESSAGES)

    def encode(self, messages: list[dict[str, Any]]) -> bytes:
        """Return the question with these messages. Raises InputError for what JSON cannot hold."""
        try:
            is_plain = len(messages) == 1 and messages[0].keys() == _PLAIN and _is_plain(messages[0]["content"])
            written = _ENCODER.encode(messages if is_plain else _plain(stateless(messages)))
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError(f"the question cannot be written down: {error}") from None
        return b'{"messages":' + written + self._after


_ENCODER = msgspec.json.Encoder(order="sorted", enc_hook=plain)
_NO_MESSAGES = b'{"messages":[]'
_PLAIN = {"role", "content"}


def _is_plain(content: object) -> bool:
    """Whether this is a text that is written as it is, as most are."""
    return type(content) is str and content[:5].lower() != "data:"


def key_of(encoded: bytes) -> str:
    """Return the key of a question."""
    return sha256(encoded).hexdigest()[:32]


def differences(one: RecordedQuestion, other: RecordedQuestion) -> list[str]:
    """Return the names of the parts in which two questions differ."""
    parts = [name for name in RecordedQuestion.__struct_fields__ if getattr(one, name) != getattr(other, name)]
    if one.without_results() == other.without_results():
        parts = ["results of tools" if name == "messages" else name for name in parts]
    return parts


def shortened(text: str, length: int) -> str:
    """Return the text, or its beginning and "…", in at most `length` characters."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _starred(value: Any, name: str = "", *, is_secret: bool = False, is_named: bool = False) -> Any:
    """Return an option in the types of JSON with stars for its secrets: by their names, or by what they look like.

    `is_secret` says that all of it is one, `is_named` that it is the schema of one.
    """
    if isinstance(value, dict):
        found = {}
        for key, held in value.items():
            hidden = hides(key, held) or key.lower().endswith(("cookies", "headers"))
            named = is_named or (hidden and name in _NAMING)
            inside = is_secret or (hidden and name not in _NAMING) or (named and key in _FIXED)
            found[_scrubbed(key)] = _starred(held, key, is_secret=inside, is_named=named)
        return found
    if isinstance(value, list):
        return [_starred(held, name, is_secret=is_secret, is_named=is_named) for held in value]
    if is_secret and value is not None and not isinstance(value, bool):
        return STARS
    return _scrubbed(value) if isinstance(value, str) else value


def _scrubbed(text: str) -> str:
    return text if len(text) < SHORTEST else Scrubber().scrub(text)


def _plain(value: Any, name: str = "") -> Any:
    """Return `value` in the types of JSON: 1.0 is 1, a tuple is a list, inline data (see `_text`) is a hash."""
    if isinstance(value, str):
        return STARS if isinstance(value, Key) else _text(value, name)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        if value == value // 1:
            return int(value)
        return float(value) if isfinite(value) else str(float(value))  # which JSON does not have
    if isinstance(value, Mapping):
        return {str(key): _plain(held, key) for key, held in value.items()}
    given = value if isinstance(value, list | tuple) else msgspec.to_builtins(value, order="sorted", enc_hook=plain)
    return [_plain(held) for held in given] if isinstance(given, list | tuple) else _plain(given)


def _text(value: str, name: str) -> str:
    if inline := _INLINE.match(value):
        return f"data:{inline[1]};sha256,{sha256(_image(value[inline.end() :]).encode()).hexdigest()}"
    if name == "data":  # base64 without a prefix, such as sound
        return f"sha256,{sha256(value.encode()).hexdigest()}"
    return _scrubbed(value) if name.endswith("url") else str.__str__(value)


def _image(data: str) -> str:
    """Return the base64 of a file without the metadata of a PNG, which does not change what is seen."""
    if not data.startswith("iVBORw0KGgo"):
        return data
    try:
        png = b64decode(data)
    except ValueError:
        return data
    kept, at = [png[:8]], 8
    while at < len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4])
        if png[at + 4 : at + 8] not in _METADATA:
            kept.append(png[at:end])
        at = end
    return b64encode(b"".join(kept)).decode()
