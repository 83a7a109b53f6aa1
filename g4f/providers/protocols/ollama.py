"""Ollama's own protocol: `/api/chat`, which streams JSON lines.

https://docs.ollama.com/api/chat, https://docs.ollama.com/api/errors, https://docs.ollama.com/capabilities/thinking,
https://docs.ollama.com/capabilities/tool-calling; the words for `options` are those of the Modelfile's parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import msgspec

from ...errors import InputError, kind_of
from ...images import inline, url_of
from ...wire import decoded
from ..response import FinishReason, Item, Reasoning, ToolCall, Usage
from ..transport.lines import Lines
from ..transport.refusals import Target, fault
from .http_provider import HTTPProvider, Page
from .openai_words import ParsedMessage, ToolUse, effort, schema_of, turns
from .reading import Reader, count

__all__ = ["Ollama", "OllamaReader"]


class _Function(msgspec.Struct, gc=False):
    name: str = ""
    arguments: dict[str, Any] | None = None


class _ToolCall(msgspec.Struct, gc=False):
    function: _Function
    id: str | None = None


class _Message(msgspec.Struct, gc=False):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Chunk(msgspec.Struct, gc=False):
    message: _Message | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: Any = None
    eval_count: Any = None
    error: Any = None


class OllamaReader(Reader):
    """Reads the lines of a chat, or its one object where it is not streamed: they have one form."""

    __slots__ = ("_calls",)

    decoder = msgspec.json.Decoder(_Chunk)
    form = "Ollama's chat"

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._calls = 0

    def read(self, chunk: _Chunk, payload: bytes, out: list[Item]) -> None:
        """Put the items of one line into `out`."""
        if chunk.error:  # an error that came before the answer would have had this status
            self.failure = fault(self.target, payload, 500)
            return
        if (message := chunk.message) is not None:
            if message.thinking:
                out.append(Reasoning(message.thinking))
            if message.content:
                out.append(message.content)
            out.extend(map(self._tool_call, message.tool_calls or ()))
        if chunk.done:
            self._end(chunk, out)

    def _tool_call(self, call: _ToolCall) -> ToolCall:
        """Return a call, which comes whole, numbered, and with an id where the server gives none."""
        index, self._calls = self._calls, self._calls + 1
        arguments = self.arguments(call.function.arguments or {})
        return ToolCall(index, call.id or f"call_{uuid4().hex[:8]}", call.function.name, arguments)

    def _end(self, chunk: _Chunk, out: list[Item]) -> None:
        reason = chunk.done_reason
        if reason in ("load", "unload"):
            self.fail(f"it gave no answer, but did {reason} the model")
            return
        self.done = self.finished = True
        prompt, completion = count(chunk.prompt_eval_count), count(chunk.eval_count)
        if prompt is not None or completion is not None:
            out.append(Usage(prompt or 0, completion or 0, (prompt or 0) + (completion or 0)))
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

    def request(
        self, model: str, messages: list[dict[str, Any]], options: dict[str, Any], *, stream: bool
    ) -> tuple[str, dict[str, Any]]:
        """Return the request. `options=` gives the model's options as they are; each may be given by name, too."""
        said = [_message(turn) for turn in turns(messages)]
        body: dict[str, Any] = {"model": model, "messages": said, "stream": stream}
        if (schema := schema_of(options.pop("response_format", None))) is not None:
            body["format"] = schema or "json"
        if (think := options.pop("reasoning_effort", None)) is not None:
            body["think"] = effort(think, _THINK)
        given = options.pop("options", None) or {}
        if not isinstance(given, Mapping):
            raise InputError(f"options must be a dict such as {{'num_ctx': 8192}}, not {kind_of(given)}")
        body |= {name: options.pop(name) for name in _BESIDE if name in options}
        if own := {_RENAMED.get(name, name): value for name, value in options.items()} | dict(given):
            body["options"] = own
        return "/api/chat", body

    def listed(self, body: bytes) -> Page:
        """Return the names of the models that were fetched to the server, without those that only embed."""
        models = decoded(body, _Tags).models
        return Page([model.name for model in models if "completion" in model.capabilities])


class _Tag(msgspec.Struct):
    name: str
    capabilities: tuple[str, ...] = ("completion",)  # which older servers do not tell


class _Tags(msgspec.Struct):
    models: list[_Tag]


def _message(turn: ParsedMessage) -> dict[str, Any]:
    """Return a message, with its images as bare base64. The result of a tool is found by the tool's name."""
    text = "\n".join(part["text"] for part in turn.parts if part["type"] == "text")
    sent: dict[str, Any] = {"role": turn.role, "content": text}
    if images := [_image(url_of(part), turn.where) for part in turn.parts if part["type"] == "image_url"]:
        sent["images"] = images
    if turn.thoughts:
        sent["thinking"] = turn.thoughts
    if turn.calls:
        sent["tool_calls"] = [_call(call, index) for index, call in enumerate(turn.calls)]
    if turn.answered:
        sent["tool_name"] = turn.answered.name
        if turn.answered.id:
            sent["tool_call_id"] = turn.answered.id
    return sent


def _image(url: str, where: str) -> str:
    image = inline(url)
    if image is None:
        raise InputError(f"{where}: Ollama fetches no images: give the file or a data URL instead of {url[:200]!r}")
    return image.data


def _call(call: ToolUse, index: int) -> dict[str, Any]:
    function = {"index": index, "name": call.name, "arguments": call.arguments}
    return {"type": "function", "function": function} | ({"id": call.id} if call.id else {})
