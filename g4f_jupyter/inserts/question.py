"""A question with all that is put into it: the last error, the values in its braces, and its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from g4f.attaching.attached import AttachedFile
from g4f.errors import InputError, close_matches
from g4f.secrets.scrubbing import Scrubber

from .inserts import insert
from .known import scrubber_for
from .last_error import about_last_error

__all__ = ["Filled", "fill"]


class Filled(NamedTuple):
    """Text, images and files of a question, its system prompt, the number of stars for secrets, and what was left out.

    `typed` is the text before the values are put into it. `not_sent` says in lines what of all that is not sent, also
    of a file that is only read while the question is asked.
    """

    text: str
    typed: str
    system: str | None
    images: list[Any]
    hidden: int
    left_out: list[str]
    files: Sequence[AttachedFile]

    @property
    def not_sent(self) -> list[str]:
        """The lines of `left_out`, and those of its files."""
        return [*self.left_out, *(line for file in self.files for line in file.left_out)]


def fill(
    text: str,
    system: str | None,
    variables: Mapping[str, Any],
    *,
    images: Sequence[Any],
    files: Sequence[Any],
    error: bool,
    force: bool,
    attached: int,
    evaluate: bool,
    limit: int,
    rows: int | None,
) -> Filled:
    """Return the question that `text` and the variables make, and the `system` prompt with its values.

    `images` are names of variables, paths, addresses, or images; `files` and `force` are those of `attach`, and
    `attached` is its limit; `error` puts the last error above the text; `evaluate`, `limit` and `rows` are those of
    `insert`. Raises InputError as `insert` does, and if an image, a file or the error is not there.
    """
    scrubber = scrubber_for(variables)
    put = partial(insert, namespace=variables, scrubber=scrubber, evaluate=evaluate, limit=limit, rows=rows)
    inserted, prompt = put(text), put(system or "")
    if prompt.images:
        raise InputError("the system prompt takes no image: put it into the question")
    left_out: list[str] = []
    about = f"{about_last_error(scrubber, left_out)}\n\n" if error else ""
    pictures = list(inserted.images)
    for image in (_image(each, variables) for each in images):
        if not any(image is each for each in pictures):  # in braces, too: it is sent once
            pictures.append(image)
    held = _attached(files, variables, scrubber, force=force, limit=attached) if files else ()
    left_out += dict.fromkeys([*inserted.left_out, *prompt.left_out])
    prompted = None if system is None else prompt.text
    return Filled(about + inserted.text, text, prompted, pictures, scrubber.count, left_out, held)


def _attached(
    files: Sequence[Any], variables: Mapping[str, Any], scrubber: Scrubber, *, force: bool, limit: int
) -> list[AttachedFile]:
    from g4f.attaching.attach import attach  # noqa: PLC0415 - 5 ms that only a question with files has to spend

    for name in files:
        if isinstance(name, str) and name in variables and not Path(name).exists():
            raise InputError(f"there is no file {name!r}: write -a {{{name}}} for the variable")
    return attach(
        files, limit=limit, scrubber=scrubber, force=force, instead="--force sends it, with stars for its secrets."
    )


def _image(name: Any, variables: Mapping[str, Any]) -> Any:
    """Return the value of the variable of that name, or the name, which is a path, an address, or an image itself."""
    if not isinstance(name, str):
        return name
    if name in variables or not name.isidentifier() or Path(name).exists():
        return variables.get(name, name)
    raise InputError(f"there is no variable and no file {name!r}.{close_matches(name, variables)}")
