"""The tools of an MCP server, by command or address: `mcp("uvx mcp-server-time")`. The SDK is an extra.

Each loop on which they are used has a connection of its own, and a command is started once per loop: a cell has one,
and so has a thread that calls from sync code.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Self

from ..errors import G4FError, InputError, close_matches
from ..printable import counted
from ..waiting import bridge
from .mcp_connection import Connection, UnsentError
from .mcp_server import Server, server_of
from .tool import Result, Tool

__all__ = ["McpTools", "mcp"]

MOST = 40
"""Tools that are sent without a choice. With more, models choose badly, and each question is longer by all of them."""

LONGEST = 2**15
"""Characters of a result that the model gets at most."""

LARGEST = 5 * 2**20
"""Characters of an image, as base64, that the model gets at most: providers refuse larger ones."""

_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")
"""What providers refuse in the name of a tool."""


def mcp(
    command_or_address: str | Sequence[str],
    *,
    only: Iterable[str] | None = None,
    env: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 60,
) -> McpTools:
    """Return the tools of an MCP server, for `tools=`. It is started, or asked, when they are first used.

    By command, as in a shell or as a list: `mcp("uvx mcp-server-sqlite --db shop.db", only=["read_query"])`. Its
    process gets `env`, and of the variables here only PATH, HOME and their like. By address, over streamable HTTP or
    its predecessor SSE: `mcp("https://example.org/mcp", headers={"Authorization": "Bearer …"})`. What stands in `env`
    and `headers` is shown nowhere. `only` names the tools that a model may call. `timeout` is how many seconds the
    server may take to start, and for each answer.

    Raises InputError. What uses them raises MissingRequirementsError without the SDK (pip install 'g4f-jupyter[mcp]')
    or the command's program, and MissingAuthError, ConnectError, TimeoutError or ResponseError.
    """
    if only is not None:
        only = None if isinstance(only, str) or not isinstance(only, Iterable) else tuple(only)
        if only is None or not all(isinstance(name, str) for name in only):
            raise InputError('only must be a list of names of tools, like only=["read_query"]')
    return McpTools(server_of(command_or_address, env, headers, timeout), only)


class McpTools:
    """The tools of one server: a Source. Close it with `close` or `aclose`, or use `with` or `async with`.

    What is still open at the end of its loop, of the kernel, or of the process is closed then.
    """

    def __init__(self, server: Server, only: tuple[str, ...] | None) -> None:
        self._server = server
        self._only = only
        self._connections: dict[asyncio.AbstractEventLoop, Connection] = {}

    def __repr__(self) -> str:
        return f"<tools of the MCP server {self._server.name}>"

    @property
    def name(self) -> str:
        """The server, as errors and tapes name it: without the words of its command, and the secrets of its address."""
        return self._server.name

    async def tools(self) -> list[Tool]:
        """Return the tools that were chosen, all of them without `only`. Raises G4FError, if they are too many, too."""
        offered = {tool.name: tool for tool in await self._ask(Connection.tools)}
        who = f"the MCP server {self._server.name}"
        if self._only is None:
            if len(offered) > MOST:
                raise InputError(
                    f"{who} has {counted(len(offered), 'tool')}, more than a model chooses from well: name those that "
                    f"it may call, like only={list(offered)[:2]!r}. list() returns all of them"
                )
            return [_McpTool(self, tool) for tool in offered.values()]
        for name in self._only:
            if name not in offered:
                hint = close_matches(name, offered) or f" It has {', '.join(list(offered)[:MOST]) or 'none'}."
                raise InputError(f"{who} has no tool {name!r}.{hint}")
        return [_McpTool(self, offered[name]) for name in dict.fromkeys(self._only)]

    async def alist(self) -> dict[str, str]:
        """Return the name and the description of each tool that the server has, chosen or not. Raises G4FError."""
        return {tool.name: tool.description or "" for tool in await self._ask(Connection.tools)}

    async def call(self, name: str, arguments: dict[str, Any]) -> Result:
        """Call a tool by the server's name for it. Raises G4FError if no result comes."""
        return _result(await self._ask(partial(Connection.call, name=name, arguments=arguments)), self._server)

    async def _ask(self, ask: Callable[[Connection], Awaitable[Any]]) -> Any:
        """Return what the server answers. What did not reach a server that is gone is asked again, once."""
        connection = await self._connection()
        try:
            return await ask(connection)
        except UnsentError:
            self._leave(connection)
        try:
            return await ask(await self._connection())
        except UnsentError as unsent:
            raise unsent.error from None

    async def _connection(self) -> Connection:
        """Return the connection of the loop that runs here, open: a new one if it has ended since. Raises G4FError."""
        loop = asyncio.get_running_loop()
        known = self._connections.get(loop)
        if known is not None and not await known.is_usable():
            self._leave(known)
        if loop not in self._connections:
            for closed in [each for each in self._connections if each.is_closed()]:
                del self._connections[closed]
            self._connections[loop] = Connection(self._server)
        connection = self._connections[loop]
        await connection.opened()
        return connection

    def _leave(self, connection: Connection) -> None:
        """Use it no more, unless another call on its loop has put a new one in its place."""
        connection.stop()
        loop = asyncio.get_running_loop()
        if self._connections.get(loop) is connection:
            del self._connections[loop]

    async def aclose(self) -> None:
        """Close the connection: a server that was started by a command has ended then. To use it again opens another.

        Those on other loops are closed when these run next, or end.
        """
        own = self._connections.pop(asyncio.get_running_loop(), None)
        self._stop()
        if own is not None:
            await own.aclose()

    def _stop(self) -> None:
        while self._connections:
            self._connections.popitem()[1].stop()

    __del__ = _stop

    def close(self) -> None:
        """Do as `aclose` does. Raises NestAsyncioError where a sync call cannot wait."""
        bridge.run(self.aclose)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def list(self) -> dict[str, str]:
        """Do as `alist` does, from sync code."""
        return bridge.run(self.alist)


