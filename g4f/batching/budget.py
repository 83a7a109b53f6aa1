"""How much a batch may use: tokens, or dollars."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from ..answer import Answer
from ..errors import InputError, quoted
from ..prices import price
from ..printable import counted
from .row import answer_tokens

__all__ = ["Budget"]

_DOLLARS = re.compile(r"\$\s*(\d[\d_,]*(?:\.\d+)?|\.\d+)\s*\Z")


class Budget:
    """What may be used, and what was. `why` says that no further question begins, and is "" while some may."""

    def __init__(self, given: Any) -> None:
        """Raise InputError for what is neither tokens, as a whole number, nor dollars, as "$2.50" or a Decimal."""
        self.limit, self.is_money = _read(given)
        self.used: int | Decimal = 0
        self.why = ""

    def spend(self, answer: Answer) -> None:
        """Count an answer that was asked for."""
        if self.limit is None:
            return
        used = price(answer) if self.is_money else answer_tokens(answer)
        if used is None:
            self.why = f"the price of {answer.model} is unknown: a budget of {self._shown(self.limit)} cannot be kept"
            return
        self.used += used
        if self.used >= self.limit:
            self.why = f"the budget of {self._shown(self.limit)} is used up"

    @property
    def overshot(self) -> str:
        """By how much it was overshot, in words; "" if it was not."""
        over = 0 if self.limit is None else self.used - self.limit
        return f", and overshot by {self._shown(over)}" if over > 0 else ""

    def _shown(self, amount: int | Decimal) -> str:
        return f"${amount:f}" if self.is_money else counted(int(amount), "token")


def _read(given: Any) -> tuple[int | Decimal | None, bool]:
    if given is None:
        return None, False
    if isinstance(given, Decimal) and given.is_finite() and given > 0:
        return given, True
    if isinstance(given, str) and (found := _DOLLARS.match(given.strip())):
        dollars = Decimal(found[1].replace(",", "").replace("_", ""))
        if dollars > 0:
            return dollars, True
    if isinstance(given, int) and not isinstance(given, bool) and given > 0:
        return given, False
    raise InputError(f'budget must be tokens, such as 100_000, or dollars, such as "$2.50", not {quoted(given)}')
