"""One paragraph, heading or cell of an answer, written anew from its tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from .code import parser, span
from .entities import address, is_allowed, line_start, special, text
from .formulas import Formulas

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["Context", "inline"]

MOST = 3_000
"""Marks in one paragraph that are looked at. What has more is shown as text: nobody writes so, and it takes seconds."""

_MARK = re.compile(r"[*_`\[\]<&!\\~]")

_PIECE = re.compile(
    r"(?P<tag></?(?:br|kbd|sub|sup)\s*/?>)|(?P<url>https?://(?=[\w[])[^\s<]+|(?<![\w.])www\.(?=\w)[^\s<]+)"
    r"|(?P<mail>(?<![\w.+-])[\w.+-]+@\w[\w-]*(?:\.[\w-]+)+)|(?P<colon>(?<=[A-Za-z]):(?=//))"
)
"""In text: the tags that stay tags, and what front ends make a link of without any mark."""

_PLAIN_ADDRESS = re.compile(r"https?://(?:[\w\-.:/?#()+,;=%]|&(?![#\w]+;)|@(?!@))+|[\w.+-]+@[\w.-]+", re.ASCII)
"""What may stand between angle brackets, where it is both the address and what is shown."""

_ONLY_TAG = re.compile(r"</?\w+>\s*(?:\n|\Z)")


_WRITTEN = {"softbreak": "\n", "hardbreak": "<br>\n", "s_open": "<del>", "s_close": "</del>"}
"""Tildes that begin a line could be a fence, and so stand nowhere."""


class Context(NamedTuple):
    """What a paragraph does not say itself: formulas and link definitions of its text, and where it stands."""

    formulas: Formulas
    references: Mapping[str, Any]
    images: bool
    in_table: bool = False


def inline(content: str, context: Context) -> str:
    """Return the Markdown of a paragraph, heading or cell, whose source is `content`."""
    if len(_MARK.findall(content)) > MOST:
        lines = context.formulas.restored(content).split("\n")
        return "\n".join(line_start(text(line.strip(" \t"))) for line in lines)
    return _Writer(context).write(content)


class _Opened(NamedTuple):
    """A link, or one of the tags that stay, and the place of it in what is written so far."""

    what: str
    place: int
    level: int


class _Writer:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._out: list[str] = []
        self._level = 0
        self._tags: list[_Opened] = []
        self._links: list[_Opened] = []

    def write(self, content: str) -> str:
        tokens: list[Token] = []
        parser().inline.parse(content, parser(), {"references": self._context.references}, tokens)
        upcoming = iter(tokens)
        for token in upcoming:
            self._level += min(token.nesting, 0)
            self._tags = [tag for tag in self._tags if tag.level <= self._level]
            if token.markup == "autolink":
                self._linked(next(upcoming).content, _href(token))
                next(upcoming)
                continue
            self._token(token)
            self._level += max(token.nesting, 0)
        lines = (line_start(line.strip(" \t")) for line in "".join(self._out).split("\n"))
        written = "\n".join(lines)
        if _ONLY_TAG.match(written):  # alone on a first line, a tag begins a block of HTML
            written = f"<span></span>{written}"
        return self._context.formulas.written(written, text)

    def _token(self, token: Token) -> None:
        match token.type:
            case "text":
                self._text(token.content)
            case "text_special":  # an entity, or behind a backslash: never a tag
                self._add(special(token.content))
            case "code_inline":
                self._add(span(self._context.formulas.restored(token.content), in_table=self._context.in_table))
            case "em_open" | "em_close" | "strong_open" | "strong_close":
                self._add(token.markup)
            case "link_open":
                self._links.append(_Opened(_href(token), len(self._out), self._level))
            case "link_close":
                opened = self._links.pop()
                shown = "".join(self._out[opened.place :])
                del self._out[opened.place :]
                self._add_link(shown, opened.what)
            case "image":
                self._image(token)
            case _:
                self._add(_WRITTEN[token.type])

    def _add(self, written: str) -> None:
        if written:
            self._out.append(written)

    def _text(self, words: str) -> None:
        end = 0
        for piece in _PIECE.finditer(words):
            self._add(text(words[end : piece.start()]))
            end = piece.end()
            if piece["tag"]:
                self._tag(piece["tag"])
            elif self._links:
                self._add(text(piece[0]))
            elif piece["colon"]:
                self._add("&#58;")
            else:
                shown = _trimmed(piece[0])
                end = piece.start() + len(shown)
                scheme = "mailto:" if piece["mail"] else "http://" if shown.startswith("www.") else ""
                self._linked(shown, parser().normalizeLink(f"{scheme}{shown}"))
        self._add(text(words[end:]))

    def _tag(self, tag: str) -> None:
        """Write a tag as one once it is closed where it was opened; till then as text."""
        name = tag.strip("</ >")
        if name == "br":
            self._add("<br>")
        elif not tag.startswith("</"):
            self._tags.append(_Opened(name, len(self._out), self._level))
            self._add(text(tag))
        elif self._tags and self._tags[-1].what == name and self._tags[-1].level == self._level:
            self._out[self._tags.pop().place] = f"<{name}>"
            self._add(f"</{name}>")
        else:
            self._add(text(tag))

    def _linked(self, shown: str, href: str) -> None:
        """Write an address that is shown itself."""
        if _PLAIN_ADDRESS.fullmatch(shown) and not self._links:
            self._add(f"<{shown}>")
        else:
            self._add_link(text(self._context.formulas.restored(shown)), href)

    def _image(self, token: Token) -> None:
        """Write an image as a link to it, or in a link as its text; as an image where they are wanted."""
        source = str(token.attrs["src"])
        shown = text(" ".join(self._context.formulas.restored(_alternative(token)).split()))
        if self._context.images:
            self._add_link(_plain(shown), source, mark="!")
        elif self._links:
            self._add(shown)
        else:
            self._add_link(shown or text(self._context.formulas.restored_address(source)), source)

    def _add_link(self, shown: str, href: str, *, mark: str = "") -> None:
        target = address(self._context.formulas.restored_address(href))
        if not is_allowed(target):
            self._add(shown)
            return
        if self._out and self._out[-1].endswith("!"):  # which would make it an image
            self._out[-1] = f"{self._out[-1][:-1]}&#33;"
        self._add(f"{mark}[{shown}]({target})")


def _href(token: Token) -> str:
    return str(token.attrs["href"])


def _trimmed(url: str) -> str:
    """Return the address at the begin of a word, without the marks of the sentence that it ends (GFM, 6.9)."""
    end, unopened = len(url), url.count(")") - url.count("(")
    while url[end - 1] in "?!.,:;*_~'\"" or (url[end - 1] == ")" and unopened > 0):
        unopened -= url[end - 1] == ")"
        end -= 1
    return url[:end]


def _alternative(image: Token) -> str:
    """Return the text of an image, without the marks in it."""
    breaks = {"softbreak": " ", "hardbreak": " "}
    return "".join(
        _alternative(part) if part.children else breaks.get(part.type, part.content) for part in image.children or ()
    )


def _plain(written: str) -> str:
    """Return written text for an attribute, in which a tag would be text."""
    return written.replace("<span>", "").replace("</span>", "")
