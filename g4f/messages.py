"""The caller's messages as a new, normalised list; never the caller's own list changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .errors import InputError, close_matches
from .typing import Messages

__all__ = ["ROLES", "normalize"]

ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def normalize(messages: Messages) -> list[dict[str, Any]]:
    """Return `messages` as a new list of new dicts, each with a known `role` and its `content`.

    A `str` is one user message. Objects with a `model_dump()`, such as the message of an answer, are taken as
    what they dump. Keys whose value is None are left out. Raises InputError that names the first wrong message.
    """
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    if not isinstance(messages, Sequence) or isinstance(messages, (bytes, bytearray)):
        raise InputError(_not_a_list(messages))
    if not messages:
        raise InputError('messages are empty: give at least one, e.g. [{"role": "user", "content": "Hello"}]')
    return [_message(message, f"messages[{index}]") for index, message in enumerate(messages)]


def _not_a_list(messages: object) -> str:
    kind = type(messages).__name__
    if isinstance(messages, Mapping):
        return "messages must be a list of messages, not one message: put it in [ ]"
    if isinstance(messages, Iterator):
        return f"messages must be a list, not a {kind}, which can be read only once: give list(messages)"
    return f"messages must be a list of messages or a text, not {kind}"


def _message(message: object, where: str) -> dict[str, Any]:
    if hasattr(message, "model_dump"):
        message = message.model_dump()
    if not isinstance(message, Mapping):
        raise InputError(f'{where} must be a dict like {{"role": "user", "content": "…"}}, not {type(message).__name__}')
    role = message.get("role")
    if not isinstance(role, str) or not role:
        raise InputError(f"{where} has no role: give one of {', '.join(ROLES[:5])}")
    if role not in ROLES:
        raise InputError(f"{where} has an unknown role {role!r}.{close_matches(role, ROLES)}")
    normal = {key: value for key, value in message.items() if value is not None}
    if "content" in normal:
        normal["content"] = _content(normal["content"], f"{where} ({role})")
    elif not normal.get("tool_calls"):
        raise InputError(f"{where} ({role}) has no content: give a text, or a list of parts")
    return normal


def _content(content: object, where: str) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return content
    if isinstance(content, (bytes, bytearray)):
        raise InputError(f"content of {where} is bytes: decode it to text first")
    if not isinstance(content, list | tuple):
        raise InputError(f"content of {where} must be a text or a list of parts, not {type(content).__name__}")
    if not content:
        raise InputError(f"content of {where} is an empty list of parts")
    return [_part(part, f"part {index} of {where}") for index, part in enumerate(content)]


def _part(part: object, where: str) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if not isinstance(part, Mapping) or not isinstance(part.get("type"), str):
        raise InputError(f'{where} must be a dict with a "type", e.g. {{"type": "text", "text": "…"}}')
    if part["type"] == "text" and not isinstance(part.get("text"), str):
        raise InputError(f'{where} has no "text"')
    return dict(part)
