"""What a tool is, be it a function of the caller's or one of a server's."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

__all__ = ["Result", "Source", "Tool"]


class Result(msgspec.Struct, frozen=True):
    """What a call gave: a text for the model, and images (data URLs) that it sees if it can."""

    text: str
    images: tuple[str, ...] = ()
    failed: bool = False
    """Whether `text` says what went wrong."""


class Tool(Protocol):
    """Something that a model may call."""

    name: str
    description: str
    parameters: dict[str, Any]
    """The JSON schema of its arguments, an object."""

    async def call(self, arguments: dict[str, Any]) -> Result:
        """Call it with these arguments. What goes wrong is a Result, too; only an interrupt is raised."""


class Source(Protocol):
    """What has several tools, such as a server. They are listed on the loop on which they are called."""

    async def tools(self) -> list[Tool]:
        """Return its tools, connecting first if need be. Raises G4FError if it cannot be reached."""
