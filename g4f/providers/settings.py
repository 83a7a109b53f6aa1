"""How requests are sent: what a caller, a client or the environment may set."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from ..errors import InputError

__all__ = ["Settings"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How requests are sent. Each may be set for a call, for a client, or as `G4F_…` in the environment.

    All times are in seconds: to connect, until the answer begins, and of silence within it. `verify` is whether
    certificates are checked, or the path of a file with those of the authorities to trust.
    """

    proxy: str | None = None
    verify: bool | str = True
    max_retries: int = 2
    connect_timeout: float = 10.0
    first_timeout: float = 300.0
    stream_timeout: float = 60.0

    @classmethod
    def take(cls, options: dict[str, Any]) -> Settings:
        """Return the settings in `options`, which are taken out of it. Raises InputError for one of a wrong kind.

        A `stream_timeout` that the caller gives is the limit for the beginning too.
        """
        given: dict[str, Any] = {}
        for name, variable in _VARIABLES.items():
            value = options.pop(name, None)
            if value is None and variable:
                value = os.environ.get(variable) or None
            elif name == "stream_timeout":
                given.setdefault("first_timeout", value)
            if value is not None:
                given[name] = value
        if "verify" in given:
            given["verify"] = _verify(given["verify"])
        try:
            settings = msgspec.convert(given, cls, strict=False)
        except msgspec.ValidationError as error:
            raise InputError(f"a setting is of the wrong kind: {error}") from None
        if min(settings.connect_timeout, settings.first_timeout, settings.stream_timeout) <= 0:
            raise InputError("connect_timeout, first_timeout and stream_timeout must be seconds, more than 0")
        if settings.max_retries < 0:
            raise InputError("max_retries must be 0 or more")
        return settings


def _verify(given: Any) -> Any:
    """Return what `verify` says: the environment has only texts, and a path may be a Path."""
    if isinstance(given, os.PathLike):
        return os.fspath(given)
    return _WORDS.get(given.strip().lower(), given) if isinstance(given, str) else given


_WORDS = {"0": False, "false": False, "no": False, "off": False, "1": True, "true": True, "yes": True, "on": True}

_VARIABLES = {name: f"G4F_{name.upper()}" for name in Settings.__struct_fields__} | {"proxy": ""}
"""What sets each in the environment; that of `proxy` has its place in the walk already."""
