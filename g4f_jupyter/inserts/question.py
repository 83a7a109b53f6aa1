"""A question with all that is put into it: the last error, the values in its braces, and its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from g4f.errors import InputError, close_matches

from .inserts import insert
from .known import scrubber_for
from .last_error import about_last_error

__all__ = ["Filled", "fill"]


class Filled(NamedTuple):
    """Text and images of a question, and the number of secrets in it that stars have replaced."""

    text: str
    images: list[Any]
    hidden: int


def fill(
    text: str, shell_names: Mapping[str, Any], own: Mapping[str, Any], *, images: Sequence[str], error: bool, **how: Any
) -> Filled:
    """Return the question that `text` and the variables of a notebook make.

    Those that IPython put there, `own`, are not inserted. `images` are names of variables, paths or addresses; `error`
    puts the last error above the text; `how` is what `insert` takes besides. Raises InputError as `insert` does, and if
    an image or the error is not there.
    """
    variables = {name: value for name, value in shell_names.items() if not (name in own and value is own[name])}
    scrubber = scrubber_for(variables)
    inserted = insert(text, variables, scrubber=scrubber, **how)
    about = f"{about_last_error(scrubber)}\n\n" if error else ""
    pictures = [*inserted.images, *(_image(image, shell_names) for image in images)]
    return Filled(about + inserted.text, pictures, scrubber.count)


def _image(name: str, variables: Mapping[str, Any]) -> Any:
    """Return the value of the variable of that name, or the name, which is a path or an address."""
    if name in variables or not name.isidentifier() or Path(name).exists():
        return variables.get(name, name)
    raise InputError(f"there is no variable and no file {name!r}.{close_matches(name, variables)}")
