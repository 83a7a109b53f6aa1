"""Whom a line asks: one model, or several that answer at once; and who judges them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from g4f.errors import InputError
from g4f.models import Model
from g4f.printable import counted

__all__ = ["judge_in", "paired"]

T = TypeVar("T")


def paired(providers: Sequence[str], models: Sequence[str | Model]) -> list[tuple[str, str | Model]]:
    """Return provider and model of each that is to answer, "" where the line names none.

    Several providers are asked for one model, or one provider for several, or each for its own, in order. Raises
    InputError where that is not clear.
    """
    if min(len(providers), len(models)) > 1 and len(providers) != len(models):
        named = f"{counted(len(providers), 'provider')} and {counted(len(models), 'model')}"
        raise InputError(f"{named} make no pairs: give each -m its -p, in the same order, or write -p PROVIDER:MODEL")
    count = max(len(providers), len(models), 1)
    return list(zip(_times(providers, count, ""), _times(models, count, ""), strict=True))


def _times(names: Sequence[T], count: int, missing: T) -> list[T]:
    """Return the names, or the only one so many times."""
    return list(names) if len(names) == count else list(names or [missing]) * count


def judge_in(words: Sequence[str], model: str | None) -> tuple[str, str]:
    """Return the model that judges, and by what, "" for each that is not given.

    A word of `--judge` without blanks is a model, any other the question. `model` is that of `--judge-model`. Raises
    InputError for two models or two questions.
    """
    questions = [word.strip() for word in words if len(word.split()) > 1]
    models = [*(word.strip() for word in words if len(word.split()) == 1), *([model] if model else [])]
    for found, what in ((models, "model that judges"), (questions, "question to the judge")):
        if len(found) > 1:
            raise InputError(f"a comparison has one {what}, not {' and '.join(map(repr, found))}")
    return "".join(models), "".join(questions)
