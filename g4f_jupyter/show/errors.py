"""An error of ours in a cell, in one line."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from g4f.errors import G4FError, MissingAuthError
from g4f.printable import one_line, printable, say
from g4f.providers.catalogue import ROWS

from ..inserts.last_error import note_as_own
from ..line.split import HelpAsked

__all__ = ["KEPT", "errors_in_one_line", "line_of"]

_INTERRUPTED = "interrupted. The text that came is above; the conversation is as it was before."
KEPT = "interrupted after the answer was complete: it is kept, and its turn is in the conversation."


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Have IPython show an error of ours in one line: the provider, and its message. `%tb` shows the whole traceback.

    A line that asks for help is no error: what it asks for is printed.
    Any other, such as one of a provider that the notebook has, keeps its traceback: see `kernel.tracebacks`.
    """
    try:
        yield
    except HelpAsked as help_asked:
        say(str(help_asked))
    except KeyboardInterrupt as error:
        error.args = error.args or (_INTERRUPTED,)
        _shorten(error)
        raise
    except G4FError as error:
        _shorten(error)
        raise


_LONG_WORD = re.compile(r"(\S{80})\S{100,}(\S{20})")
"""A word, such as a number or an address, in an error of which the line shows only the beginning and the end."""


def line_of(error: BaseException) -> str:
    """Return an error in one line: its class, the provider, and its message."""
    message = str(error)
    if isinstance(error, G4FError) and error.provider and error.provider not in message:
        message = f"{error.provider}: {message}"
    return _LONG_WORD.sub(r"\1…\2", one_line(f"{type(error).__name__}: {message}"))


def _shorten(error: BaseException) -> None:
    lines = [[line_of(error), *_remedies(error)]]

    def render() -> list[str]:
        return lines.pop() if lines else [printable(line) for line in traceback.format_exception(error)]

    error._render_traceback_ = render  # type: ignore[attr-defined] # IPython asks for it by this name
    note_as_own(error)


def _remedies(error: BaseException) -> list[str]:
    """Return lines that say how to give a missing key without leaving it in a cell, and how to go without one."""
    if not isinstance(error, MissingAuthError):
        return []
    names = (name for row in ROWS if row.name == error.provider for name in row.keys[:1])
    name = next(names, "")
    if not name or f"set {name}" not in str(error):  # it has an answer from a server, or is one of the user's own
        return []
    return [
        f'Ask for it: import os, getpass; os.environ["{name}"] = getpass.getpass("{name}: ")',
        f"In Colab, a secret called {name} is found by itself. Without any key: -p Local, -p Ollama.",
    ]
