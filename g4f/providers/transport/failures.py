"""Requests that failed on their way: the errors of aiohttp, of SOCKS proxies and of the system → our own."""

from __future__ import annotations

import errno
import os
import ssl
import sys
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp

from ... import errors
from ...errors import ConnectError, G4FError, InputError, ResponseError
from ..access import is_local, shown
from .refusals import Target, line, redact
from .retries import Again

__all__ = ["broken", "foreign_errors", "reason", "unsent"]


class _Failure(NamedTuple):
    """Which error of ours, and in which words, stands for some of others; and whether the request may be sent again."""

    others: tuple[type[Exception], ...]
    error: type[G4FError]
    again: bool
    words: str


_BAD_PROXY = _Failure(
    (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError),  # and those of SOCKS
    ConnectError,
    True,
    "the proxy {proxy} cannot be used ({reason}).",
)

_FAILURES = (
    _Failure(
        (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError, ssl.SSLError),
        ConnectError,
        False,
        "no trusted connection to {place} ({reason}). "
        "Give verify= the file of your authority's certificate, or set SSL_CERT_FILE.",
    ),
    _BAD_PROXY,
    _Failure(
        (aiohttp.ClientConnectorDNSError,),
        ConnectError,
        True,
        "there is no host {host!r} ({reason}). Check base_url and network.",
    ),
    _Failure(
        (aiohttp.ConnectionTimeoutError,),
        errors.TimeoutError,
        True,
        "no connection to {place} within {limit:g} s (connect_timeout).",
    ),
    _Failure((aiohttp.ClientConnectorError,), ConnectError, True, "nothing answers at {place} ({reason}). {hint}"),
    _Failure(
        (aiohttp.ClientResponseError,),
        ResponseError,
        False,
        "what answers at {place} does not speak HTTP. Check base_url.",
    ),
    _Failure(
        (aiohttp.ClientConnectionError, OSError),
        ConnectError,
        True,
        "{place} closed the connection before it answered.",
    ),
    _Failure((Exception,), InputError, False, "the request cannot be sent to {url!r}: {reason}"),
)
"""The first that fits is taken: subclasses stand before their bases."""


def foreign_errors() -> tuple[type[Exception], ...]:
    """Return the errors that sending a request may raise."""
    return (aiohttp.ClientError, OSError, ValueError, *_socks_errors())


def _socks_errors() -> tuple[type[Exception], ...]:
    """Return the errors of the package for SOCKS proxies, if it is loaded."""
    socks = sys.modules.get("aiohttp_socks")
    return (socks.ProxyError, socks.ProxyConnectionError, socks.ProxyTimeoutError) if socks else ()


def unsent(target: Target, url: str, proxy: str | None, limit: float, error: Exception) -> Exception:
    """Return the error, or Again with it, for a request that got no answer. `limit` is the time to connect."""
    is_socks = isinstance(error, _socks_errors())
    failure = _BAD_PROXY if is_socks else next(each for each in _FAILURES if isinstance(error, each.others))
    there, through = urlsplit(url), urlsplit(proxy or "")
    words = failure.words.format(
        place=f"{there.hostname}:{there.port or (443 if there.scheme == 'https' else 80)}",
        host=there.hostname,
        url=shown(url),
        proxy=f"{through.hostname}:{through.port}",
        limit=limit,
        hint="Is the server running?" if is_local(url) else "Check base_url and network.",
        reason=reason(error),
    )
    ours = failure.error(redact(f"{target.provider}: {words}", target.sent))
    return Again(ours) if failure.again else ours


def broken(target: Target, error: Exception) -> G4FError:
    """Return the error for an answer whose connection broke while it was read."""
    inner = error.__cause__ or error
    why = "its compression broke" if "encoding" in str(inner).lower() else "the connection broke"
    return ResponseError(f"{target.provider}: {why} in the middle of the answer.")


def reason(error: BaseException) -> str:
    """Return the words of the system for an error where it has some, else the error's own."""
    inner = getattr(error, "os_error", error)
    if words := getattr(inner, "verify_message", ""):  # of a certificate
        return line(words)
    number = getattr(inner, "errno", None)
    if isinstance(number, int) and number in errno.errorcode:
        return os.strerror(number)
    words = getattr(inner, "strerror", None) or str(inner)
    return line(words or type(inner).__name__)
