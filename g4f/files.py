"""Files that are read, and files that are replaced: regular ones only, as a whole, and without waiting for anybody.

Where a file is expected there may be a device, a pipe that nobody writes to, or a link that somebody else has put into
a common folder. None of them is opened, followed or replaced. Each function takes `failure`, the beginning of the line
of its error ("the tape x.jsonl cannot be read"), which ends with the reason.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from errno import EACCES, EFBIG, EINVAL, EISDIR, EPERM
from pathlib import Path
from secrets import token_hex
from typing import Any, BinaryIO, TypeAlias, TypeVar

import msgspec

from . import wire
from .errors import InputError

__all__ = [
    "append",
    "beginning",
    "check_own",
    "check_writable",
    "decoded",
    "dump",
    "in_one_line",
    "load",
    "opened",
    "read",
    "replace",
    "resolve",
    "state",
]

T = TypeVar("T")

Named: TypeAlias = str | os.PathLike[str]

LARGEST = 2**28
"""Bytes of a file at most: it is read as a whole."""

_LONG = 200
"""Characters of a reason at most, and of either end of what stands before it."""

_BOM = b"\xef\xbb\xbf"
"""What some editors put before a text."""

_TOO_MUCH = f"more than {LARGEST >> 20} MB"

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_ADD = os.O_RDWR | os.O_CREAT | _READ | getattr(os, "O_NOFOLLOW", 0)
"""How a file is opened: a pipe may have come into its place just now, and waits for somebody at its other end."""

_KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFLNK: "a link"}


def read(path: Named, failure: str, missing: bytes | None = None) -> bytes:
    """Return what is in the file, without a byte order mark; where there is none, `missing` if given.

    Raises InputError.
    """
    with in_one_line(failure):
        try:
            return _read(path).removeprefix(_BOM)
        except FileNotFoundError:
            if missing is None:
                raise
            return missing


def beginning(path: Named, failure: str, count: int) -> bytes:
    """Return the first `count` bytes of the file, however large it is. Raises InputError."""
    with in_one_line(failure):
        return _read(path, count)


@contextmanager
def opened(path: Named, failure: str) -> Iterator[tuple[BinaryIO, tuple[int, ...]]]:
    """Open the file, to be read piece by piece, behind a byte order mark. Yield it with what `state` returns for it.

    Raises InputError, also for what fails while it is read.
    """
    with in_one_line(failure), _open(_path(path)) as file:
        file.seek(len(_BOM) * (file.read(len(_BOM)) == _BOM))
        yield file, _state(os.fstat(file.fileno()))


def load(path: Named, kind: type[T], failure: str, missing: bytes | None = None) -> T:
    """Return what is in a file of JSON; `missing` as `read` has it. Raises InputError, also for what is no `kind`."""
    return decoded(read(path, failure, missing), kind, failure)


def decoded(data: str | bytes, kind: type[T], failure: str) -> T:
    """Return what is in a text of JSON. Raises InputError."""
    with in_one_line(failure):
        if isinstance(data, str):
            data = data.encode().removeprefix(_BOM)
        found: T = wire.decoded(data, kind)
        return found


def resolve(path: Named, failure: str) -> Path:
    """Return where a file is, or will be, that is written as well as read: the user's own links are followed.

    Raises InputError for a link or a file that another user may have put there.
    """
    with in_one_line(failure):
        named = _path(path)
        found = Path(os.path.realpath(named))
        for each in (found, *(each for each in (named, *named.parents) if each.is_symlink())):
            with suppress(FileNotFoundError):
                _check_owner(each.lstat(), each.parent)
        return found


def state(path: Path, failure: str) -> tuple[int, ...]:
    """Return what is another as soon as the file is; () where none is. Raises InputError."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise _error(failure, error.strerror or "") from None
    return _state(found)


def _state(found: os.stat_result) -> tuple[int, ...]:
    return found.st_ino, found.st_mtime_ns, found.st_size


def check_writable(path: Path, failure: str) -> None:
    """Raise InputError if it can be failure now that the file cannot be replaced. `path` is what `resolve` returned."""
    with in_one_line(failure):
        _replaced(path)


