"""A question about the last error of the notebook: where it was raised, and the variables there."""

from __future__ import annotations

import linecache
import reprlib
import sys
import traceback
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from g4f.errors import InputError
from g4f.secrets.key import Key
from g4f.secrets.known import hides, is_environment, keys_here
from g4f.secrets.scrubbing import Scrubber
from g4f.values.room import Room
from g4f.values.sources import fenced

from ..own_code import frames, is_own
from .known import held

__all__ = ["FIX", "about_last_error", "failed_cells", "note_as_own"]

FIX = "Explain in short why this happened, and show the whole corrected cell in one block of Python code."

ERRORS = 5
"""Most errors that are shown, with those that caused the last one."""

FRAMES = 4
"""Innermost frames of the notebook's own code that are shown."""

AROUND = 3
"""Lines above and below the one that raised, of code that is no cell."""

VARIABLES = 30
"""Most variables that are shown."""

LONGEST, WIDEST = 300, 20
"""Most characters of a value, and most items of a list, that are shown."""


_BEFORE = "_g4f_before"
"""The attribute of a chat's own error that holds the notebook's last one."""


def note_as_own(error: BaseException) -> None:
    """Note that a chat failed with `error`: a question about the last error means the one before it."""
    setattr(error, _BEFORE, _last_error())


def _last_error() -> BaseException | None:
    """Return the last error of the notebook that a chat did not raise."""
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    error = getattr(error, _BEFORE, error)
    return error if isinstance(error, BaseException) else None


def about_last_error(scrubber: Scrubber | None = None, left_out: list[str] | None = None) -> str:
    """Return the last error: its line, its cells, and the values of the variables that they name.

    Stars replace secrets, and the `scrubber` counts them. `left_out` gets lines that say what is not sent. Raises
    InputError if there was no error.
    """
    scrubber = scrubber or Scrubber(keys_here())
    error = _last_error()
    if error is None:
        raise InputError("no error was raised yet that %chat_fix could ask about")
    room, all_errors = Room("the last error", 0), list(_errors(error))
    errors = all_errors[:ERRORS]
    room.note(len(errors), len(all_errors), "errors")
    messages = [f"{lead}{''.join(traceback.format_exception_only(each)).strip()}" for lead, each in errors]
    own = [[frame for frame in _frames_of(each) if is_own(frame[0])] for _, each in errors]
    sent = dict.fromkeys(frame for each in own for frame in each[-FRAMES:])
    room.note(len(sent), len({frame for each in own for frame in each}), "frames")
    parts = [
        f"This error was raised:\n{fenced(chr(10).join(messages))}",
        *_places(errors, sent or _frames_of(error)[-1:]),
    ]
    for _, each in errors:
        for frame, _ in _frames_of(each):
            scrubber.learn(held(frame.f_locals))
    if variables := list(_variables(dict.fromkeys(frame for frame, _ in sent))):
        parts.append(_values(variables, scrubber, room))
    if left_out is not None:
        left_out.extend(room.left_out())
    return scrubber.scrub("\n\n".join(parts))


def failed_cells(scrubber: Scrubber) -> list[str]:
    """Return the cells that the last error went through, as they are sent: the `scrubber` puts stars for secrets."""
    if (error := _last_error()) is None:
        return []
    errors = list(_errors(error))
    raised_through = [frame for _, each in errors for frame in _frames_of(each)]
    for frame, _ in raised_through:
        scrubber.learn(held(frame.f_locals))
    return [
        scrubber.scrub("".join(lines).rstrip("\n"))
        for name, lines, _ in _code_of(errors, raised_through)
        if _is_cell(name)
    ]


def _values(variables: list[tuple[str, Any]], scrubber: Scrubber, room: Room) -> str:
    """Return the variables with their values, as many of them as are shown."""
    room.note(VARIABLES, len(variables), "variables")
    shown = _Shown(scrubber)
    lines = [f"{name} = {shown.named(name, value)}" for name, value in variables[:VARIABLES]]
    if shown.cut:
        room.say(f"{shown.cut} of its values were sent only in part")
    return f"The variables there:\n{fenced(chr(10).join(lines))}"


