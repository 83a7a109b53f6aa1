"""What is sent of a file, as a part of a message. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from ..images import inline

if TYPE_CHECKING:
    from ..secrets.scrubbing import Scrubber

__all__ = [
    "AttachedFile",
    "FilePart",
    "Reading",
    "has_pdf",
    "is_pdf",
    "joined",
    "pending_in",
    "refreshed",
    "with_files",
]


class Reading(NamedTuple):
    """How a file is read: most characters of it, what stars its secrets, and whether it may look like a key.

    `instead` says what to do with one that looks like a key. `address` is where it is still to be fetched, and `late`
    says that its stars are counted by nobody else.
    """

    limit: int
    scrubber: Scrubber
    force: bool = False
    instead: str = ""
    address: str = ""
    late: bool = False


class AttachedFile(msgspec.Struct, dict=True, omit_defaults=True):
    """A file of a question. `left_out` says in lines what of it is not sent, or not as it was.

    Its `kind` is "text", "table", "PDF", "image" or "sound", "" as long as its address is not fetched. `size` is in
    bytes. A text or a table is sent as `text`, what else there is as `url`, a data URL: of a PDF, whose text is sent
    to who takes no files, `text` is that, once it was needed.
    """

    name: str
    kind: str = ""
    size: int = 0
    text: str = ""
    url: str = ""
    left_out: list[str] = []

    @property
    def how(self) -> Reading | None:
        """How it is read; None for one of a saved conversation."""
        how: Reading | None = vars(self).get("_how")  # no field: it is not saved
        return how

    def read_as(self, how: Reading) -> None:
        """Say how it is read."""
        vars(self)["_how"] = how

    def part(self) -> FilePart:
        """Return the part of a message with what is sent of it."""
        media_type, data = inline(self.url) or ("", "")
        match self.kind:
            case "PDF":
                name = PurePosixPath(self.name).with_suffix(".pdf").name
                return FilePart(self, {"type": "file", "file": {"filename": name, "file_data": self.url}})
            case "image":
                return FilePart(self, {"type": "image_url", "image_url": {"url": self.url}})
            case "sound":
                sound = {"format": media_type.removeprefix("audio/"), "data": data}
                return FilePart(self, {"type": "input_audio", "input_audio": sound})
            case "":
                return FilePart(self, {"type": "text", "text": f"[{self.name}: not fetched yet]"})
        return self.text_part()

    def text_part(self) -> FilePart:
        """Return the part of a message with its text."""
        return FilePart(self, {"type": "text", "text": self.text})

    def __repr__(self) -> str:
        return f"<AttachedFile {self}>"

    def __str__(self) -> str:
        """Return name, kind and size in one line."""
        return f"{self.name} ({self.kind}, {_sized(self.size)})" if self.kind else f"{self.name} (not fetched yet)"


def _sized(size: int) -> str:
    for unit, of in (("MB", 1 << 20), ("KB", 1 << 10)):
        if size >= of:
            return f"{size / of:.1f} {unit}"
    return f"{size:,} bytes"


class FilePart(dict[str, Any]):
    """A part of a message, which knows its `file`."""

    def __init__(self, file: AttachedFile, part: Mapping[str, Any]) -> None:
        super().__init__(part)
        self.file = file


def with_files(content: Any, files: Sequence[AttachedFile]) -> Any:
    """Return the content of a message with files before its text: models answer a question best if it comes last."""
    own = content if isinstance(content, list) else [{"type": "text", "text": content}] if content else []
    return joined([*(file.part() for file in files), *own]) if files else content


def joined(parts: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """Return parts that are all texts as one text, which every provider takes; others as they are."""
    if any(part["type"] != "text" for part in parts) or next(pending_in(parts), None):
        return parts
    return "\n\n".join(part["text"] for part in parts)


def refreshed(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message with what its files have become, now that they are fetched."""
    parts = [part.file.part() if type(part) is FilePart else part for part in message["content"]]
    return message | {"content": joined(parts)}


def has_pdf(messages: list[dict[str, Any]]) -> bool:
    """Whether a PDF is attached to one of the messages."""
    for message in messages:  # noqa: SIM110 - each call does so, and this is the quickest
        if type(content := message.get("content")) is list and any(map(is_pdf, content)):
            return True
    return False


def is_pdf(part: Mapping[str, Any]) -> bool:
    """Whether a part of a message is an attached PDF."""
    return type(part) is FilePart and part["type"] == "file"


def pending_in(parts: list[dict[str, Any]]) -> Iterator[AttachedFile]:
    """Yield the files among the parts of a message that are not fetched yet."""
    return (part.file for part in parts if type(part) is FilePart and not part.file.kind)
