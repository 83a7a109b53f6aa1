"""Google's Gemini, by generateContent.

https://ai.google.dev/api/generate-content
https://ai.google.dev/gemini-api/docs/thought-signatures

Since Gemini 3, models refuse a function call of theirs that is sent back without the thought signature it came with.
The id of a tool call is all that every caller sends back, so the id carries the signature. Signatures of text are
optional, and are left out.
"""

from __future__ import annotations

from mimetypes import guess_type
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

import msgspec

from ...errors import InputError
from ...images import inline, url_of
from ...secrets.key import Key
from ...wire import decoded
from ..vendors import SIGNED
from . import openai_words
from .attachments import attachment
from .gemini_answer import GeminiFrames, GeminiReader
from .http_provider import HTTPProvider, Page

__all__ = ["Gemini"]

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
"""The names of options in `generationConfig`."""

_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576}
"""Tokens that Gemini 2.5 may think for, by `reasoning_effort`: later models accept the words themselves."""

_UNSIGNED = "skip_thought_signature_validator"
"""What Google documents as the signature of a call that Gemini did not make."""


class Gemini(HTTPProvider):
    """Messages and options are translated. Options that OpenAI does not have are passed on under Google's names."""

    reader = GeminiReader
    frames = GeminiFrames
    models_path = "/models?pageSize=1000"  # the largest page
    takes_signatures = True
    takes_files = True
    lacks = frozenset(("logit_bias", "logprobs", "parallel_tool_calls", "stream_options", "top_logprobs", "user"))

    def credentials(self, key: Key) -> dict[str, str]:
        """Return `x-goog-api-key`."""
        return {"x-goog-api-key": key}

    def request(
        self, model: str, messages: list[dict[str, Any]], options: dict[str, Any], *, stream: bool
    ) -> tuple[str, dict[str, Any]]:
        """Return the request. A caller's `generationConfig` is added to what the other options give."""
        name = model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        parsed = openai_words.parse_messages(messages, "file", "input_audio")
        body: dict[str, Any] = {"contents": _contents(parsed)}
        if instructions := [part for message in parsed if message.role == "system" for part in _parts(message)]:
            body["systemInstruction"] = {"parts": instructions}
        if tools := options.pop("tools", None):
            body["tools"] = _tools(tools)
        if (choice := options.pop("tool_choice", None)) is not None:
            body["toolConfig"] = {"functionCallingConfig": _mode(choice)}
        if config := _config(model, options):
            body["generationConfig"] = config
        return f"/{quote(name, errors='replace')}:{method}", body | options

    def listed(self, body: bytes) -> Page:
        """Return the names of the models that can answer."""
        page = decoded(body, _List)
        able = [model for model in page.models if "generateContent" in model.supported_generation_methods]
        more = f"&pageToken={quote(page.next_page_token)}" if page.next_page_token else ""
        return Page([model.name.removeprefix("models/") for model in able], more)


class _Model(msgspec.Struct, rename="camel"):
    name: str
    supported_generation_methods: list[str] = []


class _List(msgspec.Struct, rename="camel"):
    models: list[_Model]
    next_page_token: str | None = None


def _config(model: str, options: dict[str, Any]) -> dict[str, Any]:
    """Remove from `options` those that belong in `generationConfig`, and return it."""
    config = {_CONFIG[name]: options.pop(name) for name in _CONFIG if name in options}
    if (schema := openai_words.schema_of(options.pop("response_format", None))) is not None:
        config |= {"responseMimeType": "application/json"} | ({"responseJsonSchema": schema} if schema else {})
    if (given := options.pop("reasoning_effort", None)) is not None:
        config["thinkingConfig"] = _thinking(model, given)
    return config | dict(options.pop("generationConfig", {}))


def _thinking(model: str, given: object) -> dict[str, Any]:
    budget = openai_words.effort(given, _BUDGETS)
    if not budget:
        return {"thinkingBudget": 0}
    shown: dict[str, Any] = {"includeThoughts": True}
    return shown | ({"thinkingBudget": budget} if "gemini-2" in model else {"thinkingLevel": str(given).upper()})


def _tools(tools: object) -> list[dict[str, Any]]:
    """Return the functions in one declaration; Gemini's own tools, such as {"googleSearch": {}}, stay as they are."""
    declared, own = [], []
    for tool in openai_words.functions(tools):
        if isinstance(tool, openai_words.ToolFunction):
            more = {"description": tool.description, "parametersJsonSchema": tool.parameters}
            declared.append({"name": tool.name} | {key: value for key, value in more.items() if value})
        else:
            own.append(tool)
    return ([{"functionDeclarations": declared}] if declared else []) + own


def _mode(given: object) -> dict[str, Any]:
    match openai_words.tool_choice(given):
        case openai_words.Only(name):
            return {"mode": "ANY", "allowedFunctionNames": [name]}
        case word:
            return {"mode": "ANY" if word == "required" else word.upper()}


def _contents(parsed: list[openai_words.ParsedMessage]) -> list[dict[str, Any]]:
    """Merge consecutive messages of a role, because results must come together, as their calls did.

    Results and a question are never merged: Gemini would take both for the model's own.
    """
    contents: list[dict[str, Any]] = []
    before = ""
    for message in parsed:
        if message.role == "system":
            continue
        parts = [_result(message, message.answered)] if message.answered else _parts(message)
        parts += [_call(call, first=not index) for index, call in enumerate(message.calls)]
        if contents and message.role == before:
            contents[-1]["parts"] += parts
        elif parts:
            contents.append({"role": "model" if message.role == "assistant" else "user", "parts": parts})
            before = message.role
    if not contents:
        raise InputError("Gemini needs a user's message beside the system's messages")
    return contents


def _parts(message: openai_words.ParsedMessage) -> list[dict[str, Any]]:
    return [_part(part, message.where) for part in message.parts]


def _part(part: dict[str, Any], where: str) -> dict[str, Any]:
    """Return a text, a file, a recording, or an image: its data, or the address from which Gemini fetches it."""
    if part["type"] == "text":
        return {"text": part["text"]}
    if part["type"] != "image_url":
        file = attachment(part, where)
        return {"inlineData": {"mimeType": file.media_type, "data": file.data}}
    if (image := inline(url := url_of(part))) is not None:
        return {"inlineData": {"mimeType": image.media_type, "data": image.data}}
    kind, _ = guess_type(PurePosixPath(url.partition("?")[0]).name)
    return {"fileData": {"fileUri": url} | ({"mimeType": kind} if kind else {})}


def _call(call: openai_words.ToolUse, *, first: bool) -> dict[str, Any]:
    """Return a call of a message. Only the `first` one needs a signature."""
    id_, _, signature = call.id.partition(SIGNED)
    part: dict[str, Any] = {"functionCall": {"name": call.name, "args": call.arguments} | ({"id": id_} if id_ else {})}
    signed = signature or (_UNSIGNED if first else "")
    return part | ({"thoughtSignature": signed} if signed else {})


def _result(message: openai_words.ParsedMessage, call: openai_words.ToolUse) -> dict[str, Any]:
    if any(part["type"] != "text" for part in message.parts):
        raise InputError(f"{message.where}: the result of a tool must be text for Gemini")
    result = {"name": call.name, "response": {"output": "".join(part["text"] for part in message.parts)}}
    return {"functionResponse": result | ({"id": id_} if (id_ := call.id.partition(SIGNED)[0]) else {})}
