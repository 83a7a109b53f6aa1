"""A server of bytes: what it answers is scripted to the byte, and so is where it breaks."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Self

HANG = "hang"
"""In an answer: send nothing more until the client leaves."""

HELD = "held"
"""In an answer: wait until a request is answered otherwise, and answer like that."""

RESET = "reset"
"""In an answer: break the connection off."""

Step = bytes | str | float
Answer = Sequence[Step]


class Request(NamedTuple):
    """What a client sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class Server:
    """Answers each request with the next of `answers`, and with the last for ever after.

    An answer is a sequence of bytes to send, seconds to wait, HANG or RESET; or a function of the request that
    returns one. `with Server(…) as server:` runs it on a thread; `url` is its address, `requests` what it got,
    `hangs` and `left` are set once it has come to a HANG, and once a connection has ended.
    """

    def __init__(self, *answers: Answer | Callable[[Request], Answer], tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.left = threading.Event()
        self.hangs = threading.Event()
        self._answers, self._tls = list(answers), tls
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0
        self._gate: asyncio.Future[Answer] = self._loop.create_future()

    @property
    def url(self) -> str:
        """The address to give as base_url."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._start())
        self._loop.call_soon(self._started.set)  # not before: a stop would only end what runs until then
        self._loop.run_forever()
        self._loop.run_until_complete(self._stop())

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        connection = self.connections
        try:
            while True:
                request = await self._read(reader, connection)
                self.requests.append(request)
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                steps = answer(request) if callable(answer) else answer
                steps = await self._held(steps)
                if not await self._send(steps, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):  # the client has left, be it in the middle of a request
            pass
        finally:
            self.left.set()
            self._open.discard(writer)
            writer.transport.abort()

    async def _held(self, steps: Answer) -> Answer:
        if HELD in steps:
            return await asyncio.shield(self._gate)
        if not self._gate.done():
            self._gate.set_result(steps)
        return steps

    async def _send(self, steps: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        for step in steps:
            match step:
                case bytes():
                    writer.write(step)
                    await writer.drain()
                case float():
                    await asyncio.sleep(step)
                case "hang":
                    self.hangs.set()
                    await reader.read(1)
                    return False
                case "reset":
                    return False
        return b"connection: close" not in b"".join(step for step in steps if isinstance(step, bytes)).lower()

    async def _read(self, reader: asyncio.StreamReader, connection: int) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Request(method, path, headers, body, connection)


def whole(body: object, status: int = 200, kind: str = "application/json", **headers: str) -> list[Step]:
    """Return an answer of known length; `body` is bytes, or made JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"Content-Type": kind, "Content-Length": str(len(data)), **headers}
    return [_head(status, named), data]


def stream(*pieces: bytes, end: bool = True, **headers: str) -> list[Step]:
    """Return an event stream in chunks, one a piece; without `end` it is not finished: what follows may break it."""
    named = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked", **headers}
    steps: list[Step] = [_head(200, named), *(chunk(piece) for piece in pieces if piece)]
    return [*steps, b"0\r\n\r\n"] if end else steps


def chunk(data: bytes) -> bytes:
    """Return a chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Status", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def event(payload: object) -> bytes:
    """Return an event of server-sent events; `payload` is text, or made JSON."""
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return f"data: {text}\n\n".encode()


def delta(text: str | None = None, finish: str | None = None, **more: Any) -> bytes:
    """Return an event of a chat completion's stream."""
    message = more | ({} if text is None else {"content": text})
    return event({"choices": [{"index": 0, "delta": message, "finish_reason": finish}]})


DONE = event("[DONE]")
HELLO = (delta("Hel"), delta("lo"), delta(finish="stop"), DONE)
ANSWER = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]}


def hello(request: Request) -> list[Step]:
    """Answer "Hello", streamed or whole as asked."""
    return stream(*HELLO) if request.json.get("stream") else whole(ANSWER)


class Socks:
    """A SOCKS5 proxy (RFC 1928) that takes no password: all its ways lead to one server."""

    def __init__(self, port: int) -> None:
        self.wanted: list[tuple[str, int]] = []
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"socks5://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        with suppress(OSError):  # the end of the test
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as read, socket.create_connection(("127.0.0.1", self._to)) as server:
            _, count = read.read(2)
            read.read(count)
            client.sendall(b"\x05\x00")
            *_, kind = read.read(4)
            name = read.read(read.read(1)[0]).decode() if kind == 3 else socket.inet_ntoa(read.read(4))
            self.wanted.append((name, int.from_bytes(read.read(2))))
            client.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
            back = threading.Thread(target=_pipe, args=(server, client))
            back.start()
            _pipe(client, server)
            back.join()


def _pipe(here: socket.socket, there: socket.socket) -> None:
    with suppress(OSError):
        while data := here.recv(2**16):
            there.sendall(data)
        there.shutdown(socket.SHUT_WR)
