"""An answer, written anew: its blocks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..printable import printable
from .code import block, finished, parser
from .entities import entities, literal
from .formulas import taken_out
from .inline import Context, inline

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["Growing", "safe", "titled"]

PIECE = 1_000
"""Characters of a growing answer in which it is worth looking for finished blocks."""


_STEERING = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_RISKY = re.compile(rf"[<\[\]&$\\⸨⸩{_STEERING}]|~~|://|www\.|@")
"""Without any of these, there is neither link nor tag nor formula in a text: each parser may read it."""

_RISKY_CODE = re.compile(rf"[⸨⸩{_STEERING}]|\$\$|\\\\[()\[\]]|\\(?:begin|end)\{{")
"""In a block of code at the margin only these may be taken for something else."""

_LANGUAGE = re.compile(r"(?!mermaid)[\w+#.-]*\n", re.ASCII | re.IGNORECASE)

_LINES = re.compile("[\u2028\u2029]")
"""What ends a line in JavaScript."""

_TASK = re.compile(r"\[[ xX]\] ")
_CLOSING = re.compile(r"(?:^|(?<=\s))#+(?=\s*\Z)")
_RULES = {"text-align:left": ":---", "text-align:center": ":---:", "text-align:right": "---:"}
_NOTHING = "<span></span>"
"""Stands where a list or a quotation is empty, whose mark alone could be taken for something else."""

_OTHER = {"-": "*", "*": "+", "+": "-", ".": ")", ")": "."}


def safe(text: str, *, images: bool = False) -> str:
    """Return Markdown that shows what `text` shows, and in which nothing acts or is fetched.

    Raw HTML is shown as its source, but for `br`, `kbd`, `sub` and `sup`; an image is a link to it, a link to anything
    but http, https, mailto or the notebook itself is its source, titles of links are left out, and a diagram of
    Mermaid is its code. With `images`, images stay, and diagrams. Every block of code is closed.
    """
    if (plain := _plain(text)) is not None:
        return plain
    text, formulas = taken_out(_LINES.sub("\n", printable(text)))
    env: dict[str, Any] = {}
    tokens = parser().parse(text, env)
    context = Context(formulas, env.get("references", {}), images)
    return "\n\n".join(_Blocks(tokens, context).until(""))


def _plain(text: str) -> str | None:
    """Return `text` if nothing of it has to be rewritten, its last block of code closed; else None.

    Outside of code there is nothing risky, and each block of code stands at the margin, without three ticks in it.
    """
    pieces = text.split("```")
    if any(map(_RISKY.search, pieces[::2])) or any(map(_RISKY_CODE.search, pieces[1::2])):
        return None
    for number, piece in enumerate(pieces):
        is_code, is_last = number % 2, number == len(pieces) - 1
        if is_code and not _LANGUAGE.match(piece):
            return None
        if not is_code and number and piece and not piece.startswith("\n"):
            return None
        if not is_last and piece and not piece.endswith("\n"):
            return None
    closing = "" if len(pieces) % 2 else "```" if text.endswith("\n") else "\n```"
    return text + closing


class Growing:
    """The Markdown of an answer while it comes: what stands above its last block is rewritten once.

    A definition of a link counts for the blocks that come with it only; `safe` of the whole answer has the last word.
    """

    def __init__(self, *, images: bool = False) -> None:
        self._images = images
        self._read = 0
        self._blocks = ""

    @property
    def is_cut(self) -> bool:
        """Whether there are blocks that were rewritten without those below them."""
        return bool(self._blocks)

    def safe(self, text: str) -> str:
        """Return what `safe` returns. `text` begins with what it was the time before."""
        rest = text[self._read :]
        if (plain := _plain(rest)) is not None:
            return self._blocks + plain
        if len(rest) > PIECE:
            above, rest = finished(rest)
            if above.strip():
                self._blocks += f"{safe(above, images=self._images)}\n\n"
            self._read += len(above)
        return self._blocks + safe(rest, images=self._images)


def titled(words: str, *, number: str = "", note: str = "") -> str:
    """Return a question above its answer: in bold behind its number, or quoted below that if it has several lines.

    `note` is Markdown, and stands behind the question, or the number.
    """
    words = _LINES.sub("\n", printable(words)).strip()
    if "\n" not in words:
        return f"**{number}{literal(words)}**{note}"
    quoted = safe("\n".join(f"> {line}" for line in words.split("\n")))
    title = f"**{number.strip()}**{note}" if number else note.strip()
    return f"{title}\n\n{quoted}".lstrip()


class _Blocks:
    """Reads the tokens of a text from its begin to its end, level by level."""

    def __init__(self, tokens: list[Token], context: Context) -> None:
        self._tokens, self._context = tokens, context
        self._at = -1

    def until(self, end: str, *, nested: bool = False) -> list[str]:
        """Return the blocks up to the token of type `end`, which is read, too."""
        blocks: list[str] = []
        marker = ""  # of the list right above, if there is one: with the same they would be one list
        while (token := self._next()) is not None and token.type != end:
            if token.type in ("bullet_list_open", "ordered_list_open"):
                marker = _OTHER[token.markup] if token.markup == marker else token.markup
                blocks.append(self._list(token, marker))
            else:
                marker = ""
                blocks.append(self._block(token, nested=nested))
        return [block for block in blocks if block]

    def _next(self) -> Token | None:
        self._at += 1
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _block(self, token: Token, *, nested: bool) -> str:
        match token.type:
            case "paragraph_open":
                return self._paragraph()
            case "heading_open":
                title = self._paragraph().replace("\n", " ")
                return f"{'#' * int(token.tag[1])} {_CLOSING.sub(_in_entities, title)}"
            case "fence" | "code_block":
                code, info = map(self._context.formulas.restored, (token.content, token.info))
                return block(code, info, nested=nested, diagrams=self._context.images)
            case "blockquote_open":
                return _indented("\n\n".join(self.until("blockquote_close", nested=True)) or _NOTHING, "> ", "> ")
            case "table_open":
                return self._table()
        return "___"

    def _paragraph(self) -> str:
        is_first = self._tokens[self._at - 1].type == "list_item_open"
        token = self._next()
        self._next()
        content = token.content if token is not None else ""
        task = _TASK.match(content) if is_first and not self._context.references else None
        return task[0] + inline(content[4:], self._context) if task else inline(content, self._context)

    def _list(self, opening: Token, marker: str) -> str:
        gap = "\n" if self._is_tight(opening.level) else "\n\n"
        items = []
        while (item := self._next()) is not None and item.type == "list_item_open":
            mark = f"{item.info}{marker} "
            items.append(
                _indented(gap.join(self.until("list_item_close", nested=True)) or _NOTHING, mark, " " * len(mark))
            )
        return gap.join(items)

    def _is_tight(self, level: int) -> bool:
        """Whether no blank lines stand between the items of the list that was opened at `level`."""
        for token in self._tokens[self._at + 1 :]:
            if token.level <= level:
                break
            if token.type == "paragraph_open" and token.level == level + 2:
                return token.hidden
        return False

    def _table(self) -> str:
        rows: list[list[str]] = []
        rule: list[str] = []
        while (token := self._next()) is not None and token.type != "table_close":
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "th_open":
                rule.append(_RULES.get(str(token.attrs.get("style")), "---"))
            elif token.type == "inline":
                rows[-1].append(inline(token.content, self._context._replace(in_table=True)))
        return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:]))


def _indented(block: str, first: str, others: str) -> str:
    """Return the lines of a block behind the marks of a list or a quotation."""
    lines = block.split("\n")
    return "\n".join([first + lines[0], *(f"{others}{line}".rstrip(" ") for line in lines[1:])])


def _in_entities(mark: re.Match[str]) -> str:
    return entities(mark[0])
