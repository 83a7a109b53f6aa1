"""A question mark at the end of a question belongs to the question: IPython would show help on its last word."""

from __future__ import annotations

import re
import tokenize
from tokenize import TokenInfo

from IPython.core.inputtransformer2 import EscapedCommand, MagicAssign, TokenTransformBase

__all__ = ["TRANSFORMERS"]

_EARLIER = EscapedCommand.priority - 6
"""Before IPython's HelpEnd."""

_ASKS = re.compile(r"%(?:[\w.]+[ \t].*?%)?(?:chat|chat_fix)[ \t]+(?![ \t?])", re.DOTALL)
"""`%chat …`, also behind another magic: `%time %chat …`. `%chat?` asks for help."""


class _Line(EscapedCommand):
    """A line that is a question."""

    priority = _EARLIER

    @classmethod
    def find(cls, tokens_by_line: list[list[TokenInfo]]) -> _Line | None:
        """Return the first such line of a cell."""
        for line in tokens_by_line:
            words = [token for token in line if token.type not in (tokenize.INDENT, tokenize.DEDENT)]
            if words and _ASKS.match(words[0].line[words[0].start[1] :]):
                return cls(words[0].start)
        return None


class _Assigned(TokenTransformBase):
    """A line that gives a name to what a question returns: `y = %chat …`."""

    priority = _EARLIER

    def __init__(self, start: tuple[int, int], magic: MagicAssign) -> None:
        super().__init__(start)
        self._magic = magic

    def transform(self, lines: list[str]) -> list[str]:
        """Return the lines with a call in the place of the magic."""
        transformed: list[str] = self._magic.transform(lines)
        return transformed

    @classmethod
    def find(cls, tokens_by_line: list[list[TokenInfo]]) -> _Assigned | None:
        """Return the first such line of a cell."""
        for line in tokens_by_line:
            words = [token for token in line if token.type not in (tokenize.INDENT, tokenize.DEDENT)]
            if (magic := MagicAssign.find([words])) and _ASKS.match(words[0].line[magic.start_col :]):
                return cls(words[0].start, magic)
        return None


TRANSFORMERS = (_Line, _Assigned)
"""What IPython calls with the tokens of a cell."""
