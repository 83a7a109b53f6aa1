"""Images in a question: whatever holds one → a data URL; and a data URL → its parts."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from io import BytesIO
from os import PathLike, fsdecode
from typing import Any, NamedTuple

from .errors import InputError, kind_of
from .files import beginning, read

__all__ = ["Inline", "image_part", "image_type", "inline", "url_of", "urls_in"]

_STARTS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
"""The first bytes of the formats that models take; WebP's are two pieces."""

_WANTED = "a path, bytes, a figure, or what IPython shows as an image"

_LONGEST = 4096
"""Characters of a path at most."""


class Inline(NamedTuple):
    """An image that is sent along. `data` is base64."""

    media_type: str
    data: str


def image_part(image: object, where: str = "the image", instead: str = "") -> dict[str, Any]:
    """Return the part of a message for an image: its bytes, a path, an address, or what draws itself.

    A text is an http(s) address, which the provider fetches itself, a data URL, or the path of a file. PIL's images,
    figures of matplotlib, and all that IPython shows as PNG, JPEG, GIF or WebP are drawn. Raises InputError, which
    also says what might have stood there `instead`.
    """
    return {"type": "image_url", "image_url": {"url": _url(image, where, instead)}}


def url_of(part: Mapping[str, Any]) -> str:
    """Return the address in an image's part: a data URL, as `image_part` makes them, or an http(s) one."""
    return str(part["image_url"]["url"])


def inline(url: str) -> Inline | None:
    """Return what a data URL holds, as `image_part` makes them; None for an address."""
    head, _, data = url.partition(";base64,")
    return Inline(head.removeprefix("data:"), data) if url.startswith("data:") else None


def urls_in(message: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the addresses of the images in a message, without those of attached files, which are no plain dicts."""
    parts = message.get("content")
    if not isinstance(parts, list):
        return ()
    return tuple(url_of(part) for part in parts if type(part) is dict and part.get("type") == "image_url")


def _url(image: object, where: str, instead: str) -> str:
    if _is_address(image):
        return str(image)
    if isinstance(image, str) and image[:5].lower() == "data:":
        data: bytes | None = _decoded(image, where)
    elif isinstance(image, (bytes, bytearray, memoryview)):
        data = bytes(image)
    elif isinstance(image, (str, PathLike)):
        data = _file(fsdecode(image), where)
    else:
        data = _drawn(image, where)
    if data is None:
        link = getattr(image, "url", None)  # an image of IPython's that is not embedded has one
        if _is_address(link):
            return str(link)
        raise InputError(f"{where} must be {instead}{_WANTED}, not {kind_of(image)}")
    if not (kind := image_type(data)):
        raise InputError(f"{where} is no PNG, JPEG, GIF or WebP: convert it first")
    return f"data:{kind};base64,{b64encode(data).decode()}"


def _is_address(value: object) -> bool:
    return isinstance(value, str) and value[:8].lower().startswith(("http://", "https://"))


def image_type(data: bytes) -> str:
    """Return the kind of image that `data` begins, whatever its name says; "" if models take none like that."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _STARTS.items() if data.startswith(start)), "")


def _decoded(url: str, where: str) -> bytes:
    head, _, data = url.partition(",")
    try:
        if head.lower().endswith(";base64"):
            return b64decode("".join(data.split()), validate=True)
    except ValueError:
        pass
    raise InputError(f"{where} is no data URL of an image, which is like data:image/png;base64,iVBOR…")


def _file(path: str, where: str) -> bytes:
    if len(path) > _LONGEST:
        raise InputError(f"{where} is no path, but a long text: give base64 as data:image/png;base64,iVBOR…")
    failure = f"{where} cannot be read from {path[-100:]!r}"
    start = beginning(path, failure, 16)
    return read(path, failure) if image_type(start) else start


def _why(error: Exception) -> str:
    """Return the cause in one short line."""
    reason = str(getattr(error, "strerror", None) or error).strip() or type(error).__name__
    return reason.splitlines()[0][:200]


def _drawn(image: object, where: str) -> bytes | None:
    """Return the image that an object makes of itself; None if it makes none."""
    if isinstance(image, type):
        return None
    try:
        return _pil(image) or _matplotlib(image) or _shown(image)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{where}, {kind_of(image)}, cannot be drawn: {_why(error)}") from None


def _pil(image: Any) -> bytes | None:
    """Draw an image of PIL's: a photo stays JPEG, which is a tenth as large, and an animation gives its frame."""
    if not (hasattr(image, "save") and hasattr(image, "getbands")):
        return None
    image = _plain(image)
    if image.format == "JPEG" and image.mode in ("L", "RGB"):
        return _saved(lambda file: image.save(file, format="JPEG", quality="keep"))
    return _saved(lambda file: image.save(file, format="PNG"))


_MODES = {"La": "LA", "PA": "RGBA", "RGBa": "RGBA"}


def _plain(image: Any) -> Any:
    """Return an image of PIL's in a mode that every reader of PNG takes."""
    if image.mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        return image
    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return image.convert(_MODES.get(image.mode, "RGB"))
    deep = image.convert("F")  # converted to 8 bits as it is, all above 255 would be white
    low, high = deep.getextrema()
    if low < high:
        scale = 255 / (high - low)
        deep = deep.point(lambda value: value * scale - low * scale)
    return deep.convert("L")


def _matplotlib(image: Any) -> bytes | None:
    """Draw a figure, or the one that an object belongs to: axes, a line, a grid of seaborn's."""
    figure: Any = image if hasattr(image, "savefig") else getattr(image, "figure", None)
    figure = figure if hasattr(figure, "savefig") else getattr(figure, "figure", None)  # of a part of a figure
    if not hasattr(figure, "savefig"):
        return None
    return _saved(lambda file: figure.savefig(file, format="png", bbox_inches="tight"))


def _saved(save: Callable[[BytesIO], object]) -> bytes:
    file = BytesIO()
    save(file)
    return file.getvalue()


def _shown(image: Any) -> bytes | None:
    """Return the image that IPython would show."""
    for name in ("_repr_png_", "_repr_jpeg_", "_repr_mimebundle_"):
        draw = getattr(image, name, None)
        shown = draw() if callable(draw) else None
        shown = shown[0] if isinstance(shown, tuple) else shown  # with its metadata
        if isinstance(shown, Mapping):
            shown = next((data for kind, data in shown.items() if kind in (*_STARTS.values(), "image/webp")), None)
        if isinstance(shown, str):
            shown = b64decode(shown)
        if isinstance(shown, bytes):
            return shown
    return None
