"""What is asked about: any iterable of questions, or of rows for a template."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from io import TextIOBase
from itertools import chain
from typing import Any, Protocol

from ..errors import InputError, kind_of
from .template import Template

__all__ = ["InputSource", "Inputs", "source_of"]


class InputSource(Protocol):
    """What yields the inputs of a batch, each as messages (a text, or a list of them), or as why it is no question.

    This is where further kinds of inputs, such as frames, come in.
    """

    @property
    def size(self) -> int | None:
        """How many inputs there are; None where nobody knows before the last."""

    def __iter__(self) -> Iterator[Any | InputError]: ...


class Inputs:
    """The inputs of an iterable, read once, one at a time. `question` makes what is asked of one."""

    def __init__(self, each: Iterable[Any], size: int | None, question: Callable[[Any], Any]) -> None:
        self._each, self._size, self._question = each, size, question

    @property
    def size(self) -> int | None:
        """How many they are; None where nobody knows."""
        return self._size

    def __iter__(self) -> Iterator[Any | InputError]:
        for each in self._each:
            try:
                yield self._question(each)
            except InputError as error:
                yield error


def source_of(inputs: Any, template: str | None) -> InputSource:
    """Return the inputs of a batch. Raises InputError for what is none, or does not go with the template.

    Of an iterator that cannot be read twice, the first input is read here, and given again.
    """
    if isinstance(inputs, str | bytes | Mapping) or not isinstance(inputs, Iterable):
        raise InputError(
            f"a batch takes many questions: a list, a generator, or the lines of a file, not one {kind_of(inputs)}"
        )
    size = len(inputs) if isinstance(inputs, Sized) else None
    each = iter(inputs)
    try:
        first = next(each)
    except StopIteration:
        return Inputs((), 0, _as_it_is)
    question: Callable[[Any], Any] = _as_it_is
    if template is not None:
        question = _filler(template, first)
    elif isinstance(first, Mapping):
        raise InputError('rows that are dicts need a template, such as "Which topic? {title}", as the second argument')
    elif isinstance(inputs, TextIOBase):
        question = _line
    return Inputs(chain([first], each), size, question)


def _filler(template: str, first: Any) -> Callable[[Any], str]:
    if not isinstance(first, Mapping):
        raise InputError(f"a template is filled from rows that are dicts, with names for columns, not {_kind(first)}")
    fill = Template(template, first).fill

    def filled(row: Any) -> str:
        if not isinstance(row, Mapping):
            raise InputError(f"the row must be a dict, as the first one is, not {kind_of(row)}")
        return fill(row)

    return filled


def _kind(first: Any) -> str:
    return "texts" if isinstance(first, str) else f"rows of the type {kind_of(first)}"


def _as_it_is(question: Any) -> Any:
    return question


def _line(line: str) -> str:
    return line.rstrip("\r\n")
