"""What a question says in OpenAI's words, read for the protocols that have other words. No I/O.

https://platform.openai.com/docs/api-reference/chat/create

Messages are those of `messages.normalize`. What is malformed raises InputError, in one line that says where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec

from ...errors import InputError
from ...wire import decoded

__all__ = [
    "SIGNED",
    "Only",
    "ParsedMessage",
    "ToolFunction",
    "ToolUse",
    "effort",
    "functions",
    "schema_of",
    "tool_choice",
    "turns",
    "unsigned",
]

Value = TypeVar("Value")

SIGNED = "~thought_signature~"
"""Stands in the id of a tool call between the id itself and a signature of Gemini's, which is sent back to it alone."""

_LIKE = '{"id": …, "function": {"name": …, "arguments": …}}'
_FUNCTION = '{"type": "function", "function": {"name": …, "parameters": …}}'
_SCHEMA = '{"type": "json_schema", "json_schema": {"name": …, "schema": …}}'


class ToolUse(NamedTuple):
    """A call of a tool. `id` is "" where it has none."""

    id: str
    name: str
    arguments: dict[str, Any]


class ParsedMessage(NamedTuple):
    """A message. `role` is "system", "user", "assistant" or "tool"; `parts` are of type "text" or "image_url".

    `answered` is the call that the result of a tool answers. `where` is the place of the message, for errors.
    """

    role: str
    parts: list[dict[str, Any]]
    calls: list[ToolUse]
    answered: ToolUse | None
    thoughts: str
    where: str


class ToolFunction(NamedTuple):
    """A function that may be called. `parameters` is a JSON schema. What is not given is empty."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    strict: bool


class Only(NamedTuple):
    """The choice of one function, which must be called."""

    name: str


def turns(messages: list[dict[str, Any]]) -> list[ParsedMessage]:
    """Return what the messages say."""
    said: list[ParsedMessage] = []
    made: dict[str, ToolUse] = {}
    for index, message in enumerate(messages):
        said.append(turn := _turn(message, made, f"messages[{index}]"))
        made |= {call.id: call for call in turn.calls if call.id}
    return said


def unsigned(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the messages without the signatures in the ids of tool calls: they are long, and one vendor's alone."""
    if not any("tool_call_id" in message or "tool_calls" in message for message in messages):
        return messages
    return [_unsigned(message) for message in messages]


def _unsigned(message: dict[str, Any]) -> dict[str, Any]:
    if isinstance(id_ := message.get("tool_call_id"), str) and SIGNED in id_:
        message = message | {"tool_call_id": id_.partition(SIGNED)[0]}
    if isinstance(calls := message.get("tool_calls"), list):
        message = message | {"tool_calls": list(map(_without_signature, calls))}
    return message


def _without_signature(call: object) -> object:
    match call:
        case {"id": str(id_), **rest} if SIGNED in id_:
            return {"id": id_.partition(SIGNED)[0], **rest}
    return call


def functions(tools: object) -> list[ToolFunction | dict[str, Any]]:
    """Return the functions among `tools`; tools of a provider's own stay as they are."""
    return [_function(tool, f"tools[{index}]") for index, tool in enumerate(_list(tools, "tools", _FUNCTION))]


def tool_choice(given: object) -> Literal["auto", "none", "required"] | Only:
    """Return which tools the model may call, or must."""
    match given:
        case "auto" | "none" | "required":
            return given
        case {"function": {"name": str(name)}}:
            return Only(name)
    raise InputError('tool_choice must be auto, none, required or {"type": "function", "function": {"name": …}}')


def schema_of(response_format: object) -> Mapping[str, Any] | None:
    """Return the JSON schema of an answer that has to be JSON: {} for JSON of any form. None where it may be text."""
    match response_format:
        case None | {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return {}
        case {"type": "json_schema", "json_schema": {"schema": Mapping() as schema}}:
            return schema
    raise InputError(f'response_format must be {_SCHEMA}, or of type "json_object" or "text"')


def effort(given: object, known: Mapping[str, Value]) -> Value:
    """Return what the protocol calls a `reasoning_effort`."""
    if not isinstance(given, str) or given not in known:
        raise InputError(f"reasoning_effort must be one of {', '.join(known)}, not {given!r}")
    return known[given]


def _turn(message: Mapping[str, Any], made: Mapping[str, ToolUse], where: str) -> ParsedMessage:
    """Return what one message says; `made` are the calls before it, by their ids."""
    role = message["role"]
    if role == "function" or "function_call" in message:
        raise InputError(f'{where}: functions are called tools by now: give "tool_calls", and results as role "tool"')
    content = message.get("content") or []
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    for part in parts:
        if part["type"] not in ("text", "image_url"):
            raise InputError(f"{where} has a part {part['type']!r}: only text and images can be sent here")
    answered = _answered(message, made, where) if role == "tool" else None
    role = "system" if role == "developer" else role
    calls = [_call(call, where) for call in _list(message.get("tool_calls") or (), f"{where}: tool_calls", _LIKE)]
    return ParsedMessage(role, parts, calls, answered, message.get("reasoning") or "", where)


def _list(given: object, what: str, like: str) -> Sequence[Any]:
    if not isinstance(given, list | tuple):
        raise InputError(f"{what} must be a list such as [{like}]")
    return given


def _call(call: object, where: str) -> ToolUse:
    match call:
        case {"function": {"name": str(name), **function}, **rest}:
            arguments = _arguments(function.get("arguments"), f"{where}: the arguments of {name!r}")
            return ToolUse(str(rest.get("id") or ""), name, arguments)
    raise InputError(f"{where}: a tool call must be like {_LIKE}")


def _arguments(given: Any, what: str) -> dict[str, Any]:
    """Return as an object what calls have as text; no text is no arguments."""
    try:
        arguments = decoded(given.strip() or "{}") if isinstance(given, str) else given or {}
    except msgspec.DecodeError:
        arguments = None
    if not isinstance(arguments, Mapping):
        raise InputError(f"{what} are no JSON object: {str(given)[:200]!r}")
    return dict(arguments)


def _answered(message: Mapping[str, Any], made: Mapping[str, ToolUse], where: str) -> ToolUse:
    """Return the call of a result: by its id, or else by the name of its tool, as Ollama's own results have it."""
    id_ = message.get("tool_call_id")
    if (call := made.get(str(id_))) is not None:
        return call
    if name := message.get("name") or message.get("tool_name"):
        return ToolUse("", str(name), {})
    raise InputError(f"{where} is the result of the tool call {id_!r}, which no message before it has made")


def _function(tool: Any, where: str) -> ToolFunction | dict[str, Any]:
    match tool:
        case {"type": "function", "function": {"name": str(name)}}:
            given = tool["function"].get
            return ToolFunction(name, given("description") or "", given("parameters") or {}, bool(given("strict")))
        case Mapping() if tool.get("type") != "function":
            return dict(tool)
    raise InputError(f"{where} must be like {_FUNCTION}")
