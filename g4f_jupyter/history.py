"""A conversation of the notebook, to be read: its turns, and which of them are stale."""

from __future__ import annotations

from g4f.markdown import closed, safe

from .session import Thread

__all__ = ["STALE", "History"]

STALE = "stale: what stands above has changed since. Run its cell again"


class History:
    """The turns of a thread, as text and as Markdown."""

    def __init__(self, thread: Thread) -> None:
        self._thread = thread

    def __repr__(self) -> str:
        told = [
            f"[{number}] {question}{f' ({note})' if note else ''}\n{answer}"
            for number, question, note, answer in self._turns()
        ]
        return "\n\n".join([*self._system(), *told]) or "no turns yet"

    def _repr_markdown_(self) -> str:
        told = [
            f"**{number}. {safe(question)}**{f' *({note})*' if note else ''}\n\n{closed(safe(answer))}"
            for number, question, note, answer in self._turns()
        ]
        return "\n\n".join([*(f"*{safe(each)}*" for each in self._system()), *told]) or "*no turns yet*"

    def _system(self) -> list[str]:
        system = self._thread.conversation.system
        return [f"System: {system}"] if system else []

    def _turns(self) -> list[tuple[int, str, str, str]]:
        """Return (number, question, note, answer) of each turn."""
        turns = enumerate(self._thread.conversation.turns, 1)
        return [
            (number, turn.question, STALE if self._thread.is_stale(turn) else "", turn.answer) for number, turn in turns
        ]
