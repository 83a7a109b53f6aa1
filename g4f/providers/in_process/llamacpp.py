"""llama.cpp in this process, through xllamacpp: what is loaded, which calls run, and how both end.

Found by experiment (xllamacpp 2026.10):

its server      always listens. On a socket in a private folder, removed after loading, nobody can connect
its exit        a thread inside llama.cpp at the interpreter's end crashes the process: all are stopped before
a fork          has none of the threads. The child loads again, and must not free what would wait for them
its log         is written to stderr, unless its verbosity is -1
the GIL         is free while it answers, not while it loads: so the file is read from the disk before that
"""

from __future__ import annotations

import atexit
import ctypes
import os
import secrets
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import BadRequestError, InputError, MissingRequirementsError
from ...printable import logger
from ...waiting.threads import Abandoned, Outlet

__all__ = ["Weights", "answer"]


BATCH = 256
"""Tokens of a prompt that are read before the next check that the answer is still wanted."""

BLOCK = 1 << 24
"""Bytes that are read from the disk at once."""

LARGE = 1_000_000_000
"""Bytes of a file from which on stderr shows how far it is loaded: that takes seconds, or minutes."""


class Weights(NamedTuple):
    """A GGUF file, and the `name` for it in answers and errors.

    `context` is how many tokens a question and its answer may have, 0 for as many as the model was trained for
    and the memory holds. `template` is a chat template to use instead of the file's own.
    """

    name: str
    path: Path
    context: int = 0
    template: str = ""


def answer(weights: Weights, request: bytes, outlet: Outlet[bytes]) -> None:
    """Answer a streamed request for a chat completion: put each chunk of llama.cpp's into `outlet`.

    Blocks, and loads the weights if no call has done so yet. Calls are answered one after the other, because in one
    batch they would change each other's answers. Raises MissingRequirementsError, InputError for a file that
    cannot be loaded, BadRequestError for a request that llama.cpp refuses.
    """
    process = _process
    with process.calling(outlet):
        server = process.server(weights)

        def put(chunk: bytes) -> bool:
            """Return whether to stop. An exception would be lost in llama.cpp."""
            try:
                outlet.put(chunk)
            except Abandoned:
                return True
            return False

        try:
            server.handle_chat_completions(request, put)
        except (RuntimeError, ValueError) as error:
            why = str(error).partition("\n")[0].partition("; tools =")[0]
            raise BadRequestError(f"llama.cpp refused the request: {why}") from None


class _Process:
    """The models that a process has loaded, and the calls that run."""

    def __init__(self, *, orphan: bool = False) -> None:
        self._orphan = orphan
        self._loading = threading.Lock()
        self._servers: dict[Path, Any] = {}
        self._calls: dict[Outlet[bytes], threading.Thread] = {}
        self._closed = False

    def server(self, weights: Weights) -> Any:
        path = weights.path.resolve()
        with self._loading:
            server = self._servers.get(path)
            if server is None:
                server = self._servers[path] = self._load(weights)
            return server

    @contextmanager
    def calling(self, outlet: Outlet[bytes]) -> Iterator[None]:
        self._calls[outlet] = threading.current_thread()
        try:
            self._go_on()
            yield
        finally:
            del self._calls[outlet]

    def close(self) -> None:
        """Stop all calls, wait for their threads, then free what is loaded."""
        self._closed = True
        for outlet, thread in list(self._calls.items()):
            outlet.leave()
            thread.join()
        if self._orphan:
            self.keep()
        self._servers.clear()

    def fork(self) -> _Process:
        """Return the state of a forked child, which loads again, but inherits that of llama.cpp itself."""
        self.keep()
        return _Process(orphan=self._orphan or bool(self._servers))

    def keep(self) -> None:
        """Never free what is loaded: after a fork that would wait for threads that do not exist here."""
        for server in self._servers.values():
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(server))
        libc = ctypes.CDLL(None)
        if self._servers and hasattr(libc, "on_exit"):
            libc.on_exit(libc._exit, None)  # runs before llama.cpp's own clean-up, which would also wait

    def _go_on(self) -> None:
        if self._closed:
            raise Abandoned

    def _load(self, weights: Weights) -> Any:
        xllamacpp = _import()
        self._read(weights)
        with _shut_port() as port:
            try:
                return xllamacpp.Server(_params(xllamacpp, weights, port))
            except RuntimeError:
                raise InputError(
                    f"llama.cpp cannot load {weights.name}: the file is damaged, has an unknown format, "
                    "or does not fit into memory"
                ) from None

    def _read(self, weights: Weights) -> None:
        """Read the file into the system's cache. Raises InputError if it is not GGUF, which llama.cpp would not say."""
        try:
            self._read_all(weights)
        except OSError as error:
            raise InputError(f"{weights.name} cannot be read: {error.strerror or error}") from None

    def _read_all(self, weights: Weights) -> None:
        block = bytearray(BLOCK)
        with weights.path.open("rb", buffering=0) as file:
            size, done = os.fstat(file.fileno()).st_size, 4
            logger.info("loading %s (%.0f MB)", weights.name, size / 1e6)
            if file.read(4) != b"GGUF":
                raise InputError(f"{weights.name} is not a GGUF file, which llama.cpp needs")
            while count := file.readinto(block):
                self._go_on()
                done += count
                if size >= LARGE:
                    end = "" if done < size else "\n"
                    sys.stderr.write(f"\rloading {weights.name}: {done / size:4.0%} of {size / 1e9:.1f} GB{end}")


