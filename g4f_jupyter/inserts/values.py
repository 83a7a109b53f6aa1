"""The text that a model gets for a value. It says what the value is, and is never much longer than its limit.

A type that says so itself (`_repr_llm_`) comes first, then the types known here, then `_repr_markdown_`, then `str`.
Of a large value only the beginning is read, and a line says how much was left out; so does `Room`, for the reader. A
path or an open file, which a reader may take for what it holds, is refused.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

from g4f.braces import Form
from g4f.errors import InputError, kind_of
from g4f.secrets.key import Key
from g4f.secrets.known import hides, is_environment, keys_here
from g4f.secrets.scrubbing import Scrubber

from .collections import CELL, DEEPEST, collection
from .kinds import (
    is_array,
    is_bare,
    is_collection,
    is_column,
    is_excerpt,
    is_file,
    is_frame,
    is_path,
    is_plan,
)
from .room import Room
from .sources import exception, module, source
from .tables import array, frame, series

__all__ = ["LIMIT", "blamed", "text_of"]

LIMIT = 20_000
"""Most characters of one value."""


def text_of(
    value: object,
    name: str,
    *,
    form: Form | None = None,
    limit: int = LIMIT,
    scrubber: Scrubber | None = None,
    left_out: list[str] | None = None,
) -> str:
    """Return the text that a model gets for `value`, which the user knows as `name`, written in that `form`.

    Beyond `limit` characters it is cut, and a line says how much is left out; `left_out` gets lines for the reader of
    the answer. Iterators are not consumed. Stars replace secrets, and the `scrubber` counts them. Raises InputError
    that names the value if its own code raises, and for a path or an open file.
    """
    scrubber = Scrubber(keys_here()) if scrubber is None else scrubber
    if issubclass(type(value), Key) or is_environment(value):
        return scrubber.stars()
    room = Room(name, limit)
    with blamed(f"telling the model what {name} holds"):
        if form is not None and not ((is_frame(value) or is_column(value)) and not form.spec):
            text = _capped(value, _formatted(value, form, scrubber), room)
        elif (own := _own_text(value, "_repr_llm_")) is not None:
            text = room.capped(own)
        else:
            describe = next((describe for is_kind, describe in _DESCRIPTIONS if is_kind(value)), _other)
            text = describe(value, room, scrubber)
        text = scrubber.scrub(text)
    if left_out is not None:
        left_out.extend(line for line in room.left_out() if line not in left_out)
    return text if form is None or not form.shows else f"{name}={text}"


def _formatted(value: Any, form: Form, scrubber: Scrubber) -> str:
    """Return `value` as an f-string writes it, with stars for the secrets in it."""
    value = scrubber.scrub(value) if isinstance(value, str) else _starred(value, scrubber, DEEPEST)
    if conversion := form.conversion or ("r" if form.shows and not form.spec else ""):
        value = _CONVERSIONS[conversion](value)
    return format(value, form.spec)


_CONVERSIONS: dict[str, Callable[[object], str]] = {"r": repr, "s": str, "a": ascii}


def _starred(value: Any, scrubber: Scrubber, deepest: int) -> Any:
    """Return a copy of a dict, list or tuple with stars for the secrets in it; any other value as it is."""
    if is_environment(value) or issubclass(type(value), Key):
        return Key(scrubber.stars())
    if type(value) is dict:
        return {
            key: Key(scrubber.stars()) if hides(key, held) else _starred(held, scrubber, deepest - 1)
            for key, held in (value.items() if deepest else ())
        }
    if type(value) in (list, tuple):
        return type(value)(_starred(held, scrubber, deepest - 1) for held in (value if deepest else ()))
    return value


@contextmanager
def blamed(step: str) -> Iterator[None]:
    """Turn any exception of the user's own code into an InputError of one line, which begins with `step`."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        line = " ".join("".join(traceback.format_exception_only(error)).split())
        raise InputError(f"{step} raised {line if len(line) <= CELL else line[:CELL] + '…'}") from error


def _own_text(value: object, method: str) -> str | None:
    """Return the text that the method of that name on the type of `value` returns; None if there is none."""
    function = getattr(type(value), method, None)
    text = function(value) if callable(function) else None
    text = text[0] if isinstance(text, tuple) and text else text  # IPython allows metadata beside it
    if text is not None and not isinstance(text, str):
        raise TypeError(f"{method} must return a str, not {kind_of(text)}")
    return text


def _other(value: object, room: Room, _: Scrubber) -> str:
    if (text := _own_text(value, "_repr_markdown_")) is not None:
        return room.capped(text)
    return _capped(value, str(value), room)


def _capped(value: object, text: str, room: Room) -> str:
    """Return what there is room for of `text`, that of the value, and note whether it is less than the value holds."""
    if is_plan(value):
        room.say("only what it would compute was sent, not what that gives")
    elif is_bare(value, text):
        room.say(f"only that it is of type {kind_of(value)} was sent, not what it holds")
    elif is_excerpt(value, text):
        room.say("only an excerpt was sent")
    return room.capped(text)


def _path(value: PathLike[Any], room: Room, _: Scrubber) -> str:
    read = f"{room.name}.read_text()" if isinstance(value, Path) else f"open({room.name}).read()"
    raise InputError(
        f"{{{room.name}}} is a path, and what the file holds would not be sent: write {{{read}}} with --eval for its "
        f"text, or {{{room.name}!s}} for the path itself"
    )


def _file(_: object, room: Room, __: Scrubber) -> str:
    raise InputError(
        f"{{{room.name}}} is an open file, and what it holds would not be sent: "
        f"write {{{room.name}.read()}} with --eval"
    )


def _bytes(value: bytes | bytearray, room: Room, _: Scrubber) -> str:
    room.note(32, len(value), "bytes")
    return f"{type(value).__name__} of length {len(value):,}, beginning with {bytes(value[:32])!r}"


def _code(value: Any, room: Room, _: Scrubber) -> str:
    owner = getattr(value, "__self__", None)  # that of a function of C is its module
    if not (inspect.isclass(value) or owner is None or inspect.ismodule(owner) or inspect.isclass(owner)):
        room.say("the code of this method was sent, not what it returns")
    return source(value, room)


def _of(*kinds: type) -> Callable[[object], bool]:
    return lambda value: isinstance(value, kinds)


_DESCRIPTIONS: tuple[tuple[Callable[[object], bool], Callable[[Any, Room, Scrubber], str]], ...] = (
    (is_path, _path),
    (is_file, _file),
    (_of(str), lambda value, room, _: room.capped(str(value))),
    (_of(BaseException), lambda value, room, _: exception(value, room)),
    (_of(bytes, bytearray), _bytes),
    (is_collection, collection),
    (_of(ModuleType), lambda value, room, _: module(value, room)),
    (
        lambda value: inspect.isclass(value) or inspect.isroutine(value),
        _code,
    ),
    (is_frame, frame),
    (is_column, series),
    (is_array, array),
)
"""Pairs: whether a value is of a kind, and what describes that kind. The first pair that fits counts."""
