"""The answers of OpenAI's Responses: payloads → items. No I/O.

https://developers.openai.com/api/docs/api-reference/responses-streaming

An answer is a list of items: thoughts, messages, calls. A stream sends each in pieces, then the item, and at its end
the whole answer again. Other servers leave out some of these: what has not come is read from what repeats it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ...wire import decoded
from ..response import FinishReason, Item, Logprobs, ProviderState, Reasoning, Refusal, ToolCall, Usage
from ..transport.refusals import Target, fault
from ..transport.sse import ErrorPayload
from .beside import count, logprobs, omitted, says_error, tier, tokens, usage_of
from .reading import Reader

__all__ = ["ResponsesReader"]


class _Item(msgspec.Struct, gc=False):
    """An item of an answer, or what its pieces name."""

    type: str = ""
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Any = None
    content: Any = None
    summary: Any = None


class _Response(msgspec.Struct, gc=False):
    output: list[Any] | None = None
    status: Any = None
    incomplete_details: Any = None
    usage: Any = None
    service_tier: Any = None
    error: Any = None


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    delta: Any = None
    output_index: int | str | None = None
    item: Any = None
    response: _Response | None = None
    arguments: Any = None
    logprobs: Any = None
    error: Any = None


class ResponsesReader(Reader):
    """Reads the events of a stream, or a whole answer."""

    __slots__ = ("_calls", "_finish", "_has", "_items", "_usage")

    decoder = msgspec.json.Decoder(_Event)
    decoder_whole = msgspec.json.Decoder(_Response)
    form = "a response"
    heart = "output"

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._calls: dict[int | str | None, _Call] = {}  # by the index of its item
        self._has: set[tuple[type, int | str | None]] = set()  # kinds of what has come, with the index of the item
        self._items: list[Any] = []
        self._finish: FinishReason | None = None
        self._usage: Usage | None = None

    def read(self, chunk: _Event, payload: bytes, out: list[Item]) -> None:
        """Put the items of one event into `out`."""
        kind, delta = chunk.type, chunk.delta
        if kind == "response.output_text.delta" and chunk.logprobs is None and delta.__class__ is str:
            self._has.add((str, chunk.output_index))
            if delta:
                out.append(delta)
        elif says_error(chunk.error) or isinstance(payload, ErrorPayload):
            self.failure = fault(self.target, payload)
        elif kind.endswith(".delta"):
            self._delta(kind, chunk, out)
        elif kind in _ITEMS:
            self._read_item(chunk, payload, out)
        elif chunk.response is not None and kind in _ENDS:
            self._read_response(chunk.response, payload, out, _ENDS[kind])
        elif kind == "response.reasoning_summary_part.added":
            if (Reasoning, chunk.output_index) in self._has:  # another paragraph
                out.append(Reasoning("\n\n"))
        elif not kind.startswith("response."):
            self._read_other(payload, out)

    def read_whole(self, answer: _Response, body: bytes, out: list[Item]) -> None:
        """Put the items of a whole answer into `out`."""
        if says_error(answer.error):
            self.failure = fault(self.target, body)
        elif answer.output is not None or answer.incomplete_details:
            self._read_response(answer, body, out, answer.status or "completed")

    def end(self, out: list[Item]) -> None:
        """Put the usage, what must be sent back, and the finish reason into `out`."""
        self.put_last(self._usage, None, out)
        if self._finish is not None and self.failure is None:
            if self._finish.reason in ("stop", "tool_calls") and (state := self._state()):
                out.append(ProviderState(self.target.provider, state))
            out.append(self._finish)

    def _read_other(self, payload: bytes, out: list[Item]) -> None:
        """Read what is no event: a whole answer, as some servers stream it, or an error."""
        if self.fail_if_told(payload):
            return
        try:
            response = decoded(payload, _Response)
        except msgspec.DecodeError as error:
            self.refuse(payload, error)
        else:
            self.read_whole(response, payload, out)

    def _delta(self, kind: str, chunk: _Event, out: list[Item]) -> None:
        """Read a piece of a text, of thoughts, or of the arguments of a call."""
        delta, index = chunk.delta, chunk.output_index
        if not isinstance(delta, str):
            return
        if kind in ("response.output_text.delta", "response.refusal.delta"):
            if "refusal" in kind and (str, index) not in self._has:
                out.append(Refusal())
            self._has.add((str, index))
            if delta:
                out.append(delta)
            if probabilities := logprobs({"content": chunk.logprobs}):
                out.append(Logprobs(probabilities))
        elif "reasoning" in kind:
            self._has.add((Reasoning, index))
            if delta:
                out.append(Reasoning(delta))
        elif kind == "response.function_call_arguments.delta" and delta:
            call = self._call(index)
            call.begun = True
            out.append(self.call(call.number, arguments=delta))

    def _read_item(self, chunk: _Event, payload: bytes, out: list[Item]) -> None:
        """Read an item that begins, or that is whole."""
        if chunk.type == "response.function_call_arguments.done":
            self._arguments(self._call(chunk.output_index), chunk.arguments, out)
        elif item := self._known(chunk.item, payload):
            if chunk.type == "response.output_item.done":
                self._items.append(chunk.item)
                self._put(chunk.output_index, item, out)
            elif item.type == "function_call":
                self._name(chunk.output_index, item, out)

    def _read_response(self, response: _Response, payload: bytes, out: list[Item], status: str) -> None:
        """Read a whole answer: what of it has not come, what it used, and why it ended."""
        if says_error(response.error) or status == "failed":
            self.failure = fault(self.target, response.error or {"message": ""})
            return
        for index, raw in enumerate(response.output or ()):
            if item := self._known(raw, payload):
                self._put(index, item, out)
        self._items = response.output or self._items
        if isinstance(response.usage, dict):
            self._usage = _usage(response.usage, tier(response.service_tier))
        details = response.incomplete_details if isinstance(response.incomplete_details, dict) else {}
        if status not in _UNFINISHED:
            self._finish = self.finish(details.get("reason") or status, called=self._calls)
            self.done = self._finish is not None

    def _known(self, given: Any, payload: bytes) -> _Item | None:
        """Return an item; None for what is none, which is passed over, or refused where it looks like one."""
        try:
            return msgspec.convert(given, _Item) if isinstance(given, dict) else None
        except msgspec.ValidationError as error:
            self.refuse(payload, error)
            return None

    def _put(self, index: int | str | None, item: _Item, out: list[Item]) -> None:
        """Put what has not come of a whole item into `out`."""
        if item.type == "message":
            if not self._came(str, index):
                out.extend(_texts(item.content))
        elif item.type == "reasoning":
            thoughts = _thoughts(item.summary) or _thoughts(item.content)
            if thoughts and not self._came(Reasoning, index):
                out.append(Reasoning(thoughts))
        elif item.type == "function_call":
            self._arguments(self._name(index, item, out), item.arguments, out)
        elif item.type in _SOUNDS and not self._came(_Item, index):
            out.append(omitted(item.type))

    def _came(self, kind: type, index: int | str | None) -> bool:
        """Whether something of this kind has come of an item. Servers may leave the index of pieces out."""
        known = (kind, index) in self._has or (kind, None) in self._has
        self._has.add((kind, index))
        return known

    def _name(self, index: int | str | None, item: _Item, out: list[Item]) -> _Call:
        """Put the id and the name of a call into `out`, unless they have come."""
        id_ = item.call_id or item.id or ""
        call = next((each for each in self._calls.values() if id_ and each.id == id_), None) or self._call(index)
        if not call.id and not call.name:
            call.id, call.name = id_, item.name or ""
            out.append(ToolCall(call.number, call.id, call.name))
        return call

    def _call(self, index: int | str | None) -> _Call:
        if index is None and self._calls:  # a server that leaves the index out sends one call after the other
            index = next(reversed(self._calls))
        return self._calls.setdefault(index, _Call(len(self._calls)))

    def _arguments(self, call: _Call, given: Any, out: list[Item]) -> None:
        """Put the arguments of a call that came in one piece into `out`."""
        if given and not call.begun:
            call.begun = True
            text = given if isinstance(given, str) else self.arguments(given)
            out.append(self.call(call.number, arguments=text))

    def _state(self) -> list[Any]:
        """Return the items of the answer as they came, if they have more than text and calls."""
        items = [item for item in self._items if isinstance(item, dict)]
        needs = any(item.get("type") not in _PLAIN or item.get("phase") == "commentary" for item in items)
        return items if needs else []


class _Call:
    """A call, as far as it has come."""

    __slots__ = ("begun", "id", "name", "number")

    def __init__(self, number: int) -> None:
        self.number, self.id, self.name = number, "", ""
        self.begun = False  # whether some of its arguments have come


_ENDS = {"response.completed": "completed", "response.incomplete": "incomplete", "response.failed": "failed"}
_ITEMS = frozenset(("response.output_item.added", "response.output_item.done", "response.function_call_arguments.done"))
_UNFINISHED = ("in_progress", "queued")
_PLAIN = ("message", "function_call")
_SOUNDS = ("image_generation_call", "audio")
"""Items that are no text, but that a reader would miss."""


def _texts(content: Any) -> list[Item]:
    """Return the texts of a whole message, and notes for its parts that are none."""
    if isinstance(content, str):
        return [content] if content else []
    found: list[Item] = []
    for part in content if isinstance(content, list) else ():
        fields = part if isinstance(part, dict) else {"text": part}
        text = fields.get("text") or fields.get("refusal")
        if isinstance(text, str):
            found += [text] if fields.get("text") else [Refusal(), text]
            if probabilities := logprobs({"content": fields.get("logprobs")}):
                found.append(Logprobs(probabilities))
        elif fields.get("type") not in ("output_text", "text", "refusal"):
            found.append(omitted(fields.get("type")))
    return found


def _thoughts(parts: Any) -> str:
    """Return a summary of thoughts, or the thoughts themselves."""
    listed = parts if isinstance(parts, list) else ()
    texts = [part.get("text") for part in listed if isinstance(part, dict)]
    return "\n\n".join(text for text in texts if text and isinstance(text, str))


def _usage(usage: dict[str, Any], tier: str) -> Usage | None:
    return usage_of(
        count(usage.get("input_tokens")),
        count(usage.get("output_tokens")),
        count(usage.get("total_tokens")),
        tokens(usage, "input_tokens_details", "cached_tokens"),
        tokens(usage, "output_tokens_details", "reasoning_tokens"),
        written=tokens(usage, "input_tokens_details", "cache_write_tokens"),
        tier=tier,
    )