_process = _Process()


def _close() -> None:
    _process.close()


def _after_fork() -> None:
    global _process  # noqa: PLW0603 - what a process has loaded is the process's
    _process = _process.fork()


atexit.register(_close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _import() -> Any:
    """Import xllamacpp. Its OpenMP reads its settings only now.

    Threads that wait for each other spin first, by default so long that beside other work they delay each other: on
    two cores, one of them busy, 3 to 25 tokens per second, 31 with this setting; on idle cores 130 in both cases.
    """
    settings = {} if _OPENMP & os.environ.keys() else {"GOMP_SPINCOUNT": "1000"}
    os.environ.update(settings)
    try:
        import xllamacpp  # noqa: PLC0415 - an optional package
    except ImportError as error:  # the system lacks a library that it is linked to
        hint = ": apt-get install libgomp1" if "libgomp" in str(error) else ""
        raise MissingRequirementsError(f"xllamacpp is installed, but cannot be imported ({error}){hint}") from None
    finally:
        for name in settings:
            del os.environ[name]
    return xllamacpp


_OPENMP = {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}


@contextmanager
def _shut_port() -> Iterator[str]:
    """Give the address on which a server listens while it is loaded: then it is removed, and nobody can connect."""
    if not hasattr(socket, "AF_UNIX"):
        yield "127.0.0.1"
        return
    short = len(tempfile.gettempdir()) < 64  # the name of a socket has at most 104 characters
    with tempfile.TemporaryDirectory(prefix="g4f-", dir=None if short else "/tmp") as folder:  # noqa: S108
        yield os.path.join(folder, "shut.sock")  # noqa: PTH118


def _params(xllamacpp: Any, weights: Weights, port: str) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = str(weights.path)
    params.chat_template = weights.template
    params.n_ctx = weights.context
    params.fit_params = not weights.context
    if all(device["type"].name.endswith("CPU") for device in xllamacpp.get_device_info()):
        # A context is as large as memory allows: leave half of the memory to others, not one GB.
        half = xllamacpp.get_device_info()[0]["memory_total"] // 2
        params.fit_params_target = [half] * len(params.fit_params_target)
    params.n_parallel = 1
    params.n_batch = BATCH
    params.cpuparams.n_threads = _cores()
    params.cache_ram_mib = 0  # else it keeps up to 8 GB of old conversations
    params.warmup = False
    params.verbosity = -1
    params.hostnames = [port]
    params.api_keys = [secrets.token_hex()]
    params.cors_origins = ""
    params.endpoint_slots = params.ui = False
    params.n_threads_http = 1
    return params


def _cores() -> int:
    """Return the cores that this process may use, or -1 for llama.cpp's own count.

    llama.cpp counts the cores of the machine. With more threads than this process has cores, each waits for the
    others: twice as many threads take two and a half times as long.
    """
    machine = os.cpu_count() or 1
    share = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else machine
    with suppress(OSError, ValueError):  # no such file, or no limit: "max"
        quota, period = map(int, Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split())
        share = min(share, max(1, quota // period))
    return share if share < machine else -1
