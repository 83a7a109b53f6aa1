"""A stream of a face for async code, in every way in which people read one."""

from __future__ import annotations

import unittest
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from g4f import AsyncClient, ChatCompletion, Client, Conversation
from g4f.errors import ResponseError
from g4f.waiting.async_stream import AsyncStream

LEFT: list[str] = []


class Words:
    """Yields two words, and notes when it is left."""

    @staticmethod
    async def create_async_generator(model: str, messages: Any) -> AsyncGenerator[str]:
        try:
            yield "one "
            yield "two"
        finally:
            LEFT.append("left")


class Breaks:
    """Fails after its first word."""

    @staticmethod
    async def create_async_generator(model: str, messages: Any) -> AsyncGenerator[str]:
        yield "one "
        raise ResponseError("broken")


def _items(provider: Any) -> AsyncStream[Any]:
    return ChatCompletion.create_async("", "?", provider, stream=True)


def _chunks(provider: Any) -> AsyncStream[Any]:
    return AsyncClient(provider).chat.completions.create("?", stream=True)


def _called_stream(provider: Any) -> AsyncStream[Any]:
    return AsyncClient(provider).chat.completions.stream("?")


def _turn(provider: Any) -> AsyncStream[Any]:
    return Conversation("", provider).astream("?")


FACES: tuple[Callable[[Any], AsyncStream[Any]], ...] = (_items, _chunks, _called_stream, _turn)


def _text(item: Any) -> str:
    return item if isinstance(item, str) else item.choices[0].delta.content or ""


class TestAsyncStream(unittest.IsolatedAsyncioTestCase):
    """`async for`, with `await` or `async with` before it, or with both; item by item; closed early."""

    def setUp(self) -> None:
        LEFT.clear()

    async def read(self, items: AsyncIterator[Any]) -> str:
        return "".join([_text(item) async for item in items])

    async def test_every_way(self) -> None:
        """Each way gives the whole answer, on each face."""
        for face in FACES:
            with self.subTest(face=face.__name__):
                self.assertEqual("one two", await self.read(aiter(face(Words))))
                self.assertEqual("one two", await self.read(aiter(await face(Words))))
                async with face(Words) as entered:
                    self.assertEqual("one two", await self.read(aiter(entered)))
                async with await face(Words) as entered:
                    self.assertEqual("one two", await self.read(aiter(entered)))
                stream = face(Words)
                self.assertEqual("one ", _text(await anext(stream)))
                self.assertEqual("two", await self.read(aiter(stream)))
                with self.assertRaises(StopAsyncIteration):
                    await anext(stream)
        self.assertIsInstance(_items(Words), AsyncIterator)

    async def test_left_early(self) -> None:
        """The provider has cleaned up when the block has been left, or the stream has been closed."""
        for face in FACES:
            for leave in (self.by_block, self.by_close, self.by_aclosing):
                with self.subTest(face=face.__name__, leave=leave.__name__):
                    LEFT.clear()
                    await leave(face(Words))
                    self.assertEqual(["left"], LEFT)

    async def by_block(self, stream: AsyncStream[Any]) -> None:
        async with stream as items:
            async for _ in items:
                break

    async def by_close(self, stream: AsyncStream[Any]) -> None:
        await anext(stream)
        await stream.close()

    async def by_aclosing(self, stream: AsyncStream[Any]) -> None:
        async with aclosing(stream) as items:
            await anext(items)

    async def test_never_read(self) -> None:
        """One that is closed before it was read never asks."""
        for face in FACES:
            async with face(Words):
                pass
        self.assertEqual([], LEFT)

    async def test_error(self) -> None:
        """An error in the middle comes out of the block."""
        for face in FACES:
            with self.subTest(face=face.__name__), self.assertRaisesRegex(ResponseError, "broken"):
                async with await face(Breaks) as items:
                    async for _ in items:
                        pass


class TestClients(unittest.IsolatedAsyncioTestCase):
    """A client stands in a `with`, and may be asked afterwards as well: it owns no connections."""

    async def test_with(self) -> None:
        """The block gives the client itself."""
        made = AsyncClient(Words)
        async with made as client:
            self.assertIs(made, client)
            answer = await client.chat.completions.create("?")
        self.assertEqual("one two", answer.choices[0].message.content)
        await made.close()
        self.assertEqual("one two", (await made.chat.completions.create("?")).choices[0].message.content)

    def test_sync(self) -> None:
        """So does the one for sync code."""
        made = Client(Words)
        with made as client:
            self.assertIs(made, client)
            self.assertEqual("one two", client.chat.completions.create("?").choices[0].message.content)
        made.close()
        self.assertEqual("one two", made.chat.completions.create("?").choices[0].message.content)
