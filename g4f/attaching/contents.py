"""From the bytes of a file to what is sent of it."""

from __future__ import annotations

from base64 import b64encode

from ..errors import InputError
from ..images import image_type
from ..markdown.code import fenced
from ..printable import counted
from .attached import AttachedFile
from .kinds import decoded, kind_of_file, sound_format, suffix_of
from .pictures import reduced
from .private import check_content
from .reading import reading_of
from .tables import table_of

__all__ = ["LARGEST", "check_size", "say_stars", "take"]

LARGEST = 20 * 2**20
"""Bytes of a PDF, an image or a recording at most: what a request may hold at all that take them, in base64."""


def take(file: AttachedFile, data: bytes, media_type: str = "", charset: str = "") -> None:
    """Put what is sent of `data` into the file. Raises InputError.

    `media_type` and `charset` are what a server said of it.
    """
    if not data:
        raise InputError(f"{file.name} is empty: there is nothing to send")
    file.size, kind = len(data), kind_of_file(data, file.name, media_type)
    if kind in ("PDF", "image", "sound"):
        check_size(kind, len(data), file.name)
    match kind:
        case "PDF":
            file.url = _url("application/pdf", data)
        case "image":
            data, said = reduced(data, file.name)
            file.left_out += said
            file.url = _url(image_type(data), data)
        case "sound":
            file.url = _url(f"audio/{sound_format(data)}", data)
        case _:
            language = "html" if media_type == "text/html" else suffix_of(file.name).removeprefix(".")
            kind = _take_text(file, data, kind, charset, language)
    file.kind = kind


def check_size(kind: str, size: int, name: str) -> None:
    """Raise InputError for what would be sent as it is, and is too large."""
    if size > LARGEST:
        raise InputError(f"{name} has {size / 2**20:,.1f} MB: a {kind} may have {LARGEST >> 20} MB at most")


def _take_text(file: AttachedFile, data: bytes, kind: str, charset: str, language: str) -> str:
    """Put a text or a table into the file, and return which of the two it has become."""
    how, is_parquet = reading_of(file), data[:4] == b"PAR1"
    stars = how.scrubber.count
    text = "" if is_parquet else decoded(data, file.name, charset)
    if not how.force:
        check_content(text, file.name, how.instead)
    table = table_of(data if is_parquet else text, file) if kind == "table" else None
    if table is None:
        kind = "text"
        table = fenced(how.scrubber.scrub(_capped(text, file)), language)
    file.text = f"{file.name}:\n\n{table}"
    say_stars(file, stars)
    return kind


def say_stars(file: AttachedFile, before: int) -> None:
    """Say that stars stand for secrets, if nobody else counts them. `before` is how many there were already."""
    how = reading_of(file)
    if how.late and (stars := how.scrubber.count - before):
        file.left_out.append(f"{file.name}: stars stand in the place of {counted(stars, 'secret')}")


def _capped(text: str, file: AttachedFile) -> str:
    limit = reading_of(file).limit
    if len(text) <= limit:
        return text.rstrip("\n")
    file.left_out.append(f"{file.name}: only {limit:,} of {len(text):,} characters were sent")
    return f"{text[:limit]}\n… {len(text) - limit:,} more characters"


def _url(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{b64encode(data).decode()}"
