"""Files that a caller gives → what is sent of them: paths, patterns, addresses, open files, bytes, lists of these."""

from __future__ import annotations

import os
from collections.abc import Iterator
from glob import glob, has_magic
from io import IOBase
from os import PathLike, fsdecode
from pathlib import Path
from stat import S_ISREG
from typing import Any
from urllib.parse import unquote, urlsplit

from ..errors import InputError, close_matches, kind_of
from ..files import LARGEST as WHOLE
from ..files import in_one_line, opened, state
from ..printable import one_line
from ..providers.access import shown
from ..secrets.known import keys_here
from ..secrets.scrubbing import Scrubber
from .attached import AttachedFile, Reading
from .contents import LARGEST, take
from .private import check_name
from .reading import LIMIT

__all__ = ["attach"]

MOST = 100
"""Files of a question at most."""

_TEXTS = 10
"""How many times the limit of one text all of them together may have."""

_WANTED = "a path, an address, an open file, bytes, or a list of these"
_INSTEAD = "Put its text into the question if you mean it."


def attach(
    given: Any, *, limit: int = LIMIT, scrubber: Scrubber | None = None, force: bool = False, instead: str = _INSTEAD
) -> list[AttachedFile]:
    """Return what is sent of the files, each once. Those that an address names are fetched later; see `fetching`.

    A text is a path, a pattern such as "data/**/*.csv", or an http(s) address. At most `limit` characters of a text are
    sent, with stars that the `scrubber` puts in the place of secrets. Files that hold keys or passwords are refused,
    unless `force` says otherwise; `instead` is what to do then. Raises InputError in one line.
    """
    how = Reading(limit, scrubber or Scrubber(keys_here()), force, instead)
    files: dict[object, AttachedFile] = {}
    for each in _flat(given, ()):
        for key, file in _attached(each, how):
            files.setdefault(key, file)
            if len(files) > MOST:
                raise InputError(f"a question may have {MOST} files at most: name fewer of them")
    found = list(files.values())
    _check_sum(found, limit)
    return found


def _check_sum(files: list[AttachedFile], limit: int) -> None:
    whole = sum(file.size for file in files if file.url)
    if whole > LARGEST:
        raise InputError(
            f"the files have {whole / 2**20:,.1f} MB together: "
            f"at most {LARGEST >> 20} MB of PDFs, images and sound are sent"
        )
    characters = sum(len(file.text) for file in files if not file.url)
    if len(files) > 1 and characters > _TEXTS * limit:
        raise InputError(f"the files have {characters:,} characters together: at most {_TEXTS * limit:,} are sent")


def _flat(given: Any, above: tuple[int, ...]) -> Iterator[Any]:
    if not isinstance(given, list | tuple):
        yield given
    elif id(given) in above:
        raise InputError("a list of files contains itself")
    else:
        for each in given:
            yield from _flat(each, (*above, id(given)))


def _attached(given: Any, how: Reading) -> Iterator[tuple[object, AttachedFile]]:
    """Yield what is sent of a file, or of each that a pattern names, with what is the same if it is the same file."""
    if isinstance(given, AttachedFile):
        yield id(given), given
    elif isinstance(given, str) and "://" in given[:12]:
        yield str(given), _address(given, how)
    elif isinstance(given, str | PathLike):
        for path in _paths(given):
            yield _from_path(path, how)
    elif isinstance(given, bytes | bytearray | memoryview):
        yield id(given), _taken("attachment", bytes(given), how)
    elif isinstance(given, IOBase) or callable(getattr(given, "read", None)):
        yield _from_open(given, how)
    else:
        more = ": write it in braces in the question" if hasattr(type(given), "shape") else f": give {_WANTED}"
        raise InputError(f"{kind_of(given)} is no file{more}")


def _taken(name: str, data: bytes, how: Reading) -> AttachedFile:
    file = AttachedFile(name)
    file.read_as(how)
    take(file, data)
    return file


