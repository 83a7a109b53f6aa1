"""The settings of `%%chat`: what holds for each cell whose line says nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from IPython.core.magic import Magics
from traitlets import Bool, Enum, Float, Int, List, Unicode, Union

from g4f.values.room import ALL

from ..line.options import ALL_ROWS, OPTIONS, TAPES
from ..show.display import Look
from ..show.forms import FORMATS

__all__ = ["ChatSettings"]


class ChatSettings(Magics):
    """What `%config ChatMagics` lists, and what it makes of the options of a line."""

    provider = Unicode("", help="Provider to ask, by name; several names are asked in turn.").tag(config=True)
    model = Unicode("", help="Model to ask.").tag(config=True)
    system = Unicode("", help="System prompt that a conversation begins with.").tag(config=True)
    temperature = Float(None, allow_none=True, help="How freely the model picks its words.").tag(config=True)
    max_tokens = Int(None, allow_none=True, help="Longest answer, in tokens.").tag(config=True)
    seed = Int(None, allow_none=True, help="The same seed gives the same answer, where a provider can.").tag(
        config=True
    )
    stop = List(Unicode(), help="Texts at which an answer ends.").tag(config=True)
    timeout = Float(None, allow_none=True, help="Longest time for the whole answer, in seconds.").tag(config=True)
    reasoning_effort = Unicode("", help="How long the model thinks: low, medium, high, …").tag(config=True)
    format = Enum(FORMATS, "markdown", help="How an answer is shown.").tag(config=True)
    allow_images = Bool(False, help="Whether images that an answer names are fetched and shown.").tag(config=True)
    footer = Bool(True, help="Whether provider, model, tokens, seconds and cost stand below an answer.").tag(
        config=True
    )
    budget = Int(0, min=0, help="Tokens after which nothing more is asked in this notebook; 0: no limit.").tag(
        config=True
    )
    tape = Enum(("", *TAPES), "", help="Whether answers are recorded on a tape, and replayed from it.").tag(config=True)
    tape_file = Unicode(
        "", help="File of the tape. Default: that of G4F_TAPE_FILE, or g4f_tape.jsonl in this folder."
    ).tag(config=True)
    tape_tools = Bool(False, help="Whether the tools that a replayed answer calls run again.").tag(config=True)
    inserted = Int(
        20_000, min=0, help="Most characters of one variable in braces that are sent. {name!all} sends all of one."
    ).tag(config=True)
    rows = Union(
        (Int(min=0), Enum((ALL_ROWS,))),
        default_value=None,
        allow_none=True,
        help="Most rows of a table in braces that are sent, within these characters: of a longer one a summary of each "
        "column, and so many rows from all parts of it. Default: 50, or one for each 400 characters of inserted, if "
        "that is more. 'all': the whole table, whatever its length.",
    ).tag(config=True)

    attached = Int(
        100_000, min=0, help="Most characters of one attached file that are sent: of a text, or of the text of a PDF."
    ).tag(config=True)

    def provider_options(self, line: Any, client: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options that go to the provider by their own names.

        Those of the `line` come before those of a `client` that it names, and these before the settings.
        """
        settings = {name: value for name in OPTIONS if (value := getattr(self, name)) not in (None, "", [])}
        given = {name: value for name in OPTIONS if (value := getattr(line, name)) is not None}
        return {**settings, **client, **given}

    def rows_of(self, line: Any) -> int | None:
        """Return how many rows of a table are sent at most; None if that is left to `inserted`."""
        rows: int | str | None = self.rows if line.rows is None else line.rows
        return ALL if isinstance(rows, str) else rows

    def look(self, line: Any) -> Look:
        """Return how the answer is shown."""
        form = line.format or ("json" if line.schema is not None else self.format)
        return Look(form, line.allow_images or self.allow_images)
