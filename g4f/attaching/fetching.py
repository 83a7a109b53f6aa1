"""Fetching what an address names that the user gave: with a cap, and never from the own network by a detour.

An address in numbers, or localhost, may be of the own network, because the user typed just that. A name that leads
there, or a redirect, is refused: the check is made where the connection is, of the very address that it goes to. A
proxy connects by itself; of what goes through one, only addresses in numbers and localhost are checked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp

from ..errors import ConnectError, G4FError, InputError
from ..errors import TimeoutError as TooLateError
from ..providers.access import check_address, parted, shown
from ..providers.transport.failures import foreign_errors, reason
from ..providers.transport.own_network import OwnNetworkError, is_own
from ..providers.transport.sessions import OUTWARD, ClosedInBetweenError, session_for, trust
from ..providers.transport.settings import TRANSPORT, Settings, environment_proxy
from .attached import AttachedFile
from .contents import LARGEST, take
from .reading import reading_of

__all__ = ["fetch"]

LONGEST = 120.0
"""Seconds for all of it, if the call has no limit of its own."""

REDIRECTS = 5
"""Redirects that are followed at most."""


async def fetch(file: AttachedFile, options: Mapping[str, Any], limit: float | None) -> None:
    """Fetch what the address of a file names, and put what is sent of it into the file.

    `options` are those of the call: its proxy, and whom it trusts, count here, too; all of it may take `limit` seconds.
    Raises InputError, ConnectError, TimeoutError.
    """
    settings = Settings.pop_from({name: value for name, value in options.items() if name in TRANSPORT})
    limit = limit or LONGEST
    try:
        async with asyncio.timeout(limit):
            await _follow(file, settings)
    except G4FError:
        raise
    except TimeoutError:
        raise TooLateError(f"{file.name} was not fetched within {limit:g} s") from None
    except foreign_errors() as error:
        raise ConnectError(f"{file.name} cannot be fetched: {reason(error)}") from None


async def _follow(file: AttachedFile, settings: Settings) -> None:
    """Follow the address through its redirects, and take what is at its end."""
    parts = parted(check_address(reading_of(file).address))
    url = f"{parts.url}?{parts.query}" if parts.query else parts.url
    headers = {"Accept": "*/*"} | ({"Authorization": str(parts.password)} if parts.password else {})
    is_typed = True
    for _ in range(REDIRECTS + 1):
        response = await _sent(url, headers, settings, file.name, is_typed=is_typed)
        try:
            if 300 <= response.status < 400 and "Location" in response.headers:
                url = _redirected(url, response.headers["Location"], file.name)
                headers, is_typed = {"Accept": "*/*"}, False  # a password is for the host that it was typed for
                continue
            if response.status != 200:
                raise InputError(f"{file.name} cannot be fetched: {shown(url)} answers {response.status}")
            data = await _body(response, file.name)
        finally:
            response.close()
        take(file, data, response.content_type, response.charset or "")
        return
    raise InputError(f"{file.name} cannot be fetched: {shown(url)} is redirected again and again")


def _redirected(url: str, location: str, name: str) -> str:
    """Return where a redirect leads. Raises InputError for what is no web address, and if it leaves TLS."""
    target, scheme = "", ""
    with suppress(ValueError):
        target = urljoin(url, location)
        scheme = check_address(target).partition(":")[0]
    if scheme not in ("http", "https"):
        raise InputError(f"{name} cannot be fetched: {shown(url)} redirects to what is no web address")
    if scheme == "http" and urlsplit(url).scheme == "https":
        raise InputError(f"{name} is not fetched: {shown(url)} redirects from https to http, where all can read it")
    return target


async def _sent(
    url: str, headers: Mapping[str, str], settings: Settings, name: str, *, is_typed: bool
) -> aiohttp.ClientResponse:
    host = urlsplit(url).hostname or ""
    is_numeric = ":" in host or host.replace(".", "").isdigit()
    own = host == "localhost" or host.endswith(".localhost") or (is_numeric and is_own(host))
    if own and not is_typed:
        raise _own(name, url, "a redirect")
    proxy = settings.proxy or environment_proxy(url)
    socks = proxy if proxy and proxy.lower().startswith("socks") else ""
    session = await session_for(asyncio.get_running_loop(), socks or ("" if proxy or own else OUTWARD))
    timeout = aiohttp.ClientTimeout(total=None, connect=settings.connect_timeout)
    while True:
        try:
            return await session.get(
                url,
                headers=headers,
                proxy=None if socks else proxy,
                ssl=trust(settings.verify),
                timeout=timeout,
                allow_redirects=False,
            )
        except ClosedInBetweenError:
            continue  # now over a new connection
        except aiohttp.ClientConnectorError as error:
            if not isinstance(error.os_error, OwnNetworkError):
                raise
        raise _own(name, url, "the name" if is_typed else "a redirect")


def _own(name: str, url: str, what: str) -> InputError:
    return InputError(
        f"{name} is not fetched: {what} leads to {urlsplit(url).hostname}, which is on this machine "
        "or its own network. Give its address in numbers if you mean it."
    )


async def _body(response: aiohttp.ClientResponse, name: str) -> bytes:
    """Return the body. Raises InputError as soon as it is too large, also of one that is compressed."""
    body = bytearray()
    if (response.content_length or 0) <= LARGEST:
        async for data in response.content.iter_any():
            body += data
            if len(body) > LARGEST:
                break
        else:
            return bytes(body)
    raise InputError(f"{name} is larger than {LARGEST >> 20} MB: fetch it yourself, and attach a part of it")
