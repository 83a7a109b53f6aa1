"""A conversation of the notebook: its turns, and which of them are stale."""

from __future__ import annotations

from g4f.markdown.entities import literal
from g4f.turn import Turn, beginning

from ..threads import Thread
from .shown import Shown

__all__ = ["History"]


class History(Shown):
    """The turns of a thread."""

    def __init__(self, thread: Thread) -> None:
        self._thread = thread

    def _typed(self, turn: Turn) -> str:
        state = self._thread.of(turn)
        return state.typed if state is not None else ""

    def text(self) -> str:
        """Return the system prompt, and each turn after its number."""
        system = beginning(self._thread.conversation.system)
        turns = [
            turn.to_text(number=f"[{number}] ", note=f" ({note})" if note else "", typed=self._typed(turn))
            for number, (turn, note) in enumerate(self._thread.notes(), 1)
        ]
        return "\n\n".join([*([f"System: {system}"] if system else []), *turns]) or "no turns yet"

    def markdown(self) -> str:
        """Return each question in bold, or quoted if it has several lines, above its answer.

        A question with values in it is as it was typed; what was sent is in a fold.
        """
        system = beginning(self._thread.conversation.system)
        turns = [
            turn.to_markdown(number=f"{number}. ", note=f" *({note})*" if note else "", typed=self._typed(turn))
            for number, (turn, note) in enumerate(self._thread.notes(), 1)
        ]
        return "\n\n".join([*([f"*{literal(f'System: {system}')}*"] if system else []), *turns]) or "*no turns yet*"
