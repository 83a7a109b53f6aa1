"""A conversation of the notebook: its turns, and which of them are stale."""

from __future__ import annotations

from g4f.markdown.entities import literal
from g4f.markdown.rewriting import safe, titled

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
            f"[{number}] {question}{f' ({note})' if note else ''}\n{answer}"
            for number, question, note, answer in self._turns()
        ]
        return "\n\n".join([*([f"System: {system}"] if system else []), *turns]) or "no turns yet"

    def markdown(self) -> str:
        """Return each question in bold, or quoted if it has several lines, above its answer."""
        system = self._thread.conversation.system
        turns = [
            f"{titled(question, number=f'{number}. ', note=f' *({note})*' if note else '')}\n\n{safe(answer)}"
            for number, question, note, answer in self._turns()
        ]
        return "\n\n".join([*([f"*{literal(f'System: {system}')}*"] if system else []), *turns]) or "*no turns yet*"

    def _turns(self) -> list[tuple[int, str, str, str]]:
        """Return (number, question, note, answer) of each turn."""
        turns = enumerate(self._thread.notes(), 1)
        return [(number, turn.question, note, turn.answer) for number, (turn, note) in turns]
