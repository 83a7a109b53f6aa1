"""Events as an answer keeps them. In a stream, `str(event)` is "", so that printing a stream prints the text alone."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from .providers.response import Event, Step, Usage
from .showing import line_of, tokens_of

__all__ = ["KeptStep", "KeptUsage"]


class _Kept:
    """An event that is printed for people. All else is as in the stream: it equals that event, and has its repr."""

    __slots__ = ()
    event: ClassVar[type[Event]]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, self.event) and _values(self) == _values(other)

    def __ne__(self, other: object) -> bool:  # that of a struct asks for the same class
        return not self == other

    def __hash__(self) -> int:
        return hash(_values(self))

    def __repr__(self) -> str:
        return repr(self.event(*_values(self)))


class KeptUsage(_Kept, Usage, frozen=True, tag="Usage", eq=False):
    """Tokens, as the provider counted them. Printed: "27 + 8 tokens"."""

    event = Usage

    def __str__(self) -> str:
        return tokens_of(self)


class KeptStep(_Kept, Step, frozen=True, tag="Step", eq=False):
    """A call of a tool, and what came of it. Printed: `weather({"city": "Rome"}) → 21`."""

    event = Step

    def __str__(self) -> str:
        return line_of(self)


def _values(event: Any) -> tuple[Any, ...]:
    return msgspec.structs.astuple(event)
