"""Questions over HTTP: tries, time limits, and aiohttp's errors made ours at this border."""

from __future__ import annotations

import asyncio
import errno
import os
import ssl
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec

from ... import errors
from ...errors import ConnectError, G4FError, InputError, ResponseError
from ...typing import Key
from ...waiting.limits import Limits
from ..access import is_local, shown
from ..response import Status
from .held import Held
from .refusals import Asked, line, redact, refusal
from .retries import AGAIN, Again, asked_pause, with_retries
from .sessions import READ_AHEAD, ClosedInBetweenError, session_for
from .settings import Settings, environment_proxy

__all__ = ["Answer", "Call", "Exchange"]

EXPANDED, RATIO = 2**24, 200
"""Bytes that a compressed answer may have, and how many times its size on the way it may have beyond them."""

SETTLE = 0.25
"""Seconds that the end of an answer may come after its end mark, for the connection to be used again."""


class Call(msgspec.Struct, frozen=True):
    """One request. Values of `headers` that hold a key are of type Key; without a `body` it is a GET.

    `query` is what stands behind the address beside the protocol's own.
    """

    asked: Asked
    url: str
    query: str
    headers: Mapping[str, str]
    body: bytes | None
    settings: Settings

    def __repr__(self) -> str:
        return f"<Call of {self.asked.provider} at {shown(self.url)}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("url", shown(self.url))]


class Answer:
    """An answer with status 200 that has begun."""

    __slots__ = ("_call", "_response", "content_type")

    def __init__(self, call: Call, response: aiohttp.ClientResponse) -> None:
        self._call, self._response = call, response
        self.content_type = response.content_type

    async def reads(self) -> AsyncGenerator[bytes]:
        """Yield the body as it arrives. Raises ResponseError if the connection breaks, TimeoutError if it is silent."""
        content, settings = self._response.content, self._call.settings
        closed = self._closed()
        if closed is not None:  # aiohttp itself waits on for ever after a chunk that it cannot read
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
                    limits.waiting()
                    data = await content.readany()
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, G4FError):
                raise
            failure = _broken(self._call, error)
        else:
            return
        finally:
            if closed is not None:
                closed.remove_done_callback(self._break)
        if early := content._read_nowait(-1):  # noqa: SLF001 - came before the break; the public ways raise first
            yield early
        raise failure

    async def _expand(self) -> None:
        """Let other tasks run: aiohttp expands what it has without waiting. Raises ResponseError if it is too much."""
        content = self._response.content
        if content.total_bytes > max(EXPANDED, RATIO * (content.total_compressed_bytes or 0)):
            raise ResponseError(f"{self._call.asked.provider}: its answer is compressed more than {RATIO} times.")
        await asyncio.sleep(0)

    def _closed(self) -> asyncio.Future[None] | None:
        """Return what is done when the connection is closed; None if the answer was read from it already."""
        connection = self._response.connection
        return None if connection is None or connection.protocol is None else connection.protocol.closed

    def _break(self, _: object) -> None:
        content = self._response.content
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError())

    async def read(self) -> bytes:
        """Return the whole body. Raises as `reads` does."""
        content = self._response.content
        if content.is_eof() and content.exception() is None:  # it came along with its head: nothing to wait for
            return content.read_nowait()
        body = Held()
        async with aclosing(self.reads()) as reads:
            async for data in reads:
                body.add(data)
                if body.full:
                    raise ResponseError(f"{self._call.asked.provider}: {body.full}.")
        return body.take()

    async def settle(self) -> None:
        """After the end mark of a stream: wait a moment for its end, so that the connection can be used again."""
        if not self._response.content.is_eof():
            with suppress(aiohttp.ClientError, OSError):
                async with asyncio.timeout(SETTLE):
                    await self._response.content.wait_eof()


