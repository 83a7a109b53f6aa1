"""The thread that writes a journal: all that waits goes into one transaction.

    put, claim, release ─▶ queue ─▶ BEGIN ─ answers ─ leases ─ COMMIT ─▶ the loop: each future is done

One statement writes many rows: between two statements the thread waits for the interpreter.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, NamedTuple

from ..errors import InputError
from . import lives
from .database import in_words

__all__ = ["MOST", "Claimed", "Writer"]

MOST = 300
"""Rows of one statement at most."""

PAUSE = 0.02
"""Seconds in which answers gather, unless all that were asked for have come: to wake the thread costs more than to keep
an answer."""


class Claimed(NamedTuple):
    """What came of asking for leases: the keys that are ours, those that have been answered, and those of others."""

    ours: set[bytes]
    answered: set[bytes]
    others: set[bytes]


class _Job(NamedTuple):
    kind: str
    what: Any
    done: asyncio.Future[Any] | None


class Writer:
    """Writes a journal on behalf of one run, which has `at_once` questions out at most.

    Each method returns at once, and may be called in the loop alone. `count` is how many answers are kept.
    """

    def __init__(self, database: sqlite3.Connection, path: Path, at_once: int, *, is_shared: bool) -> None:
        self.run, self.count, self._is_shared = lives.new_run(), 0, is_shared
        self._database, self._failure = database, f"the journal {path} cannot be written"
        self._jobs: SimpleQueue[list[_Job]] = SimpleQueue()
        self._next: list[_Job] = []
        self._at_once = min(at_once, MOST)
        self._is_busy = False
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._lives, self._beaten = lives.Lives(), 0.0
        self._thread = threading.Thread(target=self._work, name=lives.thread_name(self.run), daemon=True)
        self._thread.start()

    def put(self, key: bytes, entry: bytes) -> asyncio.Future[None]:
        """Keep an answer. The future is done once it is durable; or has an InputError."""
        return self._add("put", (key, entry), PAUSE)

    def claim(self, keys: Sequence[bytes]) -> asyncio.Future[Claimed]:
        """Lease questions, of dead runs, too; or has an InputError."""
        return self._add("claim", keys)

    def port(self, name: str, port: int) -> None:
        """Note a port of a server."""
        self._next.append(_Job("port", (name, port), None))

    def release(self, key: bytes) -> None:
        """Give a lease back."""
        if self._is_shared:
            self._next.append(_Job("release", key, None))

    def close(self) -> None:
        """Write what waits, give all leases back, and end. What cannot be written is lost, and was never promised."""
        self._jobs.put([*self._next, _Job("close", None, None)])
        self._next = []
        self._thread.join()

    def _add(self, kind: str, what: Any, pause: float = 0.0) -> asyncio.Future[Any]:
        done = self._loop.create_future()
        self._next.append(_Job(kind, what, done))
        if self._is_busy:
            return done
        if not pause or len(self._next) >= self._at_once:
            self._send()
        elif self._timer is None:
            self._timer = self._loop.call_later(pause, self._send)
        return done

    def _send(self) -> None:
        """Have the thread write what waits. It gets one list at a time: meanwhile the next one grows."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._next and not self._is_busy:
            self._is_busy = True
            self._jobs.put(self._next[:MOST])
            self._next = self._next[MOST:]

    def _settle(self, found: dict[asyncio.Future[Any], Any]) -> None:
        self._is_busy = False
        for future, result in found.items():
            if future.done():  # its task was cancelled
                continue
            if isinstance(result, InputError):
                future.set_exception(result)
            else:
                future.set_result(result)
        self._send()

    def _work(self) -> None:
        is_open = True
        while is_open:
            jobs = self._waiting()
            is_open = all(job.kind != "close" for job in jobs)
            try:
                with in_words(self._failure):
                    found = self._write(jobs, is_last=not is_open)
            except InputError as error:
                with suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
                found = dict.fromkeys((job.done for job in jobs if job.done), error)
            if jobs:
                with suppress(RuntimeError):  # the loop was closed meanwhile, and nobody waits
                    self._loop.call_soon_threadsafe(self._settle, found)

    def _waiting(self) -> list[_Job]:
        """Return what is to be written, once there is anything, or it is time to count."""
        with suppress(Empty):
            return self._jobs.get(timeout=lives.BEAT if self._is_shared else None)
        return []

    def _write(self, jobs: list[_Job], *, is_last: bool) -> dict[asyncio.Future[Any], Any]:
        """Write it all, and return what each future gets. Raises sqlite3.Error, and then nothing is written."""
        database = self._database
        puts = [job.what for job in jobs if job.kind == "put"]
        database.execute("BEGIN IMMEDIATE")
        if puts:
            places = ", ".join(["(?, ?, ?)"] * len(puts))
            values = [value for key, entry in puts for value in (key, self.run, entry)]
            database.execute(f"INSERT OR REPLACE INTO answers VALUES {places}", values)  # noqa: S608 - places alone
        if self._is_shared:
            self._end_leases([*(key for key, _ in puts), *(job.what for job in jobs if job.kind == "release")])
            self._count()
        for job in jobs:
            if job.kind == "port":
                database.execute("INSERT OR IGNORE INTO ports VALUES (?, ?)", job.what)
        found = {job.done: self._claimed(job.what) if job.kind == "claim" else None for job in jobs if job.done}
        if is_last and self._is_shared:
            lives.bury(database, self.run)
        database.execute("COMMIT")
        self.count += len(puts)
        return found

    def _count(self) -> None:
        if (now := monotonic()) - self._beaten >= lives.BEAT:
            self._beaten = now
            lives.beat(self._database, self.run)

    def _end_leases(self, keys: list[bytes]) -> None:
        if keys:
            query = f"DELETE FROM leases WHERE key IN ({_places(keys)}) AND run = ?"  # noqa: S608 - places alone
            self._database.execute(query, [*keys, self.run])

    def _claimed(self, keys: Sequence[bytes]) -> Claimed:
        """Lease those that nobody answers, or has answered."""
        database, among = self._database, f"WHERE key IN ({_places(keys)})"
        answered = {key for (key,) in database.execute(f"SELECT key FROM answers {among}", keys)}  # noqa: S608
        free = [key for key in keys if key not in answered]
        if free and not (taken := self._lease(free)):
            return Claimed(set(free), answered, set())
        if free:
            for run in self._lives.dead(database, self.run):
                lives.bury(database, run)
            taken = self._lease(free)
            return Claimed(set(free) - taken, answered, taken)
        return Claimed(set(), answered, set())

    def _lease(self, keys: list[bytes]) -> set[bytes]:
        """Lease the keys that are free. Return those that others have."""
        rows = ", ".join(["(?, ?)"] * len(keys))
        values = [value for key in keys for value in (key, self.run)]
        done = self._database.execute(f"INSERT OR IGNORE INTO leases VALUES {rows}", values)  # noqa: S608
        if done.rowcount == len(keys):
            return set()
        query = f"SELECT key FROM leases WHERE key IN ({_places(keys)}) AND run != ?"  # noqa: S608
        return {key for (key,) in self._database.execute(query, [*keys, self.run])}


def _places(keys: Iterable[bytes]) -> str:
    return ", ".join("?" for _ in keys)
