"""What a model writes is data: Markdown in which nothing runs and nothing is fetched.

A freshly executed cell is trusted by JupyterLab, which renders raw HTML inside `text/markdown` as it is. So all that
could become HTML, an image, or a link to anything but a page is turned into plain text before it is shown. Code stays
as written. Where code is, a parser of CommonMark says, told that there is no raw HTML: in what comes out there is none.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

__all__ = ["closed", "code_of", "fenced", "finished", "safe"]

_RISKY = re.compile(r"<[A-Za-z/!?]|!\[|\]\s*[(:]|\$|\\[(\[]|(?i:mermaid)")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_MATH = re.compile(r"(\$\$.+?\$\$|(?<!\\)\$(?=\S)[^$\n]*?[^$\s\\]\$(?!\d)|\\\(.+?\\\)|\\\[.+?\\\])", re.DOTALL)
"""Formulas. A single dollar begins one before a character, and ends it behind one, not before a digit: "$5 and $10"."""

_DOLLAR = re.compile(r"(?<!\\)((?:\\\\)*)\\?\$")
_MONEY = r"\1<span>&#36;</span>"
"""A dollar that is one. JupyterLab looks for formulas once more, in what came out, where an escaped one is bare."""

_TICKS = re.compile(r"(?<!\\)(?:\\\\)*(`+)")
_PIPE = re.compile(r"((?<!\\)\|)")
_DIAGRAM = re.compile(r"\A([^\n]*?(?:```|~~~)[^\n]*?)mermaid", re.IGNORECASE)
"""The beginning of a block that JupyterLab draws as a diagram, and what it fetches for that is up to the block."""

_LINK = re.compile(r"\](?=[(:]\s*([^\s)]*))")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_SCHEMES = ("http:", "https:", "mailto:")


def safe(text: str, *, images: bool = False) -> str:
    """Return `text` without raw HTML, images, and links to other schemes than http, https and mailto.

    A tag becomes its own text, an image a link to it, a forbidden link its own text, and a diagram of Mermaid, which
    may name images, its code. With `images`, images and diagrams stay.
    Formulas in TeX's brackets get dollars, which front ends know; a dollar that begins none is one.
    """
    if not _RISKY.search(text):
        return text
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept = "![" if images else "["
    return "\n".join(_block(kind, "\n".join(lines[start:end]), kept) for kind, start, end in _blocks(lines))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - 20 ms that only an answer in a cell has to spend

    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _blocks(lines: list[str]) -> Iterator[tuple[str, int, int]]:
    """Yield (kind, first line, line after the last) of all lines in order; kind is "code", "tr", "inline" or ""."""
    kinds = {"fence": "code", "code_block": "code", "tr_open": "tr", "inline": "inline"}
    done = 0
    for token in _parser().parse("\n".join(lines)):
        kind = kinds.get(token.type)
        if kind is None or token.map is None or token.map[0] < done:
            continue
        yield from (("", line, line + 1) for line in range(done, token.map[0]))
        start, done = token.map
        yield kind, start, done
    yield from (("", line, line + 1) for line in range(done, len(lines)))


def _block(kind: str, source: str, image: str) -> str:
    if kind == "code":
        return source if image == "![" else _DIAGRAM.sub(r"\1text", source)
    if kind == "tr":  # a code span ends with its cell
        return "".join(_spans(cell, image) for cell in _PIPE.split(source))
    return _spans(source, image)


def _spans(source: str, image: str) -> str:
    """Leave the code spans of one paragraph, heading or cell as they are (CommonMark 0.31, section 6.1)."""
    out, start, at = [], 0, 0
    while opening := _TICKS.search(source, at):
        at = opening.end()
        closing = next((run for run in re.finditer("`+", source[at:]) if len(run[0]) == len(opening[1])), None)
        if closing is not None:
            out += [_plain(source[start : opening.start(1)], image), source[opening.start(1) : at + closing.end()]]
            start = at = at + closing.end()
    return "".join([*out, _plain(source[start:], image)])


def _plain(source: str, image: str) -> str:
    parts = _MATH.split(source)
    parts[::2] = [_DOLLAR.sub(_MONEY, _TAG.sub("&lt;", part)) for part in parts[::2]]
    parts[1::2] = [_TAG.sub(r"\\lt ", _in_dollars(part)) for part in parts[1::2]]
    return _LINK.sub(_link, "".join(parts).replace("![", image))


def _in_dollars(formula: str) -> str:
    if formula.startswith("$"):
        return formula
    dollars = "$" if formula.startswith(r"\(") else "$$"
    return dollars + formula[2:-2].strip() + dollars


def _link(match: re.Match[str]) -> str:
    target = re.sub(r"[\x00-\x20\\]", "", html.unescape(match[1]))
    scheme = _SCHEME.match(target)
    return "]" if scheme is None or scheme[0].lower() in _SCHEMES else "]\\"


def closed(text: str) -> str:
    """Return `text` with its last code block closed, so that what is written behind it is not code."""
    fence = next((token for token in reversed(_parser().parse(text)) if token.type == "fence"), None)
    if fence is None or fence.map is None:
        return text
    lines = text.split("\n")
    is_open = fence.map[1] >= len(lines) and lines[-1].strip(" >") != fence.markup
    return f"{text}\n{fence.markup}" if is_open else text


def code_of(text: str) -> str:
    """Return what stands in the fenced code blocks of `text`, one below the other."""
    return "\n".join(token.content for token in _parser().parse(text) if token.type == "fence").strip("\n")


def fenced(code: str, language: str = "") -> str:
    """Return `code` as a code block, whatever stands in it."""
    longest = max((len(ticks) for ticks in re.findall("`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{code}\n{fence}"


def finished(text: str) -> tuple[str, str]:
    """Return the blocks at the beginning of `text` to which nothing more can be added, and the rest."""
    starts = [token.map[0] for token in _parser().parse(text) if token.level == 0 and token.map is not None]
    lines = text.split("\n")
    last = starts[-1] if starts else 0
    return "\n".join(lines[:last]), "\n".join(lines[last:])
