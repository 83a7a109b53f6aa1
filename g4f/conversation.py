"""A conversation: its turns are questions with their whole answers, for sync and for async code."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from time import monotonic
from typing import Any, Unpack
from urllib.parse import urlsplit

import msgspec

from .answer import Answer
from .assembly import Assembly
from .dispatch import Request, ask, prepare, stream_events
from .errors import ContextLengthError, InputError
from .files import decoded
from .images import urls_in
from .markdown.rewriting import safe, titled
from .messages import normalize
from .models import Model
from .options import CallOptions, Options, in_our_words
from .printable import logger
from .providers.base_provider import Provider, provider_name
from .providers.response import Item, Trimmed
from .routing import merged
from .secrets.key import seal, sealed
from .waiting import bridge
from .wire import plain, whole

__all__ = ["Conversation", "PendingTurn", "Saved", "Turn"]

_FOREIGN = "this is not a conversation that to_json() wrote"

_ADDRESS = re.compile("[:/@]")
"""Characters of an address that no name of a provider has."""


class Turn(msgspec.Struct, frozen=True, omit_defaults=True):
    """One question and its whole answer."""

    question: str
    answer: str
    provider: str = ""
    """The name of the provider that answered."""
    model: str = ""
    """The name of the model that answered."""
    images: tuple[str, ...] = ()
    """The images of the question: data URLs, or addresses."""

    def __post_init__(self) -> None:
        """Replace halves of characters: a conversation that has one could be neither sent nor saved."""
        for name in ("question", "answer", "provider", "model"):
            if not getattr(self, name).isascii():
                msgspec.structs.force_setattr(self, name, whole(getattr(self, name)))

    def __repr__(self) -> str:
        named = [f"{name}={getattr(self, name)!r}" for name in ("question", "answer", "provider", "model")]
        return f"Turn({', '.join(named)}, images=<{len(self.images)}>)"

    def to_messages(self) -> list[dict[str, Any]]:
        """Return the question and the answer as messages."""
        images = [{"type": "image_url", "image_url": {"url": url}} for url in self.images]
        content = [{"type": "text", "text": self.question}, *images] if images else self.question
        return [{"role": "user", "content": content}, {"role": "assistant", "content": self.answer}]


class Saved(msgspec.Struct, omit_defaults=True):
    """What is written to JSON: no options, and so no key."""

    turns: list[Turn]
    model: str = ""
    provider: str = ""
    system: str = ""


class Conversation:
    """Questions that build on each other.

    Make one by `chat = Conversation(model, provider, system="…")`. Then `chat("…")` or `await chat.acall("…")` returns
    an answer, `chat.stream("…")` or `async for … in chat.astream("…")` its items. `options` go with every call; they
    are those of `g4f.ChatCompletion`. The `images` of a question stay with its turn.

    A turn enters `turns` when its answer is complete. A turn that failed, or whose reader left early, does not. An
    interrupt that comes too late to cut an answer still raises KeyboardInterrupt, but its turn is in `turns`.
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
        provider = self.provider = sealed(provider)
        self.system = system
        self.turns = list(turns)
        self.options = in_our_words(seal(options))

    def __call__(self, question: str, **options: Unpack[CallOptions]) -> Answer:
        """Return the answer, which is its text."""
        return bridge.run(self.prepare(question, stream=False, **seal(options)).answer)

    def stream(self, question: str, **options: Unpack[CallOptions]) -> bridge.Stream[Item]:
        """Return the items of the answer as they come: text as `str`, and events."""
        return bridge.iterate(self.prepare(question, **seal(options)).items)

    async def acall(self, question: str, **options: Unpack[CallOptions]) -> Answer:
        """Return the answer, which is its text."""
        return await self.prepare(question, stream=False, **seal(options)).answer()

    def astream(self, question: str, **options: Unpack[CallOptions]) -> AsyncGenerator[Item]:
        """Return the items of the answer as they come."""
        return self.prepare(question, **seal(options)).items()

    def prepare(
        self, question: str, *, instead_of: Turn | None = None, stream: bool = True, **options: Unpack[CallOptions]
    ) -> PendingTurn:
        """Return a turn whose question is ready to be sent. Raises InputError for a question that cannot be.

        With `instead_of`, one of the turns, only the turns above that one are sent, and the new turn replaces it; the
        turns below stay.
        """
        if not isinstance(question, str) or not question.strip():
            raise InputError("the question is empty")
        return PendingTurn(self, question, instead_of, stream, seal(options))

    def fork(self) -> Conversation:
        """Return a conversation with the same turns, which from here on has its own."""
        return Conversation(self.model, self.provider, system=self.system, turns=self.turns, **self.options)

    def to_messages(self, before: Turn | None = None, *, trimmed: int = 0) -> list[dict[str, Any]]:
        """Return system prompt and turns as messages: those above `before`, without the oldest `trimmed`."""
        messages: list[dict[str, Any]] = [{"role": "system", "content": self.system}] if self.system else []
        for turn in self.turns[trimmed : self.place(before)]:
            messages += turn.to_messages()
        return messages

    def place(self, turn: Turn | None) -> int:
        """Return the index of `turn`; the end, if it is not among the turns."""
        return next((place for place, other in enumerate(self.turns) if other is turn), len(self.turns))

    def to_json(self) -> str:
        """Return turns, system prompt, and the names of model and provider, as JSON text, without options.

        Raises InputError for a turn that is no text.
        """
        model = self.model.name if isinstance(self.model, Model) else self.model
        saved = Saved(self.turns, *map(whole, (model, _named(self.provider), self.system)))
        return msgspec.json.format(msgspec.json.encode(saved, enc_hook=plain)).decode()

    @classmethod
    def from_json(
        cls, text: str | bytes, *, provider: Provider | str | None = None, **options: Unpack[Options]
    ) -> Conversation:
        """Return the conversation that `to_json` wrote. It goes on with `provider`, else with the one that it names.

        An address that it names is not asked: a stranger may have written it. Raises InputError for any other text.
        """
        saved = decoded(text, Saved, _FOREIGN)
        for number, turn in enumerate(saved.turns, 1):
            try:
                normalize(turn.to_messages())
            except InputError as error:  # it would be that of every later question
                raise InputError(f"{_FOREIGN}: turn {number}: {error}") from None
        if provider is None and _ADDRESS.search(saved.provider):
            logger.warning(
                "the history names the address %s, which is not asked: give provider=… to ask there",
                _named(saved.provider)[:200],
            )
        elif provider is None:
            provider = saved.provider or None
        return cls(saved.model, provider, system=saved.system, turns=saved.turns, **options)

    def __repr__(self) -> str:
        return f"<Conversation of {len(self.turns)} turns>"

    def _repr_markdown_(self) -> str:
        return "\n\n".join(map(_markdown, self.turns)) or "*no turns yet*"