def _address(given: str, how: Reading) -> AttachedFile:
    scheme = given.partition("://")[0]
    if scheme.lower() not in ("http", "https"):
        raise InputError(f"{one_line(scheme)}:// cannot be attached: give an http(s) address, or the path of a file")
    address = shown(given.strip())  # without its password
    if address == "***":
        raise InputError("this is no http(s) address: give one like https://host/report.pdf")
    parts = urlsplit(address)
    name = one_line(unquote(parts.path.rstrip("/").rpartition("/")[2])) or parts.netloc
    if not how.force:
        check_name(Path(name), name, how.instead)
    file = AttachedFile(name)
    file.read_as(how._replace(address=given, late=True))
    return file


def _paths(given: str | PathLike[Any]) -> list[str]:
    """Return the path, or those of the files that match a pattern, in order. Raises InputError if there is none."""
    named = os.fspath(given)
    path = os.path.expanduser(fsdecode(named))  # noqa: PTH111 - a Path would drop what ends a pattern
    if not path.strip():
        raise InputError("a file has an empty name: give its path")
    if not isinstance(given, str) or not has_magic(path) or os.path.lexists(path):
        return [path]
    with in_one_line(f"{one_line(path)[:200]!r} cannot be attached"):
        matching = sorted(glob(path, recursive=True))  # noqa: PTH207 - a Path has no pattern that begins with / or ~
        found = [each for each in matching if not Path(each).is_dir()]
    if not found:
        raise InputError(f"no file matches {one_line(path)[:200]!r} in {Path.cwd()}")
    if len(found) > MOST:
        raise InputError(f"{one_line(path)[:200]!r} matches {len(found):,} files: at most {MOST} can be attached")
    return found


def _from_path(path: str, how: Reading) -> tuple[object, AttachedFile]:
    name = _named(path)
    failure = f"{name} cannot be attached"
    with in_one_line(failure):
        real = Path(path).resolve()
        if not real.exists():
            beside = [each.name for each in real.parent.iterdir()] if real.parent.is_dir() else []
            raise InputError(f"there is no file {one_line(path)[-200:]!r}.{close_matches(real.name, beside)}")
        if real.is_dir():
            raise InputError(f"{name} is a folder: name its files, as in {name.rstrip('/')}/*.csv")
    for each in () if how.force else {Path(path), real}:
        check_name(each, name, how.instead)
    data = _read(real, name, failure)
    found = real.stat()
    return (found.st_dev, found.st_ino), _taken(name, data, how)


def _named(path: str) -> str:
    """Return how a file is called in the question: by its path from here, or by its name alone."""
    plain = Path(path)
    is_here = not plain.is_absolute() and ".." not in plain.parts and not path.startswith("~")
    return one_line(plain.as_posix() if is_here else plain.name) or "file"


def _read(path: Path, name: str, failure: str) -> bytes:
    """Return what is in a file, as it was from the beginning of reading to its end. Raises InputError."""
    with opened(path, failure) as (file, before):
        file.seek(0)
        data = file.read()
    if state(path, failure) != before:
        raise InputError(f"{name} changed while it was read: try again, or attach a copy")
    return data


def _from_open(file: Any, how: Reading) -> tuple[object, AttachedFile]:
    """Return what is sent of an open file: all of it, wherever its reader is, who goes on from there."""
    path = getattr(file, "name", "")
    name = _named(path) if isinstance(path, str) and path else "attachment"
    failure = f"{name}, an open file, cannot be attached"
    if not how.force:
        check_name(Path(name), name, how.instead)
    with in_one_line(failure):
        if file.closed:
            raise InputError(f"{failure}: it is closed, give its path")
        if not file.seekable() or not _is_regular(file):
            raise InputError(f"{failure}: it is a pipe or a device, give what it holds as bytes")
        at = file.tell()
        file.seek(0)
        try:
            data = file.read(WHOLE + 1)
        finally:
            file.seek(at)
    if len(data) > WHOLE:
        raise InputError(f"{name} has more than {WHOLE >> 20} MB: attach a part of it")
    return id(file), _taken(name, data.encode() if isinstance(data, str) else bytes(data), how)


def _is_regular(file: Any) -> bool:
    try:
        return S_ISREG(os.fstat(file.fileno()).st_mode)
    except (OSError, AttributeError, ValueError):  # it is in memory
        return True
