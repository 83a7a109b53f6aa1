"""Lets nbval compare a streamed answer by its last frame: updates of a display are folded into it.

nbval reads the messages of a cell one by one and passes over `update_display_data`, so it would compare the first
frame, which is a few words. Here each display reaches it once, with the data of its last update. How many seconds an
answer took, which stands below it, and the port of a server that it started, are not compared.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Any

from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell

_read = RunningKernel.get_message
_sanitize = IPyNbCell.sanitize
_VARYING = re.compile(r"(?<= · )[\d.]+ s(?=(?: · [^<]*)?</sub>)|(?<=<sub>127\.0\.0\.1:)\d+")


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


def _sanitized(cell: IPyNbCell, text: str) -> str:
    """Return what is compared of an output, on both sides."""
    return str(_sanitize(cell, _VARYING.sub("…", text)))


RunningKernel.get_message = _get_message
IPyNbCell.sanitize = _sanitized
