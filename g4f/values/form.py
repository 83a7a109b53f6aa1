"""How a value is written where its name stands in braces."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["INNER", "WHOLE", "Form"]

INNER = re.compile(r"\{(\w+)\}")
"""A variable in it."""

WHOLE = "all"
"""The conversion of `{x!all}`."""


class Form(NamedTuple):
    """How a value in braces is written: `!r` is a conversion, `:.2f` a spec, `=` puts the expression before it."""

    conversion: str = ""
    spec: str = ""
    shows: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether all of the value is sent, however long it is: `{x!all}`, which no f-string has."""
        return self.conversion == WHOLE

    def variables(self) -> list[str]:
        """Return the variables in the spec, such as "width" in `{x:>{width}}`."""
        return INNER.findall(self.spec)
