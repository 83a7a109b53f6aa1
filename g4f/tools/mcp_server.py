"""Which MCP server is meant: by a command or an address, with its secrets, and the errors that speak of it."""

from __future__ import annotations

import builtins
import os
import shlex
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from ..errors import (
    ConnectError,
    G4FError,
    InputError,
    MissingAuthError,
    MissingRequirementsError,
    ResponseError,
    TimeoutError,  # noqa: A004 - ours, which is also the builtin one
    kind_of,
    status_error,
)
from ..printable import one_line
from ..secrets.key import Key, is_secret, sealed
from ..secrets.known import STARS, secrets_of
from ..secrets.scrubbing import Scrubber

__all__ = ["Server", "explained", "first", "is_closed", "server_of"]

LONGEST = 300
"""Characters that an error's line has at most of what a server says."""

_CLOSED, _TIMED_OUT = -32000, -32001
"""The SDK's codes for a connection that has ended, and for an answer that does not come."""

_LIKE = "like 'uvx mcp-server-time' or 'https://example.org/mcp'"


class Server(msgspec.Struct, frozen=True):
    """Where a server is: either its command or its address; and how long it may take, in seconds."""

    name: str
    """How errors call it, without secrets."""
    command: tuple[Key, ...] = ()
    address: str = ""
    env: dict[str, Key] = {}
    headers: dict[str, Key] = {}
    timeout: float = 60

    def hidden(self, text: str) -> str:
        """Return `text` with stars in the place of this server's secrets: headers, and what is named like one."""
        named = {name: value for name, value in self.env.items() if is_secret(name)}
        for secret in secrets_of([self.headers, named, sealed(self.address)]):
            text = text.replace(secret, STARS)
        return text

    def line(self, text: object) -> str:
        """Return what a server says as a part of an error's line: short, and without any of its secrets."""
        known = secrets_of([self.headers, self.env, sealed(self.address)])
        words = Scrubber(known).scrub(one_line(str(text)[: 4 * LONGEST]))
        return words if len(words) <= LONGEST else f"{words[:LONGEST]}…"


def server_of(
    where: object, env: Mapping[str, str] | None, headers: Mapping[str, str] | None, timeout: float
) -> Server:
    """Return the server that is meant. Raises InputError."""
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
        raise InputError(f"timeout must be a number of seconds above 0, not {timeout!r}")
    if isinstance(where, str) and where.strip().lower().startswith(("http://", "https://")):
        if env:
            raise InputError("env is for an MCP server that is started by a command; one at an address takes headers")
        address = where.strip()
        return Server(_place(address), (), sealed(address), {}, _texts("headers", headers), timeout)
    if headers:
        raise InputError("headers are for an MCP server at an address; one that is started by a command takes env")
    words = _words(where)
    return Server(_program(words), tuple(map(Key, words)), "", _texts("env", env), {}, timeout)


def _words(where: object) -> list[str]:
    """Return the words of a command."""
    if isinstance(where, str):
        try:
            words = shlex.split(where, posix=os.name != "nt")
        except ValueError as error:
            raise InputError(f"the command of an MCP server cannot be read: {error}") from None
    elif isinstance(where, Sequence) and all(isinstance(word, str) for word in where):
        words = list(where)
    else:
        raise InputError(f"an MCP server is a command (a text, or a list of texts) or an address, {_LIKE}")
    if not words or not words[0] or "\0" in "".join(words):
        raise InputError(f"an MCP server is a command or an address, {_LIKE}, not an empty one")
    if "://" in words[0]:
        raise InputError("the address of an MCP server begins with http:// or https://")
    return words


def _program(words: Sequence[str]) -> str:
    """Return the beginning of a command, up to its first option: behind it a key may stand."""
    end = next((n for n, word in enumerate(words) if word.startswith("-")), len(words))
    return one_line(Scrubber().scrub(" ".join(words[: max(end, 1)])))[:LONGEST]


def _place(address: str) -> str:
    """Return an address without user, password and query."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        host = ""
    if not host:
        raise InputError("the address of an MCP server must be like https://example.org/mcp")
    host = f"[{host}]" if ":" in host else host
    return one_line(f"{parts.scheme}://{host}{port}{parts.path}")[:LONGEST]


def _texts(name: str, given: Mapping[str, str] | None) -> dict[str, Key]:
    """Return env or headers with each value sealed."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InputError(f"{name} must be a dict of texts, not {kind_of(given)}")
    for key, value in given.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise InputError(f"{name} must be a dict of texts; the value of {key!r} is {kind_of(value)}")
        if "\0" in key + value or (name == "headers" and not (key + value).isprintable()):
            raise InputError(f"{name}: the value of {key!r} has characters that cannot be sent, such as a newline")
    return {key: Key(value) for key, value in given.items()}


def explained(server: Server, error: BaseException | None, status: int | None, beside: str) -> G4FError:
    """Return our error for one of the SDK, of its HTTP client, or of the system; None for a server that has ended.

    `status` is the HTTP status of a refusal, `beside` what the server said elsewhere, such as on stderr.
    """
    error = first(error)
    status = getattr(getattr(error, "response", None), "status_code", status)
    beside, words, given = f": {server.line(beside)}" if beside else "", server.line(error), f"{server.timeout:g} s"
    kind: type[G4FError]
    if status in (401, 403):
        kind, what = MissingAuthError, f"wants a key (HTTP status {status}): headers={{'Authorization': 'Bearer …'}}"
    elif status is not None:
        kind, what = status_error(status), f"refuses with HTTP status {status}"
    elif isinstance(error, ImportError):
        kind, what = MissingRequirementsError, "needs the package mcp, 2 or newer: pip install 'g4f-jupyter[mcp]'"
    elif isinstance(error, builtins.TimeoutError) or _is_late(error):
        kind, what = TimeoutError, f"has not answered within {given}{beside}. Allow it more by timeout=…"
    elif isinstance(error, FileNotFoundError | PermissionError):
        kind, what = MissingRequirementsError, f"cannot be started: {error.strerror}. Install it, or correct it"
    elif error is None or is_closed(error):
        kind, what = ConnectError, f"has ended{beside}; it is started anew when it is used again"
    elif hasattr(error, "code"):
        kind, what = ResponseError, f"says: {words}"
    elif isinstance(error, OSError) or type(error).__module__.startswith("httpx"):
        kind, what = ConnectError, f"cannot be reached: {words or kind_of(error)}. Check its address, and that it runs"
    else:
        kind, what = ResponseError, f"sent what is not MCP: {words or kind_of(error)}"
    return kind(f"the MCP server {server.name} {what}", status=status)


def first(error: BaseException | None) -> BaseException | None:
    """Return the first error of a group, which is how a task group raises that of one of its tasks."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _is_late(error: BaseException | None) -> bool:
    """Whether the SDK, or its HTTP client, has waited for too long."""
    return getattr(error, "code", None) == _TIMED_OUT or kind_of(error).endswith("Timeout")


def is_closed(error: BaseException) -> bool:
    """Whether a request failed because the connection has ended. A server may use the code for errors of its own."""
    return getattr(error, "code", None) == _CLOSED and str(error) == "Connection closed"