def append(path: Path, line: bytes, failure: str) -> None:
    """Add a line to the file, which need not be there yet: any reader finds it at the end, or does not find it yet.

    `path` is what `resolve` returned, and is held. A part of a line that a killed process left at the end stays a line
    of its own. Raises InputError, and then the file is as it was.
    """
    with in_one_line(failure):
        _replaced(path)
        with os.fdopen(os.open(path, _ADD, 0o666), "r+b", buffering=0) as file:
            check_own(os.fstat(file.fileno()), path)
            end = file.seek(0, os.SEEK_END)
            if end + len(line) > LARGEST:
                raise OSError(EFBIG, f"it would have {_TOO_MUCH}")
            file.seek(max(end - 1, 0))
            rest = memoryview(line if file.read(1) in (b"", b"\n") else b"\n" + line)
            try:
                while rest:
                    rest = rest[file.write(rest) :]
            except OSError:
                file.truncate(end)
                raise


def replace(path: Path, data: bytes | Iterable[bytes], failure: str) -> None:
    """Put `data` in the place of the file, which keeps its mode: any reader finds the old one or the new one, whole.

    `path` is what `resolve` returned. Raises InputError, and then the old file is still there.
    """
    with in_one_line(failure):
        before = _replaced(path)
        new = path.with_name(f".g4f-{token_hex(8)}.new")
        try:
            with new.open("xb") as file:
                file.writelines([data] if isinstance(data, bytes) else data)
                if file.tell() > LARGEST:
                    raise OSError(EFBIG, f"it would have {_TOO_MUCH}")
            if before is not None:
                new.chmod(before.st_mode & 0o777)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)


def dump(path: Path, value: Any, failure: str) -> None:
    """Put `value`, as JSON that people can read, in the place of the file, as `replace` does."""
    replace(path, msgspec.json.format(msgspec.json.encode(value)), failure)


@contextmanager
def in_one_line(failure: str) -> Iterator[None]:
    """Raise InputError in one line for what goes wrong with a file."""
    try:
        yield
    except InputError:
        raise
    except RecursionError:
        raise _error(failure, "it is nested too deeply") from None
    except (OSError, ValueError, RuntimeError, TypeError) as error:  # of a name that is none, or an unknown ~name
        raise _error(failure, str(getattr(error, "strerror", None) or error).strip() or type(error).__name__) from None


def _error(failure: str, why: str) -> InputError:
    """Return an error of one line, however long a name is, and whatever characters it has."""
    failure = failure if len(failure) < 2 * _LONG else f"{failure[:_LONG]}…{failure[-_LONG:]}"
    return InputError(f"{failure}: {why.splitlines()[0][:_LONG]}")


def _path(named: Named) -> Path:
    path = Path(named).expanduser()
    if "\0" in str(path):
        raise ValueError("embedded null byte")  # in one and the same wording, whatever is asked of the system
    return path


def _read(named: Named, count: int = -1) -> bytes:
    with _open(_path(named), is_whole=count < 0) as file:
        return file.read(count) or b""  # None of a file of the system's own that has nothing just now


@contextmanager
def _open(path: Path, *, is_whole: bool = True) -> Iterator[BinaryIO]:
    _check_regular(path.stat())  # before, because a device may do something when it is opened
    with os.fdopen(os.open(path, _READ), "rb") as file:
        found = os.fstat(file.fileno())
        _check_regular(found)
        if is_whole and found.st_size > LARGEST:
            raise OSError(EFBIG, f"it has {_TOO_MUCH}")
        yield file


def _replaced(path: Path) -> os.stat_result | None:
    """Return what is at `path`, None if nothing is. Raises OSError if it cannot be replaced."""
    found = None
    with suppress(FileNotFoundError):
        found = path.lstat()
        check_own(found, path)
    for place in (path.parent, *([path] if found else [])):
        read_only = not place.stat().st_mode & 0o222  # which root could write all the same
        if read_only or not os.access(place, os.W_OK):
            raise PermissionError(EACCES, os.strerror(EACCES))
    return found


def check_own(found: os.stat_result, path: Path) -> None:
    """Raise OSError for what is no regular file, or for another user's file in a common folder."""
    _check_regular(found)
    _check_owner(found, path.parent)


def _check_regular(found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(
            EINVAL, f"it is {_KINDS.get(stat.S_IFMT(found.st_mode), 'a device')}, not a regular file: name another"
        )


def _check_owner(found: os.stat_result, folder: Path) -> None:
    """Raise PermissionError for what belongs to somebody else where everybody may write.

    The kernel refuses the same where its `protected_symlinks` and `protected_regular` are on.
    """
    beside = folder.stat()
    open_to_all = beside.st_mode if stat.S_ISLNK(found.st_mode) else beside.st_mode | found.st_mode
    if found.st_uid not in (0, beside.st_uid, getattr(os, "geteuid", int)()) and open_to_all & 0o002:
        raise PermissionError(EPERM, "it is of another user, and everybody may write there: name a file of your own")
