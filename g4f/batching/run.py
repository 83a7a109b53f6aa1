"""A run over the rows of a batch: each is looked up, asked, kept, and then done.

    source ─▶ _feed ─ no question ─────────────────────────────────────────────▶ out ─▶ rows()
                │   ─ in the journal ──────────────────────────────────────────▶
                │   ─ asked for just now ─▶ waits with that job ───────────────▶
                └─▶ claim ─ ours ─▶ _ready ─▶ a worker: ask ─ put, durable ────▶
                      │   ─ answered meanwhile ─▶ looked up again
                      └── another run has it ─▶ _others, asked for later again

A worker takes its next question once the answer to its last one is durable: what a killed run asks again is at most
what was in flight.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from time import perf_counter

from ..errors import G4FError, InputError, RateLimitError
from ..printable import logger
from ..taping.question import key_of
from .budget import Budget
from .inputs import InputSource
from .journal import Journal, KeptAnswer
from .plan import Plan, Written
from .progress import watch
from .row import BatchRow, row_error
from .tally import Tally
from .terms import AT_ONCE, DAY, POLL, WAITING, Job, Terms
from .writer import MOST

__all__ = ["Run"]


class Run:
    """One run. `rows` may be read once."""

    def __init__(self, plan: Plan, source: InputSource, terms: Terms) -> None:
        """Raise InputError for a wrong budget."""
        self.tally, self.budget = Tally(source.size), Budget(terms.budget)
        self.stopped: G4FError | None = None
        self._plan, self._terms, self._size = plan, terms, source.size
        self._ask = terms.ask or plan.ask
        self._inputs, self._index, self._is_read = iter(source), 0, False
        self._low = terms.concurrency // 2
        self._out: deque[BatchRow] = deque()
        self._jobs: dict[bytes, Job] = {}
        self._ready: deque[Job] = deque()
        self._others: list[Job] = []
        self._failure: BaseException | None = None
        self._workers: set[asyncio.Task[None]] = set()
        self._news: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._idle: deque[asyncio.Future[None]] = deque()
        self._is_fed = self._is_over = False
        self._journal: Journal
        self._written: Written
        self._count = 0

    @property
    def kept(self) -> str:
        """A line for a run that is broken off: how much of it is kept, and where."""
        return self.tally.kept(str(self._terms.journal or ""), self._count)

    async def rows(self) -> AsyncGenerator[BatchRow]:
        """Yield the rows as they are done. Raises what ends the run; what was in flight then is finished before."""
        self._loop = asyncio.get_running_loop()
        self._journal = Journal(self._terms.journal, self._terms.concurrency)
        bar = self._loop.create_task(watch(self.tally))
        try:
            self._begin()
            while self._workers or self._out:
                while self._out:
                    yield self._out.popleft()
                _set(self._room)
                if self._workers and not self._out:
                    self._news = self._loop.create_future()
                    await self._news
            if self._failure is not None:
                self._count = self._journal.writer.count
                self._failure.add_note(self.kept)
                raise self._failure
        finally:
            await self._close(bar)

    def _begin(self) -> None:
        self._written = Written(self._plan, self._journal.ports())
        for name, port in self._written.ports.items():
            self._journal.writer.port(name, port)
        count = self._terms.concurrency if self._size is None else min(self._terms.concurrency, self._size)
        for each in (self._feed(), *(self._work() for _ in range(count))):
            self._workers.add(worker := self._loop.create_task(each))
            worker.add_done_callback(self._ended)

    async def _close(self, bar: asyncio.Task[None]) -> None:
        try:
            for task in (tasks := [*self._workers, bar]):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            self._journal.close()
            self._count = self._journal.writer.count
            logger.info(self.kept)

    def _ended(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if not worker.cancelled() and (error := worker.exception()) is not None:
            self._fail(error)
        _set(self._news)

    def _fail(self, error: BaseException) -> None:
        """End the run with an error, once what is in flight is finished."""
        self._failure, self._is_over = self._failure or error, True
        self._ready.clear()
        _set(self._room)

    def _stop(self, error: G4FError) -> None:
        """Ask nothing more: what has not begun has this error."""
        self.stopped = self.stopped or error
        self._leave([*self._ready, *self._others], self.stopped)
        self._ready.clear()
        self._others.clear()
        _set(self._room)

    async def _work(self) -> None:
        while (job := await self._next()) is not None:
            self.tally.begun += 1
            try:
                await self._answer(job)
            finally:
                self.tally.begun -= 1

    async def _answer(self, job: Job) -> None:
        row = job.rows[0]
        try:
            answer = await self._ask(row.messages or [])
        except Exception as error:  # a provider of the user's own may raise anything: it costs this row alone
            self._journal.writer.release(job.key)
            self._end(job, row_error(error))
            return
        self.budget.spend(answer)
        if self.budget.why:
            self._stop(InputError(f"not asked: {self.budget.why}"))
        if (entry := self._written.entry(job.key, job.question, answer)) is None:
            self._journal.writer.release(job.key)
            logger.warning("row %d is not kept in the journal: a key stands in its text", row.index)
        else:
            await self._journal.writer.put(job.key, entry)
        row.answer = answer
        self._finish(job)

    def _end(self, job: Job, error: G4FError) -> None:
        """End a question that failed; and with it the run, if it says so."""
        row = job.rows[0]
        row.error = error
        self._finish(job)
        if isinstance(error, RateLimitError) and (error.retry_after or 0) >= DAY:
            spent = RateLimitError(f"not asked: {error}", provider=error.provider, model=error.model)
            spent.retry_after = error.retry_after
            self._stop(spent)
        if self._terms.raises and error.retry_after is None:
            self._fail(error)

    def _finish(self, job: Job) -> None:
        """All rows that ask the question are done."""
        del self._jobs[job.key]
        first = job.rows[0]
        for row in job.rows:
            row.answer, row.error = first.answer, first.error
            self._emit(row)

    def _emit(self, row: BatchRow) -> None:
        self.tally.add(row)
        if self._terms.observer is not None:
            self._terms.observer.seen(row, self.tally)
        self._out.append(row)
        _set(self._news)

    async def _next(self) -> Job | None:
        """Return the next question to ask; None if there is no further one."""
        while not self._ready or self._is_over:
            if self._is_fed or self._is_over:
                return None
            self._idle.append(idle := self._loop.create_future())
            await idle
        job = self._ready.popleft()
        if len(self._ready) <= self._low:
            _set(self._room)
        return job

    async def _feed(self) -> None:
        """Read and claim questions, somewhat ahead of the workers: they need not wait for the journal."""
        try:
            while not self._is_over:
                if len(self._ready) > self._low or len(self._out) >= WAITING:
                    self._room = self._loop.create_future()
                    await self._room
                elif not await self._fill():
                    break
                for _ in range(min(len(self._ready), len(self._idle))):
                    _set(self._idle.popleft())
        finally:
            self._is_fed = True
            for idle in self._idle:
                _set(idle)

    async def _fill(self) -> bool:
        """Read inputs until some are to be asked, and claim these. Return whether there may be more."""
        jobs: list[Job] = []
        if self._is_read and self._others:
            await asyncio.sleep(POLL)
            others, self._others = self._others, []
            jobs = self._unanswered(others)
        elif self._is_read:
            return False
        end = perf_counter() + AT_ONCE
        new: list[Job] = []
        while not self._is_read and len(new) < min(self._terms.concurrency, MOST) and perf_counter() < end:
            if (job := self._read()) is not None:
                new.append(job)
        jobs += self._unanswered(new)
        if jobs and self.stopped is None:
            await self._claim(jobs)
        elif self.stopped is not None:
            self._leave(jobs, self.stopped)
        return True

    def _read(self) -> Job | None:
        """Read one input. Return its question if it has to be asked."""
        self._is_read = True  # also if it raises, whatever that is: then there is no more to read
        try:
            given = next(self._inputs)
        except StopIteration:
            return None
        except Exception as error:  # code of the caller's: it is raised again, once what was read is answered
            self._failure = error
            return None
        self._is_read = self.stopped is not None and self._size is None
        row = BatchRow(self._index)
        self._index += 1
        try:
            if isinstance(given, InputError):
                raise given
            row.messages = self._plan.question.normal(given)
            question = self._written.question(row.messages)
        except InputError as error:
            row.error = error
            self._emit(row)
            return None
        key = bytes.fromhex(key_of(question))
        job = self._jobs.setdefault(key, Job(key, question, []))
        row.same = bool(job.rows)
        job.rows.append(row)
        return None if row.same else job

    def _unanswered(self, jobs: list[Job]) -> list[Job]:
        """Return the questions that the journal does not answer. The rows of the others are done."""
        found = self._journal.kept([job.key for job in jobs]) if jobs else {}
        return [job for job in jobs if not self._take(job, found.get(job.key))]

    def _take(self, job: Job, kept: KeptAnswer | None) -> bool:
        """Return whether what is kept answers the question; then its rows are done."""
        row = job.rows[0]
        answer = None if kept is None else self._written.answer(kept.entry, row.messages or [])
        if kept is None or answer is None:
            return False
        row.answer = answer
        row.same = kept.run == self._journal.writer.run
        row.known = not row.same
        self._finish(job)
        return True

    async def _claim(self, jobs: list[Job]) -> None:
        """Lease questions, so that no other run asks them."""
        if not self._journal.is_shared:
            self._ready += jobs
            return
        claimed = await self._journal.writer.claim([job.key for job in jobs])
        if self.stopped is not None:
            self._leave(jobs, self.stopped)
            return
        self._others += [job for job in jobs if job.key in claimed.others]
        self._ready += [job for job in jobs if job.key in claimed.ours]
        self._ready += self._unanswered([job for job in jobs if job.key in claimed.answered])

    def _leave(self, jobs: list[Job], error: G4FError) -> None:
        """End questions that are not asked any more."""
        for job in jobs:
            self._journal.writer.release(job.key)
            job.rows[0].error = error
            self._finish(job)


def _set(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)
