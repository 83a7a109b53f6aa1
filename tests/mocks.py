"""Providers that stand for the far side."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterable, Iterator
from typing import Any

from g4f.providers.base_provider import AbstractProvider, AsyncGeneratorProvider, AsyncProvider

Messages = list[dict[str, Any]]


class ProviderMock(AbstractProvider):
    """Answers in sync code."""

    @classmethod
    def create_completion(cls, model: str, messages: Messages, stream: bool, **_: Any) -> Iterator[str]:
        yield "Mock"


class AsyncProviderMock(AsyncProvider):
    """Answers as a whole."""

    @classmethod
    async def create_async(cls, model: str, messages: Messages, **_: Any) -> str:
        return "Mock"


class AsyncGeneratorProviderMock(AsyncGeneratorProvider):
    """Answers as a stream."""

    @classmethod
    async def create_async_generator(
        cls, model: str, messages: Messages, stream: bool, **_: Any
    ) -> AsyncGenerator[str]:
        yield "Mock"


class Script:
    """What an instance of the mocks below does: give these texts, then raise `error`, if there is one.

    `closed` counts how often the clean-up of an answer ran, `left` is set by it.
    """

    def __init__(self, *texts: str, error: BaseException | None = None) -> None:
        self.texts: Iterable[str] = texts
        self.error = error
        self.closed = 0
        self.left = threading.Event()

    def clean_up(self) -> None:
        """Count."""
        self.closed += 1
        self.left.set()

    def end(self) -> None:
        """Raise the error."""
        if self.error is not None:
            raise self.error


class ScriptedProvider(Script, AbstractProvider):
    """Does so in sync code."""

    def create_completion(self, model: str, messages: Messages) -> Iterator[str]:
        try:
            yield from self.texts
            self.end()
        finally:
            self.clean_up()


class ScriptedAsyncProvider(Script, AsyncProvider):
    """Does so as a whole."""

    async def create_async(self, model: str, messages: Messages) -> str:
        try:
            await asyncio.sleep(0)
            self.end()
            return "".join(self.texts)
        finally:
            self.clean_up()


class ScriptedAsyncGeneratorProvider(Script, AsyncGeneratorProvider):
    """Does so as a stream."""

    async def create_async_generator(self, model: str, messages: Messages) -> AsyncGenerator[str]:
        try:
            for text in self.texts:
                yield text
                await asyncio.sleep(0)
            self.end()
        finally:
            self.clean_up()