class PendingTurn:
    """A question of a conversation that is ready to be sent, and becomes a turn when its answer is complete."""

    request: Request
    """What is sent."""
    result: Answer
    """The answer, once all items have been read."""

    def __init__(
        self, conversation: Conversation, question: str, instead_of: Turn | None, stream: bool, options: dict[str, Any]
    ) -> None:
        self._conversation, self._question, self._instead_of = conversation, question, instead_of
        given = merged(conversation.provider, conversation.options, in_our_words(options))
        self._options = {"model": conversation.model, "provider": conversation.provider, **given, "stream": stream}
        self.request = self._request(0)

    async def items(self) -> AsyncGenerator[Item]:
        """Yield the items of the answer. At its end, its turn enters the conversation.

        A conversation that is longer than the model's context is sent again without its oldest turns.
        """
        start, assembly = monotonic(), Assembly(self.request.route.name, self.request.route.model)
        async with aclosing(stream_events(self.request, self._ask_within_context)) as items:
            async for item in items:
                if isinstance(item, Trimmed):
                    self.request = self._request(item.turns)
                assembly.add(item)
                yield item
        self.result = answer = Answer.of(assembly, self.request.messages, monotonic() - start)
        place = self._conversation.place(self._instead_of)
        images = urls_in(self.request.messages[-1])
        self._conversation.turns[place : place + 1] = [
            Turn(self._question, str(answer), answer.provider, answer.model, images)
        ]

    async def answer(self) -> Answer:
        """Return the whole answer."""
        async with aclosing(self.items()) as items:
            async for _ in items:
                pass
        return self.result

    def _request(self, trimmed: int) -> Request:
        before = self._conversation.to_messages(before=self._instead_of, trimmed=trimmed)
        given = dict(self._options)
        messages = [*before, {"role": "user", "content": self._question}]
        return prepare(given.pop("model"), messages, given.pop("provider"), **given)

    async def _ask_within_context(self, whole: Request) -> AsyncGenerator[Item]:
        """Yield the answer to the whole conversation, or to as much of it as the model's context holds."""
        above, trimmed, answered = self._conversation.place(self._instead_of), 0, ask(whole)
        while True:
            try:
                async with aclosing(answered) as items:
                    async for item in items:
                        yield item
            except ContextLengthError:
                if trimmed >= above:
                    raise
            else:
                return
            trimmed = min(above, 2 * trimmed or 1)
            logger.warning(
                "the conversation is longer than the model's context: the oldest %s of %s turns are left out",
                trimmed,
                above,
            )
            yield Trimmed(trimmed)
            answered = stream_events(self._request(trimmed))


def _named(provider: Provider | str | None) -> str:
    """Return the name of a provider; of an address, which may hold a password, nothing but scheme, host and port."""
    if not isinstance(provider, str):
        return "" if provider is None else provider_name(provider)
    return " ".join(_bare(each) if "://" in each else each for each in provider.replace(",", " ").split())


def _bare(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _markdown(turn: Turn) -> str:
    seen = f" ({len(turn.images)} image{'s' * (len(turn.images) > 1)})" if turn.images else ""
    return f"{titled(turn.question, note=seen)}\n\n{safe(turn.answer)}"
