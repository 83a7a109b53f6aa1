"""What stands beside an answer, and must never cost it: counts of tokens, probabilities, what is no text. No I/O."""

from __future__ import annotations

from typing import Any

from ...wire import whole
from ..response import Omitted, Usage

__all__ = ["count", "logprobs", "omitted", "says_error", "tier", "tokens", "usage_of"]

MOST_TOKENS = 2**53
"""A count of so many or more is not taken for one: JavaScript, and many readers of JSON, cannot hold it."""

LONGEST = 60
"""Characters of a server's word for a part that is left out."""


def count(value: object) -> int | None:
    """Return a number of tokens, also if it is 1.5 or "1"; None for what is no count, which must not end an answer."""
    if type(value) is int:
        return value if 0 <= value < MOST_TOKENS else None
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MOST_TOKENS:
        return None
    return round(value)


def tokens(usage: object, *names: str) -> int | None:
    """Return the count at the path `names`, each within the one before; None if there is none."""
    for name in names:
        usage = usage.get(name) if isinstance(usage, dict) else None
    return count(usage)


def usage_of(
    prompt: int | None,
    completion: int | None,
    total: int | None = None,
    cached: int | None = None,
    thoughts: int | None = None,
    *,
    written: int | None = None,
    tier: str = "",
) -> Usage | None:
    """Return the counts as an event; None if there are none: then nobody knows how many tokens were used.

    xAI counts thoughts beside the completion, and in the total.
    """
    if prompt is None and completion is None and total is None:
        return None
    prompt, completion = prompt or 0, completion or 0
    if thoughts and total == prompt + completion + thoughts:
        completion += thoughts
    return Usage(prompt, completion, total or prompt + completion, cached, thoughts, written, tier)


def tier(given: object) -> str:
    """Return the server's word for the service that was paid for, which stands in its usage or beside; "" if none."""
    word = given.get("service_tier") if isinstance(given, dict) else given
    return word[:40] if isinstance(word, str) else ""


def says_error(given: Any) -> bool:
    """Whether an `error` beside an answer says that it failed: servers also send empty ones."""
    return any(given.values()) if isinstance(given, dict) else bool(given)


def omitted(kind: object) -> Omitted:
    """Return the note for a part of the answer of some kind, in a server's word, which is no text."""
    word = kind[:LONGEST] if isinstance(kind, str) else ""
    known = next((what for part, what in _KINDS if part in word.lower()), "")
    return Omitted(known or f"a part of type {word!a}")


_KINDS = (("image", "an image"), ("audio", "a sound"), ("video", "a video"), ("file", "a file"))


def logprobs(given: object) -> list[dict[str, Any]]:
    """Return the tokens of a piece of the answer in the form of chat completions."""
    if not isinstance(given, dict):
        return []
    if isinstance(names := given.get("tokens"), list):  # of a text completion
        values = given.get("token_logprobs")
        pairs = zip(names, values if isinstance(values, list) else (), strict=False)
        return [{"token": name, "logprob": value} for name, value in pairs]
    content = given.get("content") or given.get("refusal")
    return [_token(entry) for entry in content if isinstance(entry, dict)] if isinstance(content, list) else []


def _token(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a token with its alternatives, without halves of characters."""
    if isinstance(name := entry.get("token"), str) and not name.isascii():
        entry["token"] = whole(name)
    others = entry.get("top_logprobs")
    for other in others if isinstance(others, list) else ():
        if isinstance(other, dict):
            _token(other)
    return entry
