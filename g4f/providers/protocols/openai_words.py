"""Questions in OpenAI's words, parsed for the protocols that have other words. No I/O.

https://platform.openai.com/docs/api-reference/chat/create

Messages are those of `messages.normalize`. Malformed ones raise InputError, in one line that says where.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec

from ...errors import InputError, quoted
from ...wire import decoded, written

__all__ = [
    "Only",
    "ParsedMessage",
    "SchemaFormat",
    "ToolFunction",
    "ToolUse",
    "effort",
    "functions",
    "in_words",
    "needless",
    "only_in_words",
    "parse_messages",
    "parts_in",
    "schema_of",
    "tool_choice",
]

Value = TypeVar("Value")

_LIKE = '{"id": …, "function": {"name": …, "arguments": …}}'
_FUNCTION = '{"type": "function", "function": {"name": …, "parameters": …}}'
_SCHEMA = '{"type": "json_schema", "json_schema": {"name": …, "schema": …}}'


class ToolUse(NamedTuple):
    """A call of a tool by the model. `id` is "" if it has none."""

    id: str
    name: str
    arguments: dict[str, Any]


class ParsedMessage(NamedTuple):
    """A message, parsed. `role` is "system", "user", "assistant" or "tool"; `parts` are of the types that are taken.

    In a tool's result, `answered` is the call that it answers. `where` names the message in errors. `state` is what the
    provider that is asked has given to get it back with the message.
    """

    role: str
    parts: list[dict[str, Any]]
    calls: list[ToolUse]
    answered: ToolUse | None
    thoughts: str
    where: str
    state: Sequence[Any] = ()


class ToolFunction(NamedTuple):
    """A function that the model may call. `parameters` is a JSON schema. Fields that are not given are empty."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    strict: bool


class Only(NamedTuple):
    """The choice of one function, which the model must call."""

    name: str


def parse_messages(messages: list[dict[str, Any]], *also: str) -> list[ParsedMessage]:
    """Parse the messages. Texts and images are taken, and parts of the types in `also`. Raises InputError."""
    parsed: list[ParsedMessage] = []
    calls: dict[str, ToolUse] = {}
    for index, message in enumerate(messages):
        parsed.append(_parse(message, calls, f"messages[{index}]", also))
        calls |= {call.id: call for call in parsed[-1].calls if call.id}
    return parsed


_PARTS = {"file": "files", "image_url": "images", "input_audio": "sound"}


def parts_in(messages: list[dict[str, Any]]) -> set[str]:
    """Return what else than text the messages have, in the words of `AbstractProvider.lacks`."""
    contents = [content for message in messages if isinstance(content := message.get("content"), list)]
    return {_PARTS[part["type"]] for content in contents for part in content if part["type"] in _PARTS}


_ANYWAY: dict[str, Any] = {
    "frequency_penalty": 0,
    "logit_bias": {},
    "logprobs": False,
    "parallel_tool_calls": True,
    "presence_penalty": 0,
    "response_format": {"type": "text"},
    "temperature": 1,
    "tool_choice": "auto",
    "top_logprobs": 0,
    "top_p": 1,
}


def needless(name: str, value: object) -> bool:
    """Whether an option asks for what every provider does anyway: one that does not know the option may ignore it."""
    return name == "stream_options" or (name in _ANYWAY and bool(value == _ANYWAY[name]))


def functions(tools: object) -> list[ToolFunction | dict[str, Any]]:
    """Parse the functions among `tools`. A provider's own tools stay as they are."""
    return [_function(tool, f"tools[{index}]") for index, tool in enumerate(_list(tools, "tools", _FUNCTION))]


def tool_choice(given: object) -> Literal["auto", "none", "required"] | Only:
    """Return whether the model may or must call tools, or which one."""
    match given:
        case "auto" | "none" | "required":
            return given
        case {"function": {"name": str(name)}}:
            return Only(name)
    raise InputError('tool_choice must be auto, none, required or {"type": "function", "function": {"name": …}}')


