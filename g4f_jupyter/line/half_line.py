"""The line of a magic while it is typed: what is at the cursor, and what the rest of the line gives."""

from __future__ import annotations

import re
from argparse import Action, ArgumentParser
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Place", "options", "place"]

_WORD = re.compile(r"""(?:"(?:\\.|[^"\\])*(?:"|$)|'[^']*(?:'|$)|[^\s"'])+""")
_OPEN_QUOTE = re.compile(r"""(?:[^"']|"(?:\\.|[^"\\])*"|'[^']*')*+(["'])""")


class Place(NamedTuple):
    """What is being typed: a value of `action`, or an option where that is None.

    `typed` is the text before the cursor, after the `quote` that is still open ("" for none). `given` has the values of
    all other words of the line, also of those after the cursor, by the `dest` of their actions.
    """

    action: Action | None
    typed: str
    quote: str
    given: dict[str, str]


def options(parser: ArgumentParser) -> dict[str, Action]:
    """Return the action of each option of `parser`."""
    return {name: action for action in parser._actions for name in action.option_strings}  # noqa: SLF001 - argparse has no public list


def place(parser: ArgumentParser, before: str, after: str) -> Place | None:
    """Return what is being typed between `before` and `after`; None where `parser` expects nothing."""
    words = _WORD.findall(before)
    typed = words.pop() if words and before.endswith(words[-1]) else ""
    opening = _OPEN_QUOTE.match(typed)
    quote = opening[1] if opening else ""
    read = _Read(parser, words)
    given = read.given | _Read(parser, _WORD.findall(_after(after, quote))).given
    action = read.expected
    if read.is_over:
        return None
    if action is None and typed.startswith("-"):
        name, is_value, value = typed.partition("=")
        if not is_value:
            return Place(None, typed, "", given)
        action, typed = read.options.get(name), value
    elif action is None and read.arguments:
        action = read.arguments[0]
    if action is None and typed:
        return None
    return Place(action, typed.rpartition(quote)[2] if quote else typed, quote, given)


def _after(after: str, quote: str) -> str:
    """Return the text after the word at the cursor."""
    return after.partition(quote)[2] if quote else re.sub(r"^\S+", "", after)


class _Read:
    """The values of whole words, and the action whose value comes next."""

    def __init__(self, parser: ArgumentParser, words: Iterable[str]) -> None:
        self.options = options(parser)
        self.arguments = [action for action in parser._actions if not action.option_strings]  # noqa: SLF001
        self.given: dict[str, str] = {}
        self.expected: Action | None = None
        self.is_over = False
        for word in words:
            if not self.is_over:
                self._read(word)

    def _read(self, word: str) -> None:
        name, is_value, value = word.partition("=")
        action = self.expected or self.options.get(name)
        if self.expected is not None or (action is None and not word.startswith("-") and self.arguments):
            action = self.expected or self.arguments.pop(0)
            self._give(action, word)
            self.expected = None
        elif action is None:
            self.is_over = not word.startswith("-") or word in ("-", "--")
        elif is_value:
            self._give(action, value)
        elif action.nargs != 0:
            self.expected = action

    def _give(self, action: Action, word: str) -> None:
        self.given[action.dest] = word.strip("\"'")
