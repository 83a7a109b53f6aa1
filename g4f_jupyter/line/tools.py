"""The tools that a line names: functions of the notebook, also of its modules and objects, and servers of tools."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from g4f.errors import InputError, close_matches, kind_of
from g4f.tools.function import FunctionTool

from ..inserts.words import word_of

__all__ = ["is_server", "tools_here", "tools_named"]


def tools_named(
    functions: Sequence[str], servers: Sequence[str], variables: Mapping[str, Any], *, evaluate: bool = False
) -> list[Any]:
    """Return the tools of `--tool` and `--mcp`. Raises InputError, with close matches, for what is none."""
    found: list[Any] = []
    for word in functions:
        value = _value("--tool", word, variables, evaluate=evaluate)
        if not is_server(value) and not isinstance(value, FunctionTool) and not hasattr(value, "call"):
            value = FunctionTool(value)
        found.append(value)
    for word in servers:
        value = _value("--mcp", word, variables, evaluate=evaluate)
        if not is_server(value):
            raise InputError(f"--mcp {word}: this is no server of tools, but {kind_of(value)}. Make one: g4f.mcp(…)")
        found.append(value)
    return found


def tools_here(variables: Mapping[str, Any]) -> list[Any]:
    """Return the tools among variables: servers, and functions that were written in the notebook, if they can be."""
    found: list[Any] = []
    for name, each in variables.items():
        if name.startswith("_"):
            continue
        if is_server(each) or isinstance(each, FunctionTool):
            found.append(each)
        elif inspect.isfunction(each) and each.__module__ == "__main__":
            with suppress(InputError):
                found.append(FunctionTool(each))
    return found


def is_server(value: object) -> bool:
    """Whether it has tools, as what `g4f.mcp` returns has."""
    return not isinstance(value, type) and inspect.iscoroutinefunction(getattr(value, "tools", None))


def _may_be_called(value: object) -> bool:
    return not isinstance(value, type) and (callable(value) or is_server(value))


def _value(option: str, word: str, variables: Mapping[str, Any], *, evaluate: bool) -> Any:
    """Return what a word names: a variable, an attribute of one, or the value in braces."""
    value = word_of(word, variables, evaluate=evaluate)
    if not isinstance(value, str):
        return value
    first, *path = value.split(".")
    if first not in variables:
        known = [name for name, each in variables.items() if _may_be_called(each)]
        raise InputError(f"{option} {word}: there is no variable {first!r} here.{close_matches(first, known)}")
    found = variables[first]
    for name in path:
        try:
            found = getattr(found, name)
        except AttributeError:
            near = close_matches(name, dir(found))
            raise InputError(f"{option} {word}: {kind_of(found)} has no {name!r}.{near}") from None
    return found
