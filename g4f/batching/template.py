"""A question with `{column}` in it, filled from a row in one pass."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..errors import InputError, close_matches, kind_of
from ..values.braces import found
from ..values.form import Form

__all__ = ["Template"]


class _Slot(NamedTuple):
    """What is replaced: `text[start:end]`, by the value of a column; by `text` where `column` is ""."""

    start: int
    end: int
    column: str
    form: Form = Form()
    text: str = ""


class Template:
    """A question over columns: `"Which topic? {title}: {body}"`. A value is never looked at for braces again.

    `{{title}}` is the text `{title}`, `{price:.2f}` is a value as f-strings format it. Braces of code stay.
    """

    def __init__(self, text: str, columns: Iterable[str]) -> None:
        """Raise InputError for an unknown column, with all that are known, and for a template that names none."""
        known = list(columns)
        if not isinstance(text, str):
            raise InputError(f'a template is a text such as "Which topic? {{title}}", not {kind_of(text)}')
        self.text = text
        self._slots = sorted(_slots(text, known))
        self.columns = list(dict.fromkeys(slot.column for slot in self._slots if slot.column))
        if unknown := [column for column in self.columns if column not in known]:
            raise InputError(_unknown(unknown, known))
        if not self.columns:
            raise InputError(f"the template names no column, so each row would be the same question. {_listed(known)}")

    def fill(self, row: Mapping[str, Any]) -> str:
        """Return the question of a row. Raises InputError for a column that is not there, or has no value."""
        parts, at = [], 0
        for slot in self._slots:
            parts += [self.text[at : slot.start], _filled(slot, row) if slot.column else slot.text]
            at = slot.end
        return "".join((*parts, self.text[at:]))


def _slots(text: str, known: list[str]) -> Iterator[_Slot]:
    odd = [name for name in known if isinstance(name, str) and not name.isidentifier()]
    for name in odd:  # such as "first name", which is no expression
        for match in re.finditer(rf"(?<!{{){{{re.escape(name)}}}(?!}})", text):
            yield _Slot(*match.span(), name)
    for each in found(text):
        is_name = isinstance(each.tree, ast.Name)
        if each.source in odd or (each.lenient and each.source not in known):
            continue
        if each.depth == 2:
            yield _Slot(each.start, each.end, "", text=text[each.start + 1 : each.end - 1])
        elif is_name:
            whole = "{" * (each.depth // 2), "}" * (each.depth // 2)
            inside = each.start + len(whole[0]), each.end - len(whole[1])
            yield _Slot(*inside, each.source, each.form or Form())
        else:
            raise InputError(
                f"a template takes the names of columns, not {{{each.source}}}. {_listed(known)} "
                f"For the text itself, write {{{{{each.source}}}}}"
            )


def _filled(slot: _Slot, row: Mapping[str, Any]) -> str:
    try:
        value = row[slot.column]
    except KeyError:
        raise InputError(f"the row has no {slot.column!r}. {_listed(list(row))}") from None
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124 - NaN
        raise InputError(f"{slot.column!r} has no value here ({value}): fill it or leave the row out")
    if isinstance(value, str) and slot.form == Form():
        return value
    text = {"r": repr, "a": ascii}.get(slot.form.conversion, lambda same: same)(value)
    try:
        shown = format(text, slot.form.spec)
    except (TypeError, ValueError) as error:
        raise InputError(f"{slot.column!r} cannot be written as {slot.form.spec!r}: {error}") from None
    return f"{slot.column}={shown}" if slot.form.shows else shown


def _unknown(unknown: list[str], known: list[str]) -> str:
    near = "".join(close_matches(name, list(map(str, known))) for name in unknown)
    names = " and ".join(map(repr, unknown))
    return f"the template names {names}, which no column is called.{near} {_listed(known)}"


def _listed(known: list[str]) -> str:
    return f"The columns are {', '.join(map(str, known)) or 'none'}."
