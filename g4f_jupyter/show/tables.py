"""Tables: of providers, of models, of aliases. Markdown in a notebook, columns of text in a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from g4f.errors import G4FError
from g4f.markdown.entities import literal
from g4f.printable import one_line
from g4f.providers.base_provider import Provider
from g4f.providers.call import provider_name
from g4f.providers.catalogue import ROWS, available, load, reasons
from g4f.providers.retry_provider import IterListProvider, named
from g4f.providers.rows import Row
from g4f.tools.tool import Tool

from ..line.aliases import AliasTarget
from ..line.model_names import cached, fetch
from .shown import Shown

__all__ = ["Table", "alias_table", "model_table", "provider_table", "tool_table"]

PATIENCE = 10.0
"""Seconds in which a provider that was not named must list its models."""


class Table(Shown):
    """Rows of as many texts as there are columns. Texts are shown as they are: none is markup, even of a server.

    Columns named in `numbers` are aligned to the right, all others to the left.
    """

    def __init__(self, columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Collection[str] = ()) -> None:
        self.columns, self.rows, self.numbers = columns, list(rows), numbers

    def text(self) -> str:
        """Return columns of text."""
        rows = [[one_line(cell) for cell in row] for row in (self.columns, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        rows.insert(1, ["-" * width for width in widths])
        sides = [">" if name in self.numbers else "<" for name in self.columns]
        line = "  ".join(f"{{:{side}{width}}}" for side, width in zip(sides, widths, strict=True))
        return "\n".join(line.format(*row).rstrip() for row in rows)

    def markdown(self) -> str:
        """Return a table."""
        rule = ["---:" if name in self.numbers else ":---" for name in self.columns]
        rows = [list(map(literal, row)) for row in (self.columns, *self.rows)]
        return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:]))


def provider_table() -> Table:
    """Return all providers, those first that can answer here: why the others cannot, and their default models.

    This looks for servers on this machine, for a fraction of a second.
    """
    rows = [(row.name, reason or "ready", row.default_model) for row, reason in zip(ROWS, reasons(), strict=True)]
    return Table(("Provider", "Here", "Default model"), sorted(rows, key=lambda row: row[1] != "ready"))


def alias_table(aliases: Mapping[str, AliasTarget]) -> Table:
    """Return what each alias stands for."""
    return Table(("Alias", "Provider", "Model"), [(name, *target) for name, target in aliases.items()])


async def model_table(provider: Provider | str | None, *, refresh: bool = False) -> Table:
    """Return the models of a provider, or of several: the list kept on disk, or one that it gives now.

    `refresh` asks for it in any case. All providers are asked at the same time. None means all that can answer here:
    one that fails, or takes longer than `PATIENCE`, has a line that says so instead of its models. Where a provider
    says when a model ends, there is a column for it. Raises the errors of `catalogue.load` and `fetch`.
    """
    providers = _providers(provider)
    patience = PATIENCE if provider is None else None
    found = await asyncio.gather(*(_listed(each, refresh, patience) for each in providers))
    if provider is not None and (error := next((each for each in found if isinstance(each, G4FError)), None)):
        raise error
    lists = [[f"[{each}]"] if isinstance(each, G4FError) else each for each in found]
    rows = [
        (provider_name(each), model, getattr(model, "ends", ""))
        for each, models in zip(providers, lists, strict=True)
        for model in models
    ]
    if any(ends for *_, ends in rows):
        return Table(("Provider", "Model", "Ends on"), rows)
    return Table(("Provider", "Model"), [row[:2] for row in rows])


async def _listed(provider: Provider, refresh: bool, patience: float | None) -> list[str] | G4FError:
    """Return the models of a provider, or why there are none."""
    try:
        async with asyncio.timeout(patience):
            return await _models(provider, refresh=refresh)
    except G4FError as error:
        return error
    except TimeoutError:
        return G4FError(f"no answer within {patience:g} s; use -p {provider_name(provider)} to wait longer")


def _providers(provider: Provider | str | None) -> list[Provider]:
    if provider is None:
        return [load(row.name) for row in available()]
    chosen = named(provider)
    return chosen.providers if isinstance(chosen, IterListProvider) else [chosen]


async def _models(provider: Provider, *, refresh: bool) -> list[str]:
    row = getattr(provider, "row", None)
    kept = cached(row) if isinstance(row, Row) and not refresh else []
    return kept or await fetch(provider)


async def tool_table(given: Iterable[Any]) -> Table:
    """Return what a model is told of tools: of functions, and of those that servers list."""
    tools: list[Tool] = []
    for each in given:
        tools += [each] if hasattr(each, "parameters") else await each.tools()
    rows = [(tool.name, _parameters(tool.parameters), " ".join(tool.description.split())[:200]) for tool in tools]
    return Table(("Tool", "Parameters", "Description"), rows)


def _parameters(schema: Mapping[str, Any]) -> str:
    """Return the names and types of parameters, with "?" behind those that may be left out."""
    needed = schema.get("required") or ()
    parameters = schema.get("properties") or {}
    kinds = {name: each.get("type") or ("choice" if "enum" in each else "") for name, each in parameters.items()}
    shown = [(f"{name}{'' if name in needed else '?'}", str(kind)) for name, kind in kinds.items()]
    return ", ".join(f"{name}: {kind}" if kind else name for name, kind in shown)
