"""The conversations of a notebook: which cell asked which turn. Shows nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping
from contextlib import aclosing
from copy import copy
from functools import partial
from threading import RLock
from time import monotonic
from typing import Any

from msgspec import UNSET

from g4f.answer import Answer
from g4f.assembly import Assembly
from g4f.conversation import PendingTurn
from g4f.errors import InputError, SchemaError, close_matches
from g4f.notebook import CellRun
from g4f.providers.response import Item
from g4f.request import Request
from g4f.spending import Spent, counters
from g4f.turn import Turn

from .cells import Slot, Slots, TurnPlace
from .threads import Thread, TurnState

__all__ = ["Question", "Session"]


class Session:
    """The conversations of one notebook, by name ("" is the one without), and what its answers have used.

    A turn belongs to its cell, and the cell to the conversation in which it was asked. When a cell is run again, each
    of its questions is asked with the turns above its own, and its new turn replaces that; the turns below stay.
    """

    def __init__(self) -> None:
        self.threads: dict[str, Thread] = {"": Thread()}
        self.spent: list[Spent] = []
        counters.add(self)
        self._unanswered: dict[str, Thread] = {}  # conversations that are not among the threads yet
        self._cells: dict[str, Slots] = {}
        self._lock = RLock()  # threads and subshells ask at the same time

    def spend(self, spent: Spent) -> None:
        """Add what an answer has used."""
        self.spent.append(spent)

    @property
    def turns(self) -> int:
        """How many turns its conversations have."""
        return sum(len(thread.conversation.turns) for thread in self.threads.values())

    def thread(self, name: str) -> Thread:
        """Return the conversation called `name`. Raises InputError with close matches."""
        if name not in self.threads:
            near = close_matches(name, self.threads.keys() - {""}) or " --thread NAME in a %%chat begins one."
            raise InputError(f"there is no thread {name!r}.{near}")
        return self.threads[name]

    def forget(self, deleted: Collection[str]) -> None:
        """Remove the turns of deleted cells."""
        with self._lock:
            for cell in self._cells.keys() & set(deleted):
                _remove(self._cells.pop(cell).left(""))

    def end(self, cell: CellRun, *, well: bool) -> int:
        """End an execution of a cell: turns of an earlier one that it has not asked again leave their conversation.

        If it did not end `well`, they stay, and are stale. Returns how many of them stay.
        """
        with self._lock:
            slots = self._cells.get(cell.cell or "", Slots())
            left = slots.left(cell.run or "")
            if well:
                _remove(left)
                return 0
            for slot in left:
                slot.thread.leave(slot.turn)
            return len(left)

    def question(
        self,
        question: str,
        *,
        typed: str = "",
        cell: CellRun,
        thread: str = "",
        new: bool = False,
        once: bool = False,
        system: str | None = None,
        begin_with: str = "",
        default: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> Question:
        """Return a question that is ready to be sent. Raises the errors of `Conversation.prepare`.

        `typed` is the question as its cell has it. `new` begins a new conversation; `once` asks without one. `system`,
        if not None, is the system prompt from this turn on, and `begin_with` is that of a new conversation. `default`
        has the provider and model of a conversation that names none. `options` are those of `Conversation.prepare`.
        """
        with self._lock:
            slots = Slots() if cell.cell is None else self._cells.setdefault(cell.cell, Slots())
            execution = cell.run or ""
            slot = slots.next(execution)
            known = Thread() if once else slots.thread(slot, thread, new=new) or self._present(thread)
            own = slot.turn if known.has(slot.turn) else None
            begins = new and (own is None or known.conversation.turns[0] is not own)  # its first cell keeps the rest
            known, own = (Thread(), None) if begins else (known, own)
            if not known.conversation.turns:
                known.system = begin_with or known.given
            above = known.above(own or slots.next_turn(slot, known), slots.turns_left(execution))
            prompt = known.system_below(above) if system is None else system
            named = {} if known.conversation.provider or known.conversation.model else default
            prepare = partial(known.conversation.prepare, question, above=above, system=prompt, **named)
            place = TurnPlace(known, thread, slots, slot, execution, once)
            return Question(self, prepare, options, place, typed=typed, system=system, new=new)

    def enter(
        self,
        pending: PendingTurn,
        place: TurnPlace,
        *,
        typed: str,
        system: str | None,
        new: bool,
        show: Callable[[str], None] | None,
    ) -> bool:
        """Put a turn into its place, and take the one that it replaces out, wherever that is.

        Returns False if it enters none: asked `once`, or in an execution of its cell after which another was answered.
        """
        thread, slot = place.thread, place.slot
        with self._lock:
            if slot.number > pending.number:
                return False
            if place.once:
                _remove([slot])
                return False
            before = place.slots.next_turn(slot, thread)
            state = TurnState(pending.enter(instead_of=slot.turn, before=before), pending, typed, system, show)
            thread.enter(state)
            old, gone = slot.thread, slot.turn
            slot.thread, slot.name, slot.turn = thread, place.name, state.turn
            slot.number, slot.execution, slot.begins = pending.number, place.execution, new
            old.remove(gone)  # unless it was replaced
            if new or place.name not in self.threads:
                self.threads[place.name] = thread
            for each in (thread,) if old is thread else (old, thread):
                each.refresh()
            return True

    def _present(self, name: str) -> Thread:
        """Return the conversation that goes on under a name."""
        return self.threads.get(name) or self._unanswered.setdefault(name, Thread())


class Question:
    """A question of a cell, ready to be sent.

    Its changes (conversation, system prompt, turn) count once it has entered, not before.
    """

    def __init__(
        self,
        session: Session,
        prepare: Callable[..., PendingTurn],
        options: Mapping[str, Any],
        place: TurnPlace,
        *,
        typed: str,
        system: str | None,
        new: bool,
    ) -> None:
        self._session, self._prepare, self._place = session, prepare, place
        self._typed, self._system, self._new = typed, system, new
        self._pending = prepare(**options)
        self._has_entered = self.is_complete = False

    def with_options(self, options: Mapping[str, Any]) -> Question:
        """Return the same question, below the same turns, with other options: for another model."""
        other = copy(self)
        other._pending = self._prepare(**options)  # noqa: SLF001 - a copy of itself
        return other

    @property
    def request(self) -> Request:
        """What will be sent."""
        return self._pending.request

    @property
    def asked(self) -> dict[str, Any]:
        """The options with which it is asked, and the `provider` and the `model`; None and "" where none is named."""
        return {**self._pending.options, "provider": self._pending.provider, "model": self._pending.model}

    @property
    def assembly(self) -> Assembly:
        """What has come of the answer so far."""
        return self._pending.assembly

    @property
    def answer(self) -> Answer:
        """The answer, as far as it came."""
        if self.is_complete:
            return self._pending.result
        answer = Answer.of(self.assembly, self.request.messages, self._seconds)
        answer.finish_reason = self._end
        return answer

    @property
    def outcome(self) -> Any:
        """The value of the answer, if it has one; else the answer."""
        return self.answer if self.assembly.value is UNSET else self.assembly.value

    @property
    def stale_above(self) -> list[str]:
        """The questions of the turns that it builds on and that are stale."""
        place = self._place
        notes = place.thread.notes(place.slots.turns_left(place.execution))
        return [turn.question for turn, note in notes if note and _has(self._pending.above, turn)]

    @property
    def is_elsewhere(self) -> bool:
        """Whether its conversation is an earlier one: new cells go on with another, which was begun since."""
        place, threads = self._place, self._session.threads
        return not (place.once or self._new) and threads.get(place.name, place.thread) is not place.thread

    async def items(self) -> AsyncGenerator[Item]:
        """Yield the items of the answer."""
        start, self._end = monotonic(), "incomplete"
        try:
            async with aclosing(self._pending.items(enters=False)) as items:
                async for item in items:
                    yield item
            self.is_complete = True
        except SchemaError:
            self._end = "unfitting" if self.assembly.finish_reason == "stop" else self.assembly.finish_reason
            raise
        except (asyncio.CancelledError, GeneratorExit):
            self._end = "interrupted"
            raise
        finally:
            self._seconds = monotonic() - start

    def keep(self) -> None:
        """Let its cell keep the turn of an earlier execution, though it does not ask again."""
        self._place.slot.execution = self._place.execution

    def enter(self, show: Callable[[str], None] | None = None) -> bool:
        """Put its turn into the conversation, if it is answered, and return whether it is there.

        `show` is called at any time to show a note below the answer, and with "" to take it away.
        """
        if not self._has_entered and self._pending.is_answered:
            self._has_entered = self._session.enter(
                self._pending, self._place, typed=self._typed, system=self._system, new=self._new, show=show
            )
        return self._has_entered


def _remove(slots: Iterable[Slot]) -> None:
    """Remove the turns of the slots."""
    for slot in slots:
        slot.thread.remove(slot.turn)
        slot.thread.refresh()


def _has(turns: Collection[Turn], turn: Turn) -> bool:
    return any(each is turn for each in turns)
