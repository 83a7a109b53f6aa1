"""The forms in which an answer is shown: Markdown, text, JSON, code."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import NoReturn

import msgspec

from g4f.answer import Answer
from g4f.errors import ResponseError
from g4f.markdown.code import block, blocks_of, code_of, fenced
from g4f.printable import counted, one_line

__all__ = ["FORMATS", "about_code", "check", "formatted", "marked"]

FORMATS = ("markdown", "text", "json", "code")


def formatted(text: str, form: str, rewritten: Callable[[str], str]) -> tuple[str, str]:
    """Return an answer as plain text and as Markdown. Text that does not have the form (yet) stays as it is."""
    if form == "json":
        with suppress(ValueError):
            lines = msgspec.json.format(_json_of(text), indent=2)  # numbers and names stay as they were written
            return lines, fenced(lines, "json")
        if text.lstrip()[:1] in ("{", "["):  # not whole yet
            lines = _indented(text)
            return lines, fenced(lines, "json")
    if form == "code" and any(found := code_of(text)):
        python = [found.code] if found.code else []
        plain = [*python, *(fenced(code.removesuffix("\n"), name) for name, code in found.others)]
        shown = [*(fenced(code, "python") for code in python), *(block(code, name) for name, code in found.others)]
        return "\n\n".join(plain), "\n\n".join(shown)
    return text, rewritten(text)


_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[{}\[\],:]|[^\s"{}\[\],:]+(?:\s+[^\s"{}\[\],:]+)*', re.DOTALL)
"""A text of JSON, a mark, or what is neither."""


DEEPEST = 64
"""Levels of JSON that are indented. With every further one, each line would grow: deeper JSON is shown as it came."""


def _indented(text: str) -> str:
    """Return JSON as far as it came in lines, as `msgspec.json.format` writes it. What stands behind it stays."""
    depth, written = 0, ""
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in ("}", "]"):
            depth -= 1
        if written[-1:] in ("{", "[") or mark in ("}", "]"):
            written += "" if written[-1:] + mark in ("{}", "[]") else "\n" + "  " * depth
        written += {",": ",\n" + "  " * depth, ":": ": "}.get(mark, mark)
        if mark in ("{", "["):
            depth += 1
            if depth > DEEPEST:
                return text
        elif depth <= 0:
            return written + text[token.end() :]
    return written


def check(answer: Answer, form: str) -> None:
    """Raise ResponseError if an answer that is to be JSON is none. One that only calls tools comes before it."""
    if form != "json" or (answer.tool_calls and not answer.strip()):
        return
    try:
        _json_of(answer)
    except ValueError as error:
        cut = f" ({answer.mark})" if answer.mark else ""
        raise ResponseError(
            f"the answer is not JSON{cut}: {error}. Ask again, or without -f json: it is not added to the conversation",
            provider=answer.provider,
            model=answer.model,
            partial=str(answer),
        ) from None


def about_code(text: str, form: str) -> str:
    """Return a line that says which blocks of code are not Python, or that there is none; "" if all are."""
    if form != "code":
        return ""
    found = code_of(text)
    others = Counter(name for name, _ in found.others)
    blocks = ", ".join(
        f"{counted(count, 'block')} {f'of {name}' if name else 'without a language'}" for name, count in others.items()
    )
    if found.code:
        return f"below the code, as it is not Python: {blocks}" if blocks else ""
    return f"no Python in it: {blocks}" if blocks else "no code in it"


def marked(mark: str, words: str, omitted: Collection[str]) -> str:
    """Return the mark of an answer, with the server's `words` about its end, and what it had that is no text."""
    parts = [f"{mark} ({one_line(words)})" if mark and words else mark]
    parts += [f"left out: {', '.join(omitted)}"] if omitted else []
    return "; ".join(filter(None, parts))


def _json_of(text: str) -> str:
    """Return the JSON that `text` is, or that one of its blocks of code is. Raises ValueError."""
    if not (reason := _fault(text)):
        return text
    found = [code for _, code in blocks_of(text) if not _fault(code)]
    if len(found) != 1:
        raise ValueError(f"it has {len(found)} blocks of JSON" if found else reason)
    return found[0]


def _fault(text: str) -> str:
    """Return why `text` is not JSON; "" if it is."""
    try:
        json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        return str(error)
    except RecursionError:
        return "it is nested too deeply"
    return ""


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
