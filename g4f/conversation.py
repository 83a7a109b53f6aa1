"""A conversation: turns of a question and its whole answer, asked in sync or async code."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any

import msgspec

from . import bridge
from .dispatch import Request, prepare, stream_events
from .errors import InputError
from .images import urls_in
from .markdown import safe
from .models import Model
from .providers.base_provider import Provider, provider_name
from .providers.response import Item, ProviderInfo
from .typing import seal

__all__ = ["Conversation", "Turn"]


class Turn(msgspec.Struct, frozen=True, omit_defaults=True):
    """One question, its whole answer, and who gave it. `images` are those of the question: data URLs, or addresses."""

    question: str
    answer: str
    provider: str = ""
    model: str = ""
    images: tuple[str, ...] = ()

    def __repr__(self) -> str:
        named = [f"{name}={getattr(self, name)!r}" for name in ("question", "answer", "provider", "model")]
        return f"Turn({', '.join(named)}, images=<{len(self.images)}>)"

    def to_messages(self) -> list[dict[str, Any]]:
        """Return the question and the answer as messages."""
        images = [{"type": "image_url", "image_url": {"url": url}} for url in self.images]
        asked = [{"type": "text", "text": self.question}, *images] if images else self.question
        return [{"role": "user", "content": asked}, {"role": "assistant", "content": self.answer}]


class _Saved(msgspec.Struct, omit_defaults=True):
    """What is written to JSON: never an option, so never a key."""

    turns: list[Turn]
    model: str = ""
    provider: str = ""
    system: str = ""


class Conversation:
    """Questions that build on each other.

    `chat = Conversation(model, provider, system="…")`, then `chat("…")` or `await chat.acall("…")` for the text of
    an answer, `chat.stream("…")` or `async for … in chat.astream("…")` for its items. `options` go with every call;
    they are those of `g4f.ChatCompletion`. The `images` of a question stay with its turn.

    A turn enters `turns` when its answer is complete: one that failed, or was left early, never does.
    """

    def __init__(
        self,
        model: Model | str = "",
        provider: Provider | str | None = None,
        *,
        system: str = "",
        turns: Iterable[Turn] = (),
        **options: Any,
    ) -> None:
        self.model = model
        self.provider = provider
        self.system = system
        self.turns = list(turns)
        self._options = seal(options)

    def __call__(self, question: str, **options: Any) -> str:
        """Return the text of the answer."""
        request = self._request(question, None, stream=False, options=seal(options))
        return bridge.run(lambda: self._whole(request, question))

    def stream(self, question: str, **options: Any) -> bridge.Stream[Item]:
        """Return the items of the answer as they come: text as `str`, and events."""
        request = self._request(question, None, stream=True, options=seal(options))
        return bridge.iterate(lambda: self._ask(request, question, None))

    async def acall(self, question: str, **options: Any) -> str:
        """Return the text of the answer."""
        return await self._whole(self._request(question, None, stream=False, options=seal(options)), question)

    def astream(self, question: str, *, instead_of: Turn | None = None, **options: Any) -> AsyncGenerator[Item]:
        """Return the items of the answer as they come.

        `instead_of` one of the turns, the question is asked with the turns above it only, and takes its place; the
        turns below stay.
        """
        request = self._request(question, instead_of, stream=True, options=seal(options))
        return self._ask(request, question, instead_of)

    def fork(self) -> Conversation:
        """Return a conversation that has the same turns so far, and goes its own way from here."""
        return Conversation(self.model, self.provider, system=self.system, turns=self.turns, **self._options)

    def to_messages(self, before: Turn | None = None) -> list[dict[str, Any]]:
        """Return the system prompt and the turns, or those above `before`, as messages."""
        messages: list[dict[str, Any]] = [{"role": "system", "content": self.system}] if self.system else []
        for turn in self.turns[: self._place(before)]:
            messages += turn.to_messages()
        return messages

    def to_json(self) -> str:
        """Return turns, system prompt, and the names of model and provider, as JSON text. Options are left out."""
        model = self.model.name if isinstance(self.model, Model) else self.model
        provider = self.provider if isinstance(self.provider, str | None) else provider_name(self.provider)
        saved = _Saved(self.turns, model, provider or "", self.system)
        return msgspec.json.format(msgspec.json.encode(saved)).decode()

    @classmethod
    def from_json(cls, text: str, **options: Any) -> Conversation:
        """Return the conversation that `to_json` wrote. Raises InputError for any other text."""
        try:
            saved = msgspec.json.decode(text, type=_Saved)
        except msgspec.DecodeError as error:
            raise InputError(f"this is not a conversation that to_json() wrote: {error}") from None
        return cls(saved.model, saved.provider or None, system=saved.system, turns=saved.turns, **options)

    def __repr__(self) -> str:
        return f"<Conversation of {len(self.turns)} turns>"

    def _repr_markdown_(self) -> str:
        return safe("\n\n".join(map(_told, self.turns))) or "*no turns yet*"

    def _request(self, question: str, instead_of: Turn | None, *, stream: bool, options: dict[str, Any]) -> Request:
        if not isinstance(question, str) or not question.strip():
            raise InputError("the question is empty")
        asked = {"model": self.model, "provider": self.provider, **self._options, **options}
        messages = [*self.to_messages(before=instead_of), {"role": "user", "content": question}]
        return prepare(asked.pop("model"), messages, asked.pop("provider"), stream=stream, **asked)

    async def _whole(self, request: Request, question: str) -> str:
        async with aclosing(self._ask(request, question, None)) as items:
            return "".join([item async for item in items if isinstance(item, str)])

    async def _ask(self, request: Request, question: str, instead_of: Turn | None) -> AsyncGenerator[Item]:
        texts: list[str] = []
        images = urls_in(request.call.messages[-1])
        who = ProviderInfo(request.route.name, request.route.model)
        async with aclosing(stream_events(request)) as items:
            async for item in items:
                if isinstance(item, str):
                    texts.append(item)
                elif isinstance(item, ProviderInfo):
                    who = item
                yield item
        place = self._place(instead_of)
        self.turns[place : place + 1] = [Turn(question, "".join(texts), who.provider, who.model, images)]

    def _place(self, turn: Turn | None) -> int:
        """Return where `turn` stands; the end, if it does not."""
        return next((place for place, other in enumerate(self.turns) if other is turn), len(self.turns))


def _told(turn: Turn) -> str:
    seen = f" ({len(turn.images)} image{'s' * (len(turn.images) > 1)})" if turn.images else ""
    return f"**{turn.question}**{seen}\n\n{turn.answer}"
