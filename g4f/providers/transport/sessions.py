"""aiohttp's sessions: one per loop, kept for the next call, and closed with the loop.

Sync calls keep their loop, too, so a hundred of them open one connection.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncGenerator
from functools import lru_cache, partial
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
from aiohttp.connector import Connection

from ...errors import InputError, MissingRequirementsError
from ...waiting.threads import iterate_in_thread
from .failures import reason
from .own_network import outward_socket

__all__ = ["OUTWARD", "READ_AHEAD", "ClosedInBetweenError", "session_for", "trust"]

KEEPALIVE = 60
"""Seconds that an idle connection is kept for the next request."""

READ_AHEAD = 2**16
"""Bytes that are read ahead of a slow reader, before the server has to wait for it."""

OUTWARD = "outward"
"""Stands for a proxy: a session that connects to nothing on this machine and its own network."""

SOCKS_PORT = 1080
"""The port of a SOCKS proxy whose address has none, as in curl."""

_SOCKS: dict[str, tuple[str, bool | None]] = {
    "socks5h": ("socks5", True),
    "socks5": ("socks5", None),
    "socks": ("socks5", None),
    "socks4a": ("socks4", True),
    "socks4": ("socks4", None),
}
"""The schemes of SOCKS proxies: aiohttp_socks' name for each, and whether the proxy looks up hosts (None: as usual)."""


class _Connector(aiohttp.TCPConnector):
    def __del__(self, *_: object) -> None:
        """Say nothing: it is closed with its loop, or its process ends."""


class _Resolver(aiohttp.ThreadedResolver):
    """Looks a name up in asyncio's pool; in a thread of its own once the main thread, and so the pool, has ended."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        try:
            return await super().resolve(host, port, family)
        except RuntimeError:
            look = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
            found = [each async for each in iterate_in_thread(look, "g4f-name")]
        names = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            {"hostname": host, "host": str(at[0]), "port": int(at[1]), "family": kind, "proto": proto, "flags": names}
            for kind, _, proto, _, at in found
        ]


class ClosedInBetweenError(aiohttp.ClientConnectionError):
    """A connection that was used before was closed before this request was answered."""


class _Response(aiohttp.ClientResponse):
    """A response that knows whether its connection was used before. Its repr does not show the server's headers."""

    def __repr__(self) -> str:
        return f"<answer with status {self.status}>"

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        closed = None if connection.protocol is None else connection.protocol.closed
        used = closed is not None and closed.remove_done_callback(_heard)
        if closed is not None:
            closed.add_done_callback(_heard)
        try:
            return await super().start(connection)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            if used:
                raise ClosedInBetweenError from error
            raise


def _heard(closed: asyncio.Future[None]) -> None:
    """Retrieve the error of a reset connection, so that asyncio does not report it as never retrieved."""
    if not closed.cancelled():
        closed.exception()


class _Kept(NamedTuple):
    """The sessions of one loop, by SOCKS proxy or `OUTWARD`, and the generator that closes them with the loop."""

    sessions: dict[str, aiohttp.ClientSession]
    keeper: AsyncGenerator[None]


_kept: dict[asyncio.AbstractEventLoop, _Kept] = {}


async def session_for(loop: asyncio.AbstractEventLoop, socks: str) -> aiohttp.ClientSession:
    """Return the session of the loop that runs: without a proxy of SOCKS, for the one given, or `OUTWARD`.

    Raises MissingRequirementsError, and InputError if it is not the address of such a proxy. Requests of the session
    raise ClosedInBetweenError if they can be sent again at once, over a new connection.
    """
    kept = _kept.get(loop)
    if kept is None:
        _sweep()
        sessions: dict[str, aiohttp.ClientSession] = {}
        kept = _kept[loop] = _Kept(sessions, _keep(loop, sessions))
        await anext(kept.keeper)
    session = kept.sessions.get(socks)
    if session is None:
        session = kept.sessions[socks] = aiohttp.ClientSession(
            connector=_connector(socks),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "g4f-jupyter"},
            read_bufsize=READ_AHEAD,
            response_class=_Response,
        )
    return session


def _connector(socks: str) -> aiohttp.BaseConnector:
    if not socks:
        return _Connector(limit=0, keepalive_timeout=KEEPALIVE, resolver=_Resolver())
    if socks == OUTWARD:
        return _Connector(limit=0, keepalive_timeout=KEEPALIVE, resolver=_Resolver(), socket_factory=outward_socket)
    try:
        from aiohttp_socks import ProxyConnector  # noqa: PLC0415 - an optional package, needed here only
    except ImportError:
        raise MissingRequirementsError("a SOCKS proxy needs a package: pip install g4f-jupyter[socks]") from None
    scheme, _, place = socks.partition("://")
    known, resolves = _SOCKS.get(scheme.lower(), ("", None))
    try:
        parts = urlsplit(f"{known}://{place}")
        if parts.port is None:
            parts = parts._replace(netloc=f"{parts.netloc.rstrip(':')}:{SOCKS_PORT}")
        connector: aiohttp.BaseConnector = ProxyConnector.from_url(parts.geturl(), rdns=resolves, limit=0)
    except ValueError:  # its words and the address may hold a password
        schemes = ", ".join(_SOCKS)
        raise InputError(f"a SOCKS proxy must be like socks5h://host:{SOCKS_PORT}. Schemes are: {schemes}") from None
    return connector


async def _keep(loop: asyncio.AbstractEventLoop, sessions: dict[str, aiohttp.ClientSession]) -> AsyncGenerator[None]:
    """Close `sessions` when `loop.shutdown_asyncgens()` closes this generator, which runs on that loop."""
    try:
        yield
    finally:
        _kept.pop(loop, None)
        for session in sessions.values():
            await session.close()
        await asyncio.sleep(0)  # a transport closes its socket in the loop's next turn


def _sweep() -> None:
    """Drop the sessions of loops that were closed without a shutdown: their transports are gone with them."""
    for loop in [loop for loop in _kept if loop.is_closed()]:
        for session in _kept.pop(loop).sessions.values():
            session.detach()


def _after_fork() -> None:
    _inherited.extend(_kept.values())  # the parent's connections must be neither used nor closed here
    _kept.clear()


_inherited: list[_Kept] = []

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@lru_cache(maxsize=8)
def trust(verify: bool | str) -> bool | ssl.SSLContext:
    """Return whom a session trusts: everybody, the usual authorities, or those in a file. Raises InputError."""
    if isinstance(verify, bool):
        return verify
    try:
        return ssl.create_default_context(cafile=verify)
    except OSError as error:
        raise InputError(f"verify={verify!r} is not a file of certificates: {reason(error)}") from None
