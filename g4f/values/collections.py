"""The text that a model gets for lists and dicts: JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from json import dumps
from typing import Any

from ..secrets.key import Key
from ..secrets.known import hides, is_environment
from ..secrets.scrubbing import Scrubber
from .kinds import is_array, is_bare, is_collection, is_excerpt, is_file, is_path, is_plan
from .room import CELL, Room

__all__ = ["DEEPEST", "collection"]

DEEPEST = 50
"""How deep lists and dicts may be nested."""


def collection(value: object, room: Room, scrubber: Scrubber) -> str:
    """Return a list, a dict or a set as JSON, with stars for secrets: as much of its beginning as there is room for."""
    # A tenth is left for what dumps adds, so that the end, which says what was left out, is not cut off itself.
    plain = _Plain(room.limit * 9 // 10, scrubber)
    text = dumps(plain.of(value), ensure_ascii=False)
    plain.note(room)
    return room.capped(text)


class _Plain:
    """The beginning of lists and dicts in types of JSON, until `limit` characters are used up."""

    def __init__(self, limit: int, scrubber: Scrubber) -> None:
        self._left, self._scrubber = limit, scrubber
        self._above: list[object] = []
        self._items, self._characters, self._files, self._excerpts, self._bare = [0, 0], [0, 0], 0, 0, 0

    def note(self, room: Room) -> None:
        """Note in `room` what was left out."""
        room.note(self._items[0], self._items[1], "items")
        room.note(self._characters[0], self._characters[1], "characters")
        if self._files:
            room.say(f"the names of {self._files:,} files in it were sent, not what they hold")
        if self._excerpts:
            room.say(f"only an excerpt of {self._excerpts:,} of its values was sent")
        if self._bare:
            room.say(f"of {self._bare:,} of its values only the type was sent, not what they hold")

    def of(self, value: Any) -> Any:
        """Return `value` in types of JSON: text where there is no such type, and the beginning of what is long."""
        if is_environment(value):
            return self._text(Key())
        if is_collection(value):
            return self._all(value)
        if is_array(value) and value.shape == ():
            value = value.item()  # numpy's numbers
        text = self._text(value)
        is_name = is_path(value) or is_file(value)
        self._files += is_name
        self._excerpts += is_excerpt(value, text)
        self._bare += not is_name and (is_bare(value, text) or is_plan(value))
        return value if value is None or type(value) in (bool, int, float) else text

    def _all(self, value: Any) -> Any:
        if any(value is each for each in self._above):
            return "…"
        if len(self._above) >= DEEPEST:
            self._count(self._items, 0, len(value))
            return "…"
        self._above.append(value)
        self._left -= 2
        before = [*self._items]
        plain: Any
        if isinstance(value, dict):
            plain = {self._text(key): self._item(key, item) for key, item in self._affordable(value.items())}
        else:
            plain = [self.of(item) for item in self._affordable(value)]
        self._above.pop()
        if len(plain) < len(value):
            self._items[:] = before  # what its last item lacks is among what it lacks itself
            self._count(self._items, len(plain), len(value))
            left = f"{len(value) - len(plain):,} more items"
            plain = plain | {"…": left} if isinstance(plain, dict) else [*plain, f"… {left}"]
        return plain

    def _item(self, key: object, item: Any) -> Any:
        return self._text(Key()) if hides(key, item) else self.of(item)

    def _affordable(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            if self._left <= 0:
                return
            yield item

    @staticmethod
    def _count(counts: list[int], sent: int, of: int) -> None:
        counts[0] += sent
        counts[1] += of

    def _text(self, value: object) -> str:
        whole = self._scrubber.stars() if isinstance(value, Key) else str(value)
        length = max(self._left, CELL)
        text = whole if len(whole) <= length else f"{whole[:length]}…"
        if text is not whole:
            self._count(self._characters, length, len(whole))
        self._left -= len(text) + 4  # with quotes, and what stands between two of them
        return text
