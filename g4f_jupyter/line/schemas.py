"""The type or schema that `--schema` names: `Topic`, `list[Topic]`, `types.Topic | None`, `'Literal["a", "b"]'`."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping
from typing import Any, Literal

from g4f.errors import InputError, close_matches

from ..inserts.words import word_of

__all__ = ["named_schema"]

_TYPES: dict[str, Any] = {"Literal": Literal} | {
    kind.__name__: kind for kind in (bool, dict, float, frozenset, int, list, set, str, tuple)
}
"""Types that nobody needs to import."""


def named_schema(text: str, names: Mapping[str, Any], *, evaluate: bool = False) -> Any:
    """Return what `text` names: variables, their attributes and items, and types made of them. Nothing is called.

    `{name}` is the value of a variable, as in the other options. Raises InputError.
    """
    if text.startswith("{"):
        return word_of(text, names, evaluate=evaluate)
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        raise InputError(_unreadable(text)) from None
    try:
        return _named(tree, names)
    except (AttributeError, LookupError, TypeError) as error:
        raise InputError(f"--schema {text}: {error}") from None


def _named(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Name(name):
            return _variable(name, names)
        case ast.Attribute(held, name):
            return getattr(_named(held, names), name)
        case ast.Subscript(held, item):
            return _named(held, names)[_named(item, names)]
        case ast.BinOp(left, ast.BitOr(), right):
            return _named(left, names) | _named(right, names)
        case ast.Tuple(items):
            return tuple(_named(item, names) for item in items)
        case ast.Constant(value):
            return value
    raise InputError(_unreadable(ast.unparse(node)))


def _variable(name: str, names: Mapping[str, Any]) -> Any:
    if name in names:
        return names[name]
    if name in _TYPES:
        return _TYPES[name]
    if hasattr(builtins, name):
        raise InputError(f"--schema: {name} is no type that an answer can have")
    types = [each for each, value in names.items() if isinstance(value, type | Mapping) and each[:1] != "_"]
    raise InputError(f"--schema: there is no variable {name!r}.{close_matches(name, types)}")


def _unreadable(text: str) -> str:
    return f"--schema needs the name of a type, such as Topic or list[Topic], not {text!r}"
