"""A signal wakes the loop of a kernel.

ipykernel (7.4) answers an interrupt of a cell that awaits by a callback of its loop, and does not wake the loop for it:
one that waits for a far side sleeps on until something else happens.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading

__all__ = ["wake_at_signals"]


def wake_at_signals(loop: asyncio.AbstractEventLoop) -> None:
    """Have each signal wake `loop`, from now on, unless one is woken already. Only the main thread gets signals."""
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        return
    before = signal.set_wakeup_fd(-1)
    if before != -1:
        signal.set_wakeup_fd(before, warn_on_full_buffer=False)
        return
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    loop.add_reader(read, os.read, read, 4096)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
