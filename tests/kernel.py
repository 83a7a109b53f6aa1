r"""Real IPython kernels for tests: cells run, queue and are interrupted, and each keeps its messages in order.

    with Kernel() as kernel:
        self.assertEqual("2\n", kernel.run("print(1 + 1)").text)

Every wait is for a message of the kernel; none is for time to pass.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Any, Self

import zmq
from jupyter_client.manager import KernelManager

__all__ = ["PATIENCE", "Cell", "Kernel"]

PATIENCE = 300.0
"""Seconds after which a kernel that sends nothing more counts as hanging."""

_OUTPUTS = ("stream", "display_data", "update_display_data", "execute_result", "error")


class Cell:
    """One execute request, and what came of it so far.

    `messages` are all IOPub messages of the cell in order, `reply` is the content of its execute_reply.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        self.messages: list[dict[str, Any]] = []
        self.reply: dict[str, Any] = {}
        self.ended = False
        """Whether the kernel was idle again after the cell."""

    @property
    def status(self) -> str:
        """Return "ok", "error", "aborted", or "" while no reply came."""
        return str(self.reply.get("status", ""))

    @property
    def outputs(self) -> list[tuple[str, dict[str, Any]]]:
        """Return type and content of each output, in order, updates of displays as outputs of their own."""
        return [(m["msg_type"], m["content"]) for m in self.messages if m["msg_type"] in _OUTPUTS]

    @property
    def text(self) -> str:
        """Return what the cell wrote to stdout."""
        return self._stream("stdout")

    @property
    def stderr(self) -> str:
        """Return what the cell wrote to stderr."""
        return self._stream("stderr")

    @property
    def result(self) -> str:
        """Return the `text/plain` of the cell's last expression, "" where there is none."""
        return next((str(c["data"]["text/plain"]) for kind, c in self.outputs if kind == "execute_result"), "")

    @property
    def error(self) -> str:
        """Return "Name: value" of the exception that ended the cell, "" where there is none."""
        return next((f"{c['ename']}: {c['evalue']}" for kind, c in self.outputs if kind == "error"), "")

    @property
    def displays(self) -> list[dict[str, Any]]:
        """Return the MIME bundles on the screen, each display by its last update."""
        shown: dict[object, dict[str, Any]] = {}
        for kind, content in self.outputs:
            if kind in ("display_data", "update_display_data"):
                shown[content["transient"].get("display_id") or len(shown)] = content["data"]
        return list(shown.values())

    @property
    def screen(self) -> str:
        """Return what the cell wrote to stdout, and the texts of its displays."""
        return "\n".join([self.text, *(str(shown.get("text/plain", "")) for shown in self.displays)])

    def data(self, mime: str) -> list[Any]:
        """Return what the cell showed as `mime`, each display and each update of one."""
        return [content["data"][mime] for _, content in self.outputs if mime in content.get("data", {})]

    def _stream(self, name: str) -> str:
        return "".join(c["text"] for kind, c in self.outputs if kind == "stream" and c["name"] == name)


