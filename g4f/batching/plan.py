"""How each row of a batch is asked: what is the same for all of them, and who asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any, TypeAlias

import msgspec

from ..answer import Answer
from ..dispatch import stream_events
from ..errors import InputError
from ..models import Model
from ..providers.base_provider import Provider
from ..providers.catalogue import ROWS
from ..providers.transport.settings import TRANSPORT, Settings
from ..request import Asking, Request, question_of
from ..secrets.known import keys_here, secrets_of
from ..taping.file import BROKEN
from ..taping.ports import Ports
from ..taping.question import Wordings
from ..tools.loop import check_answered
from ..typed.reading import find
from .journal import answer_of, entry_of

__all__ = ["Ask", "Plan", "Written"]

Ask: TypeAlias = Callable[[list[dict[str, Any]]], Awaitable[Answer]]
"""Asks one question, and returns its whole answer, or raises a G4FError: `Plan.ask`, or what asks on other machines."""


class Plan:
    """What the rows of a batch have in common. `options` are those of a call, in our words, as `prepare` takes them."""

    def __init__(
        self, model: Model | str, provider: Provider | str | None, options: Mapping[str, Any], *, cheap: bool = False
    ) -> None:
        """Raise what `prepare` raises before anything is sent, as far as it does not lie in a row."""
        if options.get("stream"):
            raise InputError("a batch has whole answers: leave stream out, and read rows as they come by g4f.ibatch")
        Settings.pop_from({name: value for name, value in options.items() if name in TRANSPORT})
        self.question: Asking = question_of(model, provider, options)
        if away := next((file.name for file in self.question.files or () if not file.kind), ""):
            raise InputError(f"a batch keeps what was sent, but {away} is an address: give the file itself in files=")
        self.recorded = self.question.recorded()
        if cheap and _has_flex(self.recorded.provider):
            self.question = question_of(model, provider, {**options, "service_tier": "flex"})
            self.recorded = self.question.recorded()
        if self.recorded.route is not None:
            self.question.request([{"role": "user", "content": "?"}])  # raises now what each row would raise
        self._like: Request | None = None

    def request(self, messages: list[dict[str, Any]]) -> Request:
        """Return the request for messages. What one plain text needs to be checked for, the next one need not."""
        is_plain = len(messages) == 1 and messages[0].keys() == _PLAIN and isinstance(messages[0]["content"], str)
        if is_plain and self._like is not None and messages[0]["role"] == "user":
            return self._like.with_messages(messages)
        request = self.question.request(messages)
        is_alone = request.call is not None and request.lookup is None and request.toolbox is None
        if is_plain and is_alone and request.messages == messages:
            self._like = request
        return request

    async def ask(self, messages: list[dict[str, Any]]) -> Answer:
        """Return the whole answer. Raises a G4FError."""
        began = perf_counter()
        request = self.request(messages)
        assembly = request.assembly()
        async for _ in stream_events(request, assembly):
            pass
        if request.toolbox is not None and assembly.value is msgspec.UNSET:
            check_answered(request.toolbox, assembly)
        return Answer.of(assembly, messages, perf_counter() - began)


_PLAIN = {"role", "content"}


def _has_flex(provider: str) -> bool:
    return any(row.name == provider and row.flex is not None for row in ROWS)


class Written:
    """How questions and answers of a plan are written into a journal, without a secret."""

    def __init__(self, plan: Plan, known: Mapping[str, set[int]]) -> None:
        """`known` are the ports of servers that are in the journal. Raises InputError for what cannot be written."""
        provider, model, options, _ = plan.recorded
        self.ports: dict[str, int] = {}
        names = Ports()

        def server(host: str, port: int) -> str:
            name = names.name(host, port, known)
            self.ports[name] = port
            return name

        self._wordings = Wordings(provider, model, options, server)
        self._schema = plan.question.schema
        self._secrets = [each.encode() for each in {*map(str, secrets_of(options)), *keys_here()}]

    def question(self, messages: list[dict[str, Any]]) -> bytes:
        """Return a question as it is written. Raises InputError for what JSON cannot hold."""
        return self._wordings.encode(messages)

    def entry(self, key: bytes, question: bytes, answer: Answer) -> bytes | None:
        """Return what is kept of an answer; None if a key stands in its text, or it cannot be read again."""
        try:
            entry = entry_of(key.hex(), question, answer, self.ports)
        except (TypeError, ValueError):
            return None
        return None if any(secret in entry for secret in self._secrets) else entry

    def answer(self, line: bytes, messages: list[dict[str, Any]]) -> Answer | None:
        """Return the answer that is kept; None where that is broken, or does not fit its schema any more."""
        try:
            answer = answer_of(line, messages)
        except BROKEN:
            return None
        if self._schema is not None and (answer.strip() or not answer.tool_calls):
            found = find(str.__str__(answer), self._schema.reads)
            if found.problems:
                return None
            answer.value = found.value
        return answer