class _McpTool:
    """One tool of a server. Its name is the server's, but for characters that providers refuse."""

    def __init__(self, source: McpTools, tool: Any) -> None:
        self.name = _NO_NAME.sub("_", tool.name)[:64]
        self.description: str = tool.description or ""
        self.parameters: dict[str, Any] = {"type": "object", "properties": {}} | tool.input_schema
        self._source = source
        self._given = tool.name

    def __repr__(self) -> str:
        return f"<tool {self.name} of {self._source!r}>"

    async def call(self, arguments: dict[str, Any]) -> Result:
        """Call it with these arguments. What goes wrong is a Result, too; only an interrupt is raised."""
        try:
            return await self._source.call(self._given, arguments)
        except G4FError as error:
            return Result(str(error), failed=True)


def _result(found: Any, server: Server) -> Result:
    """Return the SDK's result as a text and images, bounded, and without the server's secrets."""
    texts, images = [], []
    for part in found.content:
        if part.type == "image" and len(part.data) <= LARGEST:
            images.append(f"data:{part.mime_type};base64,{part.data}")
        else:
            texts.append(_text(part))
    if not texts and found.structured_content is not None:  # else the text is the same, for clients without it
        texts.append(json.dumps(found.structured_content, ensure_ascii=False))
    text = server.hidden("\n".join(texts))
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}\n… ({counted(len(text) - LONGEST, 'further character')} left out)"
    return Result(text, tuple(images), failed=bool(found.is_error))


def _text(part: Any) -> str:
    """Return what the model reads of a part of a result that is no image, or too large a one."""
    match part.type:
        case "text":
            return str(part.text)
        case "resource_link":
            return f"{part.name}: {part.uri}"
        case "resource" if hasattr(part.resource, "text"):
            return str(part.resource.text)
        case "resource":
            return f"[{part.resource.mime_type or 'bytes'} at {part.resource.uri}, left out]"
        case kind:
            return f"[{kind} ({part.mime_type}, {counted(len(part.data), 'character')}), left out]"
