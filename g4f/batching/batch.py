"""`g4f.batch`, `g4f.abatch` and `g4f.ibatch`: the same question over many inputs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from numbers import Integral
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar, Unpack, overload

from ..errors import InputError, quoted
from ..models import Model
from ..option_values import in_our_words
from ..options import SchemaOptions
from ..providers.base_provider import Provider
from ..waiting import bridge
from .frames import Frame, FrameInputs, is_frame
from .inputs import source_of
from .plan import Plan
from .results import Batch, collected
from .row import BatchRow
from .run import Run
from .terms import CONCURRENCY, Terms

__all__ = ["Rows", "abatch", "batch", "ibatch"]

OnError: TypeAlias = Literal["keep", "raise"]
F = TypeVar("F", bound=Frame)


@overload
def batch(
    inputs: F,
    template: str,
    *,
    model: Model | str = "",
    provider: Provider | str | None = None,
    journal: Any = None,
    budget: Any = None,
    on_error: OnError = "keep",
    cheap: bool = False,
    **options: Unpack[SchemaOptions],
) -> F: ...


@overload
def batch(
    inputs: Iterable[Any],
    template: str | None = None,
    *,
    model: Model | str = "",
    provider: Provider | str | None = None,
    journal: Any = None,
    budget: Any = None,
    on_error: OnError = "keep",
    cheap: bool = False,
    **options: Unpack[SchemaOptions],
) -> Batch: ...


def batch(
    inputs: Any,
    template: str | None = None,
    *,
    model: Model | str = "",
    provider: Provider | str | None = None,
    journal: Any = None,
    budget: Any = None,
    on_error: OnError = "keep",
    cheap: bool = False,
    **options: Unpack[SchemaOptions],
) -> Any:
    """Ask about each of many inputs, and return the rows in their order, each with its answer or its error.

    inputs       texts, lists of messages, or dicts for a template; a list, a generator, or an open file of lines; or a
                 frame of pandas, polars or pyarrow, which comes back with its index, its columns, and further ones: the
                 fields of the value, else "answer"; "error", "tokens" and "seconds"
    template     a question with the columns of a row in braces: "Which topic? {title}: {body}"
    journal      a file that keeps each answer as soon as it came: run again, what is in it is not asked again. Several
                 processes may share one, and then share the work. `python -m g4f journal show FILE` shows it
    budget       tokens, such as 100_000, or dollars, such as "$2.50", after which no further question begins
    on_error     "keep" an error in its row; or "raise" the first one that to ask again would not mend
    cheap        ask for the tier "flex" where the provider has one: slower, at part of the price

    Model, provider, schema and the other options are those of `ChatCompletion.create`. `concurrency`, here 32 where it
    is not given, is how many questions are out at once; like `rpm` and `tpm`, requests and tokens within a minute, it
    holds for all calls with the same key. Files and images go with each question. The same question is asked once.
    Interrupted, it raises a KeyboardInterrupt that says how much is kept, and where. Raises InputError before the start
    for what is wrong with the inputs as a whole, the options or the journal.
    """
    provider, given = in_our_words(provider, options)
    terms = _terms(journal, given, budget, on_error)
    ready = _ready(inputs, template, terms, Plan(model, provider, given, cheap=cheap))
    try:
        return bridge.run(ready.asked)
    except KeyboardInterrupt as error:
        error.args = (ready.run.kept,)
        raise


@overload
async def abatch(
    inputs: F,
    template: str,
    *,
    model: Model | str = "",
    provider: Provider | str | None = None,
    journal: Any = None,
    budget: Any = None,
    on_error: OnError = "keep",
    cheap: bool = False,
    **options: Unpack[SchemaOptions],
) -> F: ...


@overload
async def abatch(
    inputs: Iterable[Any],
    template: str | None = None,
    *,
    model: Model | str = "",
    provider: Provider | str | None = None,
    journal: Any = None,
    budget: Any = None,
    on_error: OnError = "keep",
    cheap: bool = False,
    **options: Unpack[SchemaOptions],
) -> Batch: ...


async def abatch(
    inputs: Any,
    template: str | None = None,
    *,
    model: Model | str = "",
    provider: Provider | str | None = None,
    journal: Any = None,
    budget: Any = None,
    on_error: OnError = "keep",
    cheap: bool = False,
    **options: Unpack[SchemaOptions],
) -> Any:
    """Do what `batch` does, in async code."""
    provider, given = in_our_words(provider, options)
    terms = _terms(journal, given, budget, on_error)
    return await _ready(inputs, template, terms, Plan(model, provider, given, cheap=cheap)).asked()


def ibatch(
    inputs: Iterable[Any],
    template: str | None = None,
    *,
    model: Model | str = "",
    provider: Provider | str | None = None,
    journal: Any = None,
    budget: Any = None,
    on_error: OnError = "keep",
    cheap: bool = False,
    **options: Unpack[SchemaOptions],
) -> Rows:
    """Return the rows as they are done, for `for` and `async for`. The arguments are those of `batch`.

    Of a generator no more inputs are read than are asked about: it may be longer than memory.
    """
    provider, given = in_our_words(provider, options)
    terms = _terms(journal, given, budget, on_error)
    return Rows(_ready(inputs, template, terms, Plan(model, provider, given, cheap=cheap)).run)


class Rows(Iterator[BatchRow], AsyncIterator[BatchRow]):
    """The rows of a batch as they are done. Leaving early cancels what is in flight; what was answered is kept."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._stream: bridge.Stream[BatchRow] | None = None
        self._rows: AsyncGenerator[BatchRow] | None = None

    def __next__(self) -> BatchRow:
        self._stream = self._stream or bridge.iterate(self._run.rows)
        try:
            return next(self._stream)
        except KeyboardInterrupt as error:
            error.args = (self._run.kept,)
            raise

    async def __anext__(self) -> BatchRow:
        self._rows = self._rows or self._run.rows()
        return await anext(self._rows)

    def close(self) -> None:
        """End it in sync code."""
        if self._stream is not None:
            self._stream.close()

    async def aclose(self) -> None:
        """End it in async code."""
        if self._rows is not None:
            await self._rows.aclose()

    def __iter__(self) -> Rows:
        return self

    def __aiter__(self) -> Rows:
        return self


class _Ready(NamedTuple):
    """A batch that may begin; and its frame, if it is of one."""

    run: Run
    plan: Plan
    terms: Terms
    frame: FrameInputs | None

    async def asked(self) -> Any:
        """Return the rows, or the frame with its answers."""
        rows = await collected(self.run, self.plan, self.terms)
        return rows if self.frame is None else self.frame.with_answers(rows)


def _ready(inputs: Any, template: str | None, terms: Terms, plan: Plan) -> _Ready:
    frame = FrameInputs(inputs, template, plan.question.schema) if is_frame(inputs) else None
    return _Ready(Run(plan, frame or source_of(inputs, template), terms), plan, terms, frame)


def _terms(journal: Any, options: dict[str, Any], budget: Any, on_error: str) -> Terms:
    """Return the terms. The options may have the concurrency, of which any type of a whole number is taken."""
    concurrency = options.get("concurrency", CONCURRENCY)
    if isinstance(concurrency, bool) or not isinstance(concurrency, Integral) or concurrency < 1:
        raise InputError(f"concurrency must be a whole number from 1 on, not {quoted(concurrency)}")
    if on_error not in ("keep", "raise"):
        raise InputError(f'on_error must be "keep" or "raise", not {quoted(on_error)}')
    if "concurrency" in options:
        options["concurrency"] = int(concurrency)
    return Terms(int(concurrency), budget, on_error == "raise", journal)
