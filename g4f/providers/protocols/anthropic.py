"""Anthropic's Messages API.

https://platform.claude.com/docs/en/api/messages/create
https://platform.claude.com/docs/en/api/versioning
https://platform.claude.com/docs/en/build-with-claude/thinking
https://platform.claude.com/docs/en/build-with-claude/preserved-thinking

Thoughts go back, signed, with the results of the calls that they led to, and not with later questions. Anthropic
refuses a thought if anything before it has changed, for example in a conversation whose turns are repeated or left out;
it accepts a conversation without thoughts.

From its second question on, a conversation is put into the cache, and read from there at a tenth of the price:
https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

from __future__ import annotations

import re
from typing import Any, ClassVar
from urllib.parse import quote

import msgspec

from ...errors import InputError
from ...images import inline, url_of
from ...secrets.key import Key
from ...wire import decoded
from . import openai_words
from .anthropic_answer import AnthropicReader
from .attachments import attachment, text_of
from .http_provider import HTTPProvider, Page

__all__ = ["Anthropic"]

LONGEST = 64_000
"""Tokens of the longest answer that every model can give. Requests must have a limit: a lower one would cut answers."""

_EFFORTS = {"none": "", "minimal": "low"} | {word: word for word in ("low", "medium", "high", "xhigh", "max")}

_BUDGETS = {"low": 1024, "medium": 8192, "high": 24_576, "xhigh": 32_000, "max": 32_000}
"""Tokens that a model of version 4.5 may think for: it cannot choose its own effort."""


class Anthropic(HTTPProvider):
    """Messages and options are translated. Options that OpenAI does not have are passed on under Anthropic's names."""

    reader = AnthropicReader
    unasked = frozenset({"cache_control"})
    headers: ClassVar = {"anthropic-version": "2026-10-21"}
    models_path = "/models?limit=1000"  # the largest page
    follows_schemas = "strict"  # it refuses objects that are open
    takes_files = True
    lacks = frozenset(
        (
            "frequency_penalty",
            "json_object",
            "logit_bias",
            "logprobs",
            "presence_penalty",
            "seed",
            "sound",
            "stream_options",
            "temperature",  # like top_p, since the version above
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
        """Return the request. A caller's `output_config` is added to what the other options give."""
        limit = options.pop("max_completion_tokens", LONGEST)
        parsed = openai_words.parse_messages(messages, "file")
        body: dict[str, Any] = {"model": model, "max_tokens": limit, "messages": _messages(parsed), **_cached(parsed)}
        if stream:
            body["stream"] = True
        if system := [block for message in parsed if message.role == "system" for block in _content(message)]:
            body["system"] = system
        if words := [word for word in options.pop("stop", ()) if word.strip()]:  # it refuses blank ones
            body["stop_sequences"] = words
        if (user := options.pop("user", None)) is not None:
            body["metadata"] = {"user_id": user}
        if tools := options.pop("tools", None):
            body["tools"] = [_tool(tool) for tool in openai_words.functions(tools)]
        if choice := _choice(options.pop("tool_choice", None), options.pop("parallel_tool_calls", None)):
            body["tool_choice"] = choice
        config: dict[str, Any] = {}
        is_typed = isinstance(options.get("response_format"), openai_words.SchemaFormat)
        if (schema := openai_words.schema_of(options.pop("response_format", None))) is not None:
            config["format"] = {"type": "json_schema", "schema": _without_limits(schema) if is_typed else schema}
        if (given := options.pop("reasoning_effort", None)) is not None:
            thinking = _thinking(model, parsed, openai_words.effort(given, _EFFORTS))
            config |= thinking.pop("output_config", {})
            body |= thinking
        if config := config | dict(options.pop("output_config", {})):
            body["output_config"] = config
        return "/messages", body | options

    def listed(self, body: bytes) -> Page:
        """Return the names of the models."""
        page = decoded(body, _List)
        more = f"&after_id={quote(page.last_id)}" if page.has_more and page.last_id else ""
        return Page([model.id for model in page.data], more)


_LIMITS = (
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "multipleOf",
    "pattern",
)


def _without_limits(schema: Any) -> Any:
    """Leave out the keywords that Anthropic refuses. The answer is checked here in any case.

    https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
    """
    if isinstance(schema, list):
        return list(map(_without_limits, schema))
    if not isinstance(schema, dict):
        return schema
    # What has such a name and is a dict is no keyword, but a property.
    kept = {name: each for name, each in schema.items() if name not in _LIMITS or isinstance(each, dict)}
    return {name: each if name in ("const", "enum") else _without_limits(each) for name, each in kept.items()}


class _Model(msgspec.Struct):
    id: str


class _List(msgspec.Struct):
    data: list[_Model]
    has_more: bool | None = None
    last_id: str | None = None


def _thinking(model: str, parsed: list[openai_words.ParsedMessage], level: str) -> dict[str, Any]:
    if not level:
        return {"thinking": {"type": "disabled"}}
    if "-4-5" not in model:
        return {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": level}}
    if parsed[-1].answered and not parsed[_round(parsed)].state:  # to think on, it needs the thoughts before the calls
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": _BUDGETS[level]}}


def _tool(tool: openai_words.ToolFunction | dict[str, Any]) -> dict[str, Any]:
    """Return a function in Anthropic's form; one of Anthropic's own tools stays as it is."""
    if not isinstance(tool, openai_words.ToolFunction):
        return tool
    declared = {"name": tool.name, "input_schema": tool.parameters or {"type": "object", "properties": {}}}
    more = {"description": tool.description, "strict": tool.strict}
    return declared | {key: value for key, value in more.items() if value}


def _choice(given: object, parallel: object) -> dict[str, Any]:
    if given is None and parallel is not False:
        return {}
    match openai_words.tool_choice("auto" if given is None else given):
        case openai_words.Only(name):
            sent: dict[str, Any] = {"type": "tool", "name": name}
        case word:
            sent = {"type": "any" if word == "required" else word}
    return sent | ({"disable_parallel_tool_use": True} if parallel is False and given != "none" else {})


def _messages(parsed: list[openai_words.ParsedMessage]) -> list[dict[str, Any]]:
    """Merge consecutive messages of a role: the results of a message's calls must be in the next one."""
    messages: list[dict[str, Any]] = []
    begin = _round(parsed)
    for index, message in enumerate(parsed):
        if message.role == "system":
            continue
        role = "assistant" if message.role == "assistant" else "user"
        blocks = [_result(message, message.answered)] if message.answered else _content(message)
        blocks += [_call(message, call) for call in message.calls]
        if message.state and message.calls and index >= begin:
            blocks = [*filter(_is_thought, message.state), *blocks]
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += blocks
        elif blocks:
            messages.append({"role": role, "content": blocks})
    if not messages:
        raise InputError("Anthropic needs a user's message beside the system's messages")
    return messages


def _round(parsed: list[openai_words.ParsedMessage]) -> int:
    """Return the index of the first message after the last question; of the last message, if it is the question."""
    asked = [index for index, message in enumerate(parsed) if message.role == "user"]
    return min(asked[-1] + 1, len(parsed) - 1) if asked else 0


def _is_thought(block: object) -> bool:
    return isinstance(block, dict) and block.get("type") in ("thinking", "redacted_thinking")


def _cached(parsed: list[openai_words.ParsedMessage]) -> dict[str, Any]:
    """Mark a conversation for the cache once it goes on, unless the caller has marked parts of it."""
    marked = any("cache_control" in part for message in parsed for part in message.parts)
    goes_on = any(message.role == "assistant" for message in parsed)
    return {"cache_control": {"type": "ephemeral"}} if goes_on and not marked else {}


def _content(message: openai_words.ParsedMessage) -> list[dict[str, Any]]:
    """Return the blocks of a message, without blank text, which Anthropic refuses."""
    return [_block(part, message.where) for part in message.parts if part["type"] != "text" or part["text"].strip()]


def _block(part: dict[str, Any], where: str) -> dict[str, Any]:
    """Return a text, with its mark for the cache if it has one, a file, or an image: its data, or its address."""
    if part["type"] == "text":
        return dict(part)
    if part["type"] == "file":
        return _document(part, where)
    if (image := inline(url := url_of(part))) is not None:
        return {"type": "image", "source": {"type": "base64", "media_type": image.media_type, "data": image.data}}
    return {"type": "image", "source": {"type": "url", "url": url}}


def _document(part: dict[str, Any], where: str) -> dict[str, Any]:
    """Return a file: a PDF, or what is text, which Anthropic takes as plain text."""
    file = attachment(part, where)
    if file.media_type.startswith("image/"):
        return {"type": "image", "source": {"type": "base64", "media_type": file.media_type, "data": file.data}}
    if file.media_type == "application/pdf":
        source = {"type": "base64", "media_type": file.media_type, "data": file.data}
    elif file.media_type.startswith("text/") or file.media_type == "application/json":
        source = {"type": "text", "media_type": "text/plain", "data": text_of(file, where)}
    else:
        raise InputError(f"{where}: Anthropic takes PDFs, texts and images, and no file of type {file.media_type!r}")
    return {"type": "document", "source": source} | ({"title": file.name} if file.name else {})


def _call(message: openai_words.ParsedMessage, call: openai_words.ToolUse) -> dict[str, Any]:
    return {"type": "tool_use", "id": _id(message, call), "name": call.name, "input": call.arguments}


def _result(message: openai_words.ParsedMessage, call: openai_words.ToolUse) -> dict[str, Any]:
    result = {"type": "tool_result", "tool_use_id": _id(message, call)}
    return result | ({"content": blocks} if (blocks := _content(message)) else {})


def _id(message: openai_words.ParsedMessage, call: openai_words.ToolUse) -> str:
    """Return the id of a call in the characters that Anthropic accepts: ids of other providers may have more."""
    if not call.id:
        raise InputError(f'{message.where}: the tool call of {call.name!r} needs an "id" for Anthropic')
    return re.sub(r"[^\w-]", "_", call.id, flags=re.ASCII)
