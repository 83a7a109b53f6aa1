"""A request over HTTP, and its answer: how it is read, and how long it may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from typing import Any

import aiohttp
import msgspec

from ...errors import G4FError, ResponseError
from ...waiting.limits import Limits
from ..access import shown
from .failures import broken
from .held import Held
from .refusals import Target
from .request_ids import request_id
from .settings import Settings

__all__ = ["HTTPRequest", "HTTPResponse"]

EXPANDED, RATIO = 2**24, 200
"""Bytes that a compressed answer may always have; above that it may have so many times its compressed size."""

SETTLE = 0.25
"""Seconds to wait for the end of an answer after its end mark, so that the connection can be used again."""

MOMENT = 1.0
"""Seconds in which a complete answer may still get what stands beside it: tokens, and its end mark."""


class HTTPRequest(msgspec.Struct, frozen=True):
    """One request. Values of `headers` that hold a key are of type Key; without a `body` it is a GET.

    `query` is added to the query that the protocol itself has in the address. `plain` is the body without what no
    caller has asked for: it is sent if the server refuses the other one. `account` is the address and the key, which
    share the provider's limits.
    """

    target: Target
    url: str
    query: str
    headers: Mapping[str, str]
    body: bytes | None
    settings: Settings
    account: tuple[str, str] = ("", "")
    plain: bytes | None = None

    def __repr__(self) -> str:
        return f"<HTTPRequest of {self.target.provider} at {shown(self.url)}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("url", shown(self.url))]


class HTTPResponse:
    """An answer with status 200 that has begun to arrive."""

    __slots__ = ("_limits", "_request", "_response", "_until", "content_type")

    def __init__(self, request: HTTPRequest, response: aiohttp.ClientResponse) -> None:
        self._request, self._response = request, response
        self._until: float | None = None
        self._limits: Limits | None = None
        self.content_type = response.content_type

    @property
    def request_id(self) -> str:
        """The server's own name for the request, "" if it gave none."""
        return request_id(self._response.headers, self._request.target) or ""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, whose names are found in any case."""
        return self._response.headers

    def left(self) -> int:
        """Return how many bytes were read, if the reader does something else now; -1 if the server is waited for."""
        is_left = self._limits is not None and self._limits.is_handed_over
        return self._response.content.total_bytes if is_left else -1

    async def reads(self) -> AsyncGenerator[bytes]:
        """Yield the body as it arrives. Raises ResponseError if the connection breaks, TimeoutError.

        Once it `may_end`, it ends within a moment, whatever the connection does.
        """
        content, settings = self._response.content, self._request.settings
        closed = self._closed()
        if closed is not None:  # after a chunk that it cannot read, aiohttp would wait for ever
            closed.add_done_callback(self._break)
        try:
            with Limits(None, settings.first_timeout):
                data = await content.readany()
            with Limits(None, settings.stream_timeout) as limits:
                self._limits = limits
                while data:
                    limits.handing_over()
                    yield data
                    if content.total_compressed_bytes is not None:
                        await self._expand()
                    data = await self._next(limits)
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, G4FError):
                raise
            failure = broken(self._request.target, error)
        else:
            return
        finally:
            if closed is not None:
                closed.remove_done_callback(self._break)
        if early := content._read_nowait(-1):  # noqa: SLF001 - from before the break; the public methods raise
            yield early
        if self._until is None:
            raise failure

    def may_end(self, is_whole: bool) -> None:
        """Say whether the answer is complete already: then at most a moment is waited for what comes after it."""
        if is_whole != (self._until is not None):
            self._until = asyncio.get_running_loop().time() + MOMENT if is_whole else None

    async def _next(self, limits: Limits) -> bytes:
        if self._until is not None:
            return await self._last()
        limits.waiting()
        return await self._response.content.readany()

    async def _last(self) -> bytes:
        """Return what comes next of an answer that is complete; b"" once its moment is over, or its connection."""
        content = self._response.content
        with suppress(aiohttp.ClientError, OSError):
            async with asyncio.timeout_at(self._until):
                return await content.readany()
        return content._read_nowait(-1)  # noqa: SLF001 - from before the break, as above

    async def _expand(self) -> None:
        """Let other tasks run, because aiohttp expands data without waiting. Raises ResponseError if it is too much."""
        content = self._response.content
        if content.total_bytes > max(EXPANDED, RATIO * (content.total_compressed_bytes or 0)):
            raise ResponseError(f"{self._request.target.provider}: its answer is compressed more than {RATIO} times.")
        await asyncio.sleep(0)

    def _closed(self) -> asyncio.Future[None] | None:
        """Return the future that is done when the connection is closed; None if the answer was read already."""
        connection = self._response.connection
        return None if connection is None or connection.protocol is None else connection.protocol.closed

    def _break(self, _: object) -> None:
        content = self._response.content
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError())

    async def read(self) -> bytes:
        """Return the whole body. Raises as `reads` does."""
        content = self._response.content
        if content.is_eof() and content.exception() is None:  # it arrived together with the headers
            return content.read_nowait()
        body = Held()
        async with aclosing(self.reads()) as reads:
            async for data in reads:
                body.add(data)
                if body.full:
                    raise ResponseError(f"{self._request.target.provider}: {body.full}.")
        return body.drain()

    async def close(self, error: BaseException | None) -> None:
        """Close the connection if the answer was not read to its end. `error` gets the status and request id."""
        response = self._response
        if isinstance(error, G4FError):
            error.status = error.status or response.status
            error.request_id = error.request_id or request_id(response.headers, self._request.target)
        if not response.content.is_eof():
            response.close()
            await asyncio.sleep(0)  # the socket is closed in the next turn of a loop that may then stand still

    async def settle(self) -> None:
        """Wait a moment, after the end mark of a stream, for its end, so that the connection can be used again."""
        if not self._response.content.is_eof():
            with suppress(aiohttp.ClientError, OSError):
                async with asyncio.timeout(SETTLE):
                    await self._response.content.wait_eof()
