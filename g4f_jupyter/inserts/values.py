"""The text that a model gets for a value. It says what the value is, and is never much longer than its limit.

A type that says so itself (`_repr_llm_`) comes first, then the types known here, then `_repr_markdown_`, then `str`.
Of a large value only the beginning is read, and a line says how much was left out. pandas and numpy are recognized by
the names of their classes: a notebook that holds such a value has imported them.
"""

from __future__ import annotations

import inspect
import math
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from json import dumps
from types import ModuleType
from typing import Any

from g4f.errors import InputError, kind_of
from g4f.secrets.key import Key
from g4f.secrets.known import hides, is_environment, keys_here
from g4f.secrets.scrubbing import Scrubber

from .sources import capped, exception, module, source

__all__ = ["LIMIT", "blamed", "is_a", "text_of"]

LIMIT = 20_000
"""Most characters of one value."""

ROWS, COLUMNS, CELL = 50, 30, 200
"""Most rows and columns of a table, and most characters of one cell."""

_DEEPEST = 50
"""How deep lists and dicts may be nested."""


def text_of(value: object, name: str, *, limit: int = LIMIT, scrubber: Scrubber | None = None) -> str:
    """Return the text that a model gets for `value`, which the user knows as `name`.

    Beyond `limit` characters it is cut, and a line says how much is left out. Iterators are not consumed. Stars replace
    secrets, and the `scrubber` counts them. Raises InputError that names the value if its own code raises.
    """
    scrubber = Scrubber(keys_here()) if scrubber is None else scrubber
    if issubclass(type(value), Key) or is_environment(value):
        return scrubber.stars()
    with blamed(f"telling the model what {name} holds"):
        own = _own_text(value, "_repr_llm_")
        if own is not None:
            return scrubber.scrub(capped(own, limit))
        describe = next((describe for is_kind, describe in _DESCRIPTIONS if is_kind(value)), _other)
        return scrubber.scrub(describe(value, limit, scrubber))


