"""A question that may be sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from .assembly import Assembly
from .models import Model
from .option_values import AnswerLimits
from .providers.base_provider import Provider
from .providers.call import BoundCall
from .rounds import Round
from .routing import Route
from .tools.toolbox import Toolbox

if TYPE_CHECKING:
    from .taping.player import Lookup, Tape
    from .typed.schema import Schema

__all__ = ["Prepared", "Request"]


class Prepared(msgspec.Struct, frozen=True):
    """What is the same in each round of an answer."""

    model: Model | str
    provider: Provider | str | None
    options: dict[str, Any]
    limits: AnswerLimits
    proxy: str
    stream: bool
    tape: Tape | None
    schema: Schema | None
    toolbox: Toolbox | None


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

    def followed_by(self, messages: list[dict[str, Any]]) -> Request:
        """Return the question with `messages` behind it. To answer that, no tool runs any more."""
        call, lookup = self.call, self.lookup and self.lookup.followed_by(messages)
        if call is not None:
            call = msgspec.structs.replace(call, messages=[*call.messages, *messages])
        messages = [*self.messages, *messages]
        return msgspec.structs.replace(self, call=call, messages=messages, lookup=lookup, toolbox=None, following=None)
