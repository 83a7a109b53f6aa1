"""JSON that strangers wrote, and JSON for them: whatever is wrong with it is one error. No I/O."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from .errors import InputError

__all__ = ["UNREADABLE", "decoded", "encoded", "reread"]

UNREADABLE = (ValueError, RecursionError)
"""What a decoder of msgspec's may raise. msgspec's own errors, and those of Unicode and of numbers, are ValueErrors."""

DIGITS = 300
"""Digits of a whole number from which on it is infinite: where a double ends, too."""


def decoded(data: bytes | str, kind: Any = Any) -> Any:
    """Return what JSON says, as msgspec's type `kind`. Raises msgspec.DecodeError, and nothing else."""
    try:
        return msgspec.json.decode(data, type=kind)
    except UNREADABLE as error:
        return reread(data, kind, error)


def reread(data: bytes | str, kind: Any, error: Exception) -> Any:
    """Return what msgspec refused with `error`, if it is JSON as others write and read it.

    That is with halves of characters, which JavaScript leaves where it cuts a text, with numbers of any size, and with
    those that JSON does not have: NaN and Infinity. Raises msgspec.DecodeError.
    """
    try:
        return msgspec.convert(json.loads(data, parse_int=_number), kind)
    except RecursionError:
        raise msgspec.DecodeError("it is nested too deeply") from None
    except msgspec.ValidationError:
        raise
    except ValueError:
        raise (error if isinstance(error, msgspec.DecodeError) else msgspec.DecodeError(str(error))) from None


def _number(digits: str) -> float:
    return int(digits) if len(digits) < DIGITS else float(digits)


def encoded(request: Any) -> bytes:
    """Return a request as JSON. Raises InputError for what JSON cannot hold."""
    try:
        return msgspec.json.encode(request)
    except RecursionError:
        raise InputError("messages and options must be what JSON can hold: one is nested too deeply") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"messages and options must be what JSON can hold: {error}") from None
