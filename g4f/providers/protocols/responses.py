"""OpenAI's Responses: questions in the words of chat completions are translated.

https://developers.openai.com/api/docs/api-reference/responses/create
https://developers.openai.com/api/docs/guides/reasoning

Nothing is kept at the far side: what the model thought comes encrypted, and goes back with the turn that it belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import InputError
from ..rows import ROWS, Row
from .http_provider import HTTPProvider, Page
from .openai_words import ToolFunction, functions, needless
from .responses_answer import ResponsesReader

__all__ = ["Responses"]

FEWEST = 16
"""Tokens of the lowest limit that OpenAI takes here."""

_ELSEWHERE = ("frequency_penalty", "logit_bias", "modalities", "prediction", "presence_penalty", "seed")
"""Options of chat completions that this protocol does not have."""

_SAMPLING = ("temperature", "top_p", "logprobs", "top_logprobs")
"""Options that a model refuses while it thinks."""

_ENCRYPTED = "reasoning.encrypted_content"
_PROBABILITIES = "message.output_text.logprobs"


class Responses(HTTPProvider):
    """The protocol, for a row of the catalogue. It lists no models: `OpenAICompatible` does."""

    reader = ResponsesReader

    def __init__(self, row: Row) -> None:
        super().__init__(row)
        if row not in ROWS or not row.default_model:  # nobody knows which models there can think
            self.unasked = frozenset({"include"})

    def request(
        self, model: str, messages: list[dict[str, Any]], options: dict[str, Any], *, stream: bool
    ) -> tuple[str, dict[str, Any]]:
        """Return the request. A caller's `reasoning`, `text` and `include` are added to what the other options give."""
        self._check(model, options)
        body: dict[str, Any] = {"model": model, "input": [item for message in messages for item in _items(message)]}
        body["store"] = False
        if stream:
            body["stream"] = True
        for name in ("stop", "stream_options"):  # words that end an answer are looked for here
            options.pop(name, None)
        limits = [options.pop(name) for name in ("max_completion_tokens", "max_tokens") if name in options]
        if limits:
            limit = limits[-1]
            body["max_output_tokens"] = max(limit, FEWEST) if isinstance(limit, int) else limit
        include = [] if re.match(self.row.thoughtless or "$", model) else [_ENCRYPTED]
        if options.pop("logprobs", False):
            include.append(_PROBABILITIES)
        if include := [*include, *options.pop("include", ())]:
            body["include"] = include
        if reasoning := _reasoning(options.pop("reasoning_effort", None)) | dict(options.pop("reasoning", {})):
            body["reasoning"] = reasoning
        if text := _text(options) | dict(options.pop("text", {})):
            body["text"] = text
        if tools := options.pop("tools", None):
            body["tools"] = [_tool(tool) for tool in functions(tools)]
        if (choice := options.pop("tool_choice", None)) is not None:
            body["tool_choice"] = _choice(choice)
        return "/responses", body | options

    def listed(self, body: bytes) -> Page:
        """Not asked: the list of models is no part of this protocol."""
        raise NotImplementedError

    def _check(self, model: str, options: dict[str, Any]) -> None:
        """Raise InputError for an option that would be refused; leave out those that ask for what is done anyway."""
        for name in _ELSEWHERE:
            if name in options and not needless(name, options.pop(name)):
                raise InputError(
                    f"{self.name} does not take {name!r} in the Responses protocol: leave it out, or give "
                    'protocol="chat"'
                )
        if self.row.thinkers and re.match(self.row.thinkers, model):
            thinks = (options.get("reasoning_effort") or _effort(options)) != "none"
            for name in _SAMPLING if thinks else ():
                if name in options and not needless(name, options.pop(name)):
                    raise InputError(f'{model} takes {name!r} only with reasoning_effort="none"')


def _effort(options: Mapping[str, Any]) -> object:
    given = options.get("reasoning")
    return given.get("effort") if isinstance(given, Mapping) else None


