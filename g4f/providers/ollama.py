"""Ollama's own protocol: `/api/chat`, which streams JSON lines.

https://docs.ollama.com/api/chat, https://docs.ollama.com/api/errors, https://docs.ollama.com/capabilities/thinking,
https://docs.ollama.com/capabilities/tool-calling; the words for `options` are those of the Modelfile's parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import msgspec

from ..errors import InputError, kind_of
from ..images import inline, url_of
from ..typing import Key
from .lines import Lines
from .protocol import HTTPProvider
from .reading import Reader
from .refusals import Asked, fault
from .response import FinishReason, Item, Reasoning, ToolCall, Usage

__all__ = ["Ollama", "OllamaReader"]


class _Function(msgspec.Struct, gc=False):
    name: str = ""
    arguments: dict[str, Any] | None = None


class _Call(msgspec.Struct, gc=False):
    function: _Function
    id: str | None = None


class _Message(msgspec.Struct, gc=False):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[_Call] | None = None


class _Chunk(msgspec.Struct, gc=False):
    message: _Message | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    error: Any = None


class OllamaReader(Reader):
    """Reads the lines of a chat, or its one object where it is not streamed: they have one form."""

    __slots__ = ("_calls",)

    decode = msgspec.json.Decoder(_Chunk).decode
    form = "Ollama's chat"

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self._calls = 0

    def take(self, chunk: _Chunk, payload: bytes, out: list[Item]) -> None:
        """Put the items of one line into `out`."""
        if chunk.error is not None:  # an error that came before the answer would have had this status
            self.failure = fault(self.asked, payload, 500)
            return
        if (message := chunk.message) is not None:
            if message.thinking:
                out.append(Reasoning(message.thinking))
            if message.content:
                out.append(message.content)
            out.extend(map(self._tool_call, message.tool_calls or ()))
        if chunk.done:
            self._end(chunk, out)

    def whole(self, body: bytes) -> list[Item]:
        """Return the items of an answer that is not streamed."""
        out: list[Item] = []
        try:
            chunk = self.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.refuse(body, error)
        else:
            self.take(chunk, body, out)
        return out

    def _tool_call(self, call: _Call) -> ToolCall:
        """Return a call, which comes whole, numbered, and with an id where the server gives none."""
        index, self._calls = self._calls, self._calls + 1
        arguments = msgspec.json.encode(call.function.arguments or {}).decode()
        return ToolCall(index, call.id or f"call_{uuid4().hex[:8]}", call.function.name, arguments)

    def _end(self, chunk: _Chunk, out: list[Item]) -> None:
        reason = chunk.done_reason
        if reason in ("load", "unload"):
            self.fail(f"it gave no answer, but did {reason} the model")
            return
        self.done = self.finished = True
        if chunk.prompt_eval_count is not None or chunk.eval_count is not None:
            prompt, completion = chunk.prompt_eval_count or 0, chunk.eval_count or 0
            out.append(Usage(prompt, completion, prompt + completion))
        ended = "length" if reason == "length" else "tool_calls" if self._calls else "stop"
        out.append(FinishReason(ended))


_BESIDE = ("format", "keep_alive", "logprobs", "shift", "think", "tools", "top_logprobs", "truncate")
"""What stands beside `options` in a request. All else that a caller gives is one of the model's options."""

_RENAMED = {"max_tokens": "num_predict", "max_completion_tokens": "num_predict"}

_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "max", "max": "max"}
_THINK: dict[str, bool | str] = {"none": False, **_EFFORTS}
"""OpenAI's words for `reasoning_effort`, as Ollama's compatibility with OpenAI takes them."""


class Ollama(HTTPProvider):
    """Messages and options in Ollama's form. Images are sent along, never fetched by the server."""

    reader = OllamaReader
    frames = Lines
    stream_types = ("application/x-ndjson",)
    models_path = "/api/tags"
    lacks = frozenset({"logit_bias", "parallel_tool_calls", "tool_choice"})

    def credentials(self, key: Key) -> dict[str, str]:
        """Return `Authorization`."""
        return {"Authorization": Key(f"Bearer {key}")}

    def request(
        self, model: str, messages: list[dict[str, Any]], options: dict[str, Any], *, stream: bool
    ) -> tuple[str, dict[str, Any]]:
        """Return the request. `options=` gives the model's options as they are; each may be given by name, too."""
        body: dict[str, Any] = {"model": model, "messages": _messages(messages), "stream": stream}
        if (wanted := options.pop("response_format", None)) is not None:
            body |= _format(wanted)
        if (effort := options.pop("reasoning_effort", None)) is not None:
            body["think"] = _think(effort)
        given = options.pop("options", None) or {}
        if not isinstance(given, Mapping):
            raise InputError(f"options must be a dict such as {{'num_ctx': 8192}}, not {kind_of(given)}")
        body |= {name: options.pop(name) for name in _BESIDE if name in options}
        if own := {_RENAMED.get(name, name): value for name, value in options.items()} | dict(given):
            body["options"] = own
        return "/api/chat", body

    def listed(self, body: bytes) -> list[str]:
        """Return the names of the models that were fetched to the server, without those that only embed."""
        models = msgspec.json.decode(body, type=_Tags).models
        return [model.name for model in models if "completion" in model.capabilities]


