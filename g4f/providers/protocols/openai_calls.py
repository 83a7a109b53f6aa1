"""The tool calls of chat completions, which servers number as they like: which pieces belong together. No I/O."""

from __future__ import annotations

from typing import Any

import msgspec

from ...wire import decoded

__all__ = ["Call", "Calls", "Function"]


class Function(msgspec.Struct, gc=False):
    """A piece of a function's name and arguments, as it came."""

    name: str | None = None
    arguments: Any = None


class Call(msgspec.Struct, gc=False):
    """A piece of a call, as it came."""

    index: Any = None
    id: Any = None
    function: Function | None = None


class _Begun:
    """A call, as far as it has come."""

    __slots__ = ("id", "name", "number", "pieces")

    def __init__(self, number: int) -> None:
        self.number, self.id, self.name = number, "", ""
        self.pieces: list[str] = []

    def ends_before(self, id_: str, name: str, arguments: str) -> bool:
        """Whether such a piece does not belong to this call any more, but begins another one."""
        if name and self.name and name != self.name:
            return True
        if id_ and self.id and id_ != self.id:
            return bool(name) or self._is_whole()
        return bool(name and self.name) and arguments.lstrip().startswith("{") and self._is_whole()

    def _is_whole(self) -> bool:
        if not self.pieces or not self.pieces[-1].rstrip().endswith("}"):
            return False
        try:
            return isinstance(decoded("".join(self.pieces)), dict)
        except msgspec.DecodeError:
            return False


class Calls:
    """The calls of one answer. A number of the server's is taken for what it is where nothing speaks against it."""

    __slots__ = ("_all", "_by_id", "_by_index")

    def __init__(self) -> None:
        self._all: list[_Begun] = []
        self._by_id: dict[str, _Begun] = {}
        self._by_index: dict[Any, _Begun] = {}

    def __len__(self) -> int:
        return len(self._all)

    def number(self, index: object, id_: str, name: str, arguments: str) -> int:
        """Return the number of the call that a piece belongs to."""
        key = index if isinstance(index, int | float | str) else None
        begun = self._by_id.get(id_) or self._by_index.get(key)
        if begun is None and self._all and not name and (not id_ or key is None):
            begun = self._all[-1]  # it goes on with the last call
        if begun is None or begun.ends_before(id_, name, arguments):
            begun = _Begun(len(self._all))
            self._all.append(begun)
        begun.id, begun.name = id_ or begun.id, name or begun.name
        begun.pieces.append(arguments)
        self._by_id[begun.id] = self._by_index[key] = begun
        self._by_id.pop("", None)
        return begun.number
