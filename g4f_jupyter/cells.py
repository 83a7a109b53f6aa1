"""The questions of each cell, by their number in it, and the turns that came of them. Shows nothing."""

from __future__ import annotations

from typing import NamedTuple

from g4f.turn import Turn

from .threads import Thread

__all__ = ["Slot", "Slots", "TurnPlace"]


class Slot:
    """A question of a cell: the first one has the first slot, also when the cell is run again."""

    def __init__(self) -> None:
        self.name = ""
        self.thread = Thread()
        """The conversation, and its name."""
        self.turn: Turn | None = None
        self.number = -1
        """That of the question that gave the turn."""
        self.execution = ""
        """That in which it was asked."""
        self.begins = False
        """Whether it began its conversation."""

    @property
    def is_filled(self) -> bool:
        """Whether its turn is in a conversation."""
        return self.thread.has(self.turn)


class Slots:
    """The questions of one cell. Each execution begins with the first slot."""

    def __init__(self) -> None:
        self._slots: list[Slot] = []
        self._execution, self._number = "", 0

    def next(self, execution: str) -> Slot:
        """Return the slot of the next question of this execution."""
        self._number = self._number + 1 if execution == self._execution else 1
        self._execution = execution
        self._slots += [Slot() for _ in range(self._number - len(self._slots))]
        return self._slots[self._number - 1]

    def thread(self, slot: Slot, name: str, *, new: bool) -> Thread | None:
        """Return the conversation of a question of that name; None if the cell has not asked in any.

        It is the one that a question above it has just begun, unless it begins a `new` one itself, else that in which
        it was asked, else the nearest.
        """
        at = self._slots.index(slot)
        begun = [each for each in self._slots[:at][::-1] if each.begins and each.execution == self._execution]
        nearest = [*(() if new else begun), *self._slots[at::-1], *self._slots[at + 1 :]]
        return next((each.thread for each in nearest if each.name == name and each.is_filled), None)

    def next_turn(self, slot: Slot, thread: Thread) -> Turn | None:
        """Return the turn of `thread` above which that of the slot belongs; None if it is the last."""
        at, turns = self._slots.index(slot), thread.conversation.turns
        for each in self._slots[:at][::-1]:
            if thread.has(each.turn):
                return next(iter(turns[thread.conversation.place(each.turn) + 1 :]), None)
        return next((each.turn for each in self._slots[at + 1 :] if thread.has(each.turn)), None)

    def left(self, execution: str) -> list[Slot]:
        """Return the slots whose turns are those of an earlier execution."""
        return [slot for slot in self._slots if slot.execution != execution and slot.is_filled]

    def turns_left(self, execution: str) -> list[Turn | None]:
        """Return these turns: no question of this execution is asked with them."""
        return [slot.turn for slot in self.left(execution)]


class TurnPlace(NamedTuple):
    """Where the turn of a question belongs: in a conversation, which has a name, and in a cell."""

    thread: Thread
    name: str
    slots: Slots
    slot: Slot
    execution: str
    once: bool = False
    """Whether it belongs nowhere: what its slot had before leaves its conversation."""
