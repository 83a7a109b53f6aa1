"""Google's Gemini, by generateContent.

https://ai.google.dev/api/generate-content
https://ai.google.dev/gemini-api/docs/thought-signatures

Models from Gemini 3 on refuse a function call of theirs that is sent back without the thought signature it came with.
A tool call here has an id, and nothing else that every caller sends back: the signature stands in it. That of a text is
not sent back: it is not asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from mimetypes import guess_type
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from ..errors import InputError
from ..images import inline, url_of
from ..typing import Key
from .generate_content import SIGNED, GenerateContentFrames, GenerateContentReader
from .protocol import HTTPProvider
from .settings import Settings

__all__ = ["Gemini"]

_VERSION = re.compile(r"/v\d+\w*$")

_CONFIG = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "seed": "seed",
    "stop": "stopSequences",
    "max_tokens": "maxOutputTokens",
    "max_completion_tokens": "maxOutputTokens",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
"""Options by their names in `generationConfig`."""

_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576}
"""Tokens that Gemini 2.5 may think for, by `reasoning_effort`: later models know the words themselves."""

_UNSIGNED = "skip_thought_signature_validator"
"""What Google documents to stand for the signature of a call that is none of Gemini's."""


class Gemini(HTTPProvider):
    """Messages and options are translated; options that OpenAI has no word for are `generateContent`'s own."""

    reader = GenerateContentReader
    frames = GenerateContentFrames
    models_path = "/models?pageSize=1000"  # the most that one page may have, and many times what there is
    lacks = frozenset(("logit_bias", "logprobs", "parallel_tool_calls", "top_logprobs", "user"))

    def credentials(self, key: Key) -> dict[str, str]:
        """Return `x-goog-api-key`."""
        return {"x-goog-api-key": key}

    def request(
        self, model: str, messages: list[dict[str, Any]], options: dict[str, Any], *, stream: bool
    ) -> tuple[str, dict[str, Any]]:
        """Return the request. A `generationConfig` of the caller's is added to what the other options make."""
        name = model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        body: dict[str, Any] = {"contents": _contents(messages)}
        if instructions := [
            part for message in messages if _is_system(message) for part in _parts(message, "a system message")
        ]:
            body["systemInstruction"] = {"parts": instructions}
        if tools := options.pop("tools", None):
            body["tools"] = _tools(tools)
        if (choice := options.pop("tool_choice", None)) is not None:
            body["toolConfig"] = {"functionCallingConfig": _mode(choice)}
        if config := _config(model, options):
            body["generationConfig"] = config
        return f"/{quote(name)}:{method}", body | options

    def listed(self, body: bytes) -> list[str]:
        """Return the names of the models that can answer."""
        models = msgspec.json.decode(body, type=_List).models
        able = [model for model in models if "generateContent" in model.supported_generation_methods]
        return [model.name.removeprefix("models/") for model in able]

    def _door(
        self, base_url: str | None, api_key: str | None, extra_headers: Mapping[str, str] | None, settings: Settings
    ) -> Any:
        """Add the version to an address that has none, as the official SDK does to each."""
        door = super()._door(base_url, api_key, extra_headers, settings)
        return door if _VERSION.search(door.url) else door._replace(url=f"{door.url}/v1beta")


class _Model(msgspec.Struct, rename="camel"):
    name: str
    supported_generation_methods: list[str] = []


class _List(msgspec.Struct):
    models: list[_Model]


