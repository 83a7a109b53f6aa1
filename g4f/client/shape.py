"""What can be dumped as the models of OpenAI's package can: to a dict, or to JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict, Unpack

import msgspec

from ..wire import plain

__all__ = ["DumpOptions", "Shape"]


class DumpOptions(TypedDict, total=False):
    """How something is dumped, in pydantic's words. What is None was not set, and is its field's default."""

    include: Iterable[str] | None  # only these fields
    exclude: Iterable[str] | None  # not these fields
    exclude_none: bool  # not what is None, at any depth
    exclude_unset: bool  # the same
    exclude_defaults: bool  # the same
    mode: str  # these change nothing: all values are those of JSON, under the names of OpenAI's API
    by_alias: bool | None
    use_api_names: bool
    round_trip: bool
    warnings: bool | str
    serialize_as_any: bool


class Shape(msgspec.Struct):
    """A shape of an answer, with fields under OpenAI's names."""

    def model_dump(self, **options: Unpack[DumpOptions]) -> dict[str, Any]:
        """Return it as dicts, lists and plain values. Raises TypeError for an option that there is not."""
        if unknown := options.keys() - DumpOptions.__optional_keys__:
            raise TypeError(f"model_dump has no option {min(unknown)!r}")
        dumped: dict[str, Any] = msgspec.to_builtins(self, enc_hook=plain)
        dumped.pop("_request_id", None)
        if (included := options.get("include")) is not None:
            dumped = {name: value for name, value in dumped.items() if name in set(included)}
        for name in options.get("exclude") or ():
            dumped.pop(name, None)
        is_short = any(map(options.get, ("exclude_none", "exclude_unset", "exclude_defaults")))
        return _without_none(dumped) if is_short else dumped

    def model_dump_json(self, *, indent: int | None = None, **options: Unpack[DumpOptions]) -> str:
        """Return it as JSON text, in lines if there is an `indent`."""
        dumped = msgspec.json.encode(self.model_dump(**options))
        return (dumped if indent is None else msgspec.json.format(dumped, indent=indent)).decode()

    def to_dict(self, **options: Unpack[DumpOptions]) -> dict[str, Any]:
        """Return `model_dump`, without what is None."""
        options.setdefault("exclude_unset", True)
        return self.model_dump(**options)

    def to_json(self, *, indent: int | None = 2, **options: Unpack[DumpOptions]) -> str:
        """Return `model_dump_json` in lines, without what is None."""
        options.setdefault("exclude_unset", True)
        return self.model_dump_json(indent=indent, **options)


def _without_none(dumped: Any) -> Any:
    if isinstance(dumped, dict):
        return {name: _without_none(value) for name, value in dumped.items() if value is not None}
    return list(map(_without_none, dumped)) if isinstance(dumped, list) else dumped
