"""What a face for async code returns for a stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Generator
from typing import Self, TypeVar

__all__ = ["AsyncStream"]

T = TypeVar("T")


class AsyncStream(AsyncIterable[T]):
    """An async iterator over an async generator, to be read by `async for`.

    `async for item in stream`, `async for item in await stream` and `async with stream as items` are the same, but that
    `async with` closes the stream when it is left early. So does `await stream.aclose()`.
    """

    __slots__ = ("_items",)

    def __init__(self, items: AsyncGenerator[T]) -> None:
        self._items = items

    def __aiter__(self) -> AsyncIterator[T]:
        return self._items  # so that nothing is paid per item

    async def __anext__(self) -> T:
        return await anext(self._items)

    def __await__(self) -> Generator[None, None, Self]:
        return self._itself().__await__()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop the provider, and wait until it has cleaned up."""
        await self._items.aclose()

    close = aclose

    async def _itself(self) -> Self:
        return self
