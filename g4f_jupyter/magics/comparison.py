"""Several models asked at once in a cell: columns, a judge, and the line that says which failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from IPython.display import display

from g4f.comparing import all_at_once, check_contenders, check_shared, label
from g4f.deciding import Referee, decided
from g4f.errors import THE_JUDGE, ComparisonError, InputError, ProviderNotFoundError
from g4f.models import Model
from g4f.providers.transport.settings import private
from g4f.secrets.key import seal

from ..inserts.question import Filled
from ..line.contenders import judge_in
from ..line.providers import who
from ..session import Question
from ..show.columns import Columns, InTurn, SideBySide
from ..show.display import show
from ..show.errors import line_of
from ..show.footer import asked_with, footer, metadata, notes
from ..show.preview import Preview
from ..show.updates import takes_metadata, updates
from .asked import Asked
from .questions import Questions

if TYPE_CHECKING:
    from argparse import Namespace


__all__ = ["NOT_ADDED", "Compared", "Comparisons"]

NOT_ADDED = "not added to the conversation: nobody knows with which of these answers it goes on"


class Compared:
    """The same question to several models, which are asked at once, by their names."""

    def __init__(
        self,
        text: str,
        questions: Mapping[str, Question],
        screens: Columns,
        form: str,
        *,
        judge: Referee | None,
        result: Callable[[Question], Any],
        below: Sequence[str],
        has_footer: bool,
        takes_metadata: bool,
    ) -> None:
        """`text` is the question, `result` says what a variable gets of one; `below` are lines below all answers."""
        self._questions, self._screens, self._form = questions, screens, form
        self._has_footer, self._takes_metadata = has_footer, takes_metadata
        self._text, self._judge, self._below, self._result = text, judge, list(below), result

    @property
    def outcomes(self) -> dict[str, Any]:
        """What a variable gets: what it would get of each answer, as far as it came."""
        return {name: self._result(each) for name, each in self._questions.items() if not each.assembly.is_empty}

    async def run(self) -> None:
        """Ask all, show each as it comes, and then have them judged. Raises ComparisonError if not all answered."""
        try:
            asked = {name: self._answer(name) for name in self._questions}
            _, errors = await all_at_once(asked, self._ended)
            if self._judge is not None:
                errors |= await self._judged(self._judge, errors)
            self._screens.below(self._below)
        finally:
            self._screens.close(self._metadata() if self._takes_metadata else {})
        if errors:
            raise ComparisonError.of(errors, len(self._questions)) from next(iter(errors.values()))

    async def _answer(self, name: str) -> None:
        question, screen = self._questions[name], self._screens.screen(name)
        await show(question, screen, self._form)
        lines = notes(question.answer, self._form)
        screen.foot([*lines, footer(question.answer)] if self._has_footer else lines, {})

    def _ended(self, name: str, error: BaseException | None) -> None:
        if error is not None:
            self._screens.fail(name, line_of(error))
        self._screens.end(name)

    async def _judged(self, judge: Referee, failed: Mapping[str, Exception]) -> dict[str, Exception]:
        """Add the decision to the lines below. Return why there is none, under the name of the judge."""
        answers = {name: each.answer for name, each in self._questions.items() if name not in failed}
        answers = {name: answer for name, answer in answers.items() if answer.strip()}
        if len(answers) < 2:
            self._below.insert(0, f"not judged: {len(answers)} of {len(self._questions)} models answered")
            return {}
        self._screens.judge("[judging]")
        found, errors = await all_at_once({THE_JUDGE: decided(judge, self._text, answers)})
        for decision in found.values():
            self._screens.judge(str(decision))
            self._below[:0] = [footer(decision.answer)] if self._has_footer else []
        for error in errors.values():
            self._screens.judge(f"[{THE_JUDGE}: {line_of(error)}]")
        return errors

    def _metadata(self) -> dict[str, Any]:
        facts = {
            name: metadata(each.answer)["g4f_jupyter"]
            for name, each in self._questions.items()
            if not each.assembly.is_empty
        }
        return {"g4f_jupyter": {"compared": facts}}


class Comparisons(Questions):
    """What the magics do when a line names several models."""

    @contextmanager
    def comparing(
        self, options: Namespace, filled: Filled, names: Mapping[str, Any], pairs: Sequence[tuple[str, str | Model]]
    ) -> Iterator[Asked]:
        """Have several models asked at once in the block. The result are their answers by name."""
        questions = self._questions(options, filled, names, pairs)
        first, judge = next(iter(questions.values())), self._judge(options, filled, names, pairs[0])
        if options.dry_run:
            for each in questions.values():
                display(Preview(each.request, filled.not_sent, filled.files))
            first.keep()
            yield Asked()
            return
        self._check_budget(options.budget)
        asked = asked_with(elsewhere=first.is_elsewhere, stale=first.stale_above, hidden=filled.hidden)
        compared = Compared(
            filled.text,
            questions,
            self._columns(options, questions),
            self.look(options).format,
            judge=judge,
            result=lambda question: self._result(question, options),
            below=[*filled.not_sent, *asked, *([] if options.once else [NOT_ADDED])],
            has_footer=self.footer,
            takes_metadata=takes_metadata(self._parent()),
        )
        try:
            yield Asked(None, compared.run, lambda: compared.outcomes)
        finally:
            if options.out:
                self._shell.push({options.out: compared.outcomes})

    def _questions(
        self, options: Namespace, filled: Filled, names: Mapping[str, Any], pairs: Sequence[tuple[str, str | Model]]
    ) -> dict[str, Question]:
        """Return the question to each model, by the model's name. Raises InputError for what cannot be compared."""
        if options.confirm:
            raise InputError("--confirm asks before each call of a tool: several models at once would ask at once")
        if options.expect:
            raise InputError("--expect is about one answer: ask one model, or compare what -o gets")
        first = self._question(options, filled, names, *pairs[0])
        others = [first.with_options(self._options(options, filled, names, *pair)) for pair in pairs[1:]]
        questions = _named(pairs, [first, *others], has_models=len(options.model) > 1)
        check_shared(seal(options.set), [each.request for each in questions.values()])
        return questions

    def _columns(self, options: Namespace, names: Mapping[str, Question]) -> Columns:
        if options.quiet:
            return Columns()
        look = self.look(options)
        if hasattr(self._shell, "kernel"):
            return SideBySide(names, look, updates(self._shell, self._parent()))
        return InTurn(names, look)

    def _judge(
        self, options: Namespace, filled: Filled, names: Mapping[str, Any], first: tuple[str, str | Model]
    ) -> Referee | None:
        """Return who judges, if that is wanted: the model that the line names, or else the first that answers."""
        if not (options.judge or options.judge_model):
            return None
        model, criterion = judge_in(options.judge or (), options.judge_model)
        pair = self._judging(model, options.provider or (), names) if model else first
        given = seal(self._options(options, filled, names, *pair))
        of_question = {"images", "schema", "tools", *(() if pair[0] == first[0] else private(options.set))}
        kept = private({name: value for name, value in given.items() if name not in of_question}) | {"timeout"}
        who = {name: value for name, value in given.items() if name in kept}
        return Referee(given.get("model", ""), given.get("provider"), who, criterion)

    def _judging(self, name: str, providers: Sequence[str], names: Mapping[str, Any]) -> tuple[str, str]:
        """Return provider and model that `--judge` names: an alias, a provider, or a model of the line's provider."""
        if self.aliases.resolve(name):
            return "", name
        try:
            who(name, names)
        except ProviderNotFoundError:
            return (providers[0] if len(providers) == 1 else ""), name
        return name, ""


def _named(
    pairs: Sequence[tuple[str, str | Model]], questions: Sequence[Question], *, has_models: bool
) -> dict[str, Question]:
    """Return the questions by the names of their models, as the line has them if they differ, else with providers.

    Raises InputError for a model that is named twice, and for too many.
    """
    models = [model.name if isinstance(model, Model) else model for _, model in pairs]
    if not has_models or len(set(models)) < len(models):
        models = [
            label(each.request, provider, model)
            for (provider, _), model, each in zip(pairs, models, questions, strict=True)
        ]
    named = list(zip(models, questions, strict=True))
    check_contenders((name, each.request) for name, each in named)
    return dict(named)
