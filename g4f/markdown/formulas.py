"""Formulas, taken out of a text before it is parsed, as JupyterLab does, and put back into what comes of it.

The marks of a formula (`_`, `*`, `|`, a line that begins with `-`) are not Markdown's. In the place of each formula
stands its number between two brackets that no keyboard has; brackets of that kind in the text are taken out, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Formulas", "taken_out"]

LONGEST = 8_000
"""Characters of a formula. What is longer, or nested deeper than `DEEPEST`, is text: it may stall who typesets it."""

DEEPEST = 24

_CODE = re.compile(
    r"^(?:[ \t>]|[-*+][ \t]|\d{1,9}[.)][ \t])*(?:(?P<ticks>`{3,})[^`\n]*|(?P<tildes>~{3,})[^\n]*)$"
    r".*?(?:^[ \t>]*(?:(?P=ticks)`*|(?P=tildes)~*)[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)
"""A block of code, perhaps in lists and quotations, to its end or that of the text."""

_BLANK = re.compile(r"(\n[ \t>]*\n)")
"""What ends a paragraph, and so a formula."""

_EVENT = re.compile(r"(?P<ticks>`+)|(?P<opening>\\{1,2}[(\[]|\$\$?|\\begin\{[A-Za-z]+\*?\})|\\.|[⸨⸩]", re.DOTALL)
"""What may begin code or a formula, or is escaped."""

_CLOSINGS = {
    "$": re.compile(r"(?<!\\)\$(?P<another>\$)?"),
    "$$": re.compile(r"(?<!\\)\$\$(?P<another>(?!))?"),
    "\\(": re.compile(r"(?<!\\)\\(?:\)|(?P<another>\())"),
    "\\[": re.compile(r"(?<!\\)\\(?:\]|(?P<another>\[))"),
    "\\\\(": re.compile(r"\\\\(?:\)|(?P<another>\())"),
    "\\\\[": re.compile(r"\\\\(?:\]|(?P<another>\[))"),
}
"""What ends a formula that begins like that; or `another` begins before."""

_NAMES = re.compile(
    r"(?:equation|align|alignat|aligned|gather|gathered|multline|eqnarray|flalign|split|cases|array|CD|subarray"
    r"|[bBpvV]?(?:small)?matrix)\*?"
)
"""Environments of mathematics."""

_TEX = re.compile(r"[\\^_=+<>]")
"""A sign that text between dollars with blanks inside, or over two lines, or between brackets, is a formula."""

_AMOUNT = re.compile(r"[\w ,.;:\N{EN DASH}-]*")
"""What may stand between `\\[` and `\\]` where both are only escaped brackets, such as a number of a note."""

_REACHING_OUT = re.compile(
    r"\\(?:[egx]?def|let|futurelet|(?:re)?new\w*|provide\w*|Declare\w*|require|href|url|style|class|cssId|data|html\w*"
    r"|include\w*|unicode|mmlToken|bbox|tip|texttip|toggle|mathtip|verb|catcode|input|special|write)(?![A-Za-z])"
)
"""Commands that change other formulas, or reach out of their own."""

_LARGE = re.compile(
    r"(?:\\(?:[rR]ule|[hv]space|[mh]?kern|[hmv]skip|mspace|raise|lower|move\w+|Space|above\w*|genfrac)|\\\\ ?\[)"
    r"[^\\$]{0,80}?\d{3}"
)
"""Commands for room, with as much of it as a page has, or more."""

_CHAIN = re.compile(r"(?:\\[A-Za-z]+\*? ?(?:\[[^\]]{0,20}\])? ?[({\[|.]? ?){30}")
"""Commands that nest without braces."""

_ROWS = 200
"""Lines of one formula, at the most."""

_NEXT_BLOCK = re.compile(r"\n[ \t]*[|#]")
_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_QUOTED = re.compile(r"[ \t]*>")
_ESCAPED = re.compile(r"\\([()\[\]])")
_NUMBERED = re.compile("⸨([0-9]+)⸩")
_ENCODED = re.compile("%E2%B8%A8([0-9]+)%E2%B8%A9")


class _Formula(NamedTuple):
    """What stood in the text, and how it is written: "" for what is no formula."""

    source: str
    written: str


class Formulas:
    """The formulas of one text, by the numbers that stand in their places."""

    def __init__(self) -> None:
        self._known: dict[_Formula, int] = {}

    def number(self, source: str, written: str) -> str:
        """Return what stands in the place of a formula."""
        return f"⸨{self._known.setdefault(_Formula(source, written), len(self._known))}⸩"

    def restored(self, words: str) -> str:
        """Return `words` as they stood in the text: for code, and for what is shown as text."""
        return self._put(_NUMBERED, words, lambda formula: formula.source)

    def restored_address(self, url: str) -> str:
        """Return `url`, whose marks are percent-encoded, as it stood in the text."""
        return self._put(_ENCODED, url, lambda formula: _ESCAPED.sub(r"\1", formula.source))

    def written(self, markdown: str, text: Callable[[str], str]) -> str:
        """Return `markdown` with its formulas between dollars. What is no formula after all is written by `text`."""
        markdown = markdown.replace("⸩⸨", "⸩<span></span>⸨")  # or two would share their dollars
        return self._put(_NUMBERED, markdown, lambda formula: formula.written or text(formula.source))

    def _put(self, numbered: re.Pattern[str], words: str, show: Callable[[_Formula], str]) -> str:
        if not self._known:
            return words
        listed = list(self._known)
        return numbered.sub(lambda number: show(listed[int(number[1])]), words)


def taken_out(text: str) -> tuple[str, Formulas]:
    """Return `text` with numbers in the places of its formulas, and those formulas. Code is left alone."""
    formulas = Formulas()
    out, end = [], 0
    for code in _CODE.finditer(text):
        out += [_paragraphs(text[end : code.start()], formulas), _without_brackets(code[0], formulas)]
        end = code.end()
    return "".join([*out, _paragraphs(text[end:], formulas)]), formulas


def _without_brackets(code: str, formulas: Formulas) -> str:
    return re.sub("[⸨⸩]", lambda bracket: formulas.number(bracket[0], ""), code)


def _paragraphs(text: str, formulas: Formulas) -> str:
    return "".join(_paragraph(part, formulas) for part in _BLANK.split(text))


def _paragraph(text: str, formulas: Formulas) -> str:
    out, end = [], 0
    last_ticks = {len(ticks[0]): ticks.start() for ticks in re.finditer("`+", text)} if "`" in text else {}
    while event := _EVENT.search(text, end):
        out.append(text[end : event.start()])
        if event["ticks"]:
            found, end = _code_span(text, event, last_ticks)
        elif event[0] in "⸨⸩":
            found, end = formulas.number(event[0], ""), event.end()
        else:
            found, end = _formula(text, event, formulas)
        out.append(found)
    return "".join([*out, text[end:]])


def _code_span(text: str, opening: re.Match[str], last: dict[int, int]) -> tuple[str, int]:
    """Return a code span, and where it ends; only its opening ticks if nothing closes it."""
    ticks = opening["ticks"]
    if last.get(len(ticks), -1) <= opening.start():
        return ticks, opening.end()
    closing = re.compile(rf"(?<!`){ticks}(?!`)").search(text, opening.end())
    end = closing.end() if closing else opening.end()
    return text[opening.start() : end], end


def _formula(text: str, event: re.Match[str], formulas: Formulas) -> tuple[str, int]:
    """Return the number of the formula that begins there, and where it ends; what stands there if none does."""
    start = event.end()
    mark = event["opening"] or ""
    closing = _CLOSINGS.get(mark) or _end_of(mark)
    end = closing.search(text, start, start + LONGEST) if closing else None
    if end is None or end["another"]:
        return event[0], start
    body = _unquoted(text[start : end.start()], text, event.start())
    if not _is_formula(mark, body, text[end.end() : end.end() + 1]):
        return event[0], start
    inside = _on_one_line(body if mark in _CLOSINGS else f"{event[0]}{body}{end[0]}")
    if not _is_harmless(inside):
        return event[0], start
    dollars = "$" if mark == "$" or mark.endswith("(") else "$$"
    return formulas.number(text[event.start() : end.end()], f"{dollars}{inside}{dollars}"), end.end()


def _unquoted(body: str, text: str, start: int) -> str:
    """Return what stands in a formula that begins at `start`, without the marks of a quotation around it."""
    if "\n" not in body or not _QUOTED.match(text, text.rfind("\n", 0, start) + 1):
        return body
    return re.sub(r"\n[ \t>]*", "\n", body)


def _end_of(mark: str) -> re.Pattern[str] | None:
    """Return what ends the environment that `mark` begins; None if it is none of mathematics."""
    name = mark[7:-1]
    if not _NAMES.fullmatch(name):
        return None
    return re.compile(rf"\\(?:end\{{{re.escape(name)}\}}|(?P<another>begin\{{{re.escape(name)}\}}))")


def _is_formula(mark: str, body: str, behind: str) -> bool:
    """Whether what stands between these marks is a formula: not prices, notes or code."""
    if not body.strip() or "`" in body or re.search(r"(?<!\\)\$", body):
        return False
    is_tex, begins, ends = bool(_TEX.search(body)), not body[0].isspace(), not body[-1].isspace()
    if mark.endswith("["):
        return behind not in ("(", "[") and (is_tex or not (begins and ends and _AMOUNT.fullmatch(body)))
    if mark != "$":
        return True
    if behind.isdigit() or _NEXT_BLOCK.search(body) or "://" in body:  # "$5 and $10"
        return False
    return (begins and ends and "\n" not in body) or (begins == ends and is_tex)


def _is_harmless(body: str) -> bool:
    """Whether a formula changes no other one, reaches out of its own place nowhere, and is soon typeset."""
    if body.endswith("\\") or _REACHING_OUT.search(body) or _LARGE.search(body) or _CHAIN.search(body):
        return False
    depth = 0
    for brace in re.findall(r"\\.|[{}]", body):
        depth += {"{": 1, "}": -1}.get(brace, 0)
        if not 0 <= depth <= DEEPEST:
            return False
    nested = body.count("\\left") + body.count("\\begin")
    return depth == 0 and nested <= DEEPEST and body.count("\\\\") <= _ROWS


def _on_one_line(body: str) -> str:
    """Return the formula without comments and lines, with no tag in it, and no quotation mark."""
    body = " ".join(_COMMENT.sub("", body).split())
    return re.sub("<(?=[A-Za-z/!?])", "< ", body).replace('"', "\N{RIGHT DOUBLE QUOTATION MARK}")
