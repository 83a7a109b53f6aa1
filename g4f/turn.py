"""One turn of a conversation: a question with its whole answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from .answer import Answer, ending
from .attaching.attached import AttachedFile, with_files
from .errors import InputError
from .files import decoded
from .markdown.code import fenced
from .markdown.entities import literal
from .markdown.rewriting import safe, titled
from .messages import normalize
from .printable import counted
from .providers.base_provider import Provider
from .providers.call import provider_name
from .providers.catalogue import is_address, names_in
from .providers.response import ProviderState
from .rounds import MadeCall, Round, Whole, carried, messages_in

__all__ = ["Entered", "Saved", "Turn", "beginning", "messages_of", "read_saved", "saved_name", "with_given"]


LONG = 1_000
"""Characters of a question, or of a system prompt, that are shown in a history."""

_ADDRESS = re.compile(r"(?:^|[\s,])[^\s,:]*(?:[/@\[]|:(?://|\d+(?:[/\s,]|$)))")
"""What an address has, and no name of a provider, also if the name of a model follows it."""


def beginning(text: str) -> str:
    """Return as much of a text as a history shows of it."""
    return text if len(text) <= LONG else f"{text[:LONG]}…"


class Turn(Whole, frozen=True):
    """One question and its whole answer."""

    question: str
    answer: str
    provider: str = ""
    """The name of the provider that answered."""
    model: str = ""
    """The name of the model that answered."""
    images: tuple[str, ...] = ()
    """The images of the question: data URLs, or addresses."""
    rounds: tuple[Round, ...] = ()
    """The calls of tools before the answer. If the last ones have no results, `answer` is the text beside them."""
    finish_reason: str = "stop"
    """Why the answer ended: see `Answer.finish_reason`."""
    state: ProviderState | None = None
    """What its provider needs back with the answer."""
    files: tuple[AttachedFile, ...] = ()
    """The files of the question, with what was sent of them."""

    def __repr__(self) -> str:
        named = [f"{name}={getattr(self, name)!r}" for name in ("question", "answer", "provider", "model")]
        return f"Turn({', '.join(named)}, images=<{len(self.images)}>)"

    @property
    def mark(self) -> str:
        """What a reader must know: why the answer is not whole. "" if it is."""
        return ending(self.finish_reason)

    @property
    def open_calls(self) -> tuple[MadeCall, ...]:
        """The calls with which it ends, whose results the model waits for."""
        return tuple(call for each in self.rounds[-1:] for call in each.calls if call.result is None)

    def with_results(self, results: Mapping[str, Any]) -> Turn:
        """Return the turn with a result for each open call, by its id or, where one call has it, its name.

        A result that is no text is sent as JSON. Raises InputError if one is missing, or too many.
        """
        names = [call.name for call in self.open_calls]
        keys = {
            call.id: call.name if names.count(call.name) == 1 and call.id not in results else call.id
            for call in self.open_calls
        }
        if set(keys.values()) != set(results):
            wanted = ", ".join(map(repr, keys.values())) or "none, for the last answer calls no tool"
            given = ", ".join(map(repr, results)) or "none"
            raise InputError(f"results of tools are wanted for: {wanted}; given are: {given}")
        texts = {id_: given if isinstance(given := results[key], str) else _json(given) for id_, key in keys.items()}
        calls = [
            msgspec.structs.replace(call, result=texts.get(call.id, call.result)) for call in self.rounds[-1].calls
        ]
        last = msgspec.structs.replace(self.rounds[-1], calls=tuple(calls))
        return msgspec.structs.replace(self, answer="", rounds=(*self.rounds[:-1], last))

    def without_answer(self) -> list[dict[str, Any]]:
        """Return the messages to which the answer is one: the question, the calls, and their results."""
        images = [{"type": "image_url", "image_url": {"url": url}} for url in self.images]
        content = [{"type": "text", "text": self.question}, *images] if images else self.question
        content = with_files(content, self.files) if self.files else content
        return [{"role": "user", "content": content}, *messages_in(self.rounds)]

    def to_messages(self) -> list[dict[str, Any]]:
        """Return the question, what was called, and the answer as messages."""
        if self.open_calls:
            return self.without_answer()
        return [*self.without_answer(), {"role": "assistant", "content": self.answer, **carried(self.state)}]

    def with_answer(self, answer: Answer, images: tuple[str, ...]) -> Turn:
        """Return the turn of a question that has been answered. An `answer` that calls tools has another round."""
        rounds = (*self.rounds, *answer.rounds)
        calls = tuple(
            MadeCall(call.id or f"call_{len(rounds)}_{number}", call.function.name, call.function.arguments)
            for number, call in enumerate(answer.tool_calls)
        )
        state = answer.state
        if calls:
            rounds, state = (*rounds, Round(calls, str(answer), answer.reasoning, state)), None
        ended = answer.finish_reason
        return Turn(self.question, str(answer), answer.provider, answer.model, images, rounds, ended, state, self.files)

    def to_text(self, *, number: str = "", note: str = "", typed: str = "") -> str:
        """Return the question, behind a `number` and above a `note`, the calls and the answer with its mark as text.

        The question is as it was `typed`, if that is known, without the values in it; or the beginning of a long one.
        """
        question, whole = self._shown(typed)
        whole = f" ({whole})" if whole else ""
        calls = "".join(f"\n[calls]\n{each}" for each in self.rounds)
        mark = f"\n\n[{self.mark}]" if self.mark else ""
        return f"{number}{question}{whole}{self._seen}{note}{calls}\n{self.answer}{mark}"

    def to_markdown(self, *, number: str = "", note: str = "", typed: str = "") -> str:
        """Return the same as Markdown, in which nothing of a stranger acts. The `note` is Markdown, too.

        All of a question of which only a part is shown is in a fold below it.
        """
        question, whole = self._shown(typed)
        fold = f"\n\n<details><summary>{whole}</summary>\n\n{fenced(self.question)}\n\n</details>" if whole else ""
        calls = "".join(f"\n\n[calls]\n\n{fenced(str(each))}" for each in self.rounds)
        mark = f"\n\n*[{literal(self.mark)}]*" if self.mark else ""
        title = titled(question, number=number, note=f"{self._seen}{note}")
        return f"{title}{fold}{calls}\n\n{safe(self.answer)}{mark}"

    def _shown(self, typed: str) -> tuple[str, str]:
        """Return what is shown of the question, and a note that says what all of it is; "" if that is all of it."""
        size = f"{len(self.question):,} characters"
        if typed and typed != self.question:
            return typed, f"sent with its values: {size}"
        if len(self.question) > LONG:
            return beginning(self.question), f"the whole question: {size}"
        return self.question, ""

    @property
    def _seen(self) -> str:
        seen = [file.name for file in self.files] + ([counted(len(self.images), "image")] if self.images else [])
        return f" ({', '.join(seen)})" if seen else ""


class Saved(msgspec.Struct, omit_defaults=True):
    """What is written to JSON: no options, and so no key."""

    turns: list[Turn]
    model: str = ""
    provider: str = ""
    system: str = ""

    @property
    def names_address(self) -> bool:
        """Whether its provider is an address, and no name."""
        return _ADDRESS.search(self.provider) is not None


_FOREIGN = "this is not a conversation that to_json() wrote"


def read_saved(text: str | bytes) -> Saved:
    """Return what was written to JSON. Raises InputError for any other text."""
    saved: Saved = decoded(text, Saved, _FOREIGN)
    for number, turn in enumerate(saved.turns, 1):
        try:
            normalize(turn.to_messages())
        except InputError as error:  # it would be that of every later question
            raise InputError(f"{_FOREIGN}: turn {number}: {error}") from None
    return saved


def with_given(turn: Turn, options: Mapping[str, Any]) -> tuple[Turn, dict[str, Any]]:
    """Return the turn of a question with the `files` among its options, and the other options. Raises InputError."""
    from .attaching.attach import attach  # noqa: PLC0415 - 5 ms that only a question with files has to spend

    others = {name: value for name, value in options.items() if name != "files"}
    return msgspec.structs.replace(turn, files=tuple(attach(options["files"]))), others


def messages_of(system: str, turns: Iterable[Turn]) -> list[dict[str, Any]]:
    """Return a system prompt, unless it is empty, and turns as messages."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    for turn in turns:
        messages += turn.to_messages()
    return messages


def _json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"the result of a tool must be a text, or what JSON can hold: {error}") from None


class Entered(NamedTuple):
    """A turn of a conversation, the number of its question, and whether it was put below the turns before it."""

    number: int
    turn: Turn
    follows: bool


def saved_name(provider: Provider | str | None) -> str:
    """Return the names of providers for a file; of an address, which may hold a password, scheme, host and port."""
    if isinstance(provider, list | tuple):
        return " ".join(map(saved_name, provider))
    if not isinstance(provider, str):
        return "" if provider is None else provider_name(provider)
    return " ".join(_bare(each) if is_address(each) else each for each in names_in(provider))


def _bare(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
