"""Code in Markdown: found in an answer, and written so that it stays code whatever stands in it."""

from __future__ import annotations

import ast
import html
import re
import warnings
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from ..printable import printable
from .entities import entities, is_allowed

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

__all__ = ["PYTHON", "Code", "block", "blocks_of", "code_of", "fenced", "finished", "is_python", "parser", "span"]

_TEX = re.compile(r"\$|\\\\[()\[\]]|\\(?:begin|end)\{")
"""What JupyterLab takes for the begin or end of a formula, also inside code that stands in a list or a quotation."""

_DISPLAYED = re.compile(r"\$\$|\\[()\[\]]|\\(?:begin|end)\{")
"""What nbconvert takes for one in the middle of a line."""


PYTHON = "python"

_NAMES = dict.fromkeys(("py", "py3", "python3", "ipython", "ipython3"), PYTHON)
"""Other names of languages."""

_LINES = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")
"""Where a line begins, as the parser counts them."""


@cache
def parser() -> MarkdownIt:
    """Return the parser of all Markdown here: CommonMark with tables and deletions, raw HTML being text."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - 20 ms that only an answer in a cell has to spend

    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("inline")
    markdown.validateLink = is_allowed  # type: ignore[method-assign]
    return markdown


class Code(NamedTuple):
    """The Python of an answer, and its other code blocks: the language of each ("" if it names none), and its code."""

    code: str
    others: list[tuple[str, str]]


def code_of(text: str) -> Code:
    """Return what stands in the fenced code blocks of `text` that are Python, one below the other; and the others.

    Where no block is named Python, those without a name count that can be read as Python. Beside one that is named so,
    they are mostly what it prints.
    """
    blocks = blocks_of(text)
    is_named = any(name == PYTHON for name, _ in blocks)
    python, others = list[str](), list[tuple[str, str]]()
    for name, code in blocks:
        if name == PYTHON or not (name or is_named or not is_python(code)):
            python.append(code)
        else:
            others.append((name, code))
    return Code("\n".join(python).strip("\n"), others)


def is_python(code: str) -> bool:
    """Whether `code` can be read as Python, without the magics of IPython."""
    try:
        with warnings.catch_warnings(action="ignore"):  # such as that of an escape that is none
            ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def blocks_of(text: str) -> list[tuple[str, str]]:
    """Return the language, in lower case, and the code of each fenced code block of `text`."""
    blocks = [token for token in parser().parse(text) if token.type == "fence"]
    return [(_NAMES.get(name := _language(token.info).lower(), name), token.content) for token in blocks]


def fenced(code: str, language: str = "") -> str:
    """Return `code` as a code block, whatever stands in it. A blank line belongs before and behind it."""
    code = printable(code)
    fence = "`" * max(3, _longest_ticks(code) + 1)
    return "\n".join([f"{fence}{language}", *([code] if code else []), fence])


def _preformatted(code: str) -> str:
    """Return `code` as a code block of one line, without colours, for where a fence would not be enough."""
    return f"<pre><code>{entities(code)}</code></pre>"


def block(code: str, info: str, *, nested: bool = False, diagrams: bool = False) -> str:
    """Return a code block of an answer. `nested` is one in a list or a quotation.

    What its first line says (`info`) is a language, or nothing. Diagrams of Mermaid, which may name images, and which
    nbconvert copies as they are into its page, are code, unless they are wanted and have no tag in them.
    """
    code = code.removesuffix("\n")
    if nested and _TEX.search(code):
        return _preformatted(code)
    language = _language(info)
    if language.lower().startswith("mermaid"):
        language = "mermaid" if diagrams and "<" not in code else "text"
    return fenced(code, language)


def _language(info: str) -> str:
    """Return the language that the first line of a block names: its first word, without braces; "" if it has none."""
    word = next(iter(html.unescape(info).split()), "")
    return re.sub(r"[^\w+#.-]", "", word, flags=re.ASCII).removeprefix(".")


def span(code: str, *, in_table: bool) -> str:
    """Return code within a line."""
    longest = _longest_ticks(code)
    if longest > 1 or (in_table and "|" in code) or _DISPLAYED.search(code):
        return f"<code>{entities(code)}</code>"
    ticks = "`" * (longest + 1)
    is_padded = code.startswith(("`", " ")) or code.endswith(("`", " "))
    return f"{ticks} {code} {ticks}" if is_padded and code.strip() else f"{ticks}{code}{ticks}"


def _longest_ticks(code: str) -> int:
    return max((len(ticks) for ticks in re.findall("`+", code)), default=0)


def finished(text: str) -> tuple[str, str]:
    """Return the blocks at the beginning of `text` to which nothing more can be added, and the rest.

    They end with a blank line: without one, what looks like the next block may go on with a formula.
    """
    lines = _LINES.split(text)
    starts = (token.map[0] for token in reversed(parser().parse(text)) if token.level == 0 and token.map is not None)
    last = next((start for start in starts if start and not lines[start - 1].strip()), 0)
    return "".join(lines[:last]), "".join(lines[last:])
