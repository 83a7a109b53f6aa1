"""A catalogue of the test's own: its data is replaced, the code that reads it is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

from g4f import routing
from g4f.providers import catalogue
from g4f.providers.rows import Row

__all__ = ["only"]


@contextmanager
def only(*kinds: type) -> Iterator[None]:
    """Have a catalogue of just these classes, by their names. Each has a `missing()`, if it is to be a default."""
    rows = tuple(Row(kind.__name__, kind.__module__, kind.__name__, docs="") for kind in kinds)
    with ExitStack() as stack:
        for module in (catalogue, routing):
            stack.enter_context(mock.patch.object(module, "ROWS", rows))
        by_name = {row.name.casefold(): row for row in rows}
        stack.enter_context(mock.patch.dict(catalogue._BY_NAME, by_name, clear=True))
        yield
