"""Large images: no model sees more of them than of smaller ones."""

from __future__ import annotations

import warnings
from io import BytesIO

from ..errors import InputError

__all__ = ["LONGEST_SIDE", "reduced"]

LONGEST_SIDE = 2048
"""Pixels. OpenAI, Anthropic and Gemini reduce what is larger themselves."""

_FORMATS = {"JPEG": "JPEG", "MPO": "JPEG", "PNG": "PNG", "WEBP": "WEBP"}
"""What is written for a format. An MPO is the JPEG of a camera; of a GIF, which may move, all is sent."""


def reduced(data: bytes, name: str) -> tuple[bytes, list[str]]:
    """Return an image whose longest side is at most `LONGEST_SIDE`, if PIL is there, and a line that says so.

    Raises InputError for an image that is broken.
    """
    try:
        from PIL import Image, ImageOps  # noqa: PLC0415 - an optional package
    except ImportError:
        return data, []
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(BytesIO(data)) as image:
            if max(image.size) <= LONGEST_SIDE or image.format not in _FORMATS:
                return data, []
            before = image.size
            turned = ImageOps.exif_transpose(image)  # how it is to be turned is not written into the new one
            turned.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            file = BytesIO()
            turned.save(file, format=_FORMATS[image.format], quality=90)
    except (Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{name} cannot be reduced to {LONGEST_SIDE:,} pixels: {str(error)[:200]}") from None
    sizes = " to ".join("{:,} x {:,}".format(*size) for size in (before, turned.size))
    return file.getvalue(), [f"{name}: the image was reduced from {sizes} pixels"]
