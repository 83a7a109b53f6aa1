"""The parts of a JSON schema: what it holds, whether it is one that can be asked for, and whether it is strict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard
from urllib.parse import unquote

from ..errors import InputError, quoted

__all__ = ["check", "check_open", "close", "every", "gather", "inner", "is_strict"]

_NAMED = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
_LISTED = ("anyOf", "allOf", "oneOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "contains", "else", "if", "not", "propertyNames", "then")
"""Keywords whose schemas have names, stand in a list, or stand alone."""

_STRICT = frozenset(
    (
        "$defs",
        "$ref",
        "additionalProperties",
        "anyOf",
        "const",
        "description",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "items",
        "maxItems",
        "maximum",
        "minItems",
        "minimum",
        "multipleOf",
        "pattern",
        "properties",
        "required",
        "title",
        "type",
    )
)
_FORMATS = ("date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uuid")
"""Keywords and formats of https://platform.openai.com/docs/guides/structured-outputs#supported-schemas."""

_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def inner(schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the schemas that stand directly in `schema`."""
    for word in _NAMED:
        yield from filter(_is_schema, _mapping(schema.get(word)).values())
    for word in _LISTED:
        yield from filter(_is_schema, schema.get(word) or ())
    for word in _SINGLE:
        if _is_schema(found := schema.get(word)):
            yield found


def _is_schema(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def every(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield `schema` and all that stand in it."""
    yield schema
    for each in inner(schema):
        yield from every(each)


def gather(root: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """Return one schema of a root and the components that it refers to, with those of its parts among them."""
    components |= root.get("$defs", {})
    gathered = root | {"$defs": components}
    for part in list(every(gathered)):
        if part is not gathered:
            for name, each in part.pop("$defs", {}).items():
                if components.setdefault(name, each) != each:
                    raise InputError(f"schema: two types are called {name}: rename one of them")
    return gathered


def close(schema: dict[str, Any]) -> None:
    """Let objects have no other properties than those that are named, and choices say their type, in place."""
    for part in every(schema):
        if "properties" in part:
            part.setdefault("additionalProperties", False)
        kinds = sorted({_TYPES[type(each)] for each in part.get("enum", ()) if type(each) in _TYPES})
        if kinds:
            part.setdefault("type", kinds[0] if len(kinds) == 1 else kinds)


def check(schema: dict[str, Any], name: str) -> None:
    """Raise InputError for a schema that is recursive, refers to another place, or holds what cannot be answered."""
    for part in every(schema):
        title = part.get("title") or name
        if part.get("properties") == {} and part.get("additionalProperties", False) is False:
            raise InputError(f"schema: {title} has no fields, so there is nothing to answer: give it some")
        if part.get("enum") == []:
            raise InputError(f"schema: {title} has no members, so there is nothing to answer: give it some")
    _check_references(schema, schema, name, (), set())


def check_open(schema: dict[str, Any], name: str) -> None:
    """Raise InputError for a schema that says nothing of the value."""
    told = schema.keys() - {"title", "description", "type", "additionalProperties", "default"}
    if not told and schema.get("type", "object") == "object" and schema.get("additionalProperties") in (None, True, {}):
        raise InputError(
            f"schema: {name} is open, and says nothing of the answer: name its fields, "
            'or give response_format={"type": "json_object"} for any JSON'
        )


def _check_references(
    root: dict[str, Any], part: dict[str, Any], name: str, above: tuple[str, ...], done: set[str]
) -> None:
    reference = part.get("$ref")
    if isinstance(reference, str) and reference not in done:
        if reference == "#" or reference in above:
            title = reference.rpartition("/")[2].removeprefix("#") or name
            raise InputError(
                f"schema: {title} is recursive, and most providers cannot follow such a schema: "
                "give one of a fixed depth, or a flat list whose items refer to each other by a number"
            )
        _check_references(root, _target(root, reference), name, (*above, reference), done)
        done.add(reference)
    for each in inner(part):
        _check_references(root, each, name, above, done)


def _target(root: dict[str, Any], reference: str) -> dict[str, Any]:
    """Return what a reference such as "#/$defs/Topic" names."""
    found: Any = root if reference.startswith("#/") else None
    for step in reference.split("/")[1:]:
        found = _mapping(found).get(unquote(step).replace("~1", "/").replace("~0", "~"))
    if not isinstance(found, dict):
        raise InputError(f"schema: it refers to {quoted(reference)}, which is not in it: put that below its $defs")
    return found


def is_strict(schema: dict[str, Any]) -> bool:
    """Whether a schema has the form that OpenAI's strict mode takes."""
    return schema.get("type") == "object" and "anyOf" not in schema and all(map(_is_strict, every(schema)))


def _is_strict(part: dict[str, Any]) -> bool:
    if not part.keys() <= _STRICT or part.get("format", "date") not in _FORMATS:
        return False
    if part.get("type") == "object":
        names = part.get("properties", {}).keys()
        return part.get("additionalProperties") is False and names == set(part.get("required", ()))
    if part.get("type") == "array" and not _is_schema(part.get("items")):
        return False
    return not part.keys().isdisjoint(("type", "anyOf", "$ref"))