@contextmanager
def blamed(step: str) -> Iterator[None]:
    """Turn any exception of the user's own code into an InputError of one line, which begins with `step`."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        line = " ".join("".join(traceback.format_exception_only(error)).split())
        raise InputError(f"{step} raised {_cut(line, CELL)}") from error


def is_a(value: object, package: str, name: str) -> bool:
    """Return whether the class `name` of that package, which need not be imported, is among those of `value`."""
    return any(each.__name__ == name and each.__module__.split(".")[0] == package for each in type(value).__mro__)


def _own_text(value: object, method: str) -> str | None:
    """Return the text that the method of that name on the type of `value` returns; None if there is none."""
    function = getattr(type(value), method, None)
    text = function(value) if callable(function) else None
    text = text[0] if isinstance(text, tuple) and text else text  # IPython allows metadata beside it
    if text is not None and not isinstance(text, str):
        raise TypeError(f"{method} must return a str, not {kind_of(text)}")
    return text


def _other(value: object, limit: int, _: Scrubber) -> str:
    text = _own_text(value, "_repr_markdown_")
    return capped(str(value) if text is None else text, limit)


def _bytes(value: bytes | bytearray, _: int, __: Scrubber) -> str:
    return f"{type(value).__name__} of length {len(value):,}, beginning with {bytes(value[:32])!r}"


def _json(value: object, limit: int, scrubber: Scrubber) -> str:
    # A tenth is left for what dumps adds, so that the end, which says what was left out, is not cut off itself.
    return capped(dumps(_Plain(limit * 9 // 10, scrubber).of(value), ensure_ascii=False), limit)


def _is_collection(value: object) -> bool:
    """Whether JSON has something like it; a named tuple shows its names itself."""
    return isinstance(value, dict | list | tuple | set | frozenset) and not hasattr(value, "_fields")


class _Plain:
    """The beginning of lists and dicts in types of JSON, until `limit` characters are used up."""

    def __init__(self, limit: int, scrubber: Scrubber) -> None:
        self._left, self._scrubber = limit, scrubber
        self._above: list[object] = []

    def of(self, value: Any) -> Any:
        """Return `value` in types of JSON: text where there is no such type, and the beginning of what is long."""
        if is_environment(value):
            return self._text(Key())
        if _is_collection(value):
            return self._all(value)
        if _is_array(value) and value.shape == ():
            value = value.item()  # numpy's numbers
        text = self._text(value)
        return value if value is None or type(value) in (bool, int, float) else text

    def _all(self, value: Any) -> Any:
        if len(self._above) >= _DEEPEST or any(value is each for each in self._above):
            return "…"
        self._above.append(value)
        self._left -= 2
        plain: Any
        if isinstance(value, dict):
            plain = {self._text(key): self._item(key, item) for key, item in self._affordable(value.items())}
        else:
            plain = [self.of(item) for item in self._affordable(value)]
        self._above.pop()
        if len(plain) < len(value):
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

    def _text(self, value: object) -> str:
        text = _cut(self._scrubber.stars() if isinstance(value, Key) else str(value), max(self._left, CELL))
        self._left -= len(text) + 4  # with quotes, and what stands between two of them
        return text


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}…"


def _is_array(value: object) -> bool:
    return hasattr(type(value), "shape") and hasattr(type(value), "dtype")


def _array(array: Any, limit: int, _: Scrubber) -> str:
    """Return shape, type and, abbreviated, the values of an array or tensor; a number is only itself."""
    if array.shape == ():
        return capped(str(array), limit)
    head = f"{type(array).__name__}, shape {tuple(array.shape)}, dtype {array.dtype}\n"
    if not is_a(array, "numpy", "ndarray"):
        return capped(f"{head}{array}", limit)
    with sys.modules["numpy"].printoptions(threshold=1000):  # the user's own may be to show all of them
        return capped(f"{head}{array}", limit)


def _frame(frame: Any, limit: int, scrubber: Scrubber) -> str:
    count, width = frame.shape
    return _table(frame, f"DataFrame, {count:,} rows x {width:,} columns", count, limit, scrubber)


def _series(series: Any, limit: int, scrubber: Scrubber) -> str:
    frame = series.iloc[:ROWS].to_frame("value" if series.name is None else series.name)
    return _table(frame, f"Series, {len(series):,} values", len(series), limit, scrubber)


def _table(frame: Any, title: str, count: int, limit: int, scrubber: Scrubber) -> str:
    """Return the first rows and columns as a table in Markdown, below `title` and their types. `count`: of all rows."""
    part = frame.iloc[:ROWS, :COLUMNS]
    columns = [part.iloc[:, at].array for at in range(part.shape[1])]
    names = [_cell(label, scrubber) for label in part.columns]
    types = ", ".join(f"{name} {column.dtype}" for name, column in zip(names, columns, strict=True))
    columns = [[Key()] * len(part) if hides(name, 0) else each for name, each in zip(names, columns, strict=True)]
    if not _only_counts(part.index):
        names.insert(0, ", ".join(_cell(name, scrubber) for name in part.index.names if name is not None))
        columns.insert(0, part.index)
    if not names:
        return title
    head = f"{title}. Types: {types}\n\n{_row(names)}\n{_row(['---'] * len(names))}"
    rows = (_row(_cell(value, scrubber) for value in row) for row in zip(*columns, strict=True))
    lines = list(_within(rows, limit - len(head)))
    more = ((count - len(lines), "rows"), (frame.shape[1] - part.shape[1], "columns"))
    left = ", ".join(f"{number:,} more {what}" for number, what in more if number)
    return "\n".join([capped(head, limit), *lines, *(["", f"… {left}"] if left else [])])


def _only_counts(index: Any) -> bool:
    """Whether an index only counts the rows from 0."""
    return is_a(index, "pandas", "RangeIndex") and index.name is None and index.start == 0 and index.step == 1


def _within(rows: Iterable[str], room: int) -> Iterator[str]:
    for row in rows:
        room -= len(row) + 1
        if room < 0:
            return
        yield row


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: Any, scrubber: Scrubber) -> str:
    if isinstance(value, Key):
        text = scrubber.stars()
    elif isinstance(value, float):
        text = "NaN" if math.isnan(value) else f"{value:.15g}"
    elif isinstance(value, str):
        text = value[: CELL + 1]
    elif isinstance(value, tuple):
        text = ", ".join(_cell(each, scrubber) for each in islice(value, CELL))
    elif _is_collection(value):
        text = _json(value, CELL, scrubber)
    else:
        text = str(value)
    return _cut(" ".join(text.split()), CELL).replace("|", r"\|")


def _of(*kinds: type) -> Callable[[object], bool]:
    return lambda value: isinstance(value, kinds)


_DESCRIPTIONS: tuple[tuple[Callable[[object], bool], Callable[[Any, int, Scrubber], str]], ...] = (
    (_of(str), lambda value, limit, _: capped(str(value), limit)),
    (_of(BaseException), lambda value, limit, _: exception(value, limit)),
    (_of(bytes, bytearray), _bytes),
    (_is_collection, _json),
    (_of(ModuleType), lambda value, limit, _: module(value, limit)),
    (
        lambda value: inspect.isclass(value) or inspect.isroutine(value),
        lambda value, limit, _: source(value, limit),
    ),
    (lambda value: is_a(value, "pandas", "DataFrame"), _frame),
    (lambda value: is_a(value, "pandas", "Series"), _series),
    (_is_array, _array),
)
"""Pairs: whether a value is of a kind, and what describes that kind. The first pair that fits counts."""
