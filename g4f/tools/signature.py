"""The signature of a function as a JSON schema, and as the type into which arguments are decoded."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints
from weakref import WeakKeyDictionary

import msgspec

from ..errors import InputError

__all__ = ["Signature", "signature_of"]


class Signature(NamedTuple):
    """What a model is told of a function, and `arguments`, a struct: a field that is UNSET was not given."""

    arguments: type[msgspec.Struct]
    parameters: dict[str, Any]
    description: str


_known: WeakKeyDictionary[Any, Signature] = WeakKeyDictionary()
"""Signatures by their functions: to make one takes a millisecond."""


def signature_of(function: Callable[..., Any], name: str) -> Signature:
    """Return the signature of what can be called; `name` is what errors call it.

    The parameters after `**` are left out. Raises InputError, with the parameter, for one that a model cannot give.
    """
    if inspect.isfunction(function) and function.__code__.co_varnames[:1] in (("self",), ("cls",)):
        raise InputError(f"{name} cannot be a tool: it is a method without its object, so give that of an object")
    source = _source(function)
    try:
        found = _known.get(source)
    except TypeError:  # of a type of Python's own that has no weak references
        return _made(function, name)
    if found is None:
        found = _known[source] = _made(function, name)
    return found


def _source(function: Any) -> Any:
    """Return what lives as long as the signature is the same: methods are made anew each time."""
    if inspect.isroutine(function) or isinstance(function, partial):
        return getattr(function, "__func__", function)
    return type(function)


def _made(function: Callable[..., Any], name: str) -> Signature:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise InputError(f"{name} cannot be a tool: Python does not know its parameters. Wrap it by def") from None
    text = _docstring(function)
    description, described = _documented(text) if text else ("", {})
    types = _types(function, name)
    fields, schema = [], {}
    for parameter in _given(parameters, name):
        kind = types.get(parameter.name, Any)
        if parameter.default is None and kind is not Any:
            kind = Union[kind, None]  # noqa: UP007 - of what is known only now
        fields.append(_field(parameter, kind))
        schema[parameter.name] = _about(parameter, kind, described)
    arguments = msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=True)
    return Signature(arguments, _schema(arguments, schema, types, name), description)


def _docstring(function: Any) -> str:
    """Return what is written of it; for an instance, of its `__call__`, else of its class."""
    while isinstance(function, partial):
        function = function.func
    if inspect.isroutine(function):
        return inspect.getdoc(function) or ""
    kind = type(function)
    return inspect.cleandoc(kind.__call__.__doc__ or kind.__doc__ or "")


def _given(parameters: list[inspect.Parameter], name: str) -> Iterator[inspect.Parameter]:
    """Yield the parameters that a model gives by their names."""
    for parameter in parameters:
        if parameter.kind is parameter.VAR_KEYWORD:
            if len(parameters) == 1:
                raise InputError(f"{name} cannot be a tool: a model must know the names in **{parameter.name}")
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
            star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
            raise InputError(
                f"{name} cannot be a tool: its parameter {star}{parameter.name} has no name in a call, and models give "
                "arguments by their names"
            )
        yield parameter


def _types(function: Any, name: str) -> dict[str, Any]:
    """Return the types of the parameters, also those that are written as texts."""
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(function if inspect.isroutine(function) else type(function).__call__)
    known, types = getattr(function, "__globals__", {}), {}
    for each, written in getattr(function, "__annotations__", {}).items():
        if each == "return":
            continue
        try:
            holder = SimpleNamespace(__annotations__={each: written})
            kind = get_type_hints(holder, known, include_extras=True)[each]
        except (NameError, TypeError, SyntaxError, AttributeError) as error:
            raise InputError(f"{name} cannot be a tool: the type of its parameter {each} is unknown: {error}") from None
        types[each] = Any if kind is object else kind
    return types


def _field(parameter: inspect.Parameter, kind: Any) -> tuple[Any, ...]:
    if parameter.default is parameter.empty:
        return parameter.name, kind
    return parameter.name, Union[kind, msgspec.UnsetType], msgspec.UNSET  # noqa: UP007 - the same


def _about(parameter: inspect.Parameter, kind: Any, described: Mapping[str, str]) -> dict[str, Any]:
    """Return what a schema says beside the type: the description, and a default that is JSON."""
    text = _annotated(kind) or described.get(parameter.name, "")
    about = {"description": text} if text else {}
    if parameter.default is not parameter.empty and parameter.default is not None:
        with suppress(TypeError, ValueError, RecursionError):
            about["default"] = msgspec.to_builtins(parameter.default)
    return about


def _annotated(kind: Any) -> str:
    """Return the text in `Annotated[int, "…"]`, "" if there is none."""
    if get_origin(kind) is Annotated:
        return next((each for each in get_args(kind)[1:] if isinstance(each, str)), "")
    return next(filter(None, map(_annotated, get_args(kind))), "") if get_origin(kind) is Union else ""


def _schema(arguments: type[msgspec.Struct], about: dict[str, Any], types: dict[str, Any], name: str) -> dict[str, Any]:
    try:
        msgspec.json.Decoder(arguments)
        (reference,), others = msgspec.json.schema_components([arguments], ref_template="#/$defs/{name}")
    except TypeError:
        raise InputError(f"{name} cannot be a tool: {_without_schema(about, types)}") from None
    schema: dict[str, Any] = others.pop(reference["$ref"].rpartition("/")[2])
    properties = {each: {**own, **about[each]} for each, own in schema["properties"].items()}
    made: dict[str, Any] = {"type": "object", "properties": properties, "required": schema["required"]}
    return made | {"additionalProperties": False} | ({"$defs": others} if others else {})


def _without_schema(about: Mapping[str, Any], types: dict[str, Any]) -> str:
    """Return in words which parameter has a type that models cannot be told."""
    for each in about:
        kind = types.get(each, Any)
        try:
            msgspec.json.Decoder(kind)
            msgspec.json.schema(kind)
        except TypeError:
            return (
                f"there is no JSON schema for its parameter {each}, which is of type {getattr(kind, '__name__', kind)}"
            )
    return "there is no JSON schema for its parameters together"


def _documented(text: str) -> tuple[str, dict[str, str]]:
    """Return what a docstring says of a function, and of each parameter: in Google's, NumPy's or Sphinx's style."""
    import docstring_parser  # noqa: PLC0415 - 10 ms that only a tool with a docstring has to spend

    parsed = docstring_parser.parse(text)
    described = {each.arg_name: " ".join((each.description or "").split()) for each in parsed.params}
    returned = f"Returns: {parsed.returns.description}" if parsed.returns and parsed.returns.description else ""
    parts = (parsed.short_description, parsed.long_description, returned)
    return "\n\n".join(filter(None, parts)), described
