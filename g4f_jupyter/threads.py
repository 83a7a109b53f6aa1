"""A conversation of a notebook, and which of its turns are still true. Shows nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from g4f.conversation import Conversation, PendingTurn
from g4f.turn import Turn

__all__ = ["LEFT", "STALE", "Thread", "TurnState"]

STALE = "stale: what stands above has changed since. Run its cell again"
LEFT = "stale: its cell did not answer it when it was run again"


class TurnState:
    """What is known of a turn besides its text: with what it was asked, and where its answer is shown."""

    def __init__(
        self, turn: Turn, pending: PendingTurn, typed: str, system: str | None, show: Callable[[str], None] | None
    ) -> None:
        self.turn = turn
        self.typed = typed
        """Its question as it stands in its cell, with the names of the values that it was sent with."""
        self.system = system
        """The system prompt that begins with it; None if it goes on with that of the turns above."""
        self.sent = hash((pending.system, _digest(pending.above)))
        self.beside = [each.turn for each in pending.beside if each.turn is not turn]
        """Turns that were asked at the same time, so that the answer says nothing of them."""
        self.is_left = False
        """Whether its cell was run again, and failed or was interrupted before it was answered."""
        self.show = show
        """Shows a note below the answer, in its cell; "" takes it away."""
        self.note = ""


class Thread:
    """One conversation of a notebook, and what is known of its turns.

    A turn is stale if the turns above it, or the system prompt, are no longer those that it was asked with. A system
    prompt holds from the turn that begins it to the turn that begins another.
    """

    def __init__(self, conversation: Conversation | None = None) -> None:
        self.conversation = conversation or Conversation()
        self.given = self.system = self.conversation.system
        """The system prompt that it was made with, and that with which its first turn is asked."""
        self._states: dict[int, TurnState] = {}  # by the id() of the turn, which it keeps alive

    def has(self, turn: Turn | None) -> bool:
        """Whether the turn is in the conversation."""
        return _has(self.conversation.turns, turn)

    def of(self, turn: Turn) -> TurnState | None:
        """Return what is known of a turn; None of one from a file."""
        return self._states.get(id(turn))

    def system_below(self, turns: Iterable[Turn]) -> str:
        """Return the system prompt that holds below these turns."""
        begun = [state.system for turn in turns if (state := self.of(turn)) is not None and state.system is not None]
        return begun[-1] if begun else self.system

    def above(self, turn: Turn | None, without: Collection[Turn | None]) -> list[Turn]:
        """Return the turns above `turn`, or all if it is not there, but for some."""
        turns = self.conversation.turns[: self.conversation.place(turn)]
        return [each for each in turns if not _has(without, each)]

    def notes(self, without: Collection[Turn | None] = ()) -> list[tuple[Turn, str]]:
        """Return each turn with `STALE`, `LEFT`, or "" if it is true, as if some were not there."""
        turns = self.above(None, without)
        system, digest, notes = self.system, 0, list[tuple[Turn, str]]()
        for place, turn in enumerate(turns):
            state, note = self.of(turn), ""
            if state is not None:
                system = system if state.system is None else state.system
                now = {digest}
                if state.beside:
                    now.add(_digest(each for each in turns[:place] if not _has(state.beside, each)))
                is_true = state.sent in {hash((system, each)) for each in now}
                note = LEFT if state.is_left else "" if is_true else STALE
            notes.append((turn, note))
            digest = _digest([turn], digest)
        return notes

    def enter(self, state: TurnState) -> None:
        """Keep what is known of a turn that is new in the conversation."""
        self._states[id(state.turn)] = state
        for turn in state.beside:
            if (other := self.of(turn)) is not None:
                other.beside.append(state.turn)

    def leave(self, turn: Turn | None) -> None:
        """Mark a turn whose cell was run again and did not answer it."""
        if turn is not None and (state := self.of(turn)) is not None:
            state.is_left, state.show = True, None  # the front end has cleared the output of the cell

    def remove(self, turn: Turn | None) -> None:
        """Remove a turn, if it is there."""
        self.conversation.turns[:] = [each for each in self.conversation.turns if each is not turn]

    def refresh(self) -> None:
        """Have each answer say in its own cell whether it is stale."""
        turns = self.conversation.turns
        self._states = {id(turn): state for turn in turns if (state := self.of(turn)) is not None}
        self.conversation.system = self.system_below(turns)
        for turn, note in self.notes():
            state = self.of(turn)
            if state is not None and state.note != note:
                state.note = note
                if state.show is not None:
                    state.show(note)


def _has(turns: Collection[Turn | None], turn: Turn | None) -> bool:
    return any(each is turn for each in turns)


def _digest(turns: Iterable[Turn], digest: int = 0) -> int:
    """Return a number for what of these turns is sent, below others that have the number `digest`."""
    for turn in turns:
        digest = hash((digest, turn.question, turn.answer, turn.images, turn.rounds))
    return digest
