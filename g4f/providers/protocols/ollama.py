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
from ..response import Item, Logprobs, Reasoning, ToolCall
from ..transport.lines import Lines
from ..transport.refusals import Target, fault
from .beside import count, logprobs, omitted, says_error, usage_of
from .http_provider import HTTPProvider, Page
from .openai_words import ParsedMessage, ToolUse, effort, parse_messages, schema_of
from .reading import Reader

__all__ = ["Ollama", "OllamaReader"]


class _Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: Any = None


class _ToolCall(msgspec.Struct, gc=False):
    function: _Function
    id: Any = None


class _Message(msgspec.Struct, gc=False):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[_ToolCall] | None = None
    images: Any = None


class _Chunk(msgspec.Struct, gc=False):
    message: _Message | None = None
    response: str | None = None
    done: bool | None = False
    done_reason: Any = None
    logprobs: Any = None
    prompt_eval_count: Any = None
    eval_count: Any = None
    error: Any = None


class OllamaReader(Reader):
    """Reads the lines of a streamed chat, or the one object of a whole answer: they have the same form."""

    __slots__ = ("_calls",)

    decoder = msgspec.json.Decoder(_Chunk)
    form = "Ollama's chat"
    heart = "finished message"

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._calls = 0

    def read(self, chunk: _Chunk, payload: bytes, out: list[Item]) -> None:
        """Put the items of one line into `out`."""
        if (message := chunk.message) is not None:
            if message.thinking:
                out.append(Reasoning(message.thinking))
            if message.content:
                out.append(message.content)
            out.extend(map(self._tool_call, message.tool_calls or ()))
            if message.images:
                out.append(omitted("image"))
        elif chunk.response:  # of a completion
            out.append(chunk.response)
        if chunk.logprobs and (probabilities := logprobs({"content": chunk.logprobs})):
            out.append(Logprobs(probabilities))
        if says_error(chunk.error):  # the status that an error before the answer would have
            self.failure = fault(self.target, payload, 500)
        elif chunk.done:
            self._end_of(chunk, out)
        elif message is None and not chunk.response:
            self.fail_if_told(payload)

    def _tool_call(self, call: _ToolCall) -> ToolCall:
        """Return a call, which is always complete, with a number, and with an id if the server gave none."""
        index, self._calls = self._calls, self._calls + 1
        arguments = call.function.arguments
        if not isinstance(arguments, str):
            arguments = self.arguments(arguments or {})
        return ToolCall(index, str(call.id or f"call_{uuid4().hex[:8]}"), call.function.name or "", arguments or "{}")

    def _end_of(self, chunk: _Chunk, out: list[Item]) -> None:
        reason = chunk.done_reason
        if reason in ("load", "unload"):
            self.fail(f"it did not answer, but {reason}ed the model")
            return
        self.done = self.finished = True
        if (usage := usage_of(count(chunk.prompt_eval_count), count(chunk.eval_count))) is not None:
            out.append(usage)
        if (event := self.finish(reason or "stop", called=self._calls)) is not None:
            out.append(event)
        elif self.failure is not None:
            self.finished = False


_BESIDE = ("format", "keep_alive", "logprobs", "shift", "think", "tools", "top_logprobs", "truncate")
"""What a request has beside `options`. All other options of a caller are options of the model."""

_RENAMED = {"max_tokens": "num_predict", "max_completion_tokens": "num_predict"}

_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "max", "max": "max"}
_THINK: dict[str, bool | str] = {"none": False, **_EFFORTS}
"""OpenAI's values of `reasoning_effort`, translated as Ollama's own OpenAI-compatible server does."""


class Ollama(HTTPProvider):
    """Messages and options in Ollama's form. Images are sent as data: the server fetches none."""

    reader = OllamaReader
    frames = Lines
    stream_types = ("application/x-ndjson",)
    models_path = "/api/tags"
    lacks = frozenset({"files", "logit_bias", "parallel_tool_calls", "sound", "stream_options", "tool_choice"})

    def request(
        self, model: str, messages: list[dict[str, Any]], options: dict[str, Any], *, stream: bool
    ) -> tuple[str, dict[str, Any]]:
        """Return the request. `options=` may hold the model's options; each may also be given by its own name."""
        parsed = [_message(message) for message in parse_messages(messages)]
        body: dict[str, Any] = {"model": model, "messages": parsed, "stream": stream}
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
        """Return the names of the models on the server, without those that only embed."""
        models = decoded(body, _Tags).models
        return Page([model.name for model in models if "completion" in model.capabilities])


class _Tag(msgspec.Struct):
    name: str
    capabilities: tuple[str, ...] = ("completion",)  # older servers do not list them


class _Tags(msgspec.Struct):
    models: list[_Tag]


def _message(message: ParsedMessage) -> dict[str, Any]:
    """Return a message, with its images as bare base64. Ollama finds the result of a tool by the tool's name."""
    text = "\n".join(part["text"] for part in message.parts if part["type"] == "text")
    sent: dict[str, Any] = {"role": message.role, "content": text}
    if images := [_image(url_of(part), message.where) for part in message.parts if part["type"] == "image_url"]:
        sent["images"] = images
    if message.thoughts:
        sent["thinking"] = message.thoughts
    if message.calls:
        sent["tool_calls"] = [_call(call, index) for index, call in enumerate(message.calls)]
    if message.answered:
        sent["tool_name"] = message.answered.name
        if message.answered.id:
            sent["tool_call_id"] = message.answered.id
    return sent


def _image(url: str, where: str) -> str:
    image = inline(url)
    if image is None:
        raise InputError(f"{where}: Ollama does not fetch images: give the file or a data URL instead of {url[:200]!r}")
    return image.data


def _call(call: ToolUse, index: int) -> dict[str, Any]:
    function = {"index": index, "name": call.name, "arguments": call.arguments}
    return {"type": "function", "function": function} | ({"id": call.id} if call.id else {})