def _errors(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    """Yield the error, what caused it, and those of a group, each with words that say which it is."""
    errors, seen = deque([("", error)]), set[int]()
    while errors:
        lead, each = errors.popleft()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield lead, each
        if isinstance(each, BaseExceptionGroup):
            errors.extend(("In the group: ", member) for member in each.exceptions)
        if each.__cause__ is not None:
            errors.append(("Caused by: ", each.__cause__))
        elif each.__context__ is not None and not each.__suppress_context__:
            errors.append(("Raised while this was handled: ", each.__context__))


def _frames_of(error: BaseException) -> list[tuple[FrameType, int]]:
    return [(entry.tb_frame, entry.tb_lineno) for entry in frames(error.__traceback__)]


def _places(
    errors: Iterable[tuple[str, BaseException]], raised_through: Iterable[tuple[FrameType, int]]
) -> Iterator[str]:
    """Yield the code around the lines that raised, file by file."""
    for name, lines, marked in _code_of(errors, raised_through):
        yield _place(name, lines, marked)


def _code_of(
    errors: Iterable[tuple[str, BaseException]], raised_through: Iterable[tuple[FrameType, int]]
) -> Iterator[tuple[str, list[str], set[int]]]:
    """Yield files, their lines, and the numbers of those that raised. What cannot be read as Python has no frame."""
    marks: dict[str, tuple[set[int], dict[str, Any]]] = {}
    unread = [each for _, each in errors if isinstance(each, SyntaxError) and each.filename and each.lineno]
    for frame, line in raised_through:
        if not unread or is_own(frame):
            marks.setdefault(frame.f_code.co_filename, (set(), frame.f_globals))[0].add(line)
    for each in unread:
        marks.setdefault(str(each.filename), (set(), {}))[0].add(each.lineno or 1)
    for name, (marked, module) in marks.items():
        if lines := linecache.getlines(name, module):
            yield name, lines, marked


def _is_cell(name: str) -> bool:
    return "ipykernel" in name or name.startswith("<ipython")


def _place(name: str, lines: list[str], marked: set[int]) -> str:
    """Return the lines of one file around the `marked` ones: a whole cell, or some lines of a file."""
    is_cell = _is_cell(name)
    first, last = (1, len(lines)) if is_cell else (max(1, min(marked) - AROUND), max(marked) + AROUND)
    code = "".join(
        f"{'-->' if number in marked else '   '} {line.rstrip()}\n"
        for number, line in enumerate(lines, 1)
        if first <= number <= last
    )
    return f"{'In this cell' if is_cell else f'In {Path(name).name}, from line {first}'}:\n{fenced(code, 'python')}"


def _variables(frames: Iterable[FrameType]) -> Iterator[tuple[str, Any]]:
    """Yield names and values of the variables that the code names."""
    for frame in frames:
        code = frame.f_code
        for name in dict.fromkeys((*code.co_varnames, *code.co_freevars, *code.co_names)):
            value = frame.f_locals.get(name, _MISSING)
            if value is not _MISSING and not name.startswith("_") and not _is_code(value):
                yield name, value


_MISSING = object()


class _Shown(reprlib.Repr):
    """Shortens values, without the secrets in them: these are found before anything is cut off."""

    def __init__(self, scrubber: Scrubber) -> None:
        super().__init__()
        self.maxstring = self.maxother = LONGEST
        self.maxlist = self.maxdict = self.maxtuple = WIDEST
        self._scrubber = scrubber
        self.cut = 0
        """How many values are shown only in part."""

    def named(self, name: str, value: object) -> str:
        """Return the short form of a variable, or stars if its name says that it is a secret."""
        if hides(name, value):
            return self._scrubber.stars()
        text = self.repr(value)
        self.cut += "..." in text and not (type(value) is str and len(text) < LONGEST)
        return text

    def repr_str(self, x: str, level: int) -> str:
        return super().repr_str(self._scrubber.scrub(x), level)

    def repr_dict(self, x: dict[Any, Any], level: int) -> str:
        if is_environment(x):
            return self._scrubber.stars()
        hidden = {key: Key() for key, value in x.items() if hides(key, value)}
        self._scrubber.count += len(hidden)
        return super().repr_dict({**x, **hidden}, level)

    def repr_instance(self, x: object, level: int) -> str:
        if type(x) is Key or is_environment(x):
            return self._scrubber.stars()
        self.maxother = sys.maxsize
        try:
            text = self._scrubber.scrub(super().repr_instance(x, level))
        finally:
            self.maxother = LONGEST
        half = (LONGEST - 3) // 2
        return text if len(text) <= LONGEST else f"{text[:half]}...{text[-half:]}"


def _is_code(value: object) -> bool:
    return callable(value) or type(value).__name__ == "module"
