"""What a magic shows beside an answer: text where there is no Markdown, and Markdown."""

from __future__ import annotations

from g4f.printable import printable

__all__ = ["Shown"]


class Shown:
    """Something to be read. Nothing in its text steers a terminal, whoever wrote it."""

    def text(self) -> str:
        """Return it as text."""
        raise NotImplementedError

    def markdown(self) -> str:
        """Return it as Markdown, in which what strangers wrote is written by `g4f.markdown`."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return printable(self.text())

    def _repr_markdown_(self) -> str:
        return self.markdown()
