"""Lets nbval compare a streamed answer by its last frame: updates of a display are folded into it.

nbval reads the messages of a cell one by one and passes over `update_display_data`, so it would compare the first
frame, which is a few words. Here each display reaches it once, with the data of its last update.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from nbval.kernel import RunningKernel

_read = RunningKernel.get_message


def _get_message(kernel: RunningKernel, stream: str, timeout: float | None = None) -> dict[str, Any]:
    """Return the next message, those of a cell folded. nbval reads them when the cell has been executed."""
    if stream != "iopub":
        return _read(kernel, stream, timeout)
    ahead: deque[dict[str, Any]] = kernel.__dict__.setdefault("_ahead", deque())
    if not ahead:
        _read_to_idle(kernel, timeout, ahead)
    return ahead.popleft()


def _read_to_idle(kernel: RunningKernel, timeout: float | None, ahead: deque[dict[str, Any]]) -> None:
    displays: dict[str, dict[str, Any]] = {}
    idle = False
    while not idle:
        message = _read(kernel, "iopub", timeout)
        content = message["content"]
        name = content.get("transient", {}).get("display_id")
        if message["msg_type"] == "update_display_data" and name in displays:
            displays[name].update(data=content["data"], metadata=content["metadata"])
            continue
        if message["msg_type"] == "display_data" and name:
            displays[name] = content
        ahead.append(message)
        idle = content.get("execution_state") == "idle"


RunningKernel.get_message = _get_message
