"""Lets nbval compare a streamed answer by its last frame: updates of a display are folded into it.

nbval reads the messages of a cell one by one and passes over `update_display_data`, so it would compare the first
frame, which is a few words. Here each display reaches it once, with the data of its last update.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from nbval.plugin import IPyNbFile

_read = IPyNbFile.get_kernel_message


def _folded(notebook: IPyNbFile, timeout: float | None = None, stream: str = "iopub") -> dict[str, Any]:
    """Return the next message. Messages are read ahead to the end of their cell, which has been executed by then."""
    if stream != "iopub":
        return _read(notebook, timeout, stream)
    ahead: deque[dict[str, Any]] = notebook.__dict__.setdefault("_ahead", deque())
    if not ahead:
        displays: dict[str, dict[str, Any]] = {}
        idle = False
        while not idle:
            message = _read(notebook, timeout, stream)
            content = message["content"]
            name = content.get("transient", {}).get("display_id")
            if message["msg_type"] == "update_display_data" and name in displays:
                displays[name].update(data=content["data"], metadata=content["metadata"])
                continue
            if message["msg_type"] == "display_data" and name:
                displays[name] = content
            ahead.append(message)
            idle = content.get("execution_state") == "idle"
    return ahead.popleft()


IPyNbFile.get_kernel_message = _folded
