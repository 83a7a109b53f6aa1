"""The file of a journal: an SQLite database in WAL mode.

answers   an answer by its key: the line that a tape would have of it, and the run that asked
leases    which run is asking which question
runs      the runs that are at work: the process of each, and a count that goes up while it lives
ports     which ports the servers had whose ports the system chose; see `taping.ports`
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError
from ..files import beginning, check_writable, in_one_line, resolve, state
from ..locks import held

__all__ = ["PATIENCE", "checked", "connected", "in_words", "opened"]

MARK = 0x67346A31
"""What the header of an SQLite database has as its application's own number: "g4j1"."""

VERSION = 1

PATIENCE = 60.0
"""Seconds that a writer waits for another one."""

_HEADER = b"SQLite format 3\0"

_TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, run INTEGER NOT NULL, entry BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS leases (key BLOB PRIMARY KEY, run INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs
    (run INTEGER PRIMARY KEY, place TEXT NOT NULL, pid INTEGER NOT NULL, beat INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS ports (name TEXT NOT NULL, port INTEGER NOT NULL, PRIMARY KEY (name, port)) WITHOUT ROWID;
PRAGMA application_id = {MARK};
PRAGMA user_version = {VERSION};
COMMIT;
"""


def checked(named: object) -> Path:
    """Return where a journal is, or will be. Raises InputError in one line for what cannot be one."""
    failure = f"the journal {named} cannot be used"
    path = resolve(named, failure)  # type: ignore[arg-type]
    for each in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
        check_writable(each, failure)
    if any(state(path, failure)[2:]) and beginning(path, failure, len(_HEADER)) != _HEADER:
        raise InputError(f"{failure}: it is another file, and no journal. Name a new file, such as topics.sqlite")
    return path


def opened(path: Path, *, is_kept: bool = True) -> sqlite3.Connection:
    """Return a connection to a journal, which is made if it is not there. Raises InputError.

    Where it `is_kept`, what is committed survives the power's failing.
    """
    failure = f"the journal {path} cannot be used"
    with in_words(failure), held(path, failure):  # two that switch to WAL at once do not wait for each other
        found = connected(path)
        try:
            _prepare(found, failure)
        except (InputError, sqlite3.Error):
            found.close()
            raise
        found.execute(f"PRAGMA synchronous = {'FULL' if is_kept else 'OFF'}")
    return found


def connected(path: Path) -> sqlite3.Connection:
    """Return a connection as it is. One thread at a time may use it. Raises sqlite3.Error."""
    return sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False, cached_statements=256)


def _check(found: sqlite3.Connection, failure: str) -> None:
    """Raise InputError for a database of another program, and for one of a newer version."""
    (mark,), (version,) = (found.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version"))
    is_empty = found.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    if mark != MARK and not (is_empty and mark == version == 0):
        raise InputError(f"{failure}: it is the database of another program. Name a new file, such as topics.sqlite")
    if version > VERSION:
        raise InputError(
            f"{failure}: it is of version {version}, and this g4f reads {VERSION}: pip install --upgrade g4f-jupyter"
        )


def _prepare(found: sqlite3.Connection, failure: str) -> None:
    _check(found, failure)
    if found.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
        raise InputError(f"{failure}: {_UNSHARED}")
    if found.execute("PRAGMA user_version").fetchone() == (0,):
        found.executescript(_TABLES)


@contextmanager
def in_words(failure: str) -> Iterator[None]:
    """Raise InputError in one line for what goes wrong in SQLite."""
    with in_one_line(failure):
        try:
            yield
        except sqlite3.Error as error:
            raise InputError(f"{failure}: {_WORDS.get(str(error), str(error))}") from None


_UNSHARED = "its folder takes no shared database. Name a file on a disk of this machine"

_WORDS = {
    "database is locked": "another process has it, and does not give it back",
    "file is not a database": "it is damaged, or no journal",
    "locking protocol": _UNSHARED,
}
