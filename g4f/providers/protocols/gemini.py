"""Google's Gemini, by generateContent.

https://ai.google.dev/api/generate-content
https://ai.google.dev/gemini-api/docs/thought-signatures

Models from Gemini 3 on refuse a function call of theirs that is sent back without the thought signature it came with.
A tool call here has an id, and nothing else that every caller sends back: the signature stands in it. That of a text is
not sent back: it is not asked for.
"""

from __future__ import annotations

from mimetypes import guess_type
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from ...errors import InputError
from ...images import inline, url_of
from ...typing import Key
from ...wire import decoded
from .gemini_answer import GeminiFrames, GeminiReader
from .http_provider import HTTPProvider, Page
from .openai_words import (
    SIGNED,
    Only,
    ParsedMessage,
    ToolFunction,
    ToolUse,
    effort,
    functions,
    schema_of,
    tool_choice,
    turns,
)

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
"""Options by their names in `generationConfig`."""

_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576}
"""Tokens that Gemini 2.5 may think for, by `reasoning_effort`: later models know the words themselves."""

_UNSIGNED = "skip_thought_signature_validator"
"""What Google documents to stand for the signature of a call that is none of Gemini's."""


class Gemini(HTTPProvider):
    """Messages and options are translated; options that OpenAI has no word for are `generateContent`'s own."""

    reader = GeminiReader
    frames = GeminiFrames
    models_path = "/models?pageSize=1000"  # the most that one page may have
    takes_signatures = True
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
        said = turns(messages)
        body: dict[str, Any] = {"contents": _contents(said)}
        if instructions := [_part(part) for turn in said if turn.role == "system" for part in turn.parts]:
            body["systemInstruction"] = {"parts": instructions}
        if tools := options.pop("tools", None):
            body["tools"] = _tools(tools)
        if (choice := options.pop("tool_choice", None)) is not None:
            body["toolConfig"] = {"functionCallingConfig": _mode(choice)}
        if config := _config(model, options):
            body["generationConfig"] = config
        return f"/{quote(name)}:{method}", body | options

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
    """Return the `generationConfig` for those of the options that belong there, which are taken out of them."""
    config = {_CONFIG[name]: options.pop(name) for name in _CONFIG if name in options}
    if (schema := schema_of(options.pop("response_format", None))) is not None:
        config |= {"responseMimeType": "application/json"} | ({"responseJsonSchema": schema} if schema else {})
    if (given := options.pop("reasoning_effort", None)) is not None:
        config["thinkingConfig"] = _thinking(model, given)
    return config | dict(options.pop("generationConfig", {}))


def _thinking(model: str, given: object) -> dict[str, Any]:
    budget = effort(given, _BUDGETS)
    if not budget:
        return {"thinkingBudget": 0}
    shown: dict[str, Any] = {"includeThoughts": True}
    return shown | ({"thinkingBudget": budget} if "gemini-2" in model else {"thinkingLevel": str(given).upper()})


def _tools(tools: object) -> list[dict[str, Any]]:
    """Return the functions together, and tools of Gemini's own, such as {"googleSearch": {}}, as they are."""
    declared, own = [], []
    for tool in functions(tools):
        if isinstance(tool, ToolFunction):
            more = {"description": tool.description, "parametersJsonSchema": tool.parameters}
            declared.append({"name": tool.name} | {key: value for key, value in more.items() if value})
        else:
            own.append(tool)
    return ([{"functionDeclarations": declared}] if declared else []) + own


def _mode(given: object) -> dict[str, Any]:
    match tool_choice(given):
        case Only(name):
            return {"mode": "ANY", "allowedFunctionNames": [name]}
        case word:
            return {"mode": "ANY" if word == "required" else word.upper()}


def _contents(said: list[ParsedMessage]) -> list[dict[str, Any]]:
    """Return the turns. Messages of one role that follow each other are one: results must stand as their calls did.

    Results and a question are never in one turn, which would be taken for the model's own.
    """
    contents: list[dict[str, Any]] = []
    before = ""
    for turn in said:
        if turn.role == "system":
            continue
        parts = [_result(turn, turn.answered)] if turn.answered else [_part(part) for part in turn.parts]
        parts += [_call(call, first=not index) for index, call in enumerate(turn.calls)]
        if contents and turn.role == before:
            contents[-1]["parts"] += parts
        elif parts:
            contents.append({"role": "model" if turn.role == "assistant" else "user", "parts": parts})
            before = turn.role
    if not contents:
        raise InputError("Gemini needs a question beside the system's messages")
    return contents


def _part(part: dict[str, Any]) -> dict[str, Any]:
    """Return a text, or an image: sent along, or by its address, from which Gemini fetches it."""
    if part["type"] == "text":
        return {"text": part["text"]}
    if (image := inline(url := url_of(part))) is not None:
        return {"inlineData": {"mimeType": image.media_type, "data": image.data}}
    kind, _ = guess_type(urlsplit(url).path)
    return {"fileData": {"fileUri": url} | ({"mimeType": kind} if kind else {})}


def _call(call: ToolUse, *, first: bool) -> dict[str, Any]:
    """Return a call that a message makes; only the `first` of them needs a signature."""
    id_, _, signature = call.id.partition(SIGNED)
    part: dict[str, Any] = {"functionCall": {"name": call.name, "args": call.arguments} | ({"id": id_} if id_ else {})}
    signed = signature or (_UNSIGNED if first else "")
    return part | ({"thoughtSignature": signed} if signed else {})


def _result(turn: ParsedMessage, call: ToolUse) -> dict[str, Any]:
    if any(part["type"] != "text" for part in turn.parts):
        raise InputError(f"{turn.where}: the result of a tool must be text")
    told = {"name": call.name, "response": {"output": "".join(part["text"] for part in turn.parts)}}
    return {"functionResponse": told | ({"id": id_} if (id_ := call.id.partition(SIGNED)[0]) else {})}
