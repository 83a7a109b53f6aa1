"""Requests over HTTP by aiohttp: how they are sent, how long they may take, and how their answers are read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from functools import lru_cache
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec

from ...errors import ContextLengthError, G4FError, ResponseError
from ...secrets.key import Key
from ...waiting.limits import Limits
from ..access import shown
from ..response import Status
from .failures import broken, foreign_errors, unsent
from .held import Held
from .refusals import Target, refusal
from .request_ids import request_id
from .retries import Again, Retries, again
from .sessions import READ_AHEAD, ClosedInBetweenError, session_for, trust
from .settings import Settings, environment_proxy

__all__ = ["Exchange", "HTTPRequest", "HTTPResponse"]

EXPANDED, RATIO = 2**24, 200
"""Bytes that a compressed answer may always have; above that it may have so many times its compressed size."""

LONGEST = 1e9
"""Seconds that stand for no limit: aiohttp rounds to whole ones, and infinity has none."""

SETTLE = 0.25
"""Seconds to wait for the end of an answer after its end mark, so that the connection can be used again."""

MOMENT = 1.0
"""Seconds in which a complete answer may still get what stands beside it: tokens, and its end mark."""


class HTTPRequest(msgspec.Struct, frozen=True):
    """One request. Values of `headers` that hold a key are of type Key; without a `body` it is a GET.

    `query` is added to the query that the protocol itself has in the address. `plain` is the body without what no
    caller has asked for: it is sent if the server refuses the other one.
    """

    target: Target
    url: str
    query: str
    headers: Mapping[str, str]
    body: bytes | None
    settings: Settings
    plain: bytes | None = None

    def __repr__(self) -> str:
        return f"<HTTPRequest of {self.target.provider} at {shown(self.url)}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("url", shown(self.url))]


class HTTPResponse:
    """An answer with status 200 that has begun to arrive."""

    __slots__ = ("_request", "_response", "_until", "content_type")

    def __init__(self, request: HTTPRequest, response: aiohttp.ClientResponse) -> None:
        self._request, self._response = request, response
        self._until: float | None = None
        self.content_type = response.content_type

    @property
    def request_id(self) -> str:
        """The server's own name for the request, "" if it gave none."""
        return request_id(self._response.headers, self._request.target) or ""

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


class Exchange:
    """One request and its response, whose connection is closed or kept at the end of `async with`.

    `response` is there once `send` has come to its end.
    """

    __slots__ = ("_request", "_retries", "response")

    response: HTTPResponse

    def __init__(self, request: HTTPRequest) -> None:
        self._request = request
        self._retries: Retries | None = None

    async def send(self) -> Status | None:
        """Send the request. Return None once an answer begins; else, where another attempt may help, what it waits for.

        Then call it again: it waits, and sends the request once more. Raises ConnectError, TimeoutError, InputError,
        ResponseError, or the error of the status.
        """
        if self._retries is not None:
            await self._retries.wait()
        try:
            await self._try()
        except Again as refused:
            failed = refused
        else:
            return None
        self._retries = self._retries or Retries(self._request.settings.max_retries, self._request.target.provider)
        return self._retries.status(failed)

    async def _try(self) -> None:
        request = self._request
        url = request.url
        with Limits(None, request.settings.first_timeout) as limits:
            for _ in range(4):
                response = await _send(request, url, limits.loop)
                if response.status in (200, 201):  # some gateways say that an answer was created
                    self.response = HTTPResponse(request, response)
                    return
                try:
                    if redirect := _redirect(url, response):
                        url = redirect
                        continue
                    error = await _refused(request, response)
                    if (
                        request.plain is None
                        or response.status not in (400, 422)
                        or isinstance(error, ContextLengthError)
                    ):
                        raise error
                    request = self._request = msgspec.structs.replace(request, body=request.plain, plain=None)
                finally:
                    response.close()
        raise ResponseError(f"{request.target.provider} redirects again and again: check base_url")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        if hasattr(self, "response"):
            await self.response.close(error)


async def _send(request: HTTPRequest, url: str, loop: asyncio.AbstractEventLoop) -> aiohttp.ClientResponse:
    settings = request.settings
    proxy = settings.proxy or environment_proxy(url)
    socks = proxy if proxy and proxy.lower().startswith("socks") else ""
    session = await session_for(loop, socks)
    address = url
    if request.query and request.query not in url:
        address = Key(f"{url}{'&' if '?' in url else '?'}{request.query}")
    while True:
        try:
            return await session.request(
                "GET" if request.body is None else "POST",
                address,
                data=request.body,
                headers=request.headers,
                proxy=None if socks else proxy,
                ssl=trust(settings.verify),
                timeout=_timeout(settings.connect_timeout),
                allow_redirects=False,
            )
        except ClosedInBetweenError:
            continue  # now over a new connection, as curl does
        except foreign_errors() as error:
            failure = unsent(request.target, url, proxy, settings.connect_timeout, error)
        raise failure


@lru_cache(maxsize=8)
def _timeout(connect: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=min(connect, LONGEST))


def _redirect(url: str, response: aiohttp.ClientResponse) -> str:
    """Return the address of a redirect; "" if it is another host or leaves TLS, because the key would go there."""
    if response.status not in (307, 308):
        return ""
    here = urlsplit(url)
    try:
        target = urljoin(url, response.headers.get("Location", ""))
        there = urlsplit(target)
        at = (there.scheme, there.port)
    except ValueError:  # it is not an address
        return ""
    same = here.hostname == there.hostname and at in ((here.scheme, here.port), ("https", None))
    return target if same and target != url else ""


async def _refused(request: HTTPRequest, response: aiohttp.ClientResponse) -> Exception:
    body = bytearray()
    with suppress(aiohttp.ClientError, OSError):
        async with asyncio.timeout(request.settings.connect_timeout):
            while len(body) < READ_AHEAD and (data := await response.content.readany()):
                body += data
    error = refusal(request.target, response.status, bytes(body), response.headers.get("Location", ""))
    error.request_id = request_id(response.headers, request.target)
    return again(error, response.headers, bytes(body))
