"""One turn of a conversation: a question with its whole answer."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from .wire import whole

__all__ = ["Entered", "Turn"]


class Turn(msgspec.Struct, frozen=True, omit_defaults=True):
    """One question and its whole answer."""

    question: str
    answer: str
    provider: str = ""
    """The name of the provider that answered."""
    model: str = ""
    """The name of the model that answered."""
    images: tuple[str, ...] = ()
    """The images of the question: data URLs, or addresses."""

    def __post_init__(self) -> None:
        """Replace halves of characters: a conversation that has one could be neither sent nor saved."""
        for name in ("question", "answer", "provider", "model"):
            if not getattr(self, name).isascii():
                msgspec.structs.force_setattr(self, name, whole(getattr(self, name)))

    def __repr__(self) -> str:
        named = [f"{name}={getattr(self, name)!r}" for name in ("question", "answer", "provider", "model")]
        return f"Turn({', '.join(named)}, images=<{len(self.images)}>)"

    def to_messages(self) -> list[dict[str, Any]]:
        """Return the question and the answer as messages."""
        images = [{"type": "image_url", "image_url": {"url": url}} for url in self.images]
        content = [{"type": "text", "text": self.question}, *images] if images else self.question
        return [{"role": "user", "content": content}, {"role": "assistant", "content": self.answer}]


class Entered(NamedTuple):
    """A turn of a conversation, the number of its question, and whether it was put below the turns before it."""

    number: int
    turn: Turn
    follows: bool
