"""Anthropic's Messages API.

https://platform.claude.com/docs/en/api/messages/create
https://platform.claude.com/docs/en/api/versioning
https://platform.claude.com/docs/en/build-with-claude/thinking
https://platform.claude.com/docs/en/build-with-claude/preserved-thinking

Thoughts are read, and not sent back: Anthropic refuses one once anything before it has changed, as in a conversation
whose turns are asked again or left out, and takes a conversation without any.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from ..errors import InputError
from ..images import inline, url_of
from ..typing import Key
from .anthropic_messages import AnthropicReader
from .protocol import HTTPProvider
from .settings import Settings

__all__ = ["Anthropic"]

VERSION = "2026-10-21"

LONGEST = 64_000
"""Tokens that every model can answer with. A request must have a limit; to end at a lower one would cut answers."""

_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}

_BUDGETS = {"low": 1024, "medium": 8192, "high": 24_576, "xhigh": 32_000, "max": 32_000}
"""Tokens that a model of version 4.5 may think for: it does not think as it sees fit."""


class Anthropic(HTTPProvider):
    """Messages and options are translated; options that OpenAI has no word for are those of Messages."""

    reader = AnthropicReader
    models_path = "/v1/models?limit=1000"  # the most that one page may have, and many times what there is
    lacks = frozenset(
        (
            "frequency_penalty",
            "json_object",
            "logit_bias",
            "logprobs",
            "presence_penalty",
            "seed",
            "temperature",  # this and top_p since the version above
            "top_logprobs",
            "top_p",
        )
    )

    def credentials(self, key: Key) -> dict[str, str]:
        """Return `x-api-key`."""
        return {"x-api-key": key}

    def request(
        self, model: str, messages: list[dict[str, Any]], options: dict[str, Any], *, stream: bool
    ) -> tuple[str, dict[str, Any]]:
        """Return the request. An `output_config` of the caller's is added to what the other options make."""
        limit = options.pop("max_completion_tokens", LONGEST)
        body: dict[str, Any] = {"model": model, "max_tokens": limit, "messages": _turns(messages)}
        if stream:
            body["stream"] = True
        if system := [block for message in messages if _is_system(message) for block in _content(message, "system")]:
            body["system"] = system
        if words := [word for word in options.pop("stop", ()) if word.strip()]:  # blank ones are found here only
            body["stop_sequences"] = words
        if (user := options.pop("user", None)) is not None:
            body["metadata"] = {"user_id": user}
        if tools := options.pop("tools", None):
            body["tools"] = [_tool(tool, f"tools[{index}]") for index, tool in enumerate(tools)]
        if choice := _choice(options.pop("tool_choice", None), options.pop("parallel_tool_calls", None)):
            body["tool_choice"] = choice
        config = _format(options.pop("response_format", None))
        if (effort := options.pop("reasoning_effort", None)) is not None:
            thinking = _thinking(model, messages, effort)
            config |= thinking.pop("output_config", {})
            body |= thinking
        if config := config | dict(options.pop("output_config", {})):
            body["output_config"] = config
        return "/v1/messages", body | options

    def listed(self, body: bytes) -> list[str]:
        """Return the names of the models."""
        return [model.id for model in msgspec.json.decode(body, type=_List).data]

    def _door(
        self, base_url: str | None, api_key: str | None, extra_headers: Mapping[str, str] | None, settings: Settings
    ) -> Any:
        """Say the version. An address may have the /v1 that is in the paths, or not, as the official SDK's."""
        door = super()._door(base_url, api_key, extra_headers, settings)
        headers = {"anthropic-version": VERSION} | door.headers
        return door._replace(url=door.url.removesuffix("/v1"), headers=headers)


class _Model(msgspec.Struct):
    id: str


class _List(msgspec.Struct):
    data: list[_Model]


def _format(wanted: object) -> dict[str, Any]:
    match wanted:
        case None | {"type": "text"}:
            return {}
        case {"type": "json_schema", "json_schema": {"schema": Mapping() as schema}}:
            return {"format": {"type": "json_schema", "schema": schema}}
    raise InputError('response_format must be {"type": "json_schema", "json_schema": {"name": …, "schema": …}}')


