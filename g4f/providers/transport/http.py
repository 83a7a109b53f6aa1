"""Requests over HTTP by aiohttp: how they are sent, and what is done with a refusal."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import lru_cache
from typing import Self
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec

from ...errors import ContextLengthError, ResponseError
from ...secrets.key import Key
from ...waiting.limits import Limits
from ..response import Item, Status
from .failures import foreign_errors, unsent
from .governors import GOVERNORS, OPEN, Permit, permit_for, refused
from .http_messages import HTTPRequest, HTTPResponse
from .refusals import refusal
from .request_ids import request_id
from .retries import TOO_MANY, Again, Retries, again
from .sessions import READ_AHEAD, ClosedInBetweenError, session_for, trust
from .settings import USUAL, environment_proxy

__all__ = ["Exchange", "HTTPRequest", "HTTPResponse"]

LONGEST = 1e9
"""Seconds that stand for no limit: aiohttp rounds to whole ones, and infinity has none."""


class Exchange:
    """One request and its response, whose connection is closed or kept at the end of `async with`.

    `response` is there once `send` has come to its end. `permit` is where limits hold the call back, None if none does.
    """

    __slots__ = ("_retries", "permit", "request", "response")

    response: HTTPResponse

    def __init__(self, request: HTTPRequest) -> None:
        self.request = request
        self.permit: Permit | None = None
        self._retries: Retries | None = None

    async def send(self) -> Status | None:
        """Send the request. Return None once an answer begins; else, where another attempt may help, what it waits for.

        Then call it again: it waits, and sends the request once more. Raises ConnectError, TimeoutError, InputError,
        ResponseError, or the error of the status.
        """
        if self._retries is not None:
            await self._retries.wait()
        settings = self.request.settings
        if self.permit is None and (GOVERNORS or (settings is not USUAL and settings.is_limited)):
            self.permit = permit_for(self.request)
        if self.permit is not None and (status := await self.permit.begin()) is not None:
            return status
        OPEN.add(self)
        try:
            await self._try()
        except Again as again_later:
            failed = again_later
        else:
            if self.permit is not None:
                self.permit.answered(self.response)
            return None
        return self._failed(failed)

    def _failed(self, failed: Again) -> Status:
        if failed.error.status == TOO_MANY:
            self.permit = refused(self, failed.pause)
        elif self.permit is not None:
            self.permit.back()
        OPEN.discard(self)
        settings, name = self.request.settings, self.request.target.provider
        self._retries = self._retries or Retries(settings.max_retries, name)
        return self._retries.status(failed)

    def heard(self, items: list[Item]) -> list[Item]:
        """Return items of the answer, which may say what it took of a limit."""
        if self.permit is not None:
            self.permit.heard(items)
        return items

    async def _try(self) -> None:
        request = self.request
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
                    request = self.request = msgspec.structs.replace(request, body=request.plain, plain=None)
                finally:
                    response.close()
        raise ResponseError(f"{request.target.provider} redirects again and again: check base_url")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        OPEN.discard(self)
        try:
            if hasattr(self, "response"):
                await self.response.close(error)
        finally:
            if self.permit is not None:
                self.permit.leave()


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
