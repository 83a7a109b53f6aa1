"""Images in a question: whatever holds one → a data URL; and a data URL → its parts."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from os import PathLike, fspath
from pathlib import Path
from typing import Any, NamedTuple

from .errors import InputError, kind_of

__all__ = ["Inline", "has_images", "image_part", "inline", "url_of"]

_KINDS = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))
"""The first bytes of the formats that models take; WebP's are two pieces."""

_DATA_URL = re.compile(r"data:(image/[\w.+-]+)?(?:;[\w.+-]+=[^;,]*)*;base64,", re.IGNORECASE)


class Inline(NamedTuple):
    """An image that is sent along. `data` is base64."""

    media_type: str
    data: str


def image_part(image: object, where: str = "the image", instead: str = "") -> dict[str, Any]:
    """Return the part of a message for an image: its bytes, a path, an address, or what draws itself as PNG.

    A text is an http(s) address, which the provider fetches itself, a data URL, or the path of a file. Figures of
    matplotlib, PIL's images, and all that IPython shows as PNG or JPEG are drawn. Raises InputError, which also
    says what might have stood there `instead`.
    """
    return {"type": "image_url", "image_url": {"url": _url(image, where, instead)}}


def url_of(part: Mapping[str, Any]) -> str:
    """Return the address in an image's part: a data URL or an http(s) one."""
    return str(part["image_url"]["url"])


def inline(url: str) -> Inline | None:
    """Return what a data URL holds; None for an address."""
    match = _DATA_URL.match(url)
    return Inline(match[1] or "image/png", url[match.end() :]) if match else None


def has_images(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a message has an image."""
    contents = [message.get("content") for message in messages]
    return any(part.get("type") == "image_url" for parts in contents if isinstance(parts, list) for part in parts)


def _url(image: object, where: str, instead: str) -> str:
    if isinstance(image, str):
        if image.startswith(("http://", "https://")):
            return image
        if image.startswith("data:"):
            return _checked(image, where)
    data = _bytes(image, where, instead)
    return f"data:{_media_type(data, where)};base64,{b64encode(data).decode()}"


def _checked(url: str, where: str) -> str:
    """Return a data URL that holds an image."""
    found = inline(url)
    try:
        data = b64decode(found.data, validate=True) if found else b""
    except ValueError:
        data = b""
    if not data:
        raise InputError(f"{where} is no data URL of an image, which is like data:image/png;base64,iVBOR…")
    return url


def _bytes(image: object, where: str, instead: str) -> bytes:
    if isinstance(image, (bytes, bytearray, memoryview)):
        return bytes(image)
    if isinstance(image, (str, PathLike)):
        return _file(fspath(image), where)
    for draw in (_pil, _matplotlib, _shown):
        if data := draw(image):
            return data
    wanted = "a path, bytes, a figure, or what IPython shows as an image"
    raise InputError(f"{where} must be {instead}{wanted}, not {kind_of(image)}")


def _file(path: str | bytes, where: str) -> bytes:
    try:
        return Path(path if isinstance(path, str) else path.decode()).expanduser().read_bytes()
    except (OSError, ValueError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{where} cannot be read from {str(path)[:200]!r}: {why}") from None


def _pil(image: Any) -> bytes | None:
    """Draw what saves itself by format, as PIL's images do."""
    if not (hasattr(image, "save") and hasattr(image, "getbands")):
        return None
    image = image if image.mode in ("RGB", "RGBA", "L", "LA", "P", "1") else image.convert("RGB")
    return _saved(lambda file: image.save(file, format="PNG"))


def _matplotlib(image: Any) -> bytes | None:
    """Draw a figure, or what belongs to one: axes, or a plot of seaborn's."""
    figure: Any = image if hasattr(image, "savefig") else getattr(image, "figure", None)
    if not hasattr(figure, "savefig"):
        return None
    return _saved(lambda file: figure.savefig(file, format="png", bbox_inches="tight"))


def _saved(save: Callable[[BytesIO], object]) -> bytes:
    file = BytesIO()
    save(file)
    return file.getvalue()


def _shown(image: Any) -> bytes | None:
    """Return what IPython would show, as PNG or JPEG."""
    for name in ("_repr_png_", "_repr_jpeg_"):
        shown = getattr(image, name, None)
        data = shown() if callable(shown) and not isinstance(image, type) else None
        data = data[0] if isinstance(data, tuple) else data  # with its metadata
        if isinstance(data, bytes):
            return data
        if isinstance(data, str):
            return b64decode(data)
    return None


def _media_type(data: bytes, where: str) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    for start, kind in _KINDS:
        if data.startswith(start):
            return kind
    raise InputError(f"{where} is no PNG, JPEG, GIF or WebP: convert it first")
