"""One question to several models at once, and their answers by name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import partial
from time import monotonic
from typing import Any, TypeVar, Unpack

from .answer import Answer
from .deciding import Decision, Referee, decided
from .dispatch import stream_events
from .errors import THE_JUDGE, ComparisonError, InputError, ProviderNotFoundError, kind_of
from .markdown.columns import columns
from .markdown.entities import literal
from .markdown.rewriting import safe
from .models import Model, ModelUtils
from .option_values import in_our_words
from .options import SchemaOptions
from .prices import charge
from .printable import one_line, printable
from .providers.base_provider import Provider
from .providers.catalogue import is_address, names_in, parts
from .providers.retry_provider import WithModel, named
from .providers.transport.settings import private
from .request import Request, prepare
from .secrets.key import sealed
from .typing import Messages
from .waiting import bridge

__all__ = ["MOST", "Comparison", "all_at_once", "check_contenders", "check_shared", "compare", "compare_async", "label"]

T = TypeVar("T")

MOST = 8
"""Models of a comparison: nobody reads more answers to one question, and each is paid for."""


class Comparison:
    """The answers of several models to one question. In a notebook they stand side by side."""

    answers: dict[str, Answer]
    """The answers that came, by the names of their models, in the order in which these were given."""
    errors: dict[str, Exception]
    """What went wrong with the others, and under "the judge" with the judge."""
    decision: Decision | None
    """Which answer is better, if a judge said so."""
    seconds: float
    """How long all of it took."""

    def __init__(self, answers: dict[str, Answer], errors: dict[str, Exception], names: Iterable[str]) -> None:
        self.answers, self.errors, self.decision, self.seconds = answers, errors, None, 0.0
        self._names = list(names)

    def __repr__(self) -> str:
        shown = [f"{name}:\n{self._text(name)}" for name in self._names]
        return printable("\n\n".join([*shown, *self._below()]))

    def _repr_markdown_(self) -> str:
        below = "".join(f"\n\n{literal(line)}" for line in self._below())
        return columns((name, self._markdown(name)) for name in self._names) + below

    def _text(self, name: str) -> str:
        if name in self.errors:
            return f"[{_described(self.errors[name])}]"
        return f"{self.answers[name]}\n[{_used(self.answers[name])}]"

    def _markdown(self, name: str) -> str:
        if name in self.errors:
            return f"*[{literal(_described(self.errors[name]))}]*"
        return f"{safe(self.answers[name])}\n\n<sub>{literal(_used(self.answers[name]))}</sub>"

    def _below(self) -> list[str]:
        lines = [] if self.decision is None else [str(self.decision)]
        return lines + [
            f"[{THE_JUDGE}: {_described(error)}]" for name, error in self.errors.items() if name == THE_JUDGE
        ]


def compare(
    question: Messages,
    models: Iterable[Provider | Model | str],
    *,
    judge: Provider | Model | str | None = None,
    criterion: str = "",
    provider: Provider | str | None = None,
    model: Model | str = "",
    **options: Unpack[SchemaOptions],
) -> Comparison:
    """Ask several models the same at once. It takes as long as the slowest.

    `models` are what `provider=` takes, such as "OpenAI:gpt-5.4", "Local", an address or a class, or names of models
    that are known; where a `provider` is given, its models. `model` is that of a provider which is named without one.
    Each is asked once. A model that fails does not stop the others: its error is in `errors`.

    A `judge`, named in the same way, says which answer is better, by a `criterion` such as "Which is shorter?". It
    gets the answers under letters, not names, and may be one of the models.

    Raises InputError before anything is sent, if a question cannot be; ComparisonError if no model answered.
    """
    models, judge = _sealed(models), sealed(judge)
    provider, given = in_our_words(provider, options)
    return bridge.run(
        _prepared(question, models, given, provider=provider, model=model, judge=judge, criterion=criterion)
    )


def compare_async(
    question: Messages,
    models: Iterable[Provider | Model | str],
    *,
    judge: Provider | Model | str | None = None,
    criterion: str = "",
    provider: Provider | str | None = None,
    model: Model | str = "",
    **options: Unpack[SchemaOptions],
) -> Coroutine[Any, Any, Comparison]:
    """Do as `compare` does, without blocking a loop."""
    models, judge = _sealed(models), sealed(judge)
    provider, given = in_our_words(provider, options)
    return _prepared(question, models, given, provider=provider, model=model, judge=judge, criterion=criterion)()


def _sealed(models: Iterable[Provider | Model | str]) -> list[Provider | Model | str]:
    if isinstance(models, str) or not isinstance(models, Iterable):
        raise InputError(f'models must be a list, such as ["OpenAI:gpt-5.4", "Local"], not {kind_of(models)}')
    return [sealed(each) for each in models]


def _prepared(
    question: Messages,
    models: list[Provider | Model | str],
    options: dict[str, Any],
    *,
    provider: Provider | str | None,
    model: Model | str,
    judge: Provider | Model | str | None,
    criterion: str,
) -> Callable[[], Coroutine[Any, Any, Comparison]]:
    """Return what asks. All that can be known before is checked now."""
    has_one = provider is not None or options.get("base_url") is not None
    requests: list[tuple[str, Request]] = []
    for each in models:
        own, asked = (_model(each), provider) if has_one else _who(each)
        request = prepare(own or model, question, asked, options)
        requests.append((_name(each, request), request))
    check_contenders(requests)
    check_shared(options, (request for _, request in requests))
    referee = None
    if judge is not None:
        whom = (_model(judge), provider) if has_one else _who(judge)
        referee = Referee(*whom, _of_judge(options, has_one=has_one), criterion)
        if referee.provider is not None:
            named(referee.provider)
    elif criterion:
        raise InputError("a criterion is for a judge: give judge=…, too")
    return lambda: _compared(dict(requests), referee)


def _of_judge(options: Mapping[str, Any], *, has_one: bool) -> dict[str, Any]:
    """Return the options with which the judge is asked: the time that it has, and a key where it is one for it, too."""
    kept = private(options) if has_one or isinstance(options.get("api_key"), Mapping) else set()
    return {name: value for name, value in options.items() if name in kept | {"timeout"}}


async def _compared(requests: Mapping[str, Request], judge: Referee | None) -> Comparison:
    start = monotonic()
    answers, errors = await all_at_once({name: _answered(request) for name, request in requests.items()})
    if not answers:
        raise ComparisonError.of(errors, len(requests))
    found = Comparison(answers, errors, requests)
    says = {name: str(answer) for name, answer in answers.items() if answer.strip()}
    if judge is not None and len(says) > 1:
        text = _last_text(next(iter(requests.values())).messages)
        decisions, failed = await all_at_once({THE_JUDGE: decided(judge, text, says)})
        found.decision = decisions.get(THE_JUDGE)
        errors |= failed
    found.seconds = monotonic() - start
    return found


async def all_at_once(
    asked: Mapping[str, Coroutine[Any, Any, T]], ended: Callable[[str, BaseException | None], None] | None = None
) -> tuple[dict[str, T], dict[str, Exception]]:
    """Return what each of these comes to, and the errors of those that fail, by name. One does not stop another.

    `ended` is called as each ends, with its error. If this is cancelled, all of them are, and have cleaned up when it
    ends.
    """
    tasks = {name: asyncio.ensure_future(each) for name, each in asked.items()}
    for name, task in tasks.items():
        if ended is not None:
            task.add_done_callback(partial(_tell, ended, name))
    results = await asyncio.gather(*tasks.values(), return_exceptions=True)
    found = dict(zip(tasks, results, strict=True))
    errors = {name: each for name, each in found.items() if isinstance(each, Exception)}
    return {name: each for name, each in found.items() if not isinstance(each, BaseException)}, errors


def _tell(ended: Callable[[str, BaseException | None], None], name: str, task: asyncio.Future[Any]) -> None:
    ended(name, None if task.cancelled() else task.exception())


async def _answered(request: Request) -> Answer:
    start, assembly = monotonic(), request.assembly()
    async for _ in stream_events(request, assembly):
        pass
    return Answer.of(assembly, request.messages, monotonic() - start)


def check_contenders(named_requests: Iterable[tuple[str, Request]]) -> None:
    """Raise InputError unless these are at least two models, at most `MOST`, and each another one."""
    found: dict[tuple[str, str], str] = {}
    names = set[str]()
    for name, request in named_requests:
        who = (request.route.name, request.route.model)
        if who in found or name in names:
            other = found.get(who, name)
            same = f" (as {other!r} before)" if other != name else ""
            raise InputError(f"{name!r} is named twice{same}: a comparison asks each model once")
        found[who] = name
        names.add(name)
    if not 1 < len(found) <= MOST:
        raise InputError(f"a comparison is of 2 to {MOST} models, not of {len(found)}")


def check_shared(options: Mapping[str, Any], requests: Iterable[Request]) -> None:
    """Raise InputError for a key, an address or headers that would go to several providers."""
    given = {name: value for name, value in options.items() if value is not None}
    if isinstance(given.get("api_key"), Mapping):  # each finds its own
        del given["api_key"]
    alone = sorted(private(given))
    who = list(dict.fromkeys(request.route.name for request in requests))
    if alone and len(who) > 1:
        keys = ' Keys by name go each to its own: api_key={"OpenAI": …}.' if "api_key" in alone else ""
        raise InputError(f"{alone[0]} would go to {' and '.join(who)}: it belongs to one provider.{keys}")


def label(request: Request, provider: Provider | str | None, model: str) -> str:
    """Return the name of a model that is asked by a provider: "Local", "OpenAI:gpt-5.4". No password is in it."""
    own = ""
    if isinstance(provider, WithModel):
        own = provider.default_model
    elif isinstance(provider, str) and len(names_in(provider)) == 1:
        own = parts(provider)[1]
    return ":".join(filter(None, (request.route.name, own or model)))


def _who(given: Provider | Model | str) -> tuple[Model | str, Provider | str | None]:
    """Return model and provider of what is named in a list."""
    if isinstance(given, Model):
        return given, None
    if not isinstance(given, str):
        return "", given
    try:
        named(given)
    except ProviderNotFoundError:
        if given not in ModelUtils.convert:
            raise
        return given, None
    return "", given


def _model(given: Any) -> Model | str:
    if not isinstance(given, str | Model):
        raise InputError(f"with provider=… or base_url=…, the models are names, not {kind_of(given)}")
    return given


def _name(given: Provider | Model | str, request: Request) -> str:
    """Return the name of an answer: as the caller wrote it, but for an address, which may hold a password."""
    if isinstance(given, Model):
        return given.name
    if isinstance(given, str) and not is_address(given):
        return str.__str__(given)  # it may be a Key: behind a colon could stand a password, but this one is a model
    return label(request, given, "")


def _last_text(messages: list[dict[str, Any]]) -> str:
    content = messages[-1].get("content") or ""
    return content if isinstance(content, str) else "\n".join(str(part.get("text", "")) for part in content)


def _described(error: Exception) -> str:
    return one_line(f"{type(error).__name__}: {error}")


def _used(answer: Answer) -> str:
    """Return who answered, the tokens, the seconds, and what it cost."""
    usage = answer.usage
    tokens = "tokens unknown" if usage is None else f"{usage.prompt_tokens:,} + {usage.completion_tokens:,} tokens"
    line = " · ".join(filter(None, (answer.provider, answer.model, tokens, f"{answer.seconds:.1f} s", charge(answer))))
    return f"{line} · {answer.mark}" if answer.mark else line
