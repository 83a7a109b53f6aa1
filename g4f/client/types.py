"""What a Client returns, in the shapes of OpenAI's chat completions.

What OpenAI's shapes have, and nobody here ever fills, is None, and is left out of what is dumped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import msgspec

from ..providers.response import Step, ToolCall
from .shape import Shape

__all__ = [
    "ChatCompletion",
    "ChatCompletionChunk",
    "Choice",
    "ChoiceLogprobs",
    "ChunkChoice",
    "CompletionFunction",
    "CompletionMessage",
    "CompletionTokensDetails",
    "CompletionToolCall",
    "CompletionUsage",
    "Delta",
    "FunctionDelta",
    "ListedModel",
    "ModelList",
    "PromptTokensDetails",
    "TokenLogprob",
    "ToolCallDelta",
    "TypedDelta",
    "TypedMessage",
    "completion_calls",
]


class CompletionFunction(Shape):
    """The function that is called. `arguments` is JSON text, as the model wrote it."""

    name: str
    arguments: str


class CompletionToolCall(Shape):
    """One tool call of a whole answer."""

    id: str
    function: CompletionFunction
    type: Literal["function"] = "function"


class FunctionDelta(Shape):
    """A piece of the function that is called."""

    name: str | None = None
    arguments: str | None = None


class ToolCallDelta(Shape):
    """A piece of a tool call. Pieces with the same `index` belong together; the first one has id, type and name."""

    index: int
    id: str | None = None
    function: FunctionDelta | None = None
    type: Literal["function"] | None = None

    @classmethod
    def of(cls, event: ToolCall) -> ToolCallDelta:
        """Return a piece in this shape."""
        function = FunctionDelta(event.name or None, event.arguments)
        return cls(event.index, event.id or None, function, "function" if event.id or event.name else None)


def completion_calls(calls: list[ToolCall]) -> list[CompletionToolCall]:
    """Return the tool calls of an answer in this shape, in the order of their index."""
    calls = sorted(calls, key=lambda call: call.index)
    return [CompletionToolCall(call.id, CompletionFunction(call.name, call.arguments)) for call in calls]


class PromptTokensDetails(Shape):
    """Tokens of the question that were read from the provider's cache, or written to it."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: ClassVar[None] = None
    image_tokens: ClassVar[None] = None
    text_tokens: ClassVar[None] = None


class CompletionTokensDetails(Shape):
    """Tokens of the answer that were thoughts."""

    reasoning_tokens: int | None = None
    accepted_prediction_tokens: ClassVar[None] = None
    audio_tokens: ClassVar[None] = None
    rejected_prediction_tokens: ClassVar[None] = None
    text_tokens: ClassVar[None] = None


class CompletionUsage(Shape):
    """Tokens, as the provider counted them. The details hold parts of them; None where it did not count these."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails | None = None
    completion_tokens_details: CompletionTokensDetails | None = None


class CompletionMessage(Shape):
    """The message of the answer. It can be appended as it is to the messages of the next call.

    Where the model refuses, its words are the `refusal`, and there is no `content`. `provider_state` is what its
    provider needs back with it, such as encrypted thoughts, and no other provider gets; None where there is nothing.
    """

    role: str = "assistant"
    content: str | None = None
    reasoning: str | None = None
    tool_calls: list[CompletionToolCall] | None = None
    refusal: str | None = None
    provider_state: dict[str, Any] | None = None
    annotations: ClassVar[None] = None
    audio: ClassVar[None] = None
    function_call: ClassVar[None] = None
    parsed: ClassVar[None] = None


class TypedMessage(CompletionMessage):
    """The message of an answer whose call had a schema, or a type as its response_format: `parsed` is its value."""

    parsed: Any = None  # type: ignore[misc]


class TokenLogprob(Shape):
    """How likely a token of the answer was, and the likeliest others in its place."""

    token: str
    logprob: float | None = None
    bytes: list[int] | None = None
    top_logprobs: list[TokenLogprob] = msgspec.field(default_factory=list)


class ChoiceLogprobs(Shape):
    """How likely the tokens of the answer were, if `logprobs` were asked for."""

    content: list[TokenLogprob]
    refusal: ClassVar[None] = None

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


class Choice(Shape):
    """The one answer of a completion."""

    message: CompletionMessage
    finish_reason: str
    index: int = 0
    logprobs: ChoiceLogprobs | None = None


class ChatCompletion(Shape):
    """A whole answer. `created` is in seconds since 1970; `usage` is None where the provider did not count.

    `_request_id` is the server's own name for the request, for its people; `service_tier` its word for the service
    that was paid for. `steps` are the calls of tools that were made before it.
    """

    id: str
    created: int
    model: str
    provider: str
    choices: list[Choice]
    usage: CompletionUsage | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    _request_id: str | None = None
    object: Literal["chat.completion"] = "chat.completion"
    steps: list[Step] | None = None
    metadata: ClassVar[None] = None
    moderation: ClassVar[None] = None


class Delta(Shape):
    """What a chunk adds. Everything else is None."""

    content: str | None = None
    reasoning: str | None = None
    tool_calls: list[ToolCallDelta] | None = None
    role: str | None = None
    refusal: str | None = None
    audio: ClassVar[None] = None
    function_call: ClassVar[None] = None
    parsed: ClassVar[None] = None


class TypedDelta(Delta):
    """The last delta of such an answer: `parsed` is its value."""

    parsed: Any = None  # type: ignore[misc]


class ChunkChoice(Shape):
    """The one choice of a chunk."""

    delta: Delta
    finish_reason: str | None = None
    index: int = 0
    logprobs: ChoiceLogprobs | None = None


class ChatCompletionChunk(Shape):
    """A piece of an answer. The last one has no content, but the finish reason and, if it was counted, the usage.

    With `stream_options={"include_usage": True}`, the usage comes behind it, in a chunk that has no choice.
    """

    id: str
    created: int
    model: str
    provider: str
    choices: list[ChunkChoice]
    usage: CompletionUsage | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    step: Step | None = None
    """A call of a tool that was made: the message begins anew behind it."""
    moderation: ClassVar[None] = None
    obfuscation: ClassVar[None] = None


class ListedModel(Shape):
    """A model that can be asked. `created` is 0: not every provider says when that was."""

    id: str
    owned_by: str
    created: int = 0
    object: Literal["model"] = "model"
    shutdown_date: str | None = None
    """The day, such as "2027-01-14", from which on it will not answer, if the provider says it."""


class ModelList(Shape):
    """The models of a provider, in its order. It can be iterated itself."""

    data: list[ListedModel]
    object: Literal["list"] = "list"

    def __iter__(self) -> Iterator[ListedModel]:
        return iter(self.data)
