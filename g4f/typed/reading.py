"""The value that an answer has: decoded and checked, also where the model wrote more than it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple, TypeAlias, cast

import msgspec

from ..wire import UNREADABLE

__all__ = ["Found", "Problem", "Read", "checker", "decoder", "find"]


class Problem(NamedTuple):
    """Why an answer does not fit: where, such as "$.topics[0].score", and in what way."""

    path: str
    reason: str

    def __str__(self) -> str:
        return self.reason if self.path == "$" else f"{self.path}: {self.reason}"


class Found(NamedTuple):
    """A value, if there are no problems."""

    value: Any
    problems: list[Problem]


Read: TypeAlias = Callable[[str], Found]
"""Reads a text of JSON. It raises msgspec.DecodeError for other texts."""

MOST = 20
"""Problems that are kept: a list of thousands may have one for each of its items."""


def decoder(kind: Any, pick: Callable[[Any], Any] | None = None) -> Read:
    """Return what reads a value of a type, or what `pick` makes of it."""
    decode = msgspec.json.Decoder(kind, dec_hook=_model).decode

    def read(text: str) -> Found:
        try:
            value = decode(text)
        except msgspec.ValidationError as error:
            return Found(None, _problems(error))
        return Found(value if pick is None else pick(value), [])

    return read


def _model(kind: Any, given: Any) -> Any:
    """Return the model of pydantic that JSON says. As JSON it takes more than as values, such as the text of a date."""
    return kind.model_validate_json(msgspec.json.encode(given))


def _problems(error: msgspec.ValidationError) -> list[Problem]:
    """Return the problem that msgspec found, or those that pydantic did."""
    reason, _, path = str(error).rpartition(" - at `")
    reason, path = (reason, path.rstrip("`")) if reason else (path, "$")
    if callable(errors := getattr(error.__cause__, "errors", None)):
        return [Problem(_path(path, each["loc"]), each["msg"]) for each in errors()[:MOST]]
    return [Problem(path, reason)]


def _path(path: str, steps: tuple[Any, ...]) -> str:
    return path + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def checker(validator: Any, pick: Callable[[Any], Any] | None = None) -> Read:
    """Return what reads a value that a validator of `jsonschema` checks."""

    def read(text: str) -> Found:
        value = msgspec.json.decode(text)
        if problems := [Problem(each.json_path, each.message) for each in islice(validator.iter_errors(value), MOST)]:
            return Found(None, problems)
        return Found(value if pick is None else pick(value), [])

    return read


def find(text: str, reads: list[Read]) -> Found:
    """Return the value that an answer has: its whole text, or the only JSON in it that fits.

    JSON may stand in a block of code, or in prose. What is broken is not searched: it might have a part that fits, and
    is not the answer.
    """
    whole, found = None, list[Found]()
    try:
        if not (whole := _read(text, reads)).problems:
            return whole
    except UNREADABLE as error:
        broken = error
    try:
        found = [_read(piece, reads) for piece in _pieces(text)]
    except UNREADABLE as error:
        broken = error
    fitting = [each for each in found if not each.problems]
    if any(each.value != fitting[0].value for each in fitting):
        return Found(None, [Problem("$", "it has several values that fit, and they differ: one is wanted")])
    if fitting:
        return fitting[0]
    if found or whole:
        return found[-1] if found else cast("Found", whole)
    return Found(None, [Problem("$", f"it is not JSON: {str(broken).removeprefix('JSON is malformed: ')}")])


def _read(text: str, reads: list[Read]) -> Found:
    """Return what the first that can reads; else the problems of the first that got into the text, or of the last."""
    found = [read(text) for read in reads]
    inside = (each for each in found if each.problems and each.problems[0].path != "$")
    return next((each for each in found if not each.problems), None) or next(inside, found[-1])


_BEGINS = re.compile(r"[{\[]")
_IS_JSON = re.compile(r'\{\s*["}]|\[\s*[\[{"\]]')
"""What begins JSON rather than being a mark in prose, such as "[1]" and "{name}"."""

_STARTS = 64
"""Braces and brackets at which JSON is looked for: prose with more of them is no answer."""


def _pieces(text: str) -> Iterator[str]:
    """Yield each object and array of JSON in a text. Raises ValueError for one that is broken, or cut."""
    end, scan = 0, json.JSONDecoder().raw_decode
    for begin in islice(_BEGINS.finditer(text), _STARTS):
        at = begin.start()
        if at < end:
            continue
        try:
            _, end = scan(text, at)
        except UNREADABLE:
            if _IS_JSON.match(text, at):
                raise
        else:
            yield text[at:end]
