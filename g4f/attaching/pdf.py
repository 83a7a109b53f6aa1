"""The text of a PDF, for providers that take no files."""

from __future__ import annotations

import logging
import zlib
from base64 import b64decode
from io import BytesIO
from typing import Any

from ..errors import InputError, MissingRequirementsError
from ..images import inline
from ..markdown.code import fenced
from .attached import AttachedFile, FilePart, has_pdf, is_pdf, joined
from .contents import say_stars
from .reading import reading_of

__all__ = ["in_texts"]

_TAKERS = "OpenAI, Anthropic and Gemini take the file itself"

_BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zlib.error,
)
"""What pypdf raises, besides errors of its own, for files that are broken."""


def in_texts(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return messages for a provider that takes no files: with the text of each PDF that was attached.

    Raises InputError for one without text, MissingRequirementsError if nothing here reads PDFs.
    """
    return [
        message | {"content": joined(list(map(_in_text, message["content"])))} if has_pdf([message]) else message
        for message in messages
    ]


def _in_text(part: dict[str, Any]) -> dict[str, Any]:
    if not (isinstance(part, FilePart) and is_pdf(part)):
        return part
    file = part.file
    if not file.text:  # each turn of a conversation sends it again
        file.read_as(how := reading_of(file)._replace(late=True))
        stars = how.scrubber.count
        file.text = f"{file.name}:\n\n{fenced(how.scrubber.scrub(_text(file, how.limit)))}"
        say_stars(file, stars)
    return file.text_part()


def _text(file: AttachedFile, limit: int) -> str:
    """Return the text of as many pages as there is room for. Raises InputError."""
    try:
        from pypdf import PdfReader  # noqa: PLC0415 - an optional package
        from pypdf.errors import DependencyError, PyPdfError  # noqa: PLC0415 - the same
    except ImportError:
        needs = "pip install g4f-jupyter[files] for the text of a PDF"
        raise MissingRequirementsError(f"{file.name}: {needs}, or ask another provider: {_TAKERS}") from None
    logging.getLogger("pypdf").addHandler(logging.NullHandler())  # what it finds odd is no affair of the cell
    try:
        reader = PdfReader(BytesIO(b64decode((inline(file.url) or ("", ""))[1])))
        return _pages(reader, file, limit)
    except InputError:
        raise
    except DependencyError as error:
        raise MissingRequirementsError(f"{file.name}: {str(error)[:200]}") from None
    except (PyPdfError, *_BROKEN) as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{file.name} cannot be read as a PDF, it may be broken: {why}") from None


def _pages(reader: Any, file: AttachedFile, limit: int) -> str:
    if reader.is_encrypted and not reader.decrypt(""):
        raise InputError(f"{file.name} is encrypted with a password: save it without one")
    count, parts, size = len(reader.pages), list[str](), 0
    for number, page in enumerate(reader.pages, 1):
        text = page.extract_text().strip()
        if size + len(text) > limit:
            left = limit - size
            parts.append(f"[page {number}]\n{text[:left]}\n… the rest of {count:,} pages")
            file.left_out.append(f"{file.name}: only {number:,} of {count:,} pages were sent, as text")
            break
        size += len(text)
        parts += [f"[page {number}]\n{text}"] if text else []
    else:
        if not parts:
            raise InputError(
                f"{file.name} has no text, it may be scanned: give its pages as images, or ask another provider: "
                f"{_TAKERS}"
            )
        file.left_out.append(f"{file.name}: sent as text, without images and layout")
    return "\n\n".join(parts)
