"""`python -m g4f` lists the providers: who can answer here, and what the others need.

`python -m g4f tape` looks after recorded answers: see taping.command. `python -m g4f journal` shows what a batch has
kept: see batching.command.
"""

from __future__ import annotations

import json
import os
import re
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any

from .printable import say
from .providers.catalogue import ROWS, Row, lacks, reasons
from .taping import command

__all__ = ["main"]

FEATURES = {
    "images": {"images"},
    "tools": {"tools"},
    "json_schema": {"json_schema", "response_format"},
    "reasoning": {"reasoning_effort"},
}
"""What a provider can do, if it lacks none of these. Whether a model of it can, its documentation says."""


def main(arguments: list[str] | None = None) -> None:
    """Print the providers: a table; with `--json` all that is known of each; with `--markdown` the README's table."""
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["tape"]:
        sys.exit(command.main(words[1:]))
    if words[:1] == ["journal"]:
        from .batching.command import main as journal  # noqa: PLC0415 - 30 ms that only a journal has to spend

        sys.exit(journal(words[1:]))
    parser = ArgumentParser(
        prog="python -m g4f",
        description="List the providers, and which of them can answer here.",
        epilog="Recorded answers: python -m g4f tape --help. Journals of batches: python -m g4f journal --help",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="all that is known of each, as JSON")
    form.add_argument("--markdown", action="store_true", help="what each of them is, as a table in Markdown")
    asked = parser.parse_args(words)
    if asked.markdown:
        say("\n".join(_markdown()))
        return
    found = reasons()
    output = json.dumps([*map(_all, ROWS, found)], indent=2) if asked.json else "\n".join(_table(found))
    say(output)


def _places(row: Row) -> list[str]:
    """Return the variables that stand in an address."""
    return re.findall(r"{(\w+)}", row.base_url)


def _table(found: list[str]) -> Iterator[str]:
    """Yield lines: name, default model, and whether it can answer, as long as the terminal is wide."""
    name = max(len(row.name) for row in ROWS) + 2
    model = max(len(row.default_model) for row in ROWS) + 2
    width = get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    yield f"{'provider':{name}}{'default model':{model}}here"
    for row, reason in zip(ROWS, found, strict=True):
        first, *more = wrap(reason or "ready", max(width - name - model, 20), break_on_hyphens=False)
        yield f"{row.name:{name}}{row.default_model:{model}}{first}"
        yield from (" " * (name + model) + line for line in more)


def _features(row: Row) -> dict[str, bool]:
    missed = lacks(row)
    return {name: not words & missed for name, words in FEATURES.items()}


def _all(row: Row, reason: str) -> dict[str, Any]:
    return {
        "name": row.name,
        "ready": not reason,
        "reason": reason,
        "default_model": row.default_model,
        "keys": row.keys,
        "key_set": any(map(os.environ.get, row.keys)),
        "base_url": row.base_url,
        "supports": _features(row),
        "lacks": sorted(lacks(row)),
        "docs": row.docs,
    }


def _markdown() -> Iterator[str]:
    """Yield the lines of a table, the same on every machine."""
    yield "| provider | variables | default model | images | tools | JSON schema | reasoning |"
    yield f"|{'---|' * (3 + len(FEATURES))}"
    for row in ROWS:
        needed = [f"`{name}`" for name in _places(row)]
        needed += [" or ".join(f"`{name}`" for name in row.keys)] if row.keys else []
        model = f"`{row.default_model}`" if row.default_model else ""
        can = ["yes" if able else "no" for able in _features(row).values()]
        yield f"| {' | '.join([f'[{row.name}]({row.docs})', ' and '.join(needed), model, *can])} |"


if __name__ == "__main__":
    main()
