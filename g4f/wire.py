"""JSON, read and written. Whatever is wrong with what strangers wrote is one error. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import msgspec

__all__ = ["UNREADABLE", "decode", "decoded", "parted", "plain", "reread", "whole", "written"]

UNREADABLE = (ValueError, RecursionError)
"""What a decoder of msgspec's may raise: its own errors, as those of Unicode and of numbers, are ValueErrors."""

DIGITS = 300
"""Digits from which on a whole number counts as infinite. A double ends there, too."""


def decoded(data: bytes | str, kind: Any = Any) -> Any:
    """Return what JSON says, as msgspec's type `kind`. Raises msgspec.DecodeError, and nothing else."""
    return decode(msgspec.json.Decoder(kind), data)


def decode(decoder: msgspec.json.Decoder[Any], data: bytes | str) -> Any:
    """Return what `decoder` reads. Raises msgspec.DecodeError, and nothing else."""
    try:
        return decoder.decode(data)
    except UNREADABLE as error:
        return reread(data, decoder.type, error)


def reread(data: bytes | str, kind: Any, error: Exception) -> Any:
    """Return what msgspec refused with `error`, if it is JSON as others write and read it.

    That is with halves of characters, which JavaScript leaves where it cuts a text, with numbers of any size, with
    those that JSON does not have: NaN and Infinity, and with null among objects. Raises msgspec.DecodeError.
    """
    if isinstance(error, RecursionError):
        raise msgspec.DecodeError("it is nested too deeply") from None
    try:
        try:
            return msgspec.convert(json.loads(data, parse_int=_number), kind)
        except msgspec.ValidationError:
            return msgspec.convert(json.loads(data, parse_int=_number, object_hook=_without_nulls), kind)
    except RecursionError:
        raise msgspec.DecodeError("it is nested too deeply") from None
    except msgspec.ValidationError:
        raise
    except ValueError:
        raise (error if isinstance(error, msgspec.DecodeError) else msgspec.DecodeError(str(error))) from None


def _without_nulls(found: dict[str, Any]) -> dict[str, Any]:
    """Return an object whose arrays have no null."""
    return {
        name: [each for each in value if each is not None] if isinstance(value, list) else value
        for name, value in found.items()
    }


def _number(digits: str) -> float:
    return int(digits) if len(digits) < DIGITS else float(digits)


def written(value: Any) -> str:
    """Return what was read by `decoded` as JSON. Raises RecursionError where it is nested too deeply to be written."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # a half of a character: as an escape it can be written
        return json.dumps(value)


def plain(value: Any) -> Any:
    """Return a value of a type that msgspec does not know in one that it does: texts, numbers, arrays, and mappings.

    Those are an answer, what numpy has, and objects of pydantic. A `Key` is written as it is. Raises TypeError.
    """
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, Mapping):
        return dict(value)
    for convert in ("tolist", "model_dump"):
        if callable(method := getattr(type(value), convert, None)):
            return method(value)
    raise TypeError(f"{type(value).__name__} is not supported")


def whole(text: str) -> str:
    """Return `text` with the halves of characters in it joined, and U+FFFD for a half alone: no text can hold one."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def parted(text: str) -> tuple[str, str]:
    """Return `text` without halves of characters, and the half at its end whose other half may follow."""
    half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
    return whole(text.removesuffix(half)), half
