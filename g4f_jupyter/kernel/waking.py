"""A signal wakes the loop of a kernel.

ipykernel (7.4) handles an interrupt of an awaiting cell in a callback of its loop, but does not wake the loop: one that
waits on the network sleeps on until something else happens. Python writes a byte to the wakeup fd at each signal, and
the loop reads it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading

__all__ = ["wake_at_signals"]


def wake_at_signals(loop: asyncio.AbstractEventLoop) -> None:
    """Have each signal wake `loop` from now on, unless signals wake another one already.

    Only the main thread gets signals: in another one nothing is done.
    """
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
