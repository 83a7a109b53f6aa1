"""A type as a JSON schema, and what reads its values.

Types are msgspec's: its structs, dataclasses, TypedDicts, NamedTuples, enums, Literals, containers of them, and plain
types; and models of pydantic, which is never imported here. A dict is a JSON schema itself: its values are checked by
`jsonschema`, which takes each keyword as the standard means it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.util import find_spec
from operator import attrgetter, itemgetter
from typing import Any, get_args, get_type_hints

import msgspec

from ..errors import InputError, MissingRequirementsError, quoted
from ..providers.protocols.openai_words import SchemaFormat
from .defaults import check_defaults, titled
from .parts import check, check_open, close, every, gather, is_strict
from .reading import Read, checker, decoder

__all__ = ["Schema", "schema_for"]

_ROOT = "value"
"""The only property of the object around a value that is none: servers want an object."""

_DEFS = "#/$defs/{name}"

_LIKE = '{"type": "object", "properties": {"label": {"type": "string"}}, "required": ["label"]}'
_WANTED = f"give a dataclass or another class with fields, a type such as list[str], or a JSON schema such as {_LIKE}"

_WORDS = frozenset(("$ref", "allOf", "anyOf", "const", "enum", "oneOf", "properties", "type"))
"""A dict that has none of these keywords says nothing of a value."""


class Schema:
    """What is asked for: `name` as people call it, `format` as it is sent, `reads` what reads the answer, in turn.

    `fields` are the names in a value that has such.
    """

    def __init__(self, name: str, wire: dict[str, Any], read: Read, wrapped: Callable[[dict[str, Any]], Read]) -> None:
        """`wire` is the schema of the values that `read` reads; `wrapped` returns what reads them in an object."""
        self.name, self.reads, self.fields = name, [read], list[str]()
        if wire.get("type") != "object":
            wire = _wrapped(wire)
            self.reads.insert(0, wrapped(wire))
        else:
            self.fields += wire.get("properties", ())
        word = re.sub(r"[^a-zA-Z0-9_-]+", "_", name).strip("_")[:64] or "answer"
        self.format = SchemaFormat(word, wire, strict=is_strict(wire))

    def __repr__(self) -> str:
        return f"<Schema {self.name}>"


def schema_for(given: Any) -> Schema:
    """Return the schema of a type, or that which a dict is. It is made once for each.

    Raises InputError for what is none, or cannot be answered, and MissingRequirementsError for a dict where there is
    no `jsonschema`.
    """
    if isinstance(given, Mapping):
        try:
            written = msgspec.json.encode(given)
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError(f"schema: the dict is no JSON schema, for JSON cannot hold it: {error}") from None
        return _of_json(written)
    try:
        hash(given)
    except TypeError:
        raise InputError(f"schema: {quoted(given)} is no type: {_WANTED}") from None
    return _of_type(given)


@lru_cache(maxsize=128)
def _of_type(kind: Any) -> Schema:
    name = kind.__name__ if isinstance(kind, type) and not get_args(kind) else _typed(kind)
    is_named_tuple = isinstance(kind, type) and hasattr(kind, "_field_defaults")
    pick = (lambda found: kind(*msgspec.structs.astuple(found))) if is_named_tuple else None
    try:
        asked = _struct_of(kind) if is_named_tuple else kind
        [root], components = msgspec.json.schema_components((asked,), schema_hook=_of_model, ref_template=_DEFS)
        check(wire := gather(root, components), name)
        check_defaults(asked)
        titled(asked, wire["$defs"])
        read = decoder(asked, pick)
    except (TypeError, NameError, RecursionError) as error:
        raise InputError(_refusal(kind, name, error)) from None
    wire = _rooted(wire)
    close(wire)
    check_open(wire, name)

    def wrapped(_: object) -> Read:
        return decoder(msgspec.defstruct("Wrapped", [(_ROOT, asked)]), attrgetter(_ROOT))

    return Schema(name, wire, read, wrapped)


def _typed(kind: Any) -> str:
    """Return a type that is no class as people write it."""
    return re.sub(r"\b(?:[^\W\d]\w*\.)+(?=[^\W\d])", "", quoted(kind))


def _struct_of(kind: Any) -> Any:
    """Return a struct for a NamedTuple: as an object its fields keep their names, as an array they lose them."""
    hints, defaults = get_type_hints(kind, include_extras=True), kind._field_defaults
    fields = [(name, hints.get(name, Any), defaults.get(name, msgspec.NODEFAULT)) for name in kind._fields]
    return msgspec.defstruct(kind.__name__, fields, module=kind.__module__)


def _of_model(kind: Any) -> dict[str, Any]:
    """Return the schema of a model of pydantic. Raises TypeError for other classes."""
    if not all(callable(getattr(kind, name, None)) for name in ("model_json_schema", "model_validate_json")):
        raise TypeError(f"{getattr(kind, '__name__', kind)} has no fields that are known: make it a dataclass")
    schema: dict[str, Any] = kind.model_json_schema()
    return schema


def _refusal(kind: Any, name: str, error: Exception) -> str:
    if isinstance(error, RecursionError):
        return f"schema: {name} is nested too deeply"
    if isinstance(kind, type) or get_args(kind):
        return f"schema: {name} cannot be asked for: {str(error).strip().rpartition(chr(10))[2]}"
    return f"schema: {quoted(kind)} is no type: {_WANTED}"


def _rooted(wire: dict[str, Any]) -> dict[str, Any]:
    """Return a schema whose root is no reference: servers want an object there."""
    while (reference := wire.get("$ref")) is not None:
        others = dict(wire["$defs"])
        wire = {**others.pop(reference.rpartition("/")[2]), "$defs": others}
    return wire if wire["$defs"] else {name: value for name, value in wire.items() if name != "$defs"}


def _wrapped(wire: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object whose only property is the value."""
    named: dict[str, Any] = {name: wire[name] for name in ("$defs", "definitions") if name in wire}
    value = {name: each for name, each in wire.items() if name not in named}
    return {"type": "object", "properties": {_ROOT: value}, "required": [_ROOT], "additionalProperties": False, **named}


@lru_cache(maxsize=128)
def _of_json(written: bytes) -> Schema:
    if find_spec("jsonschema") is None:
        raise MissingRequirementsError("a schema that is a dict needs jsonschema: pip install jsonschema")
    import jsonschema  # noqa: PLC0415 - an optional package

    schema: dict[str, Any] = msgspec.json.decode(written)
    if schema.keys().isdisjoint(_WORDS):
        raise InputError(f"schema: the dict {quoted(schema)} is no JSON schema: it must be like {_LIKE}")
    make = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        make.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise InputError(f"schema: the dict is no JSON schema: {error.json_path}: {error.message}") from None
    name = title if isinstance(title := schema.get("title"), str) and title else "the JSON schema"
    schema.pop("$schema", None)
    check(schema, name)
    check_open(schema, name)
    validator = make(schema)
    _check_values(schema, validator)

    def wrapped(wire: dict[str, Any]) -> Read:
        return checker(make(wire), itemgetter(_ROOT))

    return Schema(name, schema, checker(validator), wrapped)


def _check_values(schema: dict[str, Any], validator: Any) -> None:
    """Raise InputError for a default in `schema` that does not fit its own part of it."""
    for part in every(schema):
        if "default" in part and (why := next(validator.evolve(schema=part).iter_errors(part["default"]), None)):
            raise InputError(f"schema: the default {quoted(part['default'])} does not fit: {why.message}")
