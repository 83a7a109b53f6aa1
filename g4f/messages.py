"""The caller's messages as a new, normalised list. The caller's own list is never changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from math import isfinite
from typing import Any

import msgspec

from .attaching.attached import AttachedFile, FilePart, with_files
from .errors import InputError, close_matches, kind_of
from .images import image_part
from .typing import Messages
from .wire import plain

__all__ = ["ROLES", "encoded", "normalize", "with_attached", "with_images"]

ROLES = ("system", "developer", "user", "assistant", "tool", "function")

_ROLES = ", ".join(ROLES)
_LIKE = '{"role": "user", "content": "…"}'
_LIKE_PART = '{"type": "text", "text": "…"}'


def normalize(messages: Messages) -> list[dict[str, Any]]:
    """Return `messages` as a new list of new dicts, each with a known `role` and its `content`.

    A `str` is one user message. An object with a `role` and a `content`, such as the message of an answer, counts as
    a dict, and so do its parts and its tool calls. Keys whose value is None are left out, and so is "parsed", which is
    a value of the caller's. Raises an InputError that names the first wrong message.
    """
    if isinstance(messages, str) and messages.strip():
        return [{"role": "user", "content": messages}]
    if not isinstance(messages, Sequence) or isinstance(messages, (bytes, bytearray)):
        raise InputError(_not_a_list(messages))
    if isinstance(messages, str) or not messages:
        raise InputError(f"messages are empty: give a text, or a list such as [{_LIKE}]")
    return [_message(message, f"messages[{index}]") for index, message in enumerate(messages)]


def encoded(request: Any) -> bytes:
    """Return a request as JSON: texts and numbers of any type as such. Raises InputError for what JSON cannot hold."""
    try:
        body = _ENCODER.encode(request)
        if b"null" in body:
            _check_numbers("it", msgspec.to_builtins(request, enc_hook=plain))
    except RecursionError:
        why = "one contains itself, or is nested too deeply"
    except (TypeError, ValueError, OverflowError) as error:
        why = str(error)
    else:
        return body
    raise InputError(f"messages and options must be what JSON can hold: {why}")


def _check_numbers(name: str, value: object) -> None:
    """Raise ValueError for an infinite number and for NaN, which msgspec would write as null."""
    if isinstance(value, dict):
        for own, each in value.items():
            _check_numbers(own, each)
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            _check_numbers(f"{name}[{index}]", each)
    elif isinstance(value, float) and not isfinite(value):
        raise ValueError(f"{name} is {value!s}")


_ENCODER = msgspec.json.Encoder(enc_hook=plain, decimal_format="number")


def with_images(messages: list[dict[str, Any]], images: object) -> list[dict[str, Any]]:
    """Return `messages` with `images`, one or a list of them, after the text of the last question.

    Raises InputError if the last message is not of a user, or for what is no image.
    """
    if isinstance(images, list | tuple):
        drawn = [image_part(image, f"images[{index}]") for index, image in enumerate(images)]
    else:
        drawn = [image_part(images, "images")]
    if not drawn:
        return messages
    *before, last = messages
    if last["role"] != "user":
        raise InputError(f"images belong to a question: the last message must be a user's, not of {last['role']!r}")
    content = last["content"]
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}] if content else []
    return [*before, last | {"content": [*parts, *drawn]}]


def with_attached(messages: list[dict[str, Any]], files: Sequence[AttachedFile]) -> list[dict[str, Any]]:
    """Return `messages` with `files` before the last question. Raises InputError if that is not of a user."""
    *before, last = messages
    if last["role"] != "user":
        raise InputError(f"files belong to a question: the last message must be a user's, not of {last['role']!r}")
    return [*before, last | {"content": with_files(last.get("content"), files)}]


def _not_a_list(messages: object) -> str:
    kind = kind_of(messages)
    if isinstance(messages, Mapping):
        return "messages must be a list, not a single message: put it in [ ]"
    if isinstance(messages, Iterator):
        return f"messages must be a list, not a {kind}, which can be read only once: give list(messages)"
    return f"messages must be a text or a list such as [{_LIKE}], not {kind}"


def _message(message: object, where: str) -> dict[str, Any]:
    message = _as_dict(message, _FIELDS, "role", "content")
    if not isinstance(message, Mapping):
        raise InputError(f"{where} must be a dict such as {_LIKE}, not {kind_of(message)}")
    role = message.get("role")
    role = role.value if isinstance(role, Enum) else role
    if role is None:
        raise InputError(f'{where} has no "role": give one of {_ROLES}')
    if role not in ROLES:
        near = close_matches(role, ROLES) if isinstance(role, str) else ""
        raise InputError(f"{where} has the unknown role {role!r}.{near or f' Known are: {_ROLES}.'}")
    normal = {key: value for key, value in message.items() if value is not None and key != "parsed"} | {"role": role}
    if not normal.get("content") and isinstance(refused := normal.pop("refusal", None), str) and refused:
        normal["content"] = refused  # an answer that was a refusal: few providers know the word
    if "content" in normal:
        normal["content"] = _content(normal["content"], f"{where} ({role})")
    elif not (normal.get("tool_calls") or normal.get("function_call") or normal.get("audio")):
        none = "content None" if "content" in message else 'no "content"'
        raise InputError(f"{where} ({role}) has {none}: give a text or a list of parts")
    if isinstance(normal.get("tool_calls"), list | tuple):
        normal["tool_calls"] = list(map(_call, normal["tool_calls"]))
    return normal


_FIELDS = ("role", "content", "name", "tool_calls", "tool_call_id", "function_call")
"""What is read of a message that is an object: what else it has is its owner's."""


