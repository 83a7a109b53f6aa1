"""The conversations of a notebook: which cell asked which turn. Shows nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import aclosing
from hashlib import sha256
from typing import Any, NamedTuple

from g4f.answer import Answer
from g4f.conversation import Conversation, PendingTurn, Turn
from g4f.dispatch import Request
from g4f.errors import InputError, close_matches
from g4f.providers.response import Item, Usage

__all__ = ["Question", "Session", "Spent", "Thread", "cell_id", "deleted_cells", "takes_metadata"]


class Thread:
    """One conversation of a notebook, and where its turns come from.

    A turn belongs to the cell that asked it: when the cell runs again, it asks with the turns above, and its new turn
    replaces the old one. The turns below stay, and are stale: the turns above them have changed since.
    """

    def __init__(self, conversation: Conversation | None = None) -> None:
        self.conversation = conversation or Conversation()
        self.cells: dict[str, Turn] = {}  # by the opaque id of the cell, which is never shown or stored
        self.stale: list[Turn] = []

    def of(self, cell: str | None) -> Turn | None:
        """Return the turn of a cell; None if it has none here."""
        turn = self.cells.get(cell) if cell is not None else None
        return turn if turn is not None and _has(self.conversation.turns, turn) else None

    def is_stale(self, turn: Turn) -> bool:
        """Whether the turns above `turn` have changed since it was answered."""
        return _has(self.stale, turn)

    def remove(self, turn: Turn) -> None:
        """Remove a turn. Those below it are stale."""
        turns = self.conversation.turns
        place = self.conversation.place(turn)
        self.stale += turns[place + 1 :]
        del turns[place]

    def enter(self, draft: Conversation, place: int, cell: str | None) -> None:
        """Go on with a conversation in which the turn at `place` is new."""
        new, old = draft.turns[place], self.conversation.turns[place : place + 1]
        if old and (old[0].question, old[0].answer) != (new.question, new.answer):
            self.stale += draft.turns[place + 1 :]
        self.stale = [turn for turn in self.stale if _has(draft.turns, turn)]
        self.conversation = draft
        if cell is not None:
            self.cells[cell] = new


class Spent(NamedTuple):
    """What one answer has used. `tokens` is a guess if the provider gave no `usage`."""

    provider: str
    model: str
    usage: Usage | None
    tokens: int
    seconds: float


class Session:
    """The conversations of one notebook, by name ("" is the one without), and the `tokens` that they have used."""

    def __init__(self) -> None:
        self.threads: dict[str, Thread] = {"": Thread()}
        self.spent: list[Spent] = []
        self.tokens = 0

    def spend(self, answer: Answer) -> None:
        """Add the usage of an answer. A replayed one counts as when it was recorded: a tape gives the same totals."""
        used = Spent(answer.provider, answer.model, answer.usage, _tokens(answer), answer.seconds)
        self.spent.append(used)
        self.tokens += used.tokens

    def thread(self, name: str) -> Thread:
        """Return the conversation called `name`. Raises InputError with close matches."""
        if name not in self.threads:
            near = close_matches(name, self.threads.keys() - {""}) or " --thread NAME in a %%chat begins one."
            raise InputError(f"there is no thread {name!r}.{near}")
        return self.threads[name]

    def forget(self, deleted: Collection[str]) -> None:
        """Remove the turns of deleted cells."""
        for thread in self.threads.values():
            for cell in thread.cells.keys() & set(deleted):
                if (turn := thread.of(cell)) is not None:
                    thread.remove(turn)
                del thread.cells[cell]

    def question(
        self,
        question: str,
        *,
        cell: str | None,
        thread: str = "",
        new: bool = False,
        once: bool = False,
        system: str | None = None,
        begin_with: str = "",
        **options: Any,
    ) -> Question:
        """Return a question that is ready to be sent. Raises the errors of `Conversation.prepare`.

        `new` begins a new conversation; `once` asks without one. `system`, if not None, is the system prompt from now
        on, and `begin_with` is that of a new conversation.
        """
        known = Thread() if once else self.threads.get(thread) or Thread()
        turns, own = known.conversation.turns, known.of(cell)
        begins = new and not (own is not None and turns[0] is own)  # running its first cell again keeps the rest
        draft = Conversation() if begins else known.conversation.fork()
        if system is not None or not draft.turns:
            draft.system = begin_with if system is None else system
        pending = draft.prepare(question, instead_of=None if begins else own, **options)
        name, place = None if once else thread, draft.place(own)
        return Question(self, pending, name=name, thread=known, draft=draft, cell=cell, place=place)


class Question:
    """A question of a cell, ready to be sent.

    Its changes (conversation, system prompt, turn) count once its answer is complete, not before.
    """

    def __init__(
        self,
        session: Session,
        pending: PendingTurn,
        *,
        name: str | None,
        thread: Thread,
        draft: Conversation,
        cell: str | None,
        place: int,
    ) -> None:
        self._session, self._name, self._thread, self._draft = session, name, thread, draft
        self._cell, self._pending, self._place = cell, pending, place

    @property
    def request(self) -> Request:
        """What will be sent."""
        return self._pending.request

    @property
    def answer(self) -> Answer:
        """The answer, once its items have all been read."""
        return self._pending.result

    @property
    def has_entered(self) -> bool:
        """Whether its turn is in the conversation, even if the call was interrupted afterwards."""
        return self._thread.conversation is self._draft

    @property
    def stale_above(self) -> int:
        """How many of the turns that it builds on are stale."""
        return sum(map(self._thread.is_stale, self._draft.turns[: self._place]))

    async def items(self) -> AsyncGenerator[Item]:
        """Yield the items of the answer. At its end, the turn enters the conversation."""
        async with aclosing(self._pending.items()) as items:
            async for item in items:
                yield item
        self._session.spend(self.answer)
        if self._name is None:
            return
        self._session.threads[self._name] = self._thread
        self._thread.enter(self._draft, self._place, self._cell)


def _has(turns: Collection[Turn], turn: Turn) -> bool:
    return any(each is turn for each in turns)


def _tokens(answer: Answer) -> int:
    """Return the tokens of question and answer: as the provider counted them, else a quarter of the characters."""
    if answer.usage is not None:
        return answer.usage.total_tokens or answer.usage.prompt_tokens + answer.usage.completion_tokens
    return (len(answer) + sum(len(str(message.get("content", ""))) for message in answer.messages)) // 4


def cell_id(parent: Mapping[str, Any]) -> str | None:
    """Return the id of the cell that the message `parent` runs, opaque; None where the front end sends none.

    JupyterLab, Notebook and VS Code send it as `cellId`, Colab in `colab`.
    """
    metadata = parent.get("metadata", {})
    colab = metadata.get("colab")
    found = metadata.get("cellId") or (colab.get("cell_id") if isinstance(colab, Mapping) else None)
    return _opaque(found) if isinstance(found, str) and found else None


def deleted_cells(parent: Mapping[str, Any]) -> list[str]:
    """Return the ids of the cells that were deleted since the last message, which JupyterLab and Notebook send.

    The running cell is not among them: it was only cut, and pasted elsewhere.
    """
    found = parent.get("metadata", {}).get("deletedCells")
    deleted = [_opaque(cell) for cell in found if isinstance(cell, str)] if isinstance(found, list) else []
    return [cell for cell in deleted if cell != cell_id(parent)]


def takes_metadata(parent: Mapping[str, Any]) -> bool:
    """Whether the front end that sent `parent` accepts changed metadata in an update of a display.

    VS Code then rewrites all outputs of the cell from an older state: the end of the answer would be lost.
    """
    return not str(parent.get("metadata", {}).get("cellId")).startswith("vscode-")


def _opaque(cell: str) -> str:
    """Return a digest of the id of a cell: the id of VS Code contains the path of the notebook."""
    return sha256(cell.encode(errors="backslashreplace")).hexdigest()
