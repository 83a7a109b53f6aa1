"""A conversation of the notebook: its turns, and which of them are stale."""

from __future__ import annotations

from g4f.markdown.code import fenced
from g4f.markdown.entities import literal
from g4f.markdown.rewriting import titled
from g4f.turn import Turn

from ..threads import Thread
from .shown import Shown

__all__ = ["History"]


class History(Shown):
    """The turns of a thread."""

    def __init__(self, thread: Thread) -> None:
        self._thread = thread

    def text(self) -> str:
        """Return the system prompt, and each turn after its number."""
        system = self._thread.conversation.system
        turns = [
            f"[{number}] {turn.question}{f' ({note})' if note else ''}{_calls(turn)}\n{_marked(turn)}"
            for number, turn, note in self._turns()
        ]
        return "\n\n".join([*([f"System: {system}"] if system else []), *turns]) or "no turns yet"

    def markdown(self) -> str:
        """Return each question in bold, or quoted if it has several lines, above its answer."""
        system = self._thread.conversation.system
        turns = [
            f"{titled(turn.question, number=f'{number}. ', note=f' *({note})*' if note else '')}"
            f"{_calls_in_markdown(turn)}\n\n{turn.answer_in_markdown()}"
            for number, turn, note in self._turns()
        ]
        return "\n\n".join([*([f"*{literal(f'System: {system}')}*"] if system else []), *turns]) or "*no turns yet*"

    def _turns(self) -> list[tuple[int, Turn, str]]:
        """Return (number, turn, note) of each turn."""
        return [(number, turn, note) for number, (turn, note) in enumerate(self._thread.notes(), 1)]


def _marked(turn: Turn) -> str:
    return f"{turn.answer}\n\n[{turn.mark}]" if turn.mark else turn.answer


def _calls(turn: Turn) -> str:
    return "".join(f"\n[calls]\n{each}" for each in turn.rounds)


def _calls_in_markdown(turn: Turn) -> str:
    return "".join(f"\n\n[calls]\n\n{fenced(str(each))}" for each in turn.rounds)