def _thinking(model: str, messages: list[dict[str, Any]], effort: object) -> dict[str, Any]:
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    level = _EFFORTS.get(effort) if isinstance(effort, str) else None
    if level is None:
        raise InputError(f"reasoning_effort must be one of none, {', '.join(_EFFORTS)}, not {effort!r}")
    if "-4-5" not in model:
        return {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": level}}
    if messages[-1]["role"] == "tool":  # to think about results, these would need the thoughts before the calls
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": _BUDGETS[level]}}


def _tool(tool: object, where: str) -> dict[str, Any]:
    """Return a function as Anthropic declares it, and a tool of Anthropic's own as it is."""
    match tool:
        case {"type": "function", "function": {"name": str(name), **rest}}:
            schema = rest.get("parameters") or {"type": "object", "properties": {}}
            more = {key: rest[key] for key in ("description", "strict") if rest.get(key)}
            return {"name": name, "input_schema": schema} | more
        case {"type": "function"}:
            pass
        case Mapping():
            return dict(tool)
    raise InputError(f'{where} must be like {{"type": "function", "function": {{"name": …, "parameters": …}}}}')


def _choice(choice: object, parallel: object) -> dict[str, Any]:
    match choice:
        case None:
            sent = {"type": "auto"} if parallel is False else {}
        case "auto" | "none":
            sent = {"type": choice}
        case "required":
            sent = {"type": "any"}
        case {"function": {"name": str(name)}}:
            sent = {"type": "tool", "name": name}
        case _:
            form = '{"type": "function", "function": {"name": …}}'
            raise InputError(f"tool_choice must be auto, none, required or {form}")
    return sent | ({"disable_parallel_tool_use": True} if parallel is False and choice != "none" else {})


def _is_system(message: Mapping[str, Any]) -> bool:
    return message["role"] in ("system", "developer")


def _turns(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the turns of user and assistant by turns. The results of one turn's calls must stand in the next one."""
    turns: list[dict[str, Any]] = []
    calls: set[str] = set()
    for index, message in enumerate(messages):
        role, where = message["role"], f"messages[{index}]"
        if _is_system(message):
            continue
        if role == "function" or "function_call" in message:
            raise InputError(f'{where}: functions are called tools by now: give "tool_calls", and role "tool"')
        blocks = _result(message, calls, where) if role == "tool" else _content(message, where)
        blocks += [_call(call, calls, where) for call in message.get("tool_calls") or ()]
        role = "assistant" if role == "assistant" else "user"
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": role, "content": blocks})
    if not turns:
        raise InputError("Anthropic needs a question beside the system's messages")
    return turns


def _content(message: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    """Return the blocks of a message. Anthropic refuses those of text that are blank."""
    content = message.get("content") or []
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [_block(part, where) for part in parts if part["type"] != "text" or part["text"].strip()]


def _block(part: Mapping[str, Any], where: str) -> dict[str, Any]:
    match part["type"]:
        case "text":
            return dict(part)  # it may say that it is to be cached
        case "image_url":
            return {"type": "image", "source": _source(url_of(part))}
        case kind:
            raise InputError(f"{where} has a part {kind!r}: Anthropic takes text and images here")


def _source(url: str) -> dict[str, Any]:
    """Return an image that is sent along, or the address of one, which Anthropic fetches."""
    if (image := inline(url)) is not None:
        return {"type": "base64", "media_type": image.media_type, "data": image.data}
    return {"type": "url", "url": url}


def _call(call: object, calls: set[str], where: str) -> dict[str, Any]:
    match call:
        case {"id": str(id_), "function": {"name": str(name), **rest}} if id_:
            calls.add(id_)
        case _:
            raise InputError(f'{where}: a tool call must be like {{"id": …, "function": {{"name": …}}}}')
    arguments = _arguments(rest.get("arguments"), f"{where}: the arguments of {name!r}")
    return {"type": "tool_use", "id": _plain(id_), "name": name, "input": arguments}


def _arguments(given: object, what: str) -> object:
    try:
        arguments = msgspec.json.decode(given) if isinstance(given, str) and given.strip() else given or {}
    except (msgspec.DecodeError, UnicodeEncodeError):
        arguments = None
    if not isinstance(arguments, Mapping):
        raise InputError(f"{what} are no JSON object: {str(given)[:200]!r}")
    return arguments


def _result(message: Mapping[str, Any], calls: set[str], where: str) -> list[dict[str, Any]]:
    id_ = message.get("tool_call_id")
    if id_ not in calls:
        raise InputError(f"{where} is the result of the tool call {id_!r}, which no message before it has made")
    told = {"type": "tool_result", "tool_use_id": _plain(str(id_))}
    return [told | ({"content": blocks} if (blocks := _content(message, where)) else {})]


def _plain(id_: str) -> str:
    """Return the id of a call in the characters that Anthropic takes: other providers have more."""
    return re.sub(r"[^\w-]", "_", id_, flags=re.ASCII)
