"""What msgspec's description of a type says of its classes: the defaults of their fields, and the names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_origin, get_type_hints

import msgspec
from msgspec import NODEFAULT, UNSET
from msgspec.inspect import Field, NamedTupleType, Type, type_info

from ..errors import InputError, quoted

__all__ = ["check_defaults", "titled"]


def check_defaults(kind: Any) -> None:
    """Raise InputError for a field of a class in `kind` whose default does not fit the type of the field."""
    for described in _classes(type_info(kind)):
        own = _class_of(described)
        hints = get_type_hints(own, include_extras=True)
        for field in described.fields:
            if field.default is not NODEFAULT and field.default is not UNSET:
                _check_default(f"{own.__name__}.{field.name}", field.default, hints.get(field.name, Any))


def _check_default(where: str, default: object, hint: Any) -> None:
    try:
        msgspec.convert(msgspec.to_builtins(default), hint)
    except msgspec.ValidationError as error:
        raise InputError(f"schema: the default of {where}, {quoted(default)}, does not fit its type: {error}") from None
    except TypeError:  # of a type that is not msgspec's, and checks it itself
        return


def titled(kind: Any, components: dict[str, Any]) -> None:
    """Write the names of a NamedTuple's fields into its schema, in place: in JSON it is an array."""
    for described in _classes(type_info(kind)):
        items = components.get(_class_of(described).__name__, {}).get("prefixItems", ())
        if isinstance(described, NamedTupleType):
            for field, item in zip(described.fields, items, strict=False):
                item.setdefault("title", field.name)


def _class_of(described: Any) -> type:
    """Return the class that is described, without its parameters if it is generic."""
    cls: type = get_origin(described.cls) or described.cls
    return cls


def _classes(described: Type, seen: set[int] | None = None) -> Iterator[Any]:
    """Yield the description of each class with fields in that of a type."""
    seen = set() if seen is None else seen
    if id(described) in seen:  # it is recursive
        return
    seen.add(id(described))
    if hasattr(described, "cls") and hasattr(described, "fields"):
        yield described
    for name in described.__struct_fields__:
        value = getattr(described, name)
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(inside := each.type if isinstance(each, Field) else each, Type):
                yield from _classes(inside, seen)
