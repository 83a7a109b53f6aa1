r"""Expressions in the braces of a question, and the braces that mean something else.

- Code between fences or backticks, f-strings, and mathematics between `$…$`, `$$…$$`, `\(…\)`, `\[…\]` or
  `\begin…\end` stay as they are. So do braces after `\command`, `^` or the `_` after a single letter: they are LaTeX.
- An expression is on one line. All that is no name, path, call or operation stays: `{}`, `{"a": 1}`, `{1, 2}`,
  `{a, b}`, `{color: red}`.
- An unknown name is an error, except within braces that stay (JSON, CSS, code), in `${x}` and `file_{x}`, and in the
  forms `{ x }`, `{x!r}`, `{x=}` and `{x:.2f}`, which have their meaning from f-strings: there it stays. A known name is
  replaced in these places, too. `{{ x }}` is Jinja, and stays.
- `{{x}}` becomes `{x}` wherever `{x}` would be replaced or be an error; otherwise it stays. `{{{x}}}` is `{value}`.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from string import Formatter
from typing import NamedTuple

from .form import INNER, WHOLE, Form

__all__ = ["Braces", "found", "path_of"]

_LONGEST = 500
"""Most characters of an expression."""

_STAYS = re.compile(
    r"""
    ^[ \t>]* (?:[-*+][ \t]+|\d+[.)][ \t]+)? (?P<fence>`{3,}|~{3,}) [^`\n]* (?:\n.*?)??
        (?:\n[ \t>]*(?P=fence)[`~]*[ \t\r]*$ | \Z)
    | (?=[`$\\fFrR]) (?:
        (?<![`\\]) (?P<ticks>`+) (?!`) (?:(?!\n[ \t]*\n).){1,5000}? (?<!`) (?P=ticks) (?!`)
        | (?<!\\) \$\$ .{1,5000}? \$\$
        | (?<![\w\\$]) \$ (?![\s$]) (?!\d[\d.,]*\s) (?:\\.|[^$\\\n]|\n(?![ \t]*\n)){1,2000}? (?<![\s\\]) \$ (?![\w${])
        | (?<!\\) (?: \\\( .{1,5000}? \\\) | \\\[ .{1,5000}? \\\] )
        | \\begin\{ (?P<kind>\w+\*?) \} .{0,20000}? \\end\{ (?P=kind) \}
        | (?<!\w) (?:[fF][rR]?|[rR][fF]) (?:
            (?P<quotes>"{3}|'{3}) .{0,20000}? (?P=quotes) | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
        )
    )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
"""Code, mathematics, f-strings. `$5 ` is money, and a dollar sign next to a word on its outside is not TeX."""

_RUN = re.compile(r"{+")

_FOREIGN = re.compile(r"""(["'])[^"']*\1\s*: | .*[\n\\]""", re.VERBOSE)
"""Cheaper than parsing: JSON, several lines, backslashes."""

_LATEX = re.compile(r"(?: \\[A-Za-z]*\*?(?:\[[^\]\n]*\])*[_^]? | \^ | (?<!\w)[^\W_]_ | [)\]]_ ) \Z", re.VERBOSE)
"""The text before a group of LaTeX."""

_MEANT = (
    ast.Attribute,
    ast.BinOp,
    ast.BoolOp,
    ast.Call,
    ast.Compare,
    ast.IfExp,
    ast.ListComp,
    ast.Name,
    ast.Subscript,
    ast.UnaryOp,
)
"""Expressions that are meant by braces; the others (literals, sets, pairs) are braces of another language."""


_SPEC = re.compile(
    r"""
    (?:[^A-Za-z]?[<>=^])? [+-]? z? \#? 0? \d* [,_]? (?:\.\d+)? [bcdeEfFgGnosxX%]?
    | [ ] \d* [,_]? \.\d+ [eEfFgG%]
    | [^{}]* %[A-Za-z] [^{}]*
    """,
    re.VERBOSE,
)
"""How a value is formatted, as f-strings have it: numbers, texts, dates. In `{x: red}` and `{x:x>0}` it is not."""


class Braces(NamedTuple):
    """An expression in `depth` pairs of braces: `text[start:end]`. `lenient`: an unknown name is no error there."""

    start: int
    end: int
    depth: int
    source: str
    tree: ast.expr
    form: Form | None
    lenient: bool


def found(text: str, *, prose: bool = True) -> Iterator[Braces]:
    """Yield the expressions in braces, in order, whatever their names. Only `prose` has code and mathematics in it."""
    live = _STAYS.sub(lambda stays: "\n" * len(stays[0]), text) if prose else text
    ends = _ends(live)
    at, latex, outer = 0, -2, 0  # where to go on; the end of the last group of LaTeX; the end of the braces that stay
    while run := _RUN.search(live, at):
        start, last = run.start(), run.end() - 1
        before = live[max(start - 80, 0) : start]
        if prose and (_LATEX.search(before) or (start - latex < 2 and live[latex:start] in ("", "_"))):
            at = latex = ends.get(start, start) + 1
            continue
        close = ends.get(last, last)
        source, tree, form = _parsed(live[last + 1 : close])
        depth = _depth(ends, start, last, close) if tree else 0
        first = last + 1 - depth
        is_spaced = source != live[last + 1 : close] and form is None
        if is_spaced and depth > 1:
            tree = None
        outer = max([outer, *(ends.get(each, 0) for each in range(start, first))])
        if tree:
            lenient = is_spaced or first < outer or live[first - 1 : first] in ("$", "_")
            yield Braces(first, close + depth, depth, source, tree, form, lenient)
        at = close + depth if tree else last + 1


def _depth(ends: dict[int, int], start: int, last: int, close: int) -> int:
    """Return how many of the braces from `start` to `last` are closed one after the other from `close` on."""
    depth = 0
    while depth <= last - start and ends.get(last - depth) == close + depth:
        depth += 1
    return depth


def _ends(text: str) -> dict[int, int]:
    """Return where each `{` is closed."""
    ends, opened = {}, []
    for brace in re.finditer("[{}]", text):
        if brace[0] == "{":
            opened.append(brace.start())
        elif opened:
            ends[opened.pop()] = brace.start()
    return ends


def _parsed(held: str) -> tuple[str, ast.expr | None, Form | None]:
    """Return the source, the expression and the form in braces; no expression where they are not meant to hold one."""
    source = held.strip(" \t")
    if not source or len(source) > _LONGEST or source != source.strip() or _FOREIGN.match(source):
        return source, None, None
    if (tree := _expression(source)) is not None:
        return source, tree, None
    if source.endswith(f"!{WHOLE}"):
        bare = source.removesuffix(f"!{WHOLE}").rstrip()
        return bare, _expression(bare), Form(WHOLE)
    try:
        [(_, name, spec, conversion)] = Formatter().parse(f"{{{source}}}")
    except ValueError:
        return source, None, None
    shows = name is not None and name.rstrip().endswith("=")
    form = Form(conversion or "", spec or "", shows)
    bare = (name or "").rstrip("= " if shows else " ")
    if not _SPEC.fullmatch(INNER.sub("1", form.spec)) or form.conversion not in ("", "r", "s", "a") or form == Form():
        return source, None, None
    return bare, _expression(bare), form


def _expression(source: str) -> ast.expr | None:
    try:
        with warnings.catch_warnings(action="ignore"):  # it may be no Python at all
            tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    is_number = isinstance(tree, ast.UnaryOp) and isinstance(tree.operand, ast.Constant)
    return tree if isinstance(tree, _MEANT) and not is_number else None


def path_of(tree: ast.expr) -> list[ast.expr] | None:
    """Return the steps from a name through its attributes and items; None for any other expression."""
    steps = [tree]
    while isinstance(step := steps[-1], ast.Attribute | ast.Subscript):
        if isinstance(step, ast.Subscript) and not _is_key(step.slice):
            return None
        steps.append(step.value)
    return steps[::-1] if isinstance(step, ast.Name) else None


def _is_key(node: ast.expr | None) -> bool:
    match node:
        case ast.Slice(lower, upper, step):
            return all(map(_is_key, (lower, upper, step)))
        case ast.Tuple(parts):
            return all(map(_is_key, parts))
        case ast.UnaryOp(ast.USub(), ast.Constant(int() | float())):
            return True
    return node is None or isinstance(node, ast.Constant | ast.Name)
