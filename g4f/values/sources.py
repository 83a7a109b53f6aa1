"""The text that a model gets for code: the source of functions and classes, a module's names, an error's traceback."""

from __future__ import annotations

import ast
import inspect
import linecache
import re
import textwrap
import traceback
from types import ModuleType
from typing import Any

from .room import Room

__all__ = ["exception", "fenced", "module", "source"]

_FRAMES = 5
"""Innermost frames of a traceback that are shown."""


def exception(error: BaseException, room: Room) -> str:
    """Return type and message of an error, below the end of its traceback, if it was raised."""
    trace = error.__traceback__
    while trace and trace.tb_next and trace.tb_frame.f_globals.get("__name__", "").startswith("IPython."):
        trace = trace.tb_next  # IPython's own frames above the cell
    text = "".join(traceback.format_exception(type(error), error, trace, limit=-_FRAMES)).rstrip()
    room.note(_FRAMES, sum(1 for _ in traceback.walk_tb(trace)), "frames")
    return room.capped(text) if trace is None else fenced(room.capped(text))


def module(value: ModuleType, room: Room) -> str:
    """Return name, version and purpose of a module, and the names in it."""
    names = getattr(value, "__all__", None) or [name for name in dir(value) if not name.startswith("_")]
    about = (inspect.getdoc(value) or "").strip().split("\n\n")[0]
    title = f"module {value.__name__} {getattr(value, '__version__', '')}".rstrip()
    return room.capped("\n".join(filter(None, [title, about, f"Names: {', '.join(map(str, names))}"])))


def source(value: Any, room: Room) -> str:
    """Return the source of a function or class, or its signature and docstring if there is no source."""
    try:
        text = inspect.getsource(value)
    except (OSError, TypeError):
        text = _class_in_cell(value) if inspect.isclass(value) else ""
    if text:
        return fenced(room.capped(textwrap.dedent(text)), "python")
    try:
        call = str(inspect.signature(value))
    except (ValueError, TypeError):
        call = "(…)"
    name = getattr(value, "__qualname__", None) or repr(value)
    kind = "class " if inspect.isclass(value) else ""
    return room.capped(f"{kind}{name}{call}\n{inspect.getdoc(value) or ''}".rstrip())


def _class_in_cell(value: type) -> str:
    """Return the source of a class that a cell defined. Before Python 3.13 only its methods know where it is."""
    codes = (getattr(member, "__code__", None) for member in vars(value).values())
    for code in filter(inspect.iscode, codes):
        lines = linecache.getlines(code.co_filename)
        for node in ast.walk(ast.parse("".join(lines))):
            if isinstance(node, ast.ClassDef) and node.name == value.__name__ and node.end_lineno:
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                if first <= code.co_firstlineno <= node.end_lineno:
                    return "".join(lines[first - 1 : node.end_lineno])
    return ""


def fenced(text: str, language: str = "") -> str:
    """Return `text` as a block of code, whose fence is longer than any in it."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 0)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
