"""Files that one process changes at a time."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .files import check_own, in_one_line

__all__ = ["held"]

if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)


_HOLD = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@contextmanager
def held(path: Path, failure: str) -> Iterator[None]:
    """Keep other processes, and other threads, from holding the file: by one beside it, gone afterwards.

    Raises InputError if that cannot be made.
    """
    lock = path.with_name(f"{path.name}.lock")
    with in_one_line(f"{failure} because of its lock {lock.name}"):
        file = _locked(lock)
    with file:
        try:
            yield
        finally:
            with suppress(PermissionError):  # of Windows, where an open file stays
                lock.unlink()


def _locked(path: Path) -> BinaryIO:
    while True:
        with suppress(FileNotFoundError):
            check_own(path.lstat(), path)
        with ExitStack() as failed:
            file = failed.enter_context(os.fdopen(os.open(path, _HOLD, 0o666), "wb"))
            check_own(os.fstat(file.fileno()), path)
            _lock(file)
            if _is_at(file, path):  # else who held it before has removed it
                failed.pop_all()
                return file


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except FileNotFoundError:
        return False
