"""A dry run: the messages and options that would be sent, to whom, and about how many tokens they are."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from g4f.images import inline, url_of, urls_in
from g4f.markdown.code import fenced
from g4f.markdown.entities import literal
from g4f.providers.access import shown
from g4f.providers.base_provider import Provider
from g4f.providers.call import given_to, provider_name
from g4f.request import Request
from g4f.secrets.key import Key
from g4f.spending import LETTERS
from g4f.wire import plain

from .shown import Shown

__all__ = ["Preview"]


class Preview(Shown):
    """A request that is not sent, as text and as Markdown. Keys are shown as stars."""

    def __init__(self, request: Request, left_out: Sequence[str] = ()) -> None:
        """`left_out` says in lines what of the values in the question is not sent."""
        self._request, self._left_out = request, left_out

    def text(self) -> str:
        """Return where it would go, the options, and each message below its role."""
        head, options = self._head()
        parts = [head, *self._left_out, options]
        return "\n\n".join(filter(None, [*parts, *(f"{role}:\n{text}" for role, text in self._messages())]))

    def markdown(self) -> str:
        """Return the same, options and messages as code."""
        head, options = self._head()
        parts = [*map(literal, (head, *self._left_out)), *([fenced(options)] if options else [])]
        parts += [f"**{literal(role)}**\n\n{fenced(text)}" for role, text in self._messages()]
        return "\n\n".join(parts)

    def _head(self) -> tuple[str, str]:
        """Return where it would go, and with which options."""
        request = self._request
        where = "; ".join(_destinations(request.route.provider, request.options)) if request.call else "the tape"
        count = max(1, sum(len(text) for _, text in self._messages()) // LETTERS)
        images = sum(len(urls_in(message)) for message in request.messages)
        seen = f" and {images} image{'s' * (images > 1)}" if images else ""
        summary = (
            f"Not sent. It would go to {where}, model {request.route.model or 'its own'}: about {count:,} tokens{seen}."
        )
        options = {name: value for name, value in request.options.items() if name != "stream"}
        return summary, "\n".join(f"{name} = {_shown(name, value)}" for name, value in options.items())

    def _messages(self) -> Iterator[tuple[str, str]]:
        for message in self._request.messages:
            content = message.get("content") or ""
            yield message["role"], content if isinstance(content, str) else "\n".join(map(_part, content))


def _destinations(provider: Provider, options: dict[str, Any]) -> Iterator[str]:
    """Yield each provider that may be asked, with the address where it has one."""
    listed = getattr(provider, "providers", None) or [provider]
    for each in listed:
        address = getattr(each, "address", None)
        where = address(given_to(each, listed, options).get("base_url")) if callable(address) else "in this process"
        yield f"{provider_name(each)} ({where})"


def _part(part: dict[str, Any]) -> str:
    if part.get("type") != "image_url":
        return str(part.get("text", part))
    image = inline(url_of(part))
    if image is None:
        return f"[an image: {url_of(part)}]"
    return f"[an image: {image.media_type}, {len(b64decode(image.data)):,} bytes]"


def _shown(name: str, value: Any) -> str:
    if name in ("base_url", "proxy"):
        value = shown(value)
    if isinstance(value, str):
        return repr(value if isinstance(value, Key) else str.__str__(value))  # a key shows as stars
    try:
        return msgspec.json.encode(value, enc_hook=_plain).decode()
    except TypeError:
        return repr(value)  # shows each key in it as stars


def _plain(value: object) -> object:
    if isinstance(value, Key):
        raise TypeError
    return plain(value)