class Kernel:
    """A kernel of this interpreter, which imports what the tests import. Enter it to start it.

    `environment` is added to the kernel's; its IPython folder is an empty one.
    """

    def __init__(self, **environment: str) -> None:
        self._environment = environment

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory()
        path = os.pathsep.join(entry for entry in sys.path if entry)
        own = {"PYTHONPATH": path, "IPYTHONDIR": self._folder.name}
        # Not by ports: the manager chooses them, and until the kernel takes them anybody else may.
        where = {"transport": "ipc", "connection_file": f"{self._folder.name}/kernel.json"}
        self._manager = KernelManager(kernel_name="python3", **where)
        self._manager.start_kernel(
            env=os.environ | own | self._environment, extra_arguments=["--HistoryManager.enabled=False"]
        )
        self._client = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=PATIENCE)
        self._cells: dict[str, Cell] = {}
        self._channels = {c.socket: c for c in (self._client.iopub_channel, self._client.shell_channel)}
        self._poller = zmq.Poller()
        for socket in self._channels:
            self._poller.register(socket, zmq.POLLIN)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._folder.cleanup()

    def send(
        self, code: str, *, metadata: dict[str, Any] | None = None, subshell: str | None = None, **content: Any
    ) -> Cell:
        """Queue a cell and return at once.

        `metadata` is that of the request, where front ends put `cellId`; `content` is what it says besides the code.
        """
        cell = Cell(code)
        asked = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
        asked |= {"allow_stdin": False, "stop_on_error": True} | content
        message = self._client.session.msg("execute_request", asked, metadata=metadata)
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self._cells[message["header"]["msg_id"]] = cell
        self._client.shell_channel.send(message)
        return cell

    def run(
        self, code: str, *, metadata: dict[str, Any] | None = None, subshell: str | None = None, **content: Any
    ) -> Cell:
        """Send a cell and wait for its end. Again, if it is aborted: ipykernel 6 takes it for one behind an error."""
        cell = self.finish(self.send(code, metadata=metadata, subshell=subshell, **content))
        if cell.status == "aborted":
            cell = self.finish(self.send(code, metadata=metadata, subshell=subshell, **content))
        return cell

    def finish(self, cell: Cell) -> Cell:
        """Wait for the end of a cell: its reply has come, and the kernel is idle again."""
        self._receive(lambda: cell.ended and bool(cell.reply), cell)
        return cell

    def wait_for(self, cell: Cell, text: str = "") -> Cell:
        """Wait for the first output of a cell, or until `text` stands in its stdout or in one of its displays."""
        self._receive(lambda: text in cell.screen if text else bool(cell.outputs), cell)
        return cell

    def wait_for_output(self, cell: Cell, mime: str) -> Any:
        """Wait for what a cell shows as `mime`, be it from a thread that goes on behind its end, and return it."""
        self._receive(lambda: bool(cell.data(mime)), cell)
        return cell.data(mime)[0]

    def ask(self, kind: str, content: dict[str, Any], *, channel: str = "shell", **metadata: Any) -> dict[str, Any]:
        """Send a request that runs no cell, and return the content of its reply. No cell may be in the queue of it."""
        message = self._client.session.msg(kind, content, metadata=metadata)
        asked = getattr(self._client, f"{channel}_channel")
        asked.send(message)
        while (reply := asked.get_msg(timeout=PATIENCE))["parent_header"]["msg_id"] != message["header"]["msg_id"]:
            pass
        return dict(reply["content"])

    @property
    def process(self) -> int:
        """Return the number of its process."""
        return int(self._manager.provisioner.pid)

    def interrupt(self) -> None:
        """Interrupt the running cell, as the stop button does. Wait for an output of it before."""
        self._manager.interrupt_kernel()

    def subshell(self) -> str:
        """Return the id of a new subshell: cells sent to it run in a thread of their own."""
        control = self._client.control_channel
        control.send(self._client.session.msg("create_subshell_request"))
        return str(control.get_msg(timeout=PATIENCE)["content"]["subshell_id"])

    def _receive(self, enough: Callable[[], bool], cell: Cell) -> None:
        """Sort messages to their cells until it is enough."""
        deadline = monotonic() + PATIENCE
        while not enough():
            ready = self._poller.poll(max(deadline - monotonic(), 0) * 1000)
            if not ready:
                raise AssertionError(f"the kernel hangs in {cell.code!r} with {cell.outputs}, {cell.reply}")
            for socket, _ in ready:
                self._sort(self._channels[socket].get_msg(timeout=0))

    def _sort(self, message: dict[str, Any]) -> None:
        cell = self._cells.get(message["parent_header"].get("msg_id", ""))
        if cell is None:
            return
        if message["msg_type"] == "execute_reply":
            cell.reply = message["content"]
            return
        cell.messages.append(message)
        cell.ended = cell.ended or message["content"].get("execution_state") == "idle"
