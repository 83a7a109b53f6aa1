"""Files and sound in a question, in OpenAI's words: what is in them, for protocols that have other words. No I/O.

https://platform.openai.com/docs/guides/pdf-files, https://platform.openai.com/docs/guides/audio
"""

from __future__ import annotations

from base64 import b64decode
from mimetypes import guess_type
from typing import Any, NamedTuple

from ...errors import InputError

__all__ = ["Attachment", "attachment", "text_of"]

_FILE = '{"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,…"}}'
_AUDIO = '{"type": "input_audio", "input_audio": {"format": "wav", "data": "…"}}, whose data is base64'


class Attachment(NamedTuple):
    """What is in a file, or a recording. `data` is base64, `name` the file's name, "" if it has none."""

    media_type: str
    data: str
    name: str = ""


def attachment(part: dict[str, Any], where: str) -> Attachment:
    """Return what is in a part of type "file" or "input_audio". `where` names its message in errors: InputError."""
    match part:
        case {"type": "file", "file": {"file_data": str(given), **more}} if given:
            name = str(more.get("filename") or "")
            head, _, data = given.rpartition(";base64,")
            kind = head.removeprefix("data:").partition(";")[0] or guess_type(name)[0]
            if kind:
                return Attachment(kind, _checked(data, where), name)
            raise InputError(f"{where}: the file needs a filename, or a file_data that says what it is: {_FILE}")
        case {"type": "file", "file": {"file_id": _}}:
            raise InputError(f"{where}: a file_id is known to OpenAI alone: put the file in, as in {_FILE}")
        case {"type": "input_audio", "input_audio": {"data": str(data), "format": str(form)}} if data and form:
            return Attachment(f"audio/{form}", _checked(data, where))
    like = _FILE if part["type"] == "file" else _AUDIO
    raise InputError(f"{where}: a part of type {part['type']!r} must be like {like}")


def text_of(file: Attachment, where: str) -> str:
    """Return the text in a file of text. Raises InputError if it is not in UTF-8."""
    try:
        return b64decode(file.data).decode()
    except UnicodeDecodeError:
        raise InputError(f"{where}: the file {file.name!r} is no text in UTF-8: convert it first") from None


def _checked(given: str, where: str) -> str:
    data = "".join(given.split())
    try:
        b64decode(data, validate=True)
    except ValueError:
        raise InputError(f"{where}: the data of a file or a recording must be base64") from None
    return data