def _config(model: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the `generationConfig` for those of the options that belong there, which are taken out of them."""
    config = {_CONFIG[name]: options.pop(name) for name in _CONFIG if name in options}
    if (wanted := options.pop("response_format", None)) is not None:
        config |= _format(wanted)
    if (effort := options.pop("reasoning_effort", None)) is not None:
        config["thinkingConfig"] = _thinking(model, effort)
    return config | dict(options.pop("generationConfig", {}))


def _format(wanted: object) -> dict[str, Any]:
    match wanted:
        case {"type": "text"}:
            return {}
        case {"type": "json_object"}:
            return {"responseMimeType": "application/json"}
        case {"type": "json_schema", "json_schema": {"schema": Mapping() as schema}}:
            return {"responseMimeType": "application/json", "responseJsonSchema": schema}
    raise InputError(
        'response_format must be {"type": "json_object"} or '
        '{"type": "json_schema", "json_schema": {"name": …, "schema": …}}'
    )


def _thinking(model: str, effort: object) -> dict[str, Any]:
    if effort == "none":
        return {"thinkingBudget": 0}
    if not isinstance(effort, str) or effort not in _BUDGETS:
        raise InputError(f"reasoning_effort must be one of none, {', '.join(_BUDGETS)}, not {effort!r}")
    if "gemini-2" in model:
        return {"includeThoughts": True, "thinkingBudget": _BUDGETS[effort]}
    return {"includeThoughts": True, "thinkingLevel": effort.upper()}


def _tools(tools: Sequence[object]) -> list[dict[str, Any]]:
    """Return the functions together, and tools of Gemini's own, such as {"googleSearch": {}}, as they are."""
    functions: list[dict[str, Any]] = []
    own: list[dict[str, Any]] = []
    for index, tool in enumerate(tools):
        match tool:
            case {"type": "function", "function": {"name": str(name), **rest}}:
                described = {"description": rest.get("description"), "parametersJsonSchema": rest.get("parameters")}
                functions.append({"name": name} | {key: value for key, value in described.items() if value})
            case Mapping() if "type" not in tool:
                own.append(dict(tool))
            case _:
                raise InputError(
                    f'tools[{index}] must be like {{"type": "function", "function": {{"name": …, "parameters": …}}}}'
                )
    return ([{"functionDeclarations": functions}] if functions else []) + own


def _mode(choice: object) -> dict[str, Any]:
    match choice:
        case "auto" | "none":
            return {"mode": choice.upper()}
        case "required":
            return {"mode": "ANY"}
        case {"function": {"name": str(name)}}:
            return {"mode": "ANY", "allowedFunctionNames": [name]}
    raise InputError('tool_choice must be auto, none, required or {"type": "function", "function": {"name": …}}')


def _is_system(message: Mapping[str, Any]) -> bool:
    return message["role"] in ("system", "developer")


def _contents(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the turns. Messages of one role that follow each other are one: results must stand as their calls did.

    Results and a question are never in one turn, which would be taken for the model's own.
    """
    contents: list[dict[str, Any]] = []
    names: dict[str, str] = {}  # of the functions, by the calls that were made
    before = ""
    for index, message in enumerate(messages):
        role, where = message["role"], f"messages[{index}]"
        if _is_system(message):
            continue
        if role == "function" or "function_call" in message:
            raise InputError(f'{where}: functions are called tools by now: give "tool_calls", and role "tool"')
        if role == "tool":
            parts = [_result(message, names, where)]
        else:
            parts = _parts(message, where) + _calls(message, names, where)
        if contents and role == before:
            contents[-1]["parts"] += parts
        elif parts:
            contents.append({"role": "model" if role == "assistant" else "user", "parts": parts})
            before = role
    if not contents:
        raise InputError("Gemini needs a question beside the system's messages")
    return contents


def _parts(message: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    content = message.get("content") or []
    return [{"text": content}] if isinstance(content, str) else [_part(part, where) for part in content]


def _part(part: Mapping[str, Any], where: str) -> dict[str, Any]:
    match part["type"]:
        case "text":
            return {"text": part["text"]}
        case "image_url":
            return _image(url_of(part))
        case kind:
            raise InputError(f"{where} has a part {kind!r}: Gemini takes text and images here")


def _image(url: str) -> dict[str, Any]:
    """Return an image that is sent along, or the address of one, which Gemini fetches."""
    if (image := inline(url)) is not None:
        return {"inlineData": {"mimeType": image.media_type, "data": image.data}}
    kind, _ = guess_type(urlsplit(url).path)
    return {"fileData": {"fileUri": url} | ({"mimeType": kind} if kind else {})}


def _calls(message: Mapping[str, Any], names: dict[str, str], where: str) -> list[dict[str, Any]]:
    """Return the calls that a message makes; only the first of them needs a signature. Their functions are noted."""
    parts: list[dict[str, Any]] = []
    for call in message.get("tool_calls") or ():
        match call:
            case {"function": {"name": str(name), **rest}, **given}:
                id_, _, signature = str(given.get("id") or "").partition(SIGNED)
            case _:
                raise InputError(f'{where}: a tool call must be like {{"id": …, "function": {{"name": …}}}}')
        names[str(given.get("id"))] = name
        arguments = _arguments(rest.get("arguments"), f"{where}: the arguments of {name!r}")
        part: dict[str, Any] = {"functionCall": {"name": name, "args": arguments} | ({"id": id_} if id_ else {})}
        if signed := signature or ("" if parts else _UNSIGNED):
            part["thoughtSignature"] = signed
        parts.append(part)
    return parts


def _arguments(given: object, what: str) -> object:
    try:
        arguments = msgspec.json.decode(given) if isinstance(given, str) and given.strip() else given or {}
    except (msgspec.DecodeError, UnicodeEncodeError):
        arguments = None
    if not isinstance(arguments, Mapping):
        raise InputError(f"{what} are no JSON object: {str(given)[:200]!r}")
    return arguments


def _result(message: Mapping[str, Any], names: Mapping[str, str], where: str) -> dict[str, Any]:
    id_ = str(message.get("tool_call_id"))
    if id_ not in names:
        raise InputError(f"{where} is the result of the tool call {id_!r}, which no message before it has made")
    texts = [part.get("text") for part in _parts(message, where)]
    if None in texts:
        raise InputError(f"{where}: the result of a tool must be text")
    told = {"name": names[id_], "response": {"output": "".join(map(str, texts))}}
    return {"functionResponse": told | ({"id": sent} if (sent := id_.partition(SIGNED)[0]) else {})}
