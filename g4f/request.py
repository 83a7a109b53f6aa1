"""A question before it is asked: checked, with its route, and the call that will be made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from .assembly import Assembly
from .attaching.attached import AttachedFile, pending_in, refreshed
from .messages import normalize, with_attached, with_images
from .models import Model
from .option_values import AnswerLimits, check_words, pop_limits, pop_proxy, pop_schema
from .providers.base_provider import Provider
from .providers.call import BoundCall, bind
from .providers.catalogue import load_at
from .rounds import Round, messages_in
from .routing import Route, check_keys, resolve, without_provider
from .taping.tapes import current
from .tools.toolbox import OF_TOOLS, Toolbox, toolbox_of
from .typing import Messages

if TYPE_CHECKING:
    from .taping.player import Lookup, Tape
    from .typed.schema import Schema

__all__ = ["Asking", "Recorded", "Request", "prepare", "question_of"]


class Request(msgspec.Struct, frozen=True):
    """A question that may be sent: checked, with its route and the call that will be made.

    `call` is None where nobody was looked for, because the tape answers; see `routing.without_provider`.
    """

    route: Route
    call: BoundCall | None
    messages: list[dict[str, Any]]
    options: dict[str, Any]
    limits: AnswerLimits
    lookup: Lookup | None
    schema: Schema | None = None
    toolbox: Toolbox | None = None
    following: Callable[[list[Round]], Request] | None = None
    """Returns the question with rounds of calls behind it, if there are tools."""
    fetched: Callable[[], Awaitable[Request]] | None = None
    """Fetches the files of the question whose addresses were given, and returns the question with them."""

    def assembly(self) -> Assembly:
        """Return an empty answer to this question."""
        return Assembly(self.route.name, self.route.model)

    def with_messages(self, messages: list[dict[str, Any]]) -> Request:
        """Return the same question with other messages, where nothing but what is sent depends on them."""
        old = cast("BoundCall", self.call)
        call = BoundCall(old.provider, old.kind, old.method, old.model, messages, old.options)
        return Request(self.route, call, messages, self.options, self.limits, None, self.schema)

    def followed_by(self, messages: list[dict[str, Any]]) -> Request:
        """Return the question with `messages` behind it. To answer that, no tool runs any more."""
        call, lookup = self.call, self.lookup and self.lookup.followed_by(messages)
        if call is not None:
            call = msgspec.structs.replace(call, messages=[*call.messages, *messages])
        messages = [*self.messages, *messages]
        return msgspec.structs.replace(self, call=call, messages=messages, lookup=lookup, toolbox=None, following=None)


def prepare(
    model: Model | str,
    messages: Messages,
    provider: Provider | str | None,
    options: Mapping[str, Any],
    *,
    stream: bool = False,
) -> Request:
    """Check what the caller gave, before anything is sent. An option that is None counts as not given.

    `provider` and `options` are those that `options.in_our_words` returns; their names are in `options.Options`. A
    face has sealed them. Raises InputError, and what `resolve` and `bind` raise.
    """
    question = question_of(model, provider, options, stream=stream)
    return question.request(question.normal(messages))


def question_of(
    model: Model | str, provider: Provider | str | None, options: Mapping[str, Any], *, stream: bool = False
) -> Asking:
    """Return what questions have in common that differ in their messages alone. The arguments are as in `prepare`.

    Raises InputError.
    """
    given = {name: value for name, value in options.items() if value is not None}
    images, files = given.pop("images", None), given.pop("files", None)
    limits, proxy = pop_limits(given), pop_proxy(given)
    schema = None if (asked := pop_schema(given)) is None else _asked_for(asked, given)
    if provider is None and isinstance(address := given.get("base_url"), str):
        provider = load_at(address)
    toolbox = None if OF_TOOLS.isdisjoint(given) else toolbox_of(given)
    attached = None if files is None else _attached(files)
    return Asking(model, provider, given, limits, proxy, stream, current(), schema, toolbox, images, attached)


class Asking(msgspec.Struct, frozen=True):
    """What is the same in each round of an answer, and in each row of a batch."""

    model: Model | str
    provider: Provider | str | None
    options: dict[str, Any]
    limits: AnswerLimits
    proxy: str
    stream: bool
    tape: Tape | None
    schema: Schema | None
    toolbox: Toolbox | None
    images: Any = None
    files: Sequence[AttachedFile] | None = None

    def normal(self, messages: Messages) -> list[dict[str, Any]]:
        """Return messages as they are sent, with the images and the files. Raises InputError."""
        normal = normalize(messages)
        if self.images is not None:
            normal = with_images(normal, self.images)
        return normal if self.files is None else with_attached(normal, self.files)

    def request(self, messages: list[dict[str, Any]]) -> Request:
        """Return the request for messages that `normal` returned. Raises what `resolve` and `bind` raise."""
        content = messages[-1].get("content")
        if type(content) is list and (unfetched := list(pending_in(content))):
            return _before_fetching(self, messages, unfetched)
        return _request(self, messages)

    def recorded(self) -> Recorded:
        """Return what is written of it on a tape. Raises what `resolve` raises."""
        options = self.options if self.toolbox is None else {**self.options, "tools": self.toolbox.named}
        if self.provider is None:
            return Recorded("", self.model.name if isinstance(self.model, Model) else self.model, options, None)
        route = resolve(self.model, self.provider)
        return Recorded(route.name, route.model, options, route)


class Recorded(NamedTuple):
    """What is written of a question besides its messages. `provider` is "" where the caller named none."""

    provider: str
    model: str
    options: dict[str, Any]
    route: Route | None


def _request(question: Asking, messages: list[dict[str, Any]]) -> Request:
    """Return the request for a question, with its messages."""
    given, limits, toolbox = question.options, question.limits, question.toolbox
    if (tape := question.tape) is None:
        route, lookup = resolve(question.model, question.provider), None
    else:
        route, lookup = _taped(tape, question, messages)
    if limits.stream_timeout:
        given = {**given, "stream_timeout": limits.stream_timeout}  # for a provider with a limit of its own
    if question.proxy:
        given = {**given, "proxy": question.proxy}
    keys = given.get("api_key")
    if keys is not None and not isinstance(keys, str) and isinstance(keys, Mapping):  # the first checks are quick
        check_keys(route.provider, keys)
    if limits.max_chunks or limits.stream_timeout:
        limits = limits.without_those_of(route.provider)
    following = None
    if toolbox is not None:
        following = partial(_following, question, messages)
        toolbox.sees_images = "images" not in getattr(route.provider, "lacks", ())
    if route.provider is None:
        check_words(given)
        return Request(route, None, messages, given, limits, lookup, question.schema, toolbox, following)
    call = bind(route.provider, route.model, messages, given, stream=question.stream)
    return Request(route, call, call.messages, call.options, limits, lookup, question.schema, toolbox, following)


def _before_fetching(question: Asking, messages: list[dict[str, Any]], files: list[AttachedFile]) -> Request:
    """Return the request that fetches the files first, checked as far as that is possible without them."""

    async def fetched() -> Request:
        from .attaching.fetching import fetch  # noqa: PLC0415 - it needs aiohttp, which nothing else here does

        for file in files:
            await fetch(file, question.options | {"proxy": question.proxy}, question.limits.timeout)
        return _request(question, [*messages[:-1], refreshed(messages[-1])])

    if question.tape is None:
        return msgspec.structs.replace(_request(question, messages), fetched=fetched)
    model, provider = question.model, question.provider
    route = without_provider(model) if provider is None else resolve(model, provider)
    options, limits = question.options, question.limits
    return Request(route, None, messages, options, limits, None, question.schema, question.toolbox, None, fetched)


def _attached(files: Any) -> list[AttachedFile]:
    """Return what is sent of files, which are read once for all questions. Raises InputError."""
    from .attaching.attach import attach  # noqa: PLC0415 - 5 ms that only a question with files has to spend

    return attach(files)


def _asked_for(asked: Any, given: dict[str, Any]) -> Schema:
    """Return the schema of the answer, and put what asks for it among the options. Raises InputError."""
    from .typed.schema import schema_for  # noqa: PLC0415 - 3 ms that only an answer with a schema has to spend

    schema = schema_for(asked)
    given["response_format"] = schema.format
    return schema


def _following(question: Asking, messages: list[dict[str, Any]], rounds: list[Round]) -> Request:
    """Return the request with rounds behind the question. The model must call tools only once, if it must at all."""
    if question.options.get("tool_choice") not in (None, "auto", "none"):
        free = {name: value for name, value in question.options.items() if name != "tool_choice"}
        question = msgspec.structs.replace(question, options=free)
    return _request(question, [*messages, *messages_in(rounds)])


def _taped(tape: Tape, question: Asking, messages: list[dict[str, Any]]) -> tuple[Route, Lookup]:
    """Return the route, and the lookup on the tape that is on.

    A question that names no provider is the same on every machine: a provider is looked for only where the tape does
    not answer.
    """
    provider, model, options, route = question.recorded()
    lookup = tape.lookup(provider, model, messages, options)
    if route is None:
        route = without_provider(question.model) if lookup.needs_nobody else resolve(question.model)
    return route, lookup
