"""How files are read."""

from __future__ import annotations

from ..secrets.known import keys_here
from ..secrets.scrubbing import Scrubber
from .attached import AttachedFile, Reading

__all__ = ["LIMIT", "reading_of"]

LIMIT = 100_000
"""Most characters that are sent of one file."""


def reading_of(file: AttachedFile) -> Reading:
    """Return how a file is read."""
    return file.how or Reading(LIMIT, Scrubber(keys_here()), late=True)
