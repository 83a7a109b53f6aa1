"""Small JSON files that outlive the notebook: read as a type, and written as a whole or not at all."""

from __future__ import annotations

from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, TypeVar

import msgspec

__all__ = ["read", "write"]

T = TypeVar("T")


def read(path: Path, kind: type[T]) -> T:
    """Return what is in the file. Raises OSError if it cannot be read, ValueError for what is no JSON of that kind."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def write(path: Path, value: Any) -> None:
    """Put `value` in the place of the file: who reads it meanwhile has the old one, whole. Raises OSError."""
    data = msgspec.json.format(msgspec.json.encode(value))
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", delete=False) as new:
        try:
            new.write(data)
            new.close()
            Path(new.name).replace(path)
        except OSError:
            Path(new.name).unlink()
            raise
