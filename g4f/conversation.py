"""A conversation: its turns are questions with their whole answers, for sync and for async code."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from itertools import count
from threading import Lock
from time import monotonic
from typing import Any, Unpack, overload

import msgspec

from .answer import Answer
from .assembly import Assembly
from .dispatch import ask, one_answer, stream_events
from .errors import ContextLengthError, InputError
from .images import urls_in
from .models import Model
from .option_values import in_our_words
from .options import CallOptions, Options, TypedCallOptions
from .printable import counted, logger
from .providers.base_provider import Provider
from .providers.response import Item, Trimmed
from .request import Request, prepare
from .rounds import Round, messages_in
from .routing import merged
from .secrets.key import seal
from .turn import Entered, Saved, Turn, messages_of, read_saved, saved_name, with_given
from .waiting import bridge
from .waiting.async_stream import AsyncStream
from .wire import plain, whole

__all__ = ["Conversation", "PendingTurn", "Saved", "Turn"]

Results = Mapping[str, Any]
"""What tools gave, by the ids of the calls or the names of the tools."""

_numbers = count()
"""Questions are numbered in the order in which they are asked."""

_entering = Lock()
"""Threads put their turns in place one after the other."""


class Conversation:
    """Questions that build on each other.

    Make one by `chat = Conversation(model, provider, system="…")`. Then `chat("…")` or `await chat.acall("…")` returns
    an answer, `chat.stream("…")` or `async for … in chat.astream("…")` its items. `options` go with every call; they
    are those of `g4f.ChatCompletion`. `images` and `files` of a question stay with its turn.

    A turn enters `turns` when its answer is complete, and has text or calls tools. A turn that failed, or whose reader
    left early, does not. An interrupt that comes too late to cut an answer still raises KeyboardInterrupt, but its turn
    is in `turns`.

    With `tools=[function]` the model may call functions; an answer's `steps` has the calls. One that calls what is only
    a dict has `tool_calls`: ask the results instead of a text, `chat({"weather": "sunny"})`. All of it is one turn.

    Questions may be asked at the same time, by tasks or threads: each is sent with the turns that are complete when it
    is asked, and their turns are in the order of the questions, whichever answer ends first.
    """

    def __init__(
        self,
        model: Model | str = "",
        provider: Provider | str | None = None,
        *,
        system: str = "",
        turns: Iterable[Turn] = (),
        **options: Unpack[Options],
    ) -> None:
        self.model = model
        self.provider, self.options = in_our_words(provider, _checked(options))
        self.system, self.turns = system, list(turns)
        self.entered: list[Entered] = []
        """All turns that have ever entered, in that order."""

    @overload
    def __call__(self, question: str | Results, **options: Unpack[CallOptions]) -> Answer: ...

    @overload
    def __call__(self, question: str | Results, *, schema: Any, **options: Unpack[CallOptions]) -> Any: ...

    def __call__(self, question: str | Results, **options: Unpack[TypedCallOptions]) -> Any:
        """Return the answer, which is its text; with a `schema`, its value."""
        return bridge.run(self.prepare(question, stream=False, **_checked(options)).answer)

    def stream(self, question: str | Results, **options: Unpack[TypedCallOptions]) -> bridge.Stream[Item]:
        """Return the items of the answer as they come: text as `str`, and events."""
        return bridge.iterate(self.prepare(question, **_checked(options)).items)

    @overload
    async def acall(self, question: str | Results, **options: Unpack[CallOptions]) -> Answer: ...

    @overload
    async def acall(self, question: str | Results, *, schema: Any, **options: Unpack[CallOptions]) -> Any: ...

    async def acall(self, question: str | Results, **options: Unpack[TypedCallOptions]) -> Any:
        """Return the answer, which is its text; with a `schema`, its value."""
        return await self.prepare(question, stream=False, **_checked(options)).answer()

    def astream(self, question: str | Results, **options: Unpack[TypedCallOptions]) -> AsyncStream[Item]:
        """Return the items of the answer as they come."""
        return AsyncStream(self.prepare(question, **_checked(options)).items())

    def prepare(
        self,
        question: str | Results,
        *,
        above: Sequence[Turn] | None = None,
        system: str | None = None,
        stream: bool = True,
        **options: Unpack[TypedCallOptions],
    ) -> PendingTurn:
        """Return a turn whose question is ready to be sent. Raises InputError for a question that cannot be.

        The turns `above` are sent with it, by default all, and the `system` prompt, by default the conversation's.
        """
        sent, calls = tuple(self.turns if above is None else above), None
        if isinstance(question, Mapping):
            calls = sent[-1] if sent else None
            sent, asked = sent[:-1], (calls or Turn("", "")).with_results(question)
        elif isinstance(question, str) and question.strip():
            asked = Turn(question, "")
        else:
            raise InputError("the question is empty")
        system = self.system if system is None else system
        return PendingTurn(self, asked, seal(options), above=sent, calls=calls, system=system, stream=stream)

    def fork(self) -> Conversation:
        """Return a conversation with the same turns, which from here on has its own."""
        return Conversation(self.model, self.provider, system=self.system, turns=self.turns, **self.options)

    def to_messages(self) -> list[dict[str, Any]]:
        """Return system prompt and turns as messages."""
        return messages_of(self.system, self.turns)

    def place(self, turn: Turn | None) -> int:
        """Return the index of `turn`; the end, if it is not among the turns."""
        return next((place for place, other in enumerate(self.turns) if other is turn), len(self.turns))

    def to_json(self) -> str:
        """Return turns, system prompt, and the names of model and provider, as JSON text, without options.

        Raises InputError for a turn that is no text.
        """
        model = self.model.name if isinstance(self.model, Model) else self.model
        saved = Saved(self.turns, *map(whole, (model, saved_name(self.provider), self.system)))
        return msgspec.json.format(msgspec.json.encode(saved, enc_hook=plain)).decode()

    @classmethod
    def from_json(
        cls, text: str | bytes, *, provider: Provider | str | None = None, **options: Unpack[Options]
    ) -> Conversation:
        """Return the conversation that `to_json` wrote. It goes on with `provider`, else with the one that it names.

        An address that it names is not asked: a stranger may have written it. Raises InputError for any other text.
        """
        saved = read_saved(text)
        if provider is None and saved.names_address:
            at = saved_name(saved.provider)[:200]
            logger.warning("the history names the address %s, which is not asked: give provider=… to ask there", at)
        elif provider is None:
            provider = saved.provider or None
        return cls(saved.model, provider, system=saved.system, turns=saved.turns, **options)

    def __repr__(self) -> str:
        return f"<Conversation of {counted(len(self.turns), 'turn')}>"

    def _repr_markdown_(self) -> str:
        return "\n\n".join(turn.to_markdown() for turn in self.turns) or "*no turns yet*"


class PendingTurn:
    """A question of a conversation that is ready to be sent, and becomes a turn when its answer is complete."""

    request: Request
    """What is sent first."""
    assembly: Assembly
    """What has come of the answer so far."""
    result: Answer
    """The answer, once all items have been read."""

    def __init__(
        self,
        conversation: Conversation,
        question: Turn,
        options: dict[str, Any],
        *,
        above: Sequence[Turn],
        calls: Turn | None,
        system: str,
        stream: bool,
    ) -> None:
        self.above, self.system = above, system
        self.number = next(_numbers)
        self._conversation, self._question, self._calls = conversation, question, calls
        self._begin = len(conversation.entered)
        provider, given = in_our_words(options.pop("provider", None), options)
        self.model, own = given.pop("model", None) or conversation.model, conversation.provider
        self.provider, self._stream = own if provider is None else provider, stream
        self.options = merged(own, conversation.options, provider, given)
        if self.options.get("files") is not None:
            self._question, self.options = with_given(question, self.options)
        self._trimmed, self._rounds = 0, list[Round]()
        self.request = self._request(0)
        self.assembly = self.request.assembly()
        if self.request.toolbox is not None:  # what is asked again goes on with the same tools, and its rounds
            self._rounds, self.options = self.assembly.rounds, {**self.options, "tools": self.request.toolbox.schemas}

    @property
    def beside(self) -> list[Entered]:
        """The turns that have entered since the question was asked: it was asked without them."""
        return self._conversation.entered[self._begin :]

    async def items(self, *, enters: bool = True) -> AsyncGenerator[Item]:
        """Yield the items of the answer. At its end, its turn `enters` the conversation, if it says something.

        A conversation that is longer than the model's context is sent again without its oldest turns.
        """
        start = monotonic()
        if self.request.fetched is not None:
            self.request = await self.request.fetched()
        async with aclosing(stream_events(self.request, self.assembly, self._ask_within_context)) as items:
            async for item in items:
                if isinstance(item, Trimmed):
                    self.request = self._request(item.turns)
                yield item
        self.result = Answer.of(self.assembly, self.request.messages, monotonic() - start)
        if enters and self.is_answered:
            self.enter()

    @property
    def is_answered(self) -> bool:
        """Whether the answer is complete, and says or calls something: services refuse an empty message."""
        return hasattr(self, "result") and self.result.says_something

    def enter(self, *, instead_of: Turn | None = None, before: Turn | None = None) -> Turn:
        """Put the turn into the conversation, and return it.

        It takes the place of the turn `instead_of`, else that above the turn `before`, if it is there; else it follows
        the turns of all questions that were asked before it.
        """
        images, instead_of = self._question.images or urls_in(self.request.messages[-1]), self._calls or instead_of
        turn = self._question.with_answer(self.result, images)
        with _entering:
            turns = self._conversation.turns
            old, below, end = self._conversation.place(instead_of), self._conversation.place(before), len(turns)
            if old < end:
                turns[old] = turn
            else:
                turns.insert(below if below < end else self._last(), turn)
            self._conversation.entered.append(Entered(self.number, turn, follows=old == below == end))
        return turn

    def _last(self) -> int:
        """Return the place below the turns of all questions that were asked before."""
        later = [each.turn for each in self.beside if each.follows and each.number > self.number]
        return min(map(self._conversation.place, later), default=len(self._conversation.turns))

    async def answer(self) -> Any:
        """Return the whole answer; if it has a value, that."""
        async with aclosing(self.items()) as items:
            async for _ in items:
                pass
        return self.result if self.assembly.value is msgspec.UNSET else self.result.value

    def _request(self, trimmed: int) -> Request:
        above = messages_of(self.system, self.above[trimmed:])
        messages = [*above, *self._question.without_answer(), *messages_in(self._rounds)]
        return prepare(self.model, messages, self.provider, self.options, stream=self._stream)

    async def _ask_within_context(self, whole: Request, answer: Assembly) -> AsyncGenerator[Item]:
        """Yield the answer to the whole conversation, or to as much of it as the model's context holds."""
        answered = one_answer(self._request(self._trimmed), answer) if self._trimmed else ask(whole, answer)
        while True:
            try:
                async with aclosing(answered) as items:
                    async for item in items:
                        yield item
            except ContextLengthError:
                if self._trimmed >= (above := len(self.above)):
                    raise
            else:
                return
            self._trimmed = min(above, 2 * self._trimmed or 1)
            logger.warning("the oldest %s of %s turns are left out: the context is full", self._trimmed, above)
            answer.add(left_out := Trimmed(self._trimmed))
            yield left_out
            answered = one_answer(self._request(self._trimmed), answer)


def _checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with their secrets sealed. Raises InputError for those that a conversation itself decides."""
    for name, instead in (("messages", "turns="), ("stream", ".stream(…) or .astream(…)")):
        if name in options:
            raise InputError(f"a conversation has no option {name!r}: use {instead}")
    return seal(options)