def _call(call: object) -> object:
    call = _as_dict(call, ("id", "type", "function"), "function")
    if not isinstance(call, Mapping):
        return call
    return {**call, "function": _as_dict(call.get("function"), ("name", "arguments"), "name")}


def _as_dict(value: Any, fields: Iterable[str], *needs: str) -> Any:
    """Return the `fields` of an object that has those it `needs`, or all that it dumps; any other value as it is."""
    if isinstance(value, Mapping):
        return value
    if callable(getattr(value, "model_dump", None)):
        return value.model_dump()
    if isinstance(value, type) or not all(hasattr(value, name) for name in needs):
        return value
    return {name: getattr(value, name) for name in fields if hasattr(value, name)}


def _content(content: object, where: str) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return content
    if isinstance(content, (bytes, bytearray)):
        raise InputError(f"the content of {where} is bytes: give a text, e.g. content.decode()")
    if not isinstance(content, list | tuple):
        kind = kind_of(content)
        raise InputError(f"the content of {where} must be a text or a list of parts, not {kind}")
    if not content:
        raise InputError(f"the content of {where} is an empty list: give a text or a list of parts")
    return [_part(part, f"part {index} of {where}") for index, part in enumerate(content)]


def _part(part: object, where: str) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if type(part) is FilePart:
        return part
    part = _as_dict(part, ("type", "text", "image_url"), "type", "image_url" if hasattr(part, "image_url") else "text")
    if not isinstance(part, Mapping):
        return image_part(part, where, f"a text, a dict such as {_LIKE_PART}, or an image: ")
    kind = part.get("type")
    if not isinstance(kind, str):
        raise InputError(f'{where} has no "type": give e.g. {_LIKE_PART}')
    if kind == "text" and not isinstance(part.get("text"), str):
        raise InputError(f'the "text" of {where} must be a text, not {kind_of(part.get("text"))}')
    if kind == "image_url":
        url = _as_dict(part.get("image_url"), ("url", "detail"), "url", "detail")
        given = url.get("url") if isinstance(url, Mapping) else url
        if isinstance(given, str) and not given.lower().startswith(("http://", "https://", "data:")):
            # A path would be read, and messages may hold what a stranger wrote.
            raise InputError(f"the url of {where} must be an http(s) address or a data URL: give a file as a Path")
        drawn = image_part(given, where)["image_url"]
        return {**part, "image_url": {**url, **drawn} if isinstance(url, Mapping) else drawn}
    return dict(part)
