"""What kind of file some bytes are: by their first bytes, by the type that a server gave, or by their name. No I/O."""

from __future__ import annotations

import codecs
from pathlib import PurePosixPath

from ..errors import InputError
from ..images import image_type

__all__ = ["decoded", "kind_of_file", "sound_format", "suffix_of"]

_KINDS = {
    "application/pdf": "PDF",
    "application/vnd.apache.parquet": "table",
    "text/csv": "table",
    "text/tab-separated-values": "table",
    "application/json": "text",
    "application/x-ndjson": "text",
}
_SUFFIXES = {".pdf": "PDF", ".csv": "table", ".tsv": "table", ".parquet": "table", ".pq": "table"}
_SUFFIXES |= dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".webp"), "image")
_SUFFIXES |= dict.fromkeys((".wav", ".mp3", ".flac", ".ogg", ".m4a", ".aac"), "sound")

_INSTEAD = {
    **dict.fromkeys((".docx", ".doc", ".odt", ".rtf", ".pptx", ".ppt", ".odp", ".pages", ".key"), "save it as PDF"),
    **dict.fromkeys((".xlsx", ".xls", ".ods", ".feather", ".arrow", ".orc", ".sas7bdat"), "save it as CSV or Parquet"),
    **dict.fromkeys((".zip", ".gz", ".tar", ".tgz", ".bz2", ".xz", ".7z", ".zst"), "unpack it first"),
    **dict.fromkeys((".svg", ".bmp", ".tif", ".tiff", ".heic", ".ico", ".avif"), "save it as PNG"),
}
"""What to do with files of kinds that no model takes."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_SEEN = 4096
"""Bytes that say whether a file is a text."""


def suffix_of(name: str) -> str:
    """Return the end of a name, such as ".csv", in lower case."""
    return PurePosixPath(name).suffix.lower()


def kind_of_file(data: bytes, name: str, media_type: str = "") -> str:
    """Return "PDF", "image", "sound", "table" or "text". Raises InputError for what is none, or not what it is called.

    `media_type` is what a server said, "" if nothing.
    """
    found = _by_content(data)
    if not found and media_type == "text/html":
        if wanted := _SUFFIXES.get(suffix_of(name)):
            raise InputError(f"{name} is a web page there, and no {wanted}: give the address of the file itself")
        return "text"
    called = _KINDS.get(media_type) or _by_type(media_type) or _SUFFIXES.get(suffix_of(name), "")
    if found:
        return found
    if called == "PDF" and b"%PDF-" in data[:1024]:  # behind what some programs write before it
        return called
    if called == "table" and "parquet" not in media_type and suffix_of(name) not in (".parquet", ".pq"):
        return called
    if called not in ("", "text"):
        raise InputError(f"{name} is no {_FORMATS[called]}, though it is called so: it may be broken")
    return "text"


_FORMATS = {
    "PDF": "PDF",
    "image": "PNG, JPEG, GIF or WebP",
    "sound": "WAV, MP3, FLAC, OGG, M4A or AAC",
    "table": "whole Parquet file",
}


def _by_content(data: bytes) -> str:
    if data[:1024].lstrip().startswith(b"%PDF-"):
        return "PDF"
    if data[:4] == b"PAR1" and data[-4:] == b"PAR1":
        return "table"
    return "image" if image_type(data) else "sound" if sound_format(data) else ""


def _by_type(media_type: str) -> str:
    head, _, form = media_type.partition("/")
    return {"image": "image" if form != "svg+xml" else "", "audio": "sound"}.get(head, "")


def sound_format(data: bytes) -> str:
    """Return the format of a recording, such as "wav"; "" if it is none that models take."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "wav"
    if data[4:11] == b"ftypM4A":
        return "m4a"
    if data[:2] in (b"\xff\xf1", b"\xff\xf9"):
        return "aac"
    if (data[:3] == b"ID3" and data[3:4] < b"\x10") or data[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"):
        return "mp3"
    return {b"fLaC\0": "flac", b"OggS\0": "ogg"}.get(data[:5], "")


def decoded(data: bytes, name: str, charset: str = "") -> str:
    """Return the text in a file: in UTF-8, or what its byte order mark or the server says. Raises InputError."""
    marked = next((encoding for mark, encoding in _BOMS if data.startswith(mark)), "")
    encoding = marked or charset or _without_mark(data) or "utf-8"
    try:
        text = data.decode(encoding).removeprefix("\ufeff")
    except (UnicodeError, LookupError):
        text = "\0"
    if not any(char in text[:_SEEN] for char in "\0\x01\x02\x03\x04"):
        return text
    if marked or ((instead := _INSTEAD.get(suffix_of(name))) is None and not _is_binary(data)):
        raise InputError(f"{name} is no text in UTF-8: convert it first, as in Path(…).read_text(encoding=…)")
    raise InputError(f"{name} is of a kind that cannot be sent: {instead or 'save it as text, PDF, CSV or an image'}")


def _without_mark(data: bytes) -> str:
    """Return the encoding of what looks like UTF-16 without a byte order mark: every other byte is zero."""
    first, second = data[:_SEEN:2], data[1:_SEEN:2]
    if not second or len(data) % 2:
        return ""
    if 2 * second.count(0) > len(second) and not first.count(0):
        return "utf-16-le"
    return "utf-16-be" if 2 * first.count(0) > len(first) and not second.count(0) else ""


def _is_binary(data: bytes) -> bool:
    begin = data[:_SEEN]
    return b"\0" in begin or 10 * sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in begin) > len(begin)
