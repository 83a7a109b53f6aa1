"""The line of a magic while it is typed: what stands at the cursor, and what the rest of the line gives."""

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

    `typed` is what stands before the cursor, behind the `quote` that is still open ("" for none). `given` has the
    values of all other words of the line, also of those behind the cursor, by what their actions are called.
    """

    action: Action | None
    typed: str
    quote: str
    given: dict[str, str]


def options(parser: ArgumentParser) -> dict[str, Action]:
    """Return what each option of `parser` does."""
    return {name: action for action in parser._actions for name in action.option_strings}  # noqa: SLF001 - no public way


def place(parser: ArgumentParser, before: str, after: str) -> Place | None:
    """Return what is being typed between `before` and `after`; None where `parser` takes nothing."""
    words = _WORD.findall(before)
    typed = words.pop() if words and before.endswith(words[-1]) else ""
    opening = _OPEN_QUOTE.match(typed)
    quote = opening[1] if opening else ""
    read = _Read(parser, words)
    given = read.given | _Read(parser, _WORD.findall(_behind(after, quote))).given
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


def _behind(after: str, quote: str) -> str:
    """Return what follows the word that the cursor is in."""
    return after.partition(quote)[2] if quote else re.sub(r"^\S+", "", after)


class _Read:
    """What whole words give, and whose value comes next."""

    def __init__(self, parser: ArgumentParser, words: Iterable[str]) -> None:
        self.options = options(parser)
        self.arguments = [action for action in parser._actions if not action.option_strings]  # noqa: SLF001
        self.given: dict[str, str] = {}
        self.expected: Action | None = None
        self.is_over = False
        for word in words:
            if not self.is_over:
                self._take(word)

    def _take(self, word: str) -> None:
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
