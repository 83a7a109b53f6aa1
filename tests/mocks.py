"""Providers that stand for the far side."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
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