class Exchange:
    """One question and its answer.

    `failed = await exchange.begin()`; if it is not None, `async for status in exchange.again(failed): …`; then
    `async with exchange as answer: …`.
    """

    __slots__ = ("_call", "_response")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._response: aiohttp.ClientResponse | None = None

    async def begin(self) -> Again | None:
        """Send the call until an answer begins. Return why it may be sent again; None if it has begun.

        Raises ConnectError, TimeoutError, InputError, ResponseError, or the error of the status. So does `again`.
        """
        try:
            await self._try()
        except Again as failed:
            return failed
        return None

    def again(self, failed: Again) -> AsyncGenerator[Status]:
        """Send the call again, until an answer begins. Yield what is waited for."""
        return with_retries(self._try, failed, self._call.settings.max_retries, self._call.asked.provider)

    async def _try(self) -> None:
        call = self._call
        url = call.url
        with Limits(None, call.settings.first_timeout):
            for _ in range(3):
                response = await _send(call, url)
                if response.status == 200:
                    self._response = response
                    return
                try:
                    if not (redirect := _redirect(url, response)):
                        raise await _refused(call, response)
                    url = redirect
                finally:
                    response.close()
        raise ResponseError(f"{call.asked.provider} sends from one address to the next: check base_url")

    async def __aenter__(self) -> Answer:
        """Give the answer. Errors that are raised while it is read get its status and request id."""
        if self._response is None and (failed := await self.begin()) is not None:
            async for _ in self.again(failed):
                pass
        assert self._response is not None  # noqa: S101 - or the tries have raised
        return Answer(self._call, self._response)

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Close the connection if the answer was not read to its end."""
        response = self._response
        assert response is not None  # noqa: S101 - it was entered
        if isinstance(error, G4FError):
            error.status = error.status or response.status
            error.request_id = error.request_id or _request_id(self._call, response)
        if not response.content.is_eof():
            response.close()
            await asyncio.sleep(0)  # the socket is closed in the next turn of a loop that may then stand still


async def _send(call: Call, url: str) -> aiohttp.ClientResponse:
    settings = call.settings
    proxy = settings.proxy or environment_proxy(url)
    socks = proxy if proxy and proxy.lower().startswith("socks") else ""
    session = await session_for(socks)
    while True:
        try:
            return await session.request(
                "GET" if call.body is None else "POST",
                Key(f"{url}{'&' if '?' in url else '?'}{call.query}") if call.query and call.query not in url else url,
                data=call.body,
                headers=call.headers,
                proxy=None if socks else proxy,
                ssl=_trust(settings.verify),
                timeout=aiohttp.ClientTimeout(total=None, connect=settings.connect_timeout),
                allow_redirects=False,
            )
        except ClosedInBetweenError:
            continue  # a new connection, as curl takes
        except _foreign() as error:
            failure = _unsent(call, url, proxy, error)
        raise failure


def _foreign() -> tuple[type[Exception], ...]:
    """Return the errors that sending may raise, those of the package for SOCKS among them once it is loaded."""
    socks = sys.modules.get("aiohttp_socks")
    known = (socks.ProxyError, socks.ProxyConnectionError, socks.ProxyTimeoutError) if socks else ()
    return (aiohttp.ClientError, OSError, ValueError, *known)


def _redirect(url: str, response: aiohttp.ClientResponse) -> str:
    """Return where to go instead: only to the same host, and never from TLS to plain, because a key goes along."""
    if response.status not in (307, 308):
        return ""
    here = urlsplit(url)
    try:
        target = urljoin(url, response.headers.get("Location", ""))
        there = urlsplit(target)
        at = (there.scheme, there.port)
    except ValueError:  # it is no address
        return ""
    same = here.hostname == there.hostname and at in ((here.scheme, here.port), ("https", None))
    return target if same and target != url else ""


async def _refused(call: Call, response: aiohttp.ClientResponse) -> Exception:
    body = bytearray()
    with suppress(aiohttp.ClientError, OSError):
        async with asyncio.timeout(call.settings.connect_timeout):
            while len(body) < READ_AHEAD and (data := await response.content.readany()):
                body += data
    error = refusal(call.asked, response.status, bytes(body), response.headers.get("Location", ""))
    error.request_id = _request_id(call, response)
    return Again(error, asked_pause(response.headers)) if response.status in AGAIN else error


_PROXY = (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError)


def _unsent(call: Call, url: str, proxy: str | None, error: Exception) -> Exception:  # noqa: PLR0911 - one a cause
    """Return the error, or Again with it, for a request that got no answer."""
    asked, parts = call.asked, urlsplit(url)
    who, where = asked.provider, f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError() | ssl.SSLError():
            why = getattr(getattr(error, "os_error", error), "verify_message", "") or _reason(error)
            return ConnectError(
                f"{who}: no trusted connection to {where} ({why}). "
                "Give verify= the file of your authority's certificate, or set SSL_CERT_FILE."
            )
        case _ if isinstance(error, _PROXY) or type(error).__module__.startswith("aiohttp_socks"):
            through = urlsplit(proxy or "")
            address = f"{through.hostname}:{through.port}"
            return Again(ConnectError(f"{who}: the proxy {address} gives no way ({_reason(error)})."))
        case aiohttp.ClientConnectorDNSError():
            told = f"{who}: there is no host {parts.hostname!r} ({_reason(error)})"
            return Again(ConnectError(f"{told}. Check base_url and network."))
        case aiohttp.ConnectionTimeoutError():
            limit = call.settings.connect_timeout
            return Again(errors.TimeoutError(f"{who}: no connection to {where} within {limit:g} s (connect_timeout)."))
        case aiohttp.ClientConnectorError():
            hint = "Is the server running?" if is_local(url) else "Check base_url and network."
            return Again(ConnectError(f"{who}: nothing answers at {where} ({_reason(error)}). {hint}"))
        case aiohttp.ClientResponseError():
            return ResponseError(f"{who}: what answers at {where} does not speak HTTP. Check base_url.")
        case aiohttp.ClientConnectionError() | OSError():
            return Again(ConnectError(f"{who}: {where} closed the connection before it answered."))
    return InputError(redact(f"{who} cannot be asked at {shown(url)!r}: {_reason(error)}", asked.sent))


def _broken(call: Call, error: Exception) -> G4FError:
    inner = error.__cause__ or error
    why = "its compression broke" if "encoding" in str(inner).lower() else "the connection broke"
    return ResponseError(f"{call.asked.provider}: {why} in the middle of the answer.")


def _reason(error: BaseException) -> str:
    """Return the words of the system where it has some, else those of the error."""
    inner = getattr(error, "os_error", error)
    number = getattr(inner, "errno", None)
    if isinstance(number, int) and number in errno.errorcode:
        return os.strerror(number)
    words = getattr(inner, "strerror", None) or str(inner)
    return line(words or type(inner).__name__)


def _request_id(call: Call, response: aiohttp.ClientResponse) -> str | None:
    names = ("x-request-id", "request-id", "apim-request-id", "x-amzn-requestid", "cf-ray")
    found = next((response.headers[name] for name in names if name in response.headers), None)
    return found and line(redact(found, call.asked.sent))


@lru_cache(maxsize=8)
def _trust(verify: bool | str) -> bool | ssl.SSLContext:
    if isinstance(verify, bool):
        return verify
    try:
        return ssl.create_default_context(cafile=verify)
    except OSError as error:
        raise InputError(f"verify={verify!r} is no file of certificates: {_reason(error)}") from None
