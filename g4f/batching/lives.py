"""Which runs on a journal are still at work: what a dead one was asking, others may ask.

No clock is compared with another one's, so none that jumps does harm. A run that is at work counts up in the journal.
One whose count stands still for a while, by the clock of who looks, is dead; so is, at once, one of this machine whose
process is gone.
"""

from __future__ import annotations

import os
import platform
import secrets
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path
from time import monotonic

__all__ = ["BEAT", "Lives", "beat", "bury", "new_run", "thread_name"]

BEAT = 2.0
"""Seconds between two counts of a run that is at work."""

EXPIRES = 30.0
"""Seconds after which a run is dead that does not count."""


def new_run() -> int:
    """Return the number of a run that begins."""
    return secrets.randbits(62)


def beat(database: sqlite3.Connection, run: int) -> None:
    """Count: the run lives."""
    database.execute(
        "INSERT INTO runs VALUES (?, ?, ?, 0) ON CONFLICT (run) DO UPDATE SET beat = beat + 1",
        (run, _here(), os.getpid()),
    )


def bury(database: sqlite3.Connection, run: int) -> None:
    """Give back what a run has leased, and forget it."""
    database.execute("DELETE FROM leases WHERE run = ?", (run,))
    database.execute("DELETE FROM runs WHERE run = ?", (run,))


def thread_name(run: int) -> str:
    """Return the name of the thread that writes for a run: while there is one, the run lives."""
    return f"g4f journal {run}"


class Lives:
    """What one run has seen of the others."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, float]] = {}

    def dead(self, database: sqlite3.Connection, own: int) -> list[int]:
        """Return the runs that have leases, and do not live."""
        query = "SELECT DISTINCT leases.run, place, pid, beat FROM leases LEFT JOIN runs USING (run)"
        found = [each for each in database.execute(query) if each[0] != own]
        return [run for run, place, pid, count in found if place is None or not self._lives(run, place, pid, count)]

    def _lives(self, run: int, place: str, pid: int, count: int) -> bool:
        if place == _here() and not _is_there(pid, run):
            return False
        now = monotonic()
        if self._seen.get(run, (None, 0.0))[0] != count:
            self._seen[run] = count, now
        return now - self._seen[run][1] < EXPIRES


def _here() -> str:
    """Return where the ids of processes mean what they mean here."""
    space = ""
    with suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink())
    return f"{platform.node()} {space}"


def _is_there(pid: int, run: int) -> bool:
    if pid == os.getpid():
        return any(thread.name == thread_name(run) for thread in threading.enumerate())
    if os.name != "posix":  # there, a signal 0 would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
