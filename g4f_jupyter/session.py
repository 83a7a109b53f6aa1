"""Which conversation, which cell, which turn. Shows nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from g4f.conversation import Conversation, Turn
from g4f.providers.base_provider import Provider, is_provider
from g4f.providers.response import Item
from g4f.providers.retry_provider import IterListProvider

__all__ = ["Session", "cell_id", "named_provider"]


class Session:
    """The conversation of one notebook.

    A turn belongs to the cell that asked it: running the cell again asks with the turns above, and replaces it in its
    place. What an ask changes (conversation, system prompt, turn) counts once its answer is complete, not before.
    """

    def __init__(self) -> None:
        self.conversation = Conversation()
        self._turns: dict[str, Turn] = {}  # by the opaque id of their cell, which is never shown or stored

    def ask(
        self,
        question: str,
        *,
        cell: str | None,
        new: bool = False,
        system: str | None = None,
        begin_with: str = "",
        **options: Any,
    ) -> AsyncGenerator[Item]:
        """Return the items of the answer. Raises at once what cannot be sent.

        `new` begins a new conversation; `system`, if not None, is the system prompt from now on, and `begin_with` that
        of a conversation which begins.
        """
        turns = self.conversation.turns
        own = next((turn for turn in turns if cell is not None and turn is self._turns.get(cell)), None)
        begins = new and not (own is not None and turns[0] is own)  # running its first cell again keeps the rest
        draft = Conversation() if begins else self.conversation.fork()
        if system is not None or not draft.turns:
            draft.system = begin_with if system is None else system
        answer = draft.astream(question, instead_of=None if begins else own, **options)
        return self._entered(answer, draft, cell)

    async def _entered(
        self, answer: AsyncGenerator[Item], draft: Conversation, cell: str | None
    ) -> AsyncGenerator[Item]:
        before = list(draft.turns)
        async with aclosing(answer) as items:
            async for item in items:
                yield item
        self.conversation = draft
        if cell is not None:
            self._turns[cell] = next(turn for turn in draft.turns if all(turn is not old for old in before))


def cell_id(parent: Mapping[str, Any]) -> str | None:
    """Return the id of the cell that the message `parent` runs, opaque; None where the front end sends none."""
    found = parent.get("metadata", {}).get("cellId")
    return found if isinstance(found, str) and found else None


def named_provider(names: str, namespace: Mapping[str, Any]) -> Provider | str:
    """Return the provider called `names`: a class, instance or address of the notebook before one of the catalogue.

    Several names are asked in that order.
    """
    listed = names.replace(",", " ").split()
    own = {name: namespace[name] for name in listed if _is_named(namespace.get(name))}
    found = [own.get(name, name) for name in listed]
    if not own:
        return names
    return found[0] if len(found) == 1 else IterListProvider(found)


def _is_named(value: object) -> bool:
    return is_provider(value) or (isinstance(value, str) and "://" in value)
