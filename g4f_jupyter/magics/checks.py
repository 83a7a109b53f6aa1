"""What a cell expects of its answer, by `--expect` and `--judge`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from g4f.errors import InputError
from g4f.waiting import bridge

if TYPE_CHECKING:
    from argparse import Namespace

    from ..session import Question
    from ..show.display import Screen

__all__ = ["check", "check_options"]


def check_options(options: Namespace, names: Mapping[str, Any]) -> None:
    """Raise InputError for what cannot be expected of any answer, before one is asked for."""
    for each in options.expect:
        each.look_up(names)
    for question in options.judge:
        if len(question.split()) < 2:
            raise InputError(f"--judge needs a question about the answer, in quotes, not {question!r}")
    if options.judge_model and not options.judge:
        raise InputError("--judge-model belongs to --judge, which asks a question about the answer")


def check(
    outcome: Any,
    question: Question,
    options: Namespace,
    names: Mapping[str, Any],
    *,
    judge: Mapping[str, Any],
    screen: Screen,
) -> None:
    """Raise ExpectationError if the answer is not what its cell expects: first of `--expect`, which costs nothing.

    `outcome` is what a variable gets of it. `judge` has the provider and the model that `--judge-model` names.
    """
    for each in options.expect:
        each.check(outcome, names)
    if not options.judge:
        return
    from ..judging import Judge  # noqa: PLC0415 - only a judge needs it

    who = Judge.like(question.asked, judge)
    for asked in options.judge:
        screen.note(f"being judged: {asked}")
        try:
            bridge.run(partial(who.check, asked, question.answer))
        finally:
            screen.note("")
