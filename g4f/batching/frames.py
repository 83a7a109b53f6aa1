"""A frame of pandas, polars or pyarrow as the inputs of a batch, and the answers as its further columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from importlib.util import find_spec
from typing import Any, Protocol, TypeGuard

import msgspec

from ..errors import InputError, MissingRequirementsError
from ..printable import one_line
from ..typed.schema import Schema
from ..wire import plain, written
from .row import BatchRow
from .template import Template

__all__ = ["Frame", "FrameInputs", "is_frame"]

_KEPT = (date, datetime, time, timedelta, Decimal)
"""Types that frames have, too."""

_FACTS = ("error", "tokens", "seconds")


class Frame(Protocol):
    """What pandas, polars and pyarrow call DataFrame or Table."""

    @property
    def columns(self) -> Any:
        """Its columns, or their names."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...


def is_frame(inputs: Any) -> TypeGuard[Frame]:
    """Whether this is a frame."""
    return hasattr(inputs, "__arrow_c_stream__") and hasattr(inputs, "columns")


class FrameInputs:
    """The rows of a frame, each as a question."""

    def __init__(self, frame: Any, template: str | None, schema: Schema | None) -> None:
        """Raise InputError for a template that does not fit, and for a column that the answers would have, too."""
        if find_spec("narwhals") is None:
            raise MissingRequirementsError("a batch of a frame needs narwhals: pip install 'g4f-jupyter[batch]'")
        import narwhals as nw  # noqa: PLC0415 - an optional package

        try:
            self._frame = nw.from_native(frame, eager_only=True)
        except nw.exceptions.DuplicateError as error:
            raise InputError(one_line(f"the frame has two columns of one name: {error}")) from None
        if template is None:
            raise InputError('a frame needs a template, such as "Which topic? {title}", as the second argument')
        self._template, self._new = Template(template, self._frame.columns), nw.new_series
        self._fields = [] if schema is None else schema.fields
        if taken := [name for name in (*(self._fields or ["answer"]), *_FACTS) if name in self._frame.columns]:
            names = " and ".join(map(repr, taken))
            raise InputError(f"the frame has {names} already, where the answers come: rename it before")

    @property
    def size(self) -> int:
        """How many rows it has."""
        return len(self._frame)

    def __iter__(self) -> Iterator[str | InputError]:
        """Yield the questions, or why a row has none."""
        used = self._frame.select(self._template.columns)
        empty = used.select(used[name].is_null() for name in used.columns)
        for row, is_empty in zip(used.iter_rows(named=True), empty.iter_rows(named=True), strict=True):
            try:
                yield self._template.fill({name: None if is_empty[name] else row[name] for name in row})
            except InputError as error:
                yield error

    def with_answers(self, rows: Sequence[BatchRow]) -> Any:
        """Return the frame, of its own kind, with what came of its rows. Its index stays."""
        columns = self._answers(rows)
        columns["error"] = [row.error and one_line(f"{type(row.error).__name__}: {row.error}") for row in rows]
        columns |= {"tokens": [row.tokens for row in rows], "seconds": [row.seconds for row in rows]}
        kind = self._frame.implementation
        return self._frame.with_columns(self._new(*each, backend=kind) for each in columns.items()).to_native()

    def _answers(self, rows: Sequence[BatchRow]) -> dict[str, list[Any]]:
        if not self._fields:
            return {"answer": _uniform([_builtin(row.value) for row in rows])}
        values = [_builtin(getattr(row.answer, "value", None)) or {} for row in rows]
        return {name: _uniform([value.get(name) for value in values]) for name in self._fields}


def _builtin(value: Any) -> Any:
    """Return a value in builtin types: one with fields as a dict, by the names that its schema has."""
    if hasattr(value, "_asdict"):  # of a NamedTuple
        value = value._asdict()
    elif hasattr(value, "model_dump"):  # of pydantic
        value = value.model_dump(by_alias=True)
    return msgspec.to_builtins(value, builtin_types=_KEPT, enc_hook=plain)


def _uniform(values: list[Any]) -> list[Any]:
    """Return the values of a column: as JSON where they are too large, or of several types, for most frames."""
    known = [value for value in values if value is not None]
    are_lists = {type(value) is list for value in known}
    each = [part for value in known for part in (value if type(value) is list else [value])]
    kinds = set(map(type, each))
    is_plain = kinds.isdisjoint((dict, list)) and (len(kinds) < 2 or kinds == {int, float})
    if is_plain and len(are_lists) < 2 and not any(type(part) is int and abs(part) >= 1 << 63 for part in each):
        return values
    return [value if value is None else written(value) for value in values]
