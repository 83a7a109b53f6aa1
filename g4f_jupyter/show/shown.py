"""What a magic shows that is not an answer: as text, and as Markdown."""

from __future__ import annotations

from g4f.printable import printable

__all__ = ["Shown"]


class Shown:
    """Something to read. Nothing in its text steers a terminal, even if a server wrote it."""

    def text(self) -> str:
        """Return it as text."""
        raise NotImplementedError

    def markdown(self) -> str:
        """Return it as Markdown, in which `g4f.markdown` escapes the texts of others."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return printable(self.text())

    def _repr_markdown_(self) -> str:
        return self.markdown()