def _items(message: dict[str, Any]) -> list[Any]:
    """Return a message as items: the very ones that this provider gave, if it was its own and is unchanged."""
    role, content, calls = message["role"], message.get("content"), message.get("tool_calls") or ()
    if role == "tool":
        return [{"type": "function_call_output", "call_id": message.get("tool_call_id"), "output": _parts(content)}]
    if role == "function" or "function_call" in message:
        raise InputError('function_call is obsolete: use "tool_calls", and the role "tool" for results')
    if (own := message.get("provider_state")) and (items := _sent_back(own["items"], content, calls)):
        return items
    items = [{"role": role, "content": _parts(content, role)}] if content else []
    return [*items, *map(_call, calls)]


def _call(call: Any) -> dict[str, Any]:
    match call:
        case {"function": {"name": str(name), **function}, **rest}:
            return {
                "type": "function_call",
                "call_id": rest.get("id") or "",
                "name": name,
                "arguments": function.get("arguments") or "{}",
            }
    raise InputError('a tool call must be like {"id": …, "function": {"name": …, "arguments": …}}')


def _sent_back(items: Sequence[Any], content: object, calls: Sequence[Any]) -> list[Any]:
    """Return the items of an answer; none if they say something else than the message does.

    Thoughts that are neither encrypted nor in plain text are left out: nothing is kept there that they could name.
    """
    items = [item for item in items if isinstance(item, dict) and item.get("role", "assistant") == "assistant"]
    texts = [
        part.get("text") or part.get("refusal") or ""
        for item in items
        if item.get("type") == "message"
        for part in item.get("content") or ()
        if isinstance(part, dict)
    ]
    ids = [item.get("call_id") for item in items if item.get("type") == "function_call"]
    if "".join(texts).strip() != str(content or "").strip() or ids != [call.get("id") for call in calls]:
        return []
    return [
        item
        for item in items
        if item.get("type") != "reasoning" or item.get("encrypted_content") or item.get("content")
    ]


def _parts(content: Any, role: str = "user") -> Any:
    if not isinstance(content, list):
        return content or ""
    return [_part(part, role) for part in content]


def _part(part: dict[str, Any], role: str) -> dict[str, Any]:
    """Return a text, an image or a file in the words of this protocol; any other part as it is."""
    match part:
        case {"type": "text", "text": text}:
            return {"type": "output_text" if role == "assistant" else "input_text", "text": text}
        case {"type": "image_url", "image_url": {"url": url, **more}} | {"type": "image_url", "image_url": url, **more}:
            detail = {"detail": more["detail"]} if "detail" in more else {}
            return {"type": "input_image", "image_url": url, **detail}
        case {"type": "file", "file": Mapping() as file}:
            return {"type": "input_file", **file}
    return part


def _reasoning(effort: object) -> dict[str, Any]:
    """Return how much to think, and that a summary of it is wanted: of what is not thought, there is none."""
    if effort is None:
        return {}
    return {"effort": effort} | ({} if effort == "none" else {"summary": "auto"})


def _text(options: dict[str, Any]) -> dict[str, Any]:
    """Return the form of the answer, and how wordy it shall be."""
    text: dict[str, Any] = {}
    match options.pop("response_format", None):
        case {"type": "json_schema", "json_schema": Mapping() as schema}:
            text["format"] = {"type": "json_schema", **schema}
        case Mapping() as form:
            text["format"] = form
    if (wordy := options.pop("verbosity", None)) is not None:
        text["verbosity"] = wordy
    return text


def _tool(tool: ToolFunction | dict[str, Any]) -> dict[str, Any]:
    """Return a function in the form of this protocol, which is strict if nothing is said; other tools as they are."""
    if not isinstance(tool, ToolFunction):
        return tool
    declared = {"type": "function", "name": tool.name, "strict": tool.strict}
    described = {"description": tool.description} if tool.description else {}
    return {**declared, **described, "parameters": tool.parameters or {"type": "object", "properties": {}}}


def _choice(choice: Any) -> Any:
    match choice:
        case {"type": "function", "function": {"name": name}}:
            return {"type": "function", "name": name}
    return choice
