"""What a function returned, as what the model gets: JSON, at most `LIMIT` bytes of it, and images."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from itertools import islice
from typing import Any

import msgspec

from ..errors import InputError, kind_of
from ..images import image_part
from ..printable import counted
from ..wire import plain, whole
from .tool import Result

__all__ = ["LIMIT", "ROWS", "bounded", "failure", "items_of", "result_of"]

LIMIT = 2**15
"""Bytes of a result at most: it is paid for in every later request."""

ROWS = 500
"""Rows of a table at most."""

MOST = 10_000
"""Items of a generator at most: it need not end."""

_DRAWN = ("savefig", "getbands", "_repr_png_", "_repr_jpeg_")
"""What has one of these, itself or its `figure`, is an image."""


def result_of(value: Any) -> Result:
    """Return what a function returned: a text as it is, an image, or a list of some, as images, all else as JSON.

    Of a generator, or another iterator, these are its items.
    """
    note = ""
    if isinstance(value, Iterator) and not hasattr(value, "read"):  # a file is one of its own kind
        value, note = _items(list(islice(value, MOST + 1)))
    if isinstance(value, Result):
        return msgspec.structs.replace(value, text=bounded(value.text))
    if isinstance(value, str):
        return Result(bounded(value))
    values = list(value) if isinstance(value, list | tuple) else [value]
    if values and all(map(_is_drawn, values)) and (urls := _urls(values)):
        return Result(f"{counted(len(urls), 'image')}", urls)
    return Result(_json(value, note))


async def items_of(items: AsyncGenerator[Any, Any]) -> Iterator[Any]:
    """Return an iterator of the items of an async generator, as many as `result_of` takes."""
    found: list[Any] = []
    async with aclosing(items):
        async for item in items:
            found.append(item)
            if len(found) > MOST:
                break
    return iter(found)


def _items(items: list[Any]) -> tuple[list[Any], str]:
    """Return the items of an iterator, and a note if it has more."""
    return items[:MOST], f"[the first {MOST:,} items]" if len(items) > MOST else ""


def failure(error: BaseException) -> Result:
    """Return what the model gets for an exception."""
    text = str(error)
    return Result(bounded(f"{type(error).__name__}: {text}" if text else type(error).__name__), failed=True)


def bounded(text: str, note: str = "") -> str:
    """Return `text`, or its beginning with a note that says how much of it is left out."""
    text = whole(text)
    if len(text) * 4 > LIMIT and len(data := text.encode()) > LIMIT:
        size = f"{len(data) / 1024:,.0f} KB"
        note = f"[cut: the first {LIMIT // 1024} KB of {size}]{f' {note}' if note else ''}"
        text = data[:LIMIT].decode(errors="ignore")
    return f"{text}\n{note}" if note else text


def _is_drawn(value: Any) -> bool:
    if isinstance(value, type | str | int | float | dict):
        return False
    return any(hasattr(value, name) or hasattr(getattr(value, "figure", None), name) for name in _DRAWN)


def _urls(values: list[Any]) -> tuple[str, ...]:
    """Return the images of values as data URLs, each once: axes have the image of their figure."""
    try:
        urls = [image_part(value)["image_url"]["url"] for value in values]
    except InputError:
        return ()
    return tuple(dict.fromkeys(urls))


def _json(value: Any, note: str) -> str:
    value, of_table = _table(value)
    try:
        text = _ENCODER.encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError):
        text = repr(value)
    return bounded(text, of_table or note)


def _table(value: Any) -> tuple[Any, str]:
    """Return a table of pandas or polars as a list of its first rows, and a note if it has more."""
    rows: Callable[[], Any] | None = None
    head = getattr(value, "head", None)
    if callable(head) and hasattr(value, "shape") and not isinstance(value, type):
        first = head(ROWS)
        if hasattr(first, "to_dicts"):
            rows = first.to_dicts
        elif hasattr(first, "to_dict"):
            rows = lambda: first.reset_index().to_dict("records") if hasattr(first, "columns") else first.to_dict()  # noqa: E731
        elif hasattr(first, "to_list"):
            rows = first.to_list
    if rows is None:
        return value, ""
    count = len(value)
    return rows(), f"[the first {ROWS} of {counted(count, 'row')}]" if count > ROWS else ""


def _other(value: Any) -> Any:
    try:
        return plain(value)
    except TypeError:
        has_text = any("__str__" in vars(kind) or "__repr__" in vars(kind) for kind in type(value).__mro__[:-1])
        return str(value) if has_text else f"<{kind_of(value)}>"


_ENCODER = msgspec.json.Encoder(enc_hook=_other, decimal_format="number")
