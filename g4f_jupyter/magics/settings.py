"""The settings of `%%chat`: what holds for each cell whose line says nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from IPython.core.magic import Magics
from traitlets import Bool, Enum, Float, Int, List, Unicode

from ..line.options import OPTIONS, TAPES
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
    inserted = Int(
        20_000, min=0, help="Most characters of one variable in braces that are sent; 50 rows of a table at most."
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

    def look(self, line: Any) -> Look:
        """Return how the answer is shown."""
        form = line.format or ("json" if line.schema is not None else self.format)
        return Look(form, line.allow_images or self.allow_images)
