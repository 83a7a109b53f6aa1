"""The calls of tools that were made for an answer, as they are shown: folded, or as a line of text each."""

from __future__ import annotations

from g4f.markdown.code import fenced
from g4f.markdown.entities import literal
from g4f.printable import one_line
from g4f.providers.response import Step

__all__ = ["Steps", "line_of"]

SHORT = 120
"""Characters of arguments, and of a result, in a line."""

LONG = 5_000
"""Characters of each below a line that is unfolded. The answer's `steps` have all."""


def line_of(step: Step) -> str:
    """Return a call with its arguments and its result, shortened, in one line."""
    name, arguments, result = (_short(one_line(text), SHORT) for text in (step.name, step.arguments, step.result))
    return f"{name}({arguments}) {'failed: ' if step.failed else '→ '}{result}"


class Steps:
    """The calls so far, and what the model said before them."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._folded: list[str] = []

    @property
    def are_there(self) -> bool:
        """Whether there is something to show."""
        return bool(self._lines)

    def say(self, text: str) -> None:
        """Add the text of a round."""
        if text.strip():
            self._lines.append(one_line(text))
            self._folded.append(literal(text))

    def add(self, step: Step) -> None:
        """Add a call."""
        self._lines.append(line_of(step))
        inside = "\n\n".join(fenced(_short(text, LONG)) for text in (step.arguments, step.result) if text)
        self._folded.append(f"<details><summary>{literal(line_of(step))}</summary>\n\n{inside}\n\n</details>")

    def plain(self, text: str) -> str:
        """Return a text with the calls below it."""
        lines = "\n".join(self._lines)
        return f"{text}\n\n[steps]\n\n{fenced(lines)}".lstrip() if lines else text

    def markdown(self, text: str) -> str:
        """Return the same for Markdown, with the calls folded."""
        return "\n\n".join([text, *self._folded]).lstrip() if self._lines else text


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
