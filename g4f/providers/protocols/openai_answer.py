"""The answers of OpenAI's chat completions: payloads → items. No I/O.

https://platform.openai.com/docs/api-reference/chat-streaming, and what other servers of this protocol do otherwise:
reasoning in a field of its own, tool calls without an index, content in parts, usage with other names.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..response import Item, Logprobs, ProviderState, Reasoning, Refusal, ToolCall, Usage
from ..transport.refusals import Target, fault
from .beside import count, logprobs, omitted, says_error, tier, tokens, usage_of
from .openai_calls import Call, Calls, Function
from .reading import Reader

__all__ = ["OpenAIReader", "ThoughtsReader"]


class _Message(msgspec.Struct, gc=False):
    content: str | list[Any] | None = None
    reasoning_content: Any = None
    reasoning: Any = None
    refusal: str | None = None
    tool_calls: list[Call] | None = None
    function_call: Function | None = None
    images: Any = None
    audio: Any = None


class _Choice(msgspec.Struct, gc=False):
    index: Any = 0
    delta: _Message | None = None
    message: _Message | None = None
    text: str | None = None
    finish_reason: Any = None
    logprobs: Any = None
    error: Any = None


class _Chunk(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: Any = None
    service_tier: Any = None
    error: Any = None


class OpenAIReader(Reader):
    """Reads chunks of a chat completion, or a whole one; text completions, too."""

    __slots__ = ("_calls", "_message_text", "_others")

    decoder = msgspec.json.Decoder(_Chunk)
    done_by_mark = True
    form = "a chat completion"
    heart = "choices"

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._calls = Calls()
        self._others: list[_Choice] | None = []  # choices with another index than 0, until one with 0 comes
        self._message_text: str | None = None  # of the messages that came instead of deltas

    def read(self, chunk: _Chunk, payload: bytes, out: list[Item]) -> None:
        """Put the items of one chunk into `out`."""
        choices = chunk.choices
        if not choices or chunk.error is not None:
            self._read_unusual(chunk, payload, out)
            return
        choice = choices[0]
        delta = choice.delta
        if delta is None or choice.index or choice.message is not None or choice.logprobs is not None or choice.error:
            self._read_choices(choices, out)
        else:
            text = delta.content
            thought, calls = delta.reasoning_content or delta.reasoning, delta.tool_calls or delta.function_call
            if text.__class__ is str and text and not (thought or calls or delta.images or delta.audio):
                out.append(text)  # the usual piece, without a call for it
            else:
                self._read_message(delta, out)
            if choice.finish_reason is not None:
                self._finish(choice, out)
        if chunk.usage is not None:
            self._count(chunk, out)

    def read_whole(self, answer: _Chunk, body: bytes, out: list[Item]) -> None:
        """Put the items of a whole completion into `out`."""
        for choice in answer.choices or ():
            if choice.delta is None:  # nothing came before its message
                choice.delta, choice.message = choice.message, None
        self.read(answer, body, out)
        self.finished = bool(answer.choices)

    def end(self, out: list[Item]) -> None:
        """Read the first of the choices if none of them was number 0."""
        others, self._others = self._others, None
        if not others:
            return
        first = min(count(choice.index) or 0 for choice in others)
        for choice in others:
            if count(choice.index) == first and self.failure is None:
                self._read_choice(choice, out)

    def _read_unusual(self, chunk: _Chunk, payload: bytes, out: list[Item]) -> None:
        """Read a chunk that has no choice, or an error."""
        finished = self.finished
        if chunk.choices:
            self._read_choices(chunk.choices, out)
        if chunk.error is not None and says_error(chunk.error):
            self.failure, self.finished = fault(self.target, payload), finished
        elif chunk.choices or not self.fail_if_told(payload):
            self._count(chunk, out)

    def _count(self, chunk: _Chunk, out: list[Item]) -> None:
        if isinstance(chunk.usage, dict) and (usage := _usage(chunk.usage, tier(chunk.service_tier))) is not None:
            out.append(usage)

    def _read_choices(self, choices: list[_Choice], out: list[Item]) -> None:
        """Read the choice with number 0, which has none if it is the only one."""
        for choice in choices:
            if not choice.index or not count(choice.index):
                self._others = None
                self._read_choice(choice, out)
                return
        if self._others is not None:
            self._others += choices

    def _read_choice(self, choice: _Choice, out: list[Item]) -> None:
        if choice.delta is not None:
            self._read_message(choice.delta, out)
        if choice.message is not None:
            self._read_repeated(choice.message, out)
        if choice.text:
            out.append(choice.text)
        if choice.logprobs is not None and (probabilities := logprobs(choice.logprobs)):
            out.append(Logprobs(probabilities))
        if choice.error is not None and says_error(choice.error):
            self.failure = fault(self.target, choice.error)
        elif choice.finish_reason is not None:
            self._finish(choice, out)

    def _read_repeated(self, message: _Message, out: list[Item]) -> None:
        """Read a message that came beside deltas or instead of them: what has not come before."""
        kinds = self.kinds.union(map(type, out))
        if self._message_text is None and (str in kinds or self._calls):
            return
        if Reasoning in kinds:
            message.reasoning = message.reasoning_content = None
        before = self._message_text or ""
        text = message.content if isinstance(message.content, str) else ""
        grows = before and text.startswith(before)
        self._message_text = text if grows else before + text
        if grows:
            message.content = text[len(before) :]
        self._read_message(message, out)

    def _read_message(self, message: _Message, out: list[Item]) -> None:
        thought = message.reasoning_content or message.reasoning
        if thought and isinstance(thought, str):
            out.append(Reasoning(thought))
        text = message.content
        if message.refusal and not text:
            text = message.refusal
            out.append(Refusal())
        if text:
            if isinstance(text, str):
                out.append(text)
            else:
                out.extend(_parts(text))
        if message.tool_calls:
            out.extend(map(self._tool_call, message.tool_calls))
        if message.function_call is not None:
            out.append(self._tool_call(Call("function_call", None, message.function_call)))
        if message.images:
            out.append(omitted("image"))
        if message.audio:
            out.append(_spoken(message.audio))

    def _tool_call(self, call: Call) -> ToolCall:
        function = call.function or Function()
        arguments = function.arguments
        if arguments is not None and not isinstance(arguments, str):
            arguments = self.arguments(arguments)
        id_ = "" if call.id is None else str(call.id)
        name, arguments = function.name or "", arguments or ""
        return self.call(self._calls.number(call.index, id_, name, arguments), id_, name, arguments)

    def _finish(self, choice: _Choice, out: list[Item]) -> None:
        event = self.finish(choice.finish_reason, called=self._calls)
        if event is not None:
            out.append(event)


class ThoughtsReader(OpenAIReader):
    """Also keeps the thoughts before calls of tools, for a provider that must get them back."""

    __slots__ = ("_thoughts",)

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._thoughts: list[str] = []

    def feed(self, payloads: list[bytes], *, last: bool = False) -> list[Item]:
        """Return the items of these payloads of a stream."""
        out = super().feed(payloads, last=last)
        self._thoughts += _thoughts(out)
        return out

    def end(self, out: list[Item]) -> None:
        """Put what must be sent back into `out`, too."""
        super().end(out)
        if self._calls and (thoughts := "".join([*self._thoughts, *_thoughts(out)])):
            out.append(ProviderState(self.target.provider, [{"reasoning_content": thoughts}]))


def _thoughts(items: list[Item]) -> list[str]:
    return [item.text for item in items if isinstance(item, Reasoning)]


def _usage(usage: dict[str, Any], tier: str) -> Usage | None:
    cached = tokens(usage, "prompt_tokens_details", "cached_tokens") if "prompt_tokens_details" in usage else None
    prompt, completion = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
    return usage_of(
        count(usage.get("input_tokens")) if prompt is None else prompt,
        count(usage.get("output_tokens")) if completion is None else completion,
        count(usage.get("total_tokens")),
        cached if cached is not None else count(usage.get("prompt_cache_hit_tokens")),
        tokens(usage, "completion_tokens_details", "reasoning_tokens"),
        tier=tier,
    )


def _parts(parts: list[Any]) -> list[Item]:
    """Return the items of content in parts: {"type": "text", "text": …}, {"type": "thinking", "thinking": […]}."""
    out: list[Item] = []
    for part in parts:
        fields = part if isinstance(part, dict) else {"text": part}
        texts = [fields.get(name) for name in ("text", "refusal")]
        thought = fields.get("thinking")
        thoughts = [item.get("text") if isinstance(item, dict) else item for item in _listed(thought)]
        found = [text for text in texts if isinstance(text, str)]
        out.extend(filter(None, found))
        out.extend(Reasoning(words) for words in thoughts if words and isinstance(words, str))
        if not found and thought is None and fields.get("type"):
            out.append(omitted(fields["type"]))
    return out


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _spoken(audio: object) -> Item:
    """Return what was said: the sound itself is no text."""
    said = audio.get("transcript") if isinstance(audio, dict) else None
    return said if said and isinstance(said, str) else omitted("audio")