def schema_of(response_format: object) -> Mapping[str, Any] | None:
    """Return the JSON schema that the answer must follow: {} for any JSON, None for text."""
    match response_format:
        case None | {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return {}
        case {"type": "json_schema", "json_schema": {"schema": Mapping() as schema}}:
            return schema
    raise InputError(f'response_format must be {_SCHEMA}, or of type "json_object" or "text"')


class SchemaFormat(dict[str, Any]):
    """The response_format that asks for an answer by a schema. What cannot follow it is asked in words: `in_words`."""

    def __init__(self, name: str, schema: dict[str, Any], *, strict: bool) -> None:
        """`strict` says that the schema has the form that OpenAI's strict mode takes."""
        form = {"name": name, "schema": schema}
        super().__init__(type="json_schema", json_schema=form | ({"strict": True} if strict else {}))
        self.schema, self.strict = schema, strict


def in_words(
    provider: object, takes: Container[str], messages: list[dict[str, Any]], options: dict[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return messages and options for a provider whose method `takes` these: with the schema of the answer in words.

    So it is where the provider does not follow such a schema; see `AbstractProvider.follows_schemas`. Each provider of
    a list decides for itself.
    """
    form = options.get("response_format")
    if type(form) is not SchemaFormat or hasattr(provider, "providers"):
        return messages, options
    follows = getattr(provider, "follows_schemas", "") or ("any" if "response_format" in takes else "none")
    lacks = getattr(provider, "lacks", None) or ()
    if "json_schema" not in lacks and (follows == "any" or (follows == "strict" and form.strict)):
        return messages, options
    messages, others = only_in_words(messages, options)
    if follows != "none" and "json_object" not in lacks:
        others["response_format"] = {"type": "json_object"}
    return messages, others


def only_in_words(
    messages: list[dict[str, Any]], options: dict[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return messages that say the schema of the answer in words, and the options without it; both as they are if none.

    A server that refuses a schema can follow it so. It must be one that we check: a caller's own format stays.
    """
    form = options.get("response_format")
    if type(form) is not SchemaFormat:
        return messages, options
    words = f"Answer with JSON alone, without other text. It follows this JSON schema:\n{written(form.schema)}"
    others = {name: value for name, value in options.items() if name != "response_format"}
    return _instructed(messages, words), others


def _instructed(messages: list[dict[str, Any]], words: str) -> list[dict[str, Any]]:
    """Return the messages with `words` at the end of the system prompt that they begin with."""
    first = messages[0]
    if first["role"] != "system" or not isinstance(first["content"], str):
        return [{"role": "system", "content": words}, *messages]
    return [first | {"content": f"{first['content']}\n\n{words}"}, *messages[1:]]


def effort(given: object, known: Mapping[str, Value]) -> Value:
    """Return the protocol's own value for a `reasoning_effort`."""
    if not isinstance(given, str) or given not in known:
        raise InputError(f"reasoning_effort must be one of {', '.join(known)}, not {quoted(given)}")
    return known[given]


def _parse(
    message: Mapping[str, Any], earlier: Mapping[str, ToolUse], where: str, also: tuple[str, ...]
) -> ParsedMessage:
    """Parse one message; `earlier` are the calls before it, by their ids, `also` more types of parts that are taken."""
    role = message["role"]
    if role == "function" or "function_call" in message:
        raise InputError(f'{where}: function_call is obsolete: use "tool_calls", and the role "tool" for results')
    content = message.get("content") or []
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    for part in parts:
        if part["type"] not in ("text", "image_url", *also):
            *taken, last = ("text", "images", *map(_PARTS.__getitem__, also))
            raise InputError(
                f"{where} has a part of type {part['type']!r}, but only {', '.join(taken)} and {last} can be sent to "
                "this provider"
            )
    answered = _answered(message, earlier, where) if role == "tool" else None
    role = "system" if role == "developer" else role
    calls = [_call(call, where) for call in _list(message.get("tool_calls") or (), f"{where}: tool_calls", _LIKE)]
    state = message["provider_state"]["items"] if "provider_state" in message else ()
    return ParsedMessage(role, parts, calls, answered, message.get("reasoning") or "", where, state)


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
    """Return the arguments of a call, which are the text of a JSON object, as a dict. An empty text is {}."""
    try:
        arguments = decoded(given.strip() or "{}") if isinstance(given, str) else given or {}
    except msgspec.DecodeError:
        arguments = None
    if not isinstance(arguments, Mapping):
        raise InputError(f"{what} must be a JSON object, not {str(given)[:200]!r}")
    return dict(arguments)


def _answered(message: Mapping[str, Any], earlier: Mapping[str, ToolUse], where: str) -> ToolUse:
    """Return the call that a result answers: by its id, or by the name of its tool, as Ollama's results do."""
    id_ = message.get("tool_call_id")
    if (call := earlier.get(str(id_))) is not None:
        return call
    if name := message.get("name") or message.get("tool_name"):
        return ToolUse("", str(name), {})
    raise InputError(f"{where} is the result of the tool call {id_!r}, but no message before it makes that call")


def _function(tool: Any, where: str) -> ToolFunction | dict[str, Any]:
    match tool:
        case {"type": "function", "function": {"name": str(name)}}:
            given = tool["function"].get
            return ToolFunction(name, given("description") or "", given("parameters") or {}, bool(given("strict")))
        case Mapping() if tool.get("type") != "function":
            return dict(tool)
    raise InputError(f"{where} must be like {_FUNCTION}")
