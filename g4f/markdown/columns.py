"""Answers side by side, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from .entities import literal

__all__ = ["columns"]

MOST = 3
"""Columns that stand side by side: in more, code and tables have no room."""

_TABLE = '<table style="width: 100%; table-layout: fixed">'
_STYLE = 'style="text-align: left; vertical-align: top"'


def columns(parts: Iterable[tuple[str, str]]) -> str:
    """Return Markdown in which these parts, each a title and its Markdown, stand side by side, in rows of up to `MOST`.

    It is a table of HTML, because a cell of Markdown's own holds no lists and no code. Around a blank line, its cells
    hold Markdown, in JupyterLab, in Notebook and in what nbconvert makes; their sanitizers let it pass, with its
    widths. The Markdown must be safe, that is, hold no HTML of a stranger; the titles may be anything.
    """
    whole = list(parts)
    rows = max(1, ceil(len(whole) / MOST))
    wide = ceil(len(whole) / rows)
    return "\n\n".join(_row(whole[at : at + wide], wide) for at in range(0, len(whole), wide))


def _row(parts: list[tuple[str, str]], wide: int) -> str:
    """Return one table. One that has fewer parts than it is `wide` has empty cells, so that columns stand in line."""
    parts = [*parts, *[("", "")] * (wide - len(parts))]
    titles = "".join(f"<th {_STYLE}>{literal(title)}</th>" for title, _ in parts)
    cells = "\n".join(f"<td {_STYLE}>\n\n{markdown}\n\n</td>" for _, markdown in parts)
    return f"{_TABLE}\n<thead><tr>{titles}</tr></thead>\n<tbody><tr>\n{cells}\n</tr></tbody>\n</table>"