class _Tag(msgspec.Struct):
    name: str
    capabilities: tuple[str, ...] = ("completion",)  # which older servers do not tell


class _Tags(msgspec.Struct):
    models: list[_Tag]


def _think(effort: object) -> bool | str:
    think = _THINK.get(effort) if isinstance(effort, str) else None
    if think is None:
        raise InputError(f"reasoning_effort must be one of {', '.join(_THINK)}, not {effort!r}")
    return think


def _format(wanted: Any) -> dict[str, Any]:
    """Return `format` for a `response_format`."""
    match wanted:
        case {"type": "text"}:
            return {}
        case {"type": "json_object"}:
            return {"format": "json"}
        case {"type": "json_schema", "json_schema": {"schema": Mapping() as schema}}:
            return {"format": schema}
    raise InputError(
        'response_format must be {"type": "json_object"} or '
        '{"type": "json_schema", "json_schema": {"name": …, "schema": …}}'
    )


def _messages(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names: dict[str, str] = {}  # of the tools, by the calls that were made
    return [_message(message, f"messages[{index}]", names) for index, message in enumerate(messages)]


def _message(message: dict[str, Any], where: str, names: dict[str, str]) -> dict[str, Any]:
    role = message["role"]
    if role == "function" or "function_call" in message:
        raise InputError(f'{where}: functions are called tools by now: give "tool_calls", and results as role "tool"')
    sent: dict[str, Any] = {"role": "system" if role == "developer" else role}
    sent |= _content(message.get("content", ""), where)
    if thought := message.get("reasoning"):
        sent["thinking"] = thought
    if calls := message.get("tool_calls"):
        sent["tool_calls"] = [_call(call, where, index, names) for index, call in enumerate(calls)]
    if role == "tool":
        sent |= _answered(message, where, names)
    return sent


def _content(content: str | list[dict[str, Any]], where: str) -> dict[str, Any]:
    """Return the text of a message, and its images as bare base64."""
    if isinstance(content, str):
        return {"content": content}
    texts, images = [], []
    for part in content:
        match part["type"]:
            case "text":
                texts.append(part["text"])
            case "image_url":
                images.append(_image(url_of(part), where))
            case kind:
                raise InputError(f"{where} has a part {kind!r}: Ollama takes text and images")
    return {"content": "\n".join(texts)} | ({"images": images} if images else {})


def _image(url: str, where: str) -> str:
    image = inline(url)
    if image is None:
        raise InputError(f"{where}: Ollama fetches no images: give the file or a data URL instead of {url[:200]!r}")
    return image.data


def _call(call: Any, where: str, index: int, names: dict[str, str]) -> dict[str, Any]:
    match call:
        case {"function": {"name": str(name), **rest}}:
            pass
        case _:
            raise InputError(
                f'{where}: a tool call must be like {{"id": …, "function": {{"name": …, "arguments": …}}}}'
            )
    names[str(call.get("id"))] = name
    arguments = _arguments(rest.get("arguments"), f"{where}: the arguments of the call of {name!r}")
    sent = {"type": "function", "function": {"index": index, "name": name, "arguments": arguments}}
    return sent | ({"id": call["id"]} if call.get("id") else {})


def _arguments(arguments: Any, what: str) -> dict[str, Any]:
    """Return the arguments as the object that Ollama wants, which OpenAI's calls have as text."""
    if isinstance(arguments, str) and arguments.strip():
        try:
            arguments = msgspec.json.decode(arguments)
        except msgspec.DecodeError:
            raise InputError(f"{what} are no JSON: {arguments[:200]!r}") from None
    arguments = arguments or {}
    if not isinstance(arguments, dict):
        raise InputError(f"{what} must be a JSON object, not {kind_of(arguments)}")
    return arguments


def _answered(message: dict[str, Any], where: str, names: dict[str, str]) -> dict[str, Any]:
    """Return which tool a result is of: by its name, which Ollama wants, and by its call."""
    call = message.get("tool_call_id")
    name = message.get("name") or message.get("tool_name") or names.get(str(call))
    if not name:
        raise InputError(f"{where} is the result of the tool call {call!r}, which no message before it has made")
    return {"tool_name": name} | ({"tool_call_id": call} if call else {})
