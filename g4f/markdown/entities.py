"""Text and addresses of strangers, written so that they are text and addresses to every parser of Markdown."""

from __future__ import annotations

import html
import re
from urllib.parse import quote

from ..printable import one_line, printable

__all__ = ["address", "entities", "is_allowed", "line_start", "literal", "special", "text"]

SCHEMES = ("http", "https", "mailto")
"""Where a link may lead."""

LONGEST_ADDRESS = 8_000
"""Characters of an address. What is longer is text."""

_MARK = re.compile(r"[*`\[\]<~|]|(?<![^\W_])_|_(?![^\W_])|\\|\$|&(?=[#\w])")
"""What could be a mark of Markdown, of HTML or of TeX. An underscore inside a word is none."""

_LINKED = re.compile(r":(?=//)|(?i:(?<=\bwww))\.|@")
"""What front ends make a link of, where no mark says that it is one."""

_LINE_START = re.compile(r"\A(\d{0,9})([.)]|(?<!\d)[#>+=:-])")

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_IGNORED = re.compile(r"[\x00-\x20\x7f-\xa0\\]")
"""What a browser passes over in a scheme."""

_PERCENT = re.compile(r"[^A-Za-z0-9\-._~:/?#@!&+,;=%]|&(?=#|\w{1,32};)|@(?=@)|(?<=@)@")


def text(words: str) -> str:
    """Return Markdown that shows `words` as they are, within a line."""
    return _MARK.sub(_written, words)


def special(sign: str) -> str:
    """Return Markdown for a sign that was written as an entity, or behind a backslash: it is none, whatever follows."""
    return "&amp;" if sign == "&" else text(re.sub(r"[\n\t]", " ", printable(sign)))


def literal(words: str) -> str:
    """Return Markdown that shows `words` as they are, on one line, behind its begin: in a table, a title, a tag.

    For all that is no answer: names of models and files, notes, messages of errors. No link comes of it either.
    """
    return _LINKED.sub(r"<span>\g<0></span>", text(one_line(words)))


def line_start(line: str) -> str:
    """Return a line of text that is no list, quotation, heading, rule or table, whatever it begins with."""
    return _LINE_START.sub(lambda start: f"{start[1]}&#{ord(start[2])};", line, count=1)


def entities(words: str) -> str:
    """Return `words` with an entity for each mark, also for a newline: for `<code>` and `<pre>`."""
    return re.sub(r"[^\w @]|_", _written_plainly, words)


def address(url: str) -> str:
    """Return `url` for the parentheses of a link: no mark in it ends them, or an attribute, or begins a formula."""
    return _PERCENT.sub(lambda mark: quote(mark[0], safe=""), printable(url))


def is_allowed(url: str) -> bool:
    """Whether a link may lead there: to a page or a mailbox, or to what has no scheme, such as a heading."""
    if len(url) > LONGEST_ADDRESS:
        return False
    for _ in range(8):  # parsers decode entities once, or twice
        before, url = url, html.unescape(url)
        if url == before:
            scheme = _SCHEME.match(_IGNORED.sub("", url))
            return scheme is None or scheme[1].lower() in SCHEMES
    return False


def _written(mark: re.Match[str]) -> str:
    """Return an entity, parted from its text where JupyterLab looks for formulas once more in what it has rendered."""
    plain = "&lt;" if mark[0] == "<" else _written_plainly(mark)
    return f"<span>{plain}</span>" if mark[0] in "$\\" else plain


def _written_plainly(mark: re.Match[str]) -> str:
    return f"&#{ord(mark[0])};"
