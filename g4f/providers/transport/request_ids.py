"""A server's own name for a request. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from .refusals import Target, line, redact

__all__ = ["request_id"]

_HEADERS = ("x-request-id", "request-id", "apim-request-id", "x-amzn-requestid", "cf-ray")
_USUAL = re.compile(r"[\w:-]{1,80}", re.ASCII)


def request_id(headers: Mapping[str, str], target: Target) -> str | None:
    """Return the server's name for a request, from the `headers` of its answer, without secrets; None if it has none.

    Each answer has one, so a usual one that repeats nothing that was sent costs no search for secrets.
    """
    name = next(filter(headers.__contains__, _HEADERS), None)
    if name is None:
        return None
    found = headers[name]
    if _USUAL.fullmatch(found) and not any(_share(found, value) for value in _values(target.sent)):
        return found
    return line(redact(found, target.sent))


def _values(sent: tuple[object, ...]) -> Iterator[str]:
    for given in sent:
        held = given.values() if isinstance(given, Mapping) else (given,)
        yield from (value for value in held if value and isinstance(value, str))


def _share(found: str, value: str) -> bool:
    """Whether a name is a part of a value, or has the last word of it, which may be a key."""
    return found in value or value.rpartition(" ")[2] in found
