"""How an answer is shown, in a cell and by code: its thoughts and the calls of tools folded, its mark below."""

from __future__ import annotations

from .markdown.code import fenced
from .markdown.entities import literal
from .printable import one_line
from .providers.response import Step, Usage

__all__ = ["Steps", "line_of", "put_together", "tokens_of"]

SHORT = 120
"""Characters of arguments, and of a result, in a line."""

LONG = 5_000
"""Characters of each below a line that is unfolded. The answer's `steps` have all."""


def line_of(step: Step) -> str:
    """Return a call with its arguments and its result, shortened, in one line."""
    name, arguments, result = (_short(one_line(text), SHORT) for text in (step.name, step.arguments, step.result))
    return f"{name}({arguments}) {'failed: ' if step.failed else '→ '}{result}"


def tokens_of(usage: Usage) -> str:
    """Return "1,200 (1,000 cached) + 34 tokens": those read from the provider's cache are a part of the first."""
    cached = f" ({usage.cached_tokens:,} cached)" if 0 < (usage.cached_tokens or 0) <= usage.prompt_tokens else ""
    return f"{usage.prompt_tokens:,}{cached} + {usage.completion_tokens:,} tokens"


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


def put_together(plain: str, markdown: str, *, thoughts: str, calls: str, steps: Steps, mark: str) -> tuple[str, str]:
    """Return a text and its Markdown with what belongs to the answer.

    `thoughts` are Markdown, folded above it; they are not in the text. Below both are `calls`, a line each, which the
    caller is to make, the `steps` that were made, and the `mark`, which says why the answer is not whole.
    """
    if thoughts:
        markdown = f"<details><summary>Reasoning</summary>\n\n{thoughts}\n\n</details>\n\n{markdown}"
    if calls:
        plain, markdown = (f"{form}\n\n[calls]\n\n{fenced(calls)}".lstrip() for form in (plain, markdown))
    plain, markdown = steps.plain(plain), steps.markdown(markdown)
    if mark:
        plain = f"{plain}\n\n[{mark}]" if plain else f"[{mark}]"
        markdown = f"{markdown}\n\n*[{literal(mark)}]*".removeprefix("\n\n")
    return plain, markdown


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
