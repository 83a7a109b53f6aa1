"""A far side is asked through a face; what came of it is kept: items, the error that ended it, what was sent."""

from __future__ import annotations

from typing import Any, NamedTuple
from unittest import TestCase

import g4f
from g4f import errors

from .dialects import Dialect
from .loops import run
from .servers import Answer, Request, Server

__all__ = ["KEY", "Fault", "Outcome", "ask"]

KEY = "sk-abcdefghijklmnop-secret-7890"


class Fault(NamedTuple):
    """What the server does, and what must come of it. `partial` is the text that came before."""

    name: str
    answer: Answer
    error: type[errors.G4FError]
    says: str
    partial: str = ""
    options: dict[str, Any] = {}  # noqa: RUF012 - never changed


class Outcome(NamedTuple):
    """What a call gave: its items, the error that ended it, and what was sent."""

    items: list[Any]
    error: errors.G4FError | None
    requests: list[Request]

    @property
    def text(self) -> str:
        """The text of the items."""
        return "".join(item for item in self.items if isinstance(item, str))

    @property
    def body(self) -> Any:
        """What was sent last."""
        return self.requests[-1].json

    def check(self, test: TestCase, fault: Fault, provider: str, *, stream: bool) -> None:
        """Check that the one request has ended in the error of a fault: in one line, with the text so far, no key."""
        error = self.error
        assert error is not None
        test.assertIs(fault.error, type(error), error)
        test.assertIn(fault.says, str(error))
        test.assertNotIn("\n", str(error))
        test.assertNotIn(KEY, repr(vars(error)) + str(error))
        test.assertEqual((provider, "m"), (error.provider, error.model))
        test.assertEqual(fault.partial, error.partial)
        test.assertEqual(1, len(self.requests))
        if stream:
            test.assertEqual(fault.partial, self.text)


def ask(
    server: Server, provider: str | Dialect, *, stream: bool = False, face: str = "sync", **options: Any
) -> Outcome:
    """Ask the server in a protocol through one of the faces, "sync" or "async"."""
    name, own = (provider, {}) if isinstance(provider, str) else (provider.provider, provider.options)
    given = {
        "model": "m",
        "messages": "Hi",
        "provider": name,
        "base_url": server.url.removesuffix("/v1"),
        "api_key": KEY,
        "stream": stream,
        "max_retries": 0,
        **own,
    } | options
    items: list[Any] = []

    async def asynchronously() -> None:
        if not stream:
            items.append(await g4f.ChatCompletion.create_async(**given))
            return
        async for item in g4f.ChatCompletion.create_async(**given):
            items.append(item)  # noqa: PERF401 - an error must not take the items with it

    try:
        if face == "async":
            run(asynchronously())
        elif stream:
            for item in g4f.ChatCompletion.create(**given):
                items.append(item)  # noqa: PERF402 - the same
        else:
            items.append(g4f.ChatCompletion.create(**given))
    except errors.G4FError as error:
        return Outcome(items, error, server.requests)
    return Outcome(items, None, server.requests)
