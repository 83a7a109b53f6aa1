"""A bar that shows how far a batch is, in a notebook or a terminal, where tqdm is installed."""

from __future__ import annotations

import sys
from asyncio import sleep
from importlib.util import find_spec
from typing import Any

from ..printable import counted, one_line
from ..providers.transport.governors import standings
from .tally import Tally

__all__ = ["watch"]

TICK = 0.25
"""Seconds between two looks, and before the first: a batch that ends earlier shows no bar."""


async def watch(tally: Tally) -> None:
    """Show the counts of a run until this is cancelled; nothing where nobody would see it."""
    await sleep(TICK)
    if find_spec("tqdm") is None or not _is_seen():
        return
    from tqdm.auto import tqdm  # noqa: PLC0415 - an optional package

    bar: Any = tqdm(total=tally.size, initial=_done(tally), unit=" rows")
    try:
        while True:
            _show(bar, tally)
            await sleep(TICK)
    finally:
        _show(bar, tally)
        bar.close()


def _show(bar: Any, tally: Tally) -> None:
    bar.update(_done(tally) - bar.n)
    bar.set_postfix_str(one_line(", ".join(_facts(tally))))


def _done(tally: Tally) -> int:
    return tally.answered + tally.failed


def _facts(tally: Tally) -> list[str]:
    """Return what the numbers of the bar do not say: the failed, whose limit is waited for, and the tokens."""
    facts = [f"{tally.failed:,} failed"] if tally.failed else []
    for each in standings():
        if each.waiting:
            how_long = f"{each.pause:.0f} s more" if each.pause else f"for {each.waiting_for:.0f} s now"
            facts.append(f"{each.waiting:,} waiting for the limit of {each.provider}, {how_long}")
    return [*facts, counted(tally.tokens, "token")]


def _is_seen() -> bool:
    """Whether there is a notebook, or a terminal."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel") or (sys.stderr is not None and sys.stderr.isatty())
