"""What comes out of a batch: its rows, in the order of the inputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, overload

from ..answer import Answer
from ..errors import G4FError
from ..markdown.entities import literal
from ..prices import cost, price
from ..printable import counted, one_line
from ..providers.response import Usage
from ..waiting import bridge
from .row import BatchRow
from .run import Run
from .terms import Terms

if TYPE_CHECKING:
    from .plan import Plan

__all__ = ["Batch", "collected"]

SHOWN = 5
"""Failed rows that are shown."""


class Batch(Sequence[BatchRow]):
    """The rows of a batch in the order of its inputs, each with its answer or its error.

    `failed` has the rows without an answer, and `again()` asks these once more. `usage` and `cost` are what the answers
    used, also those from the journal, each once; `saved` is how many rows needed no question of their own.
    """

    def __init__(self, rows: list[BatchRow], run: Run, plan: Plan, terms: Terms) -> None:
        self._rows, self._run, self._plan, self._terms = rows, run, plan, terms

    @overload
    def __getitem__(self, index: int) -> BatchRow: ...

    @overload
    def __getitem__(self, index: slice) -> list[BatchRow]: ...

    def __getitem__(self, index: int | slice) -> BatchRow | list[BatchRow]:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[BatchRow]:
        return iter(self._rows)

    @property
    def failed(self) -> list[BatchRow]:
        """The rows that have no answer."""
        return [row for row in self._rows if row.answer is None]

    @property
    def saved(self) -> int:
        """How many rows asked what another row asks, and cost nothing."""
        return sum(row.same and row.answer is not None for row in self._rows)

    @property
    def usage(self) -> Usage:
        """The tokens of all answers, as far as providers counted them."""
        used = [answer.usage for answer in self._answers() if answer.usage is not None]
        prompt, completion = sum(each.prompt_tokens for each in used), sum(each.completion_tokens for each in used)
        return Usage(prompt, completion, prompt + completion)

    @property
    def cost(self) -> Decimal | None:
        """What all answers cost in US dollars; None where the price of one is unknown."""
        paid = [price(answer) for answer in self._answers()]
        known = [each for each in paid if each is not None]
        return sum(known, Decimal()) if len(known) == len(paid) else None

    def again(self) -> Batch:
        """Ask the rows that failed once more, and return all rows. In async code: `await out.aagain()`."""
        return bridge.run(self.aagain)

    async def aagain(self) -> Batch:
        """Ask the rows that failed once more, and return all rows."""
        asked = [row for row in self._rows if row.answer is None and row.messages is not None]
        run = Run(self._plan, _Again(asked), self._terms)
        rows = list(self._rows)
        async for row in run.rows():
            row.index = asked[row.index].index
            rows[row.index] = row
        return Batch(rows, run, self._plan, self._terms)

    def _answers(self) -> Iterator[Answer]:
        """Yield each answer once."""
        return (row.answer for row in self._rows if row.answer is not None and not row.same)

    def __repr__(self) -> str:
        lines = [self._counts(), *self._stopped()]
        lines += [f"  row {index}: {error}" for index, error in self._errors()]
        return "\n".join(map(one_line, lines))

    def _repr_markdown_(self) -> str:
        said = "  \n".join(map(literal, [self._counts(), *self._stopped()]))
        errors = "".join(f"\n| {index} | {literal(error)} |" for index, error in self._errors())
        return said + ("\n\n| row | why it failed |\n|---|---|" + errors if errors else "")

    def _counts(self) -> str:
        counts = Counter("known" if row.known else "same" if row.same else "asked" for row in self._rows if row.answer)
        parts = [f"{counts['asked']:,} asked"] if counts["asked"] else []
        parts += [f"{counts['known']:,} from {Path(self._terms.journal).name}"] if counts["known"] else []
        parts += [f"{counts['same']:,} the same as others"] if counts["same"] else []
        failed = len(self.failed)
        answered = f"{len(self._rows) - failed:,} answered" + (f" ({', '.join(parts)})" if parts else "")
        facts = [counted(len(self._rows), "row"), answered, *([f"{failed:,} failed"] if failed else [])]
        paid = cost(self.cost)
        shown = [f"{self.usage.total_tokens:,} tokens", *([] if paid in ("none", "unknown") else [paid])]
        return " · ".join([*facts, *shown])

    def _stopped(self) -> list[str]:
        if self._run.stopped is None:
            return []
        return [f"stopped: {str(self._run.stopped).removeprefix('not asked: ')}{self._run.budget.overshot}"]

    def _errors(self) -> Iterator[tuple[str, str]]:
        """Yield the first different errors: the first row of each, with how many have it, and the error's line."""
        counts: Counter[str] = Counter(_line(row.error) for row in self.failed)
        first = {_line(row.error): row.index for row in reversed(self.failed)}
        for line in list(dict.fromkeys(_line(row.error) for row in self.failed))[:SHOWN]:
            more = f" and {counts[line] - 1:,} more" if counts[line] > 1 else ""
            yield f"{first[line]}{more}", line
        if len(counts) > SHOWN:
            yield "…", f"{len(counts) - SHOWN:,} other errors: see failed"


def _line(error: G4FError | None) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"


class _Again:
    """Rows that are asked once more."""

    def __init__(self, rows: list[BatchRow]) -> None:
        self._rows = rows

    @property
    def size(self) -> int:
        """How many they are."""
        return len(self._rows)

    def __iter__(self) -> Iterator[object]:
        return (row.messages for row in self._rows)


async def collected(run: Run, plan: Plan, terms: Terms) -> Batch:
    """Return all rows of a run, in order."""
    found = [row async for row in run.rows()]
    found.sort(key=lambda row: row.index)
    return Batch(found, run, plan, terms)
