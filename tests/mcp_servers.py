"""MCP servers for tests, of the SDK: as a process (COMMAND; with "many" 400 tools), or over HTTP in a thread."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["COMMAND", "KEY", "PIXEL", "serving"]

COMMAND = [sys.executable, "-W", "ignore", str(Path(__file__))]

KEY = "a-key-of-tests-42"

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def process() -> int:
    """Return the number of the server's process."""
    return os.getpid()


def fail() -> str:
    """Fail."""
    from mcp.server.mcpserver.exceptions import ToolError

    raise ToolError("no such table")


def row() -> Any:
    """Return an object, and no text."""
    from mcp.types import CallToolResult

    return CallToolResult(content=[], structured_content={"name": "Zoë", "age": 7})


def parts() -> Any:
    """Return a part of each kind."""
    from mcp import types

    return types.CallToolResult(
        content=[
            types.TextContent(type="text", text="a text"),
            types.ImageContent(type="image", data=PIXEL, mime_type="image/png"),
            types.ImageContent(type="image", data="A" * (5 * 2**20 + 4), mime_type="image/jpeg"),
            types.AudioContent(type="audio", data="AAAA", mime_type="audio/wav"),
            types.ResourceLink(type="resource_link", name="a link", uri="file:///there"),
            types.EmbeddedResource(
                type="resource", resource=types.TextResourceContents(uri="file:///here", text="a resource")
            ),
            types.EmbeddedResource(
                type="resource", resource=types.BlobResourceContents(uri="file:///blob", blob="AAAA")
            ),
        ]
    )


def long(length: int) -> str:
    """Return a text of this length."""
    return "x" * length


def variable(name: str) -> str:
    """Return a variable of the environment."""
    return f"it is {os.environ.get(name)}"


def die() -> str:
    """End the process."""
    print(f"out of memory, {os.environ.get('MY_TOKEN')}", file=sys.stderr, flush=True)
    os._exit(3)


def chatter() -> str:
    """Print a line on stdout, and more on stderr than a pipe holds."""
    print("hello from a print", flush=True)
    print("x" * 2**20, file=sys.stderr, flush=True)
    return "printed"


async def hang() -> str:
    """Answer never."""
    await asyncio.Event().wait()
    return ""


TOOLS = (add, process, fail, row, parts, long, variable, die, chatter, hang)


def _server(many: bool = False) -> Any:
    from mcp.server.mcpserver import MCPServer

    server = MCPServer("tests", log_level="CRITICAL")
    for tool in TOOLS:
        server.add_tool(tool, structured_output=False)
    server.add_tool(add, name="math.add/two", description="A name that providers refuse.")
    for number in range(400 - len(TOOLS) - 1) if many else ():
        server.add_tool(lambda: "", name=f"tool_{number:03}", description=f"Number {number}.")
    return server


@contextmanager
def serving(kind: str, *, key: str = "", port: int = 0) -> Iterator[str]:
    """Yield the address of a server on 127.0.0.1, which stops behind the block. With a key it refuses who has none."""
    import uvicorn

    server = _server()
    app = server.sse_app() if kind == "sse" else server.streamable_http_app()
    listener = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(_guarded(app, key) if key else app, log_level="critical", timeout_graceful_shutdown=1)
    runner = uvicorn.Server(config)

    def serve() -> None:
        with asyncio.Runner() as own:  # a nest package may have put in an `asyncio.run` that takes less
            own.run(runner.serve([listener]))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/{'sse' if kind == 'sse' else 'mcp'}"
    finally:
        runner.should_exit = True
        thread.join()
        listener.close()


def _guarded(app: Any, key: str) -> Any:
    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and (b"authorization", f"Bearer {key}".encode()) not in scope["headers"]:
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await app(scope, receive, send)

    return guarded


if __name__ == "__main__":
    _server("many" in sys.argv).run()
    if "stubborn" in sys.argv:  # it stays when its client is gone
        threading.Event().wait()
