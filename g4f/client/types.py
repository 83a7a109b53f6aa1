"""What a Client returns, in the shapes of OpenAI's chat completions."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from ..providers.response import Step, ToolCall

__all__ = [
    "ChatCompletion",
    "ChatCompletionChunk",
    "Choice",
    "ChoiceLogprobs",
    "ChunkChoice",
    "CompletionFunction",
    "CompletionMessage",
    "CompletionToolCall",
    "CompletionUsage",
    "Delta",
    "FunctionDelta",
    "TokenLogprob",
    "ToolCallDelta",
    "completion_calls",
]


class _Shape(msgspec.Struct):
    def model_dump(self) -> dict[str, Any]:
        """Return it as dicts, lists and plain values."""
        dumped: dict[str, Any] = msgspec.to_builtins(self)
        return dumped

    def model_dump_json(self) -> str:
        """Return it as JSON text."""
        return msgspec.json.encode(self).decode()


class CompletionFunction(_Shape):
    """The function that is called. `arguments` is JSON text, as the model wrote it."""

    name: str
    arguments: str


class CompletionToolCall(_Shape):
    """One tool call of a whole answer."""

    id: str
    function: CompletionFunction
    type: Literal["function"] = "function"


class FunctionDelta(_Shape):
    """A piece of the function that is called."""

    name: str | None = None
    arguments: str | None = None


class ToolCallDelta(_Shape):
    """A piece of a tool call. Pieces with the same `index` belong together."""

    index: int
    id: str | None = None
    function: FunctionDelta | None = None
    type: Literal["function"] = "function"


def completion_calls(calls: list[ToolCall]) -> list[CompletionToolCall]:
    """Return the tool calls of an answer in this shape, in the order of their index."""
    calls = sorted(calls, key=lambda call: call.index)
    return [CompletionToolCall(call.id, CompletionFunction(call.name, call.arguments)) for call in calls]


class CompletionUsage(_Shape):
    """Tokens, as the provider counted them. The details hold parts of them; None where it did not count these."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: dict[str, int] | None = None
    completion_tokens_details: dict[str, int] | None = None


class CompletionMessage(_Shape):
    """The message of the answer. It can be appended as it is to the messages of the next call."""

    role: str = "assistant"
    content: str | None = None
    reasoning: str | None = None
    tool_calls: list[CompletionToolCall] | None = None


class TokenLogprob(_Shape):
    """How likely a token of the answer was, and the likeliest others in its place."""

    token: str
    logprob: float | None = None
    bytes: list[int] | None = None
    top_logprobs: list[TokenLogprob] = []


class ChoiceLogprobs(_Shape):
    """How likely the tokens of the answer were, if `logprobs` were asked for."""

    content: list[TokenLogprob]

    @classmethod
    def of(cls, entries: list[dict[str, Any]]) -> ChoiceLogprobs:
        """Return what a server says, as far as it has this form."""
        return cls(list(map(_token, entries)))


def _token(entry: dict[str, Any]) -> TokenLogprob:
    token, logprob, codes, others = (entry.get(name) for name in TokenLogprob.__struct_fields__)
    return TokenLogprob(
        str(token),
        float(logprob) if isinstance(logprob, int | float) else None,
        [code for code in codes if isinstance(code, int)] if isinstance(codes, list) else None,
        [_token(other) for other in others if isinstance(other, dict)] if isinstance(others, list) else [],
    )


class Choice(_Shape):
    """The one answer of a completion."""

    message: CompletionMessage
    finish_reason: str
    index: int = 0
    logprobs: ChoiceLogprobs | None = None


class ChatCompletion(_Shape):
    """A whole answer. `created` is in seconds since 1970; `usage` is None where the provider did not count.

    `steps` are the calls of tools that were made before it.
    """

    id: str
    created: int
    model: str
    provider: str
    choices: list[Choice]
    usage: CompletionUsage | None = None
    object: Literal["chat.completion"] = "chat.completion"
    steps: list[Step] | None = None


class Delta(_Shape):
    """What a chunk adds. Everything else is None."""

    content: str | None = None
    reasoning: str | None = None
    tool_calls: list[ToolCallDelta] | None = None
    role: str | None = None


class ChunkChoice(_Shape):
    """The one choice of a chunk."""

    delta: Delta
    finish_reason: str | None = None
    index: int = 0
    logprobs: ChoiceLogprobs | None = None


class ChatCompletionChunk(_Shape):
    """A piece of an answer. The last one has no content, but the finish reason and, if it was counted, the usage."""

    id: str
    created: int
    model: str
    provider: str
    choices: list[ChunkChoice]
    usage: CompletionUsage | None = None
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    step: Step | None = None
    """A call of a tool that was made: the message begins anew behind it."""
