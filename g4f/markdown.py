"""What a model writes is data: Markdown in which nothing runs and nothing is fetched.

A freshly executed cell is trusted by JupyterLab, which renders raw HTML inside `text/markdown` as it is. So all that
could become HTML, an image, or a link to anything but a page is turned into plain text before it is shown.

Code should stay as written. But where code is, each parser of Markdown says a little differently, and the one that
shows the answer is not the one that is asked here. So code that would act, were it taken for text, keeps Markdown's own
marks only where no parser can doubt them: in a fenced block that stands alone. Elsewhere it is written in entities. The
tags that come out are `<code>`, `<pre>` and `<span>`, without attributes.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

__all__ = ["closed", "code_of", "fenced", "finished", "safe"]

_RISKY = re.compile(r"<[A-Za-z/!?]|!\[|\]\s*[(:]|\$|\\[(\[]|(?i:mermaid)")
_NEWLINE = re.compile("\r\n?|[\u2028\u2029]")
"""What ends a line for some. The last two are JavaScript's."""

_MATH = re.compile(r"(\$\$.+?\$\$|(?<!\\)\$(?=\S)[^$\n]*?[^$\s\\]\$(?!\d)|\\\(.+?\\\)|\\\[.+?\\\])", re.DOTALL)
"""Formulas. A single dollar begins one before a character, and ends it behind one, not before a digit: "$5 and $10"."""

_ESCAPES = r"(?<!\\)((?:\\\\)*)\\?"
"""The backslashes before a mark: pairs, which stay, and one that escapes it, which goes."""

_TAG = re.compile(rf"{_ESCAPES}<(?=[A-Za-z/!?])")
_DOLLAR = re.compile(rf"{_ESCAPES}\$")
_MONEY = r"\1<span>&#36;</span>"
"""A dollar that is one. JupyterLab looks for formulas once more, in what came out, where an escaped one is bare."""

_FENCE = re.compile(r"\\?(`{3,}|~{3,})")
_END = re.compile(r"```|~~~|\$\$|\\\\\]|\\end\{")
"""What, in a block of code, some parser may take for the end of a block or formula that begins above it."""

_TICKS = re.compile(r"(?<!\\)(?:\\\\)*(`+)")
_PIPE = re.compile(r"((?<!\\)\|)")
_LINK = re.compile(r"\](?=[(:][\s<>]*([^\s()\[\]/?]*))")
"""The end of a link's text, and the part of its target in which a scheme can be."""

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
    lines = _NEWLINE.sub("\n", text).split("\n")
    return "\n".join(_block(token, "\n".join(lines[start:end]), images) for token, start, end in _blocks(lines))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - 20 ms that only an answer in a cell has to spend

    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("inline")  # blocks are all that is asked


def _blocks(lines: list[str]) -> Iterator[tuple[Token | None, int, int]]:
    """Yield (token, first line, line after the last) of all lines in order; None is for a line between blocks."""
    done = 0
    for token in _parser().parse("\n".join(lines)):
        if token.type not in ("fence", "code_block", "tr_open", "inline") or token.map is None or token.map[0] < done:
            continue
        yield from ((None, line, line + 1) for line in range(done, token.map[0]))
        start, done = token.map
        yield token, start, done
    yield from ((None, line, line + 1) for line in range(done, len(lines)))


def _block(token: Token | None, source: str, images: bool) -> str:
    if token is None or token.type == "inline":
        return _spans(source, images)
    if token.type == "tr_open":  # a code span ends with its cell, and an escaped pipe in it is one
        return "".join(_spans(cell, images) for cell in _PIPE.split(source)).replace("&#92;&#124;", "&#124;")
    return _code(token, source, images) if _acts(source, images) else source


def _acts(code: str, images: bool) -> bool:
    """Whether `code` is more than text where it is not taken for code, or drawn by JupyterLab as a diagram."""
    pictures = not images and ("![" in code or "mermaid" in code.lower())
    return bool(pictures or _TAG.search(code) or any(map(_is_forbidden, _LINK.finditer(code))))


def _code(token: Token, source: str, images: bool) -> str:
    code = token.content.removesuffix("\n")
    if token.level:
        return source[: source.index(token.markup)] + _preformatted(code)  # behind the marks of lists and quotations
    language = re.sub(r"[^\w+#.-]", "", next(iter(token.info.split()), ""))
    if not language or (language.lower() == "mermaid" and not images):
        language = "text"  # with one, the block can't be taken for the end of another
    return f"\n{fenced(code, language)}\n"


def _preformatted(code: str) -> str:
    return f"<pre><code>{_in_entities(code)}</code></pre>"


def _in_entities(code: str) -> str:
    return re.sub(r"[^\w ]|_", lambda mark: f"&#{ord(mark[0])};", code)


def _spans(source: str, images: bool) -> str:
    """Leave the code spans of one paragraph, heading or cell as they are (CommonMark 0.31, section 6.1)."""
    out, start, at = [], 0, 0
    while opening := _TICKS.search(source, at):
        at = opening.end()
        closing = next((run for run in re.finditer("`+", source[at:]) if len(run[0]) == len(opening[1])), None)
        if closing is not None:
            span = source[opening.start(1) : at + closing.end()]
            out += [_plain(source[start : opening.start(1)], images), _span(span, images)]
            start = at = at + closing.end()
    return "".join([*out, _plain(source[start:], images)])


def _span(span: str, images: bool) -> str:
    if not _acts(span, images) and not _FENCE.search(span):
        return span
    code = span.strip("`").replace("\n", " ").strip(" ")
    return f"<code>{_in_entities(code)}</code>"


def _plain(source: str, images: bool) -> str:
    parts = _MATH.split(source)
    parts[::2] = [_DOLLAR.sub(_MONEY, _TAG.sub(r"\1&lt;", _FENCE.sub(_unfenced, part))) for part in parts[::2]]
    parts[1::2] = [_FENCE.sub("", _TAG.sub(r"\1\\lt ", _in_dollars(part))) for part in parts[1::2]]
    text = _LINK.sub(lambda link: "]\\" if _is_forbidden(link) else "]", "".join(parts))
    return text if images else text.replace("![", "[")


def _unfenced(fence: re.Match[str]) -> str:
    return _in_entities(fence[1])


def _in_dollars(formula: str) -> str:
    if formula.startswith("$"):
        return formula
    dollars = "$" if formula.startswith(r"\(") else "$$"
    return dollars + formula[2:-2].strip() + dollars


def _is_forbidden(link: re.Match[str]) -> bool:
    target = re.sub(r"[\x00-\x20\\]", "", html.unescape(link[1]))
    scheme = _SCHEME.match(target)
    return scheme is not None and scheme[0].lower() not in _SCHEMES


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
    """Return `code` as a code block, whatever stands in it. A blank line belongs before and behind it."""
    if _END.search(code) and _acts(code, images=False):
        return _preformatted(code)
    longest = max((len(ticks) for ticks in re.findall("`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{code}\n{fence}"


def finished(text: str) -> tuple[str, str]:
    """Return the blocks at the beginning of `text` to which nothing more can be added, and the rest."""
    starts = [token.map[0] for token in _parser().parse(text) if token.level == 0 and token.map is not None]
    lines = text.split("\n")
    last = starts[-1] if starts else 0
    return "\n".join(lines[:last]), "\n".join(lines[last:])
