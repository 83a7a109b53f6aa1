"""The words of a line: its options and their values, without quotes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from g4f.errors import InputError, close_matches

from .half_line import options

if TYPE_CHECKING:
    from argparse import ArgumentParser

__all__ = ["HelpAsked", "LineOption", "split"]

_PIECE = re.compile(r"""(\{[^\W\d]\w*[.\[(][^{}]*\})|"((?:\\.|[^"\\])*)"|'([^']*)'""", re.DOTALL)
"""A part of a word that is more than its text: an expression in braces, whose quotes are its own, or a quoted text."""

_WORD = re.compile(r"""\s*((?:"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'])+)(?=\s|$)""")


def _full(name: str, parser: ArgumentParser) -> str:
    """Return the option that `name` abbreviates. Raises InputError with close matches."""
    if name[:2] != "--" or name == "--":
        return name
    names = [each for action in parser._actions for each in action.option_strings if each[:2] == "--"]  # noqa: SLF001
    meant = [each for each in names if each == name] or [each for each in names if each.startswith(name)]
    if len(meant) != 1:
        near = f" Did you mean {' or '.join(map(repr, meant))}?" if meant else close_matches(name, names)
        raise InputError(f"there is no option {name!r}.{near} %{parser.prog}? lists the options.")
    return meant[0]


class HelpAsked(Exception):  # noqa: N818 - it ends a line as an error does, and is none
    """A line asks for help. Its text says what there is to know of the magic."""


class LineOption(NamedTuple):
    """An option of a line, by its long name, and its value; "" for a word that is no option's."""

    option: str
    value: str | None


def split(line: str, parser: ArgumentParser, *, whole: bool = False) -> tuple[list[LineOption], str]:
    """Return the options at the beginning of `line`, and the rest with its quotes; if `whole`, all of its words.

    Raises InputError, and HelpAsked at `--help` or `-h`.
    """
    long = {name: action.option_strings[-1] for name, action in options(parser).items() if action.nargs is None}
    given: list[LineOption] = []
    at, option = 0, ""
    while match := _WORD.match(line, at):
        word = _unquoted(match[1])
        is_option = match[1].startswith("-") and match[1] not in ("-", "--")
        if not option and not is_option and not whole:
            at = match.end() if match[1] == "--" else at
            break
        at = match.end()
        if not option and match[1] in ("--help", "-h"):
            raise HelpAsked(parser.format_help().removeprefix("::\n\n"))
        if option or not is_option:
            given.append(LineOption(option, word))
            option = ""
            continue
        is_long = word[:2] == "--"
        name, has_value, value = word.partition("=") if is_long else (word[:2], word[2:], word[2:].removeprefix("="))
        name = _full(name, parser)
        if name not in long:
            given.append(LineOption(f"{name}{has_value}{value}" if is_long else word, None))
        elif has_value:
            given.append(LineOption(long[name], value))
        else:
            option = long[name]
    rest = line[at:].strip()
    if rest and (option or whole):
        raise InputError(f"a quote is not closed: {line.strip()[:100] if whole else rest[:100]}")
    return [*given, LineOption(option, None)] if option else given, rest


def _unquoted(word: str) -> str:
    """Return a word without its quotes. In double quotes, a backslash goes before a quote or a backslash."""
    return _PIECE.sub(_text, word)


def _text(piece: re.Match[str]) -> str:
    expression, double, single = piece.groups()
    return re.sub(r'\\(["\\])', r"\1", double) if double is not None else expression or single or ""
