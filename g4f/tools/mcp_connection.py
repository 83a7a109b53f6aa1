"""One connection to an MCP server, by the official SDK, which is imported only here and only when one is opened.

    Connection() ──▶ OPENING ── the greeting is through ──▶ OPEN ── stop, or the end of the loop ──┐
                        │                                    └── the server ends, or is lost ──────┤
                        └── not there, no answer, wants a key ───────────────────────────────────▶ ENDED

One task, the owner, opens it, waits, and closes it: the SDK's task groups must be left by the task that entered them.
Calls are made by the tasks of their callers, on the same loop, and only exchange messages with the owner's, so an
interrupt cancels a call and nothing else. That is how it works nested: a caller's task may wait in a nested loop, which
runs the owner's on.

The SDK starts a server's process in a session of its own, so an interrupt of the kernel does not reach it.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from contextvars import Context, ContextVar
from functools import partial
from typing import IO, Any

from ..errors import G4FError, kind_of
from .mcp_server import Server, explained, first, is_closed

__all__ = ["Connection", "UnsentError"]

PAGES = 100
"""Pages of a list of tools that are read at most."""

TURNS = 20
"""Turns of a loop in which it sees that a process has ended. The SDK needs five to some more; one takes about 10 µs."""

_OLDER = ([400], [404], [405])
"""How a server refuses streamable HTTP that speaks only its predecessor, as the specification has it."""

_live: set[Connection] = set()
"""The connections to close at exit. A forked child has none: those of its parent are not its own."""


_refusals: ContextVar[list[int]] = ContextVar("refusals")
"""The HTTP statuses of the refusals of one request. The SDK sends it in the context of who makes it."""


class UnsentError(Exception):
    """A request did not reach the server, so that it may be made again over another connection; and why."""

    def __init__(self, error: G4FError) -> None:
        super().__init__(error)
        self.error = error


class Connection:
    """A connection on the loop that runs where it is made. It opens at once; `opened` waits for it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._loop = asyncio.get_running_loop()
        self._client: Any = None
        self._refused: list[int] = []
        self._is_closing = False
        self._noise = ""
        self._words = _Words()
        self._has_ended: Callable[[], bool] = bool
        self._opened = self._loop.create_future()
        # In an empty context: it outlives the call that opens it, and all that is set around that.
        self._owner = self._loop.create_task(self._own(), context=Context())
        self._owner.add_done_callback(self._end)
        _live.add(self)

    async def opened(self) -> None:
        """Wait until it is open. Raises G4FError if it cannot be opened, at each call."""
        await asyncio.wait([self._opened])
        if self._owner.done():
            raise self._error(self._reason(), self._refused)

    async def is_usable(self) -> bool:
        """Whether it is open, or about to be. What has ended while the loop stood still is seen in its next turns."""
        if self._opened.done() and self.server.command:
            for _ in range(TURNS):
                await asyncio.sleep(0)
        return not self._is_closing and not self._owner.done() and not self._has_ended()

    async def tools(self) -> list[Any]:
        """Return the SDK's tools. Raises G4FError or UnsentError."""
        tools, cursor = [], None
        for _ in range(PAGES):
            page = await self._asked(partial(self._client.list_tools, cursor=cursor))
            tools += page.tools
            cursor = page.next_cursor
            if not cursor:
                break
        return tools

    async def call(self, name: str, arguments: dict[str, Any]) -> Any:
        """Return the SDK's result of a call. Raises G4FError or UnsentError."""
        return await self._asked(partial(self._client.call_tool, name, arguments))

    async def _asked(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        from mcp import MCPError  # noqa: PLC0415 - an optional package

        refused: list[int] = []
        token = _refusals.set(refused)
        try:
            return await ask()
        except (MCPError, RuntimeError, ValueError) as error:
            reason: BaseException = error
        finally:
            _refusals.reset(token)
        if is_closed(reason):
            await self.aclose()  # the owner knows why
            reason = self._reason() or reason
        ours = self._error(reason, refused)
        if 404 in refused or kind_of(reason) in ("ConnectError", "ConnectTimeout"):  # its session is gone, or all of it
            raise UnsentError(ours)
        raise ours

    def _reason(self) -> BaseException | None:
        """Return why the owner has ended, None if it was asked to."""
        return None if self._owner.cancelled() else first(self._owner.exception())

    def _error(self, error: BaseException | None, refused: list[int]) -> G4FError:
        return explained(self.server, error, refused[-1] if refused else None, self._noise or self._words.last())

    def stop(self) -> None:
        """Ask for the end, from any thread."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._cancel)

    async def aclose(self) -> None:
        """Close it, on its loop: the server's process has ended when this returns."""
        self._cancel()
        await asyncio.wait([self._owner])

    def _cancel(self) -> None:
        """Have the owner close it, once: cancelled again, it would leave the process behind."""
        if not self._is_closing:
            self._is_closing = True
            self._owner.cancel()

    def close_at_exit(self) -> None:
        """Close it where its loop neither runs nor is closed, as that of a kernel that ends."""
        if self._loop.is_closed() or self._loop.is_running():
            return
        closing = self._loop.create_task(self.aclose())
        closing.add_done_callback(lambda _: self._loop.stop())
        while not closing.done():  # a kernel leaves its loop to be stopped once more
            self._loop.run_forever()

    def _end(self, owner: asyncio.Task[None]) -> None:
        _live.discard(self)
        if not owner.cancelled():
            owner.exception()  # retrieved: whoever asks next hears of it
        if not self._opened.done():
            self._opened.set_result(None)

    async def _own(self) -> None:
        _refusals.set(self._refused)
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(self.server.timeout):
                self._client = await (self._start if self.server.command else self._reach)(stack)
            self._opened.set_result(None)
            await self._loop.create_future()

    async def _start(self, stack: AsyncExitStack) -> Any:
        return await stack.enter_async_context(self._speaking(self._process()))

    async def _reach(self, stack: AsyncExitStack) -> Any:
        from mcp.client.sse import sse_client  # noqa: PLC0415 - an optional package
        from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415

        http = await stack.enter_async_context(self._http())
        try:
            return await stack.enter_async_context(
                self._speaking(streamable_http_client(str(self.server.address), http_client=http))
            )
        except ExceptionGroup:
            if self._refused[-1:] not in _OLDER:
                raise
        self._refused.clear()
        return await stack.enter_async_context(
            self._speaking(sse_client(str(self.server.address), httpx_client_factory=lambda **_: self._http()))
        )

    def _speaking(self, transport: Any) -> Any:
        from mcp import Client  # noqa: PLC0415

        return Client(transport, read_timeout_seconds=self.server.timeout, message_handler=self._hear)

    def _http(self) -> Any:
        import httpx2  # noqa: PLC0415

        return httpx2.AsyncClient(
            headers=self.server.headers,
            timeout=httpx2.Timeout(self.server.timeout, read=300),
            event_hooks={"response": [_answered]},
        )

    @asynccontextmanager
    async def _process(self) -> AsyncGenerator[Any]:
        from mcp import StdioServerParameters, stdio_client  # noqa: PLC0415

        command, *args = self.server.command
        given = StdioServerParameters(command=command, args=args, env=self.server.env, encoding_error_handler="replace")
        with self._words.writer() as errlog:  # never sys.stderr: a kernel's is no file
            async with stdio_client(given, errlog) as streams:
                errlog.close()  # the process has its own copy: so the reader sees its end
                self._has_ended = lambda: streams[0].statistics().open_send_streams == 0
                yield streams

    async def _hear(self, message: Any) -> None:
        """Note the first line on stdout that is not MCP."""
        if isinstance(message, ValueError) and not self._noise:
            self._noise = f"it prints on stdout what is not MCP: {_line_of(message)}"


class _Words:
    """The last lines that a process writes to stderr, read by a thread, so that it is never held up."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque(maxlen=20)
        self._thread = threading.Thread(name="g4f-mcp")

    def writer(self) -> IO[str]:
        """Return the end of a pipe that the process writes to."""
        read, write = os.pipe()
        self._thread = threading.Thread(target=self._read, args=(read,), name="g4f-mcp", daemon=True)
        self._thread.start()
        return os.fdopen(write, "w")

    def _read(self, end: int) -> None:
        with open(end, "rb") as pipe:
            while line := pipe.readline(2**12):
                self._lines.append(line)

    def last(self) -> str:
        """Return the last line that says something, "" if there is none."""
        if self._thread.ident is not None:
            self._thread.join(0.2)  # it may just be reading what a process wrote before it ended
        lines = [line.decode(errors="replace").strip() for line in self._lines]
        return next((line for line in reversed(lines) if line), "")


async def _answered(response: Any) -> None:
    if response.status_code >= 400 and response.request.method == "POST":
        _refusals.get().append(response.status_code)


def _line_of(error: Any) -> str:
    """Return the line in which pydantic found no message."""
    return str(error.errors()[0]["input"]) if hasattr(error, "errors") else str(error)


@atexit.register
def _close_all() -> None:
    for connection in list(_live):
        connection.close_at_exit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_live.clear)

for _name in ("mcp", "client"):  # the SDK logs each line that it cannot read, with a traceback, to whoever listens
    logging.getLogger(_name).addHandler(logging.NullHandler())
