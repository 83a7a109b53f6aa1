"""Values in the words of a line: `-m {model}`, `--json run_{number}.json`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from numbers import Number
from os import PathLike, fspath
from typing import Any

from g4f.errors import InputError, kind_of
from g4f.values.braces import found, path_of
from g4f.values.text import text_of

from .inserts import value_of

__all__ = ["text_within", "word_of"]

_SHELL = re.compile(r"\$(\w+)|\$\{(\w+)\}")


def word_of(word: str, names: Mapping[str, Any], *, evaluate: bool = False, strict: bool = True) -> Any:
    """Return the value of `{name}` itself, or else the text of a word with the values in it, by one pass.

    A `strict` word has no braces of its own. Raises InputError for those, for an unknown name, and for a value within
    a text that is neither a text nor a number nor a path.
    """
    if (shell := _SHELL.fullmatch(word)) and strict and (name := shell[1] or shell[2]) in names:
        raise InputError(f"{word}: to give the value of the variable {name}, write {{{name}}}")
    parts, done = [], 0
    for braces in found(word, prose=False):
        inner = word[braces.start + braces.depth : braces.end - braces.depth]
        if braces.depth % 2:
            value = value_of(braces, path_of(braces.tree), names, evaluate)
            if braces.form is not None:
                value = text_of(value, braces.source, form=braces.form)
            elif word == f"{{{inner}}}":
                return value
            inner = text_within(value, f"{{{inner}}}")
        pairs = braces.depth // 2
        parts += [word[done : braces.start], f"{'{' * pairs}{inner}{'}' * pairs}"]
        done = braces.end
    parts.append(word[done:])
    if strict and any("{" in around or "}" in around for around in parts[::2]):
        raise InputError(f"{word!r} has braces in which no variable is named: write {{name}}, and blanks in quotes")
    return "".join(parts)


def text_within(value: object, word: str) -> str:
    """Return the text of a value, which `word` gives. Raises InputError for all but texts, numbers and paths."""
    if isinstance(value, PathLike):
        return str(fspath(value))
    if isinstance(value, str | Number) and not isinstance(value, bool):
        return str(value)
    raise InputError(f"{word} is {_kind(value)}: in this line it must be a text or a number")


def _kind(value: object) -> str:
    return "None" if value is None else f"of type {kind_of(value)}"
