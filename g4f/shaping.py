"""The text of an answer: `<think>` becomes reasoning, stop words and a limit of chunks end it. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from .providers.response import FinishReason, Item, Reasoning
from .wire import whole

__all__ = ["Shaper"]

_OPEN, _CLOSE = "<think>", "</think>"

SLICE = 2**17
"""Characters of one text that are searched for tags in one step. Then the loop's other tasks have their turn."""


def _held_back(text: str, words: Sequence[str]) -> int:
    """Return how many characters at the end of `text` could be the beginning of one of `words`."""
    longest = min(max(map(len, words)) - 1, len(text))
    sizes = range(longest, 0, -1)
    return next((size for size in sizes if any(word.startswith(text[-size:]) for word in words)), 0)


def _parted(text: str) -> tuple[str, str]:
    """Return `text` without halves of characters, and the half at its end whose other half may follow."""
    half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
    return whole(text.removesuffix(half)), half


class Shaper:
    """Feed it text as it arrives, cut anywhere, and yield the items that it returns. The cuts never change the result.

    Once it is `done`, the answer is over: the last item was its FinishReason, and nothing more is read. Halves of
    characters, which JavaScript leaves where it cuts a text, are joined; one that stays alone becomes U+FFFD.

    It `pauses` when it is done, and when a slice of a very long text is left for `go_on()`: before that, the loop's
    other tasks have their turn. A tag right after a backtick is only mentioned, and stays text.
    """

    __slots__ = (
        "_before",
        "_fresh",
        "_half",
        "_held",
        "_left",
        "_rest",
        "_stop",
        "_thinking",
        "_unsure",
        "done",
        "pauses",
    )

    def __init__(self, stop: Sequence[str] = (), max_chunks: int | None = None) -> None:
        self.done = self.pauses = False
        self._rest: list[str] = []  # slices of a very long text, the last one first
        self._stop = stop
        self._left = max_chunks or None
        self._thinking = False
        self._fresh = False  # reasoning came first, and no text yet
        self._unsure = ""  # the end of what came, perhaps the beginning of a tag, or of a character
        self._before = ""  # the character before it
        self._held = ""  # the end of the text, perhaps the beginning of a stop word
        self._half = ""  # the end of reasoning that came by itself, the beginning of a character

    def feed(self, text: str) -> list[Item]:
        """Return the items that `text` makes, in order; mostly just `[text]`."""
        out: list[Item] = []
        if self._unsure or not text.isascii():
            text, self._unsure = _parted(self._unsure + text)
        if "<" in text:
            self._tags(text, out)
        else:
            self._piece(text, out)
        return out

    def go_on(self) -> list[Item]:
        """Return the items that the next slice of a very long text makes."""
        text = self._rest.pop()
        self.pauses = bool(self._rest)
        return self.feed(text)

    def _tags(self, text: str, out: list[Item]) -> None:
        if len(text) > SLICE:
            text, self._unsure = text + self._unsure, ""
            self._rest += [text[at : at + SLICE] for at in range(SLICE, len(text), SLICE)][::-1]
            self.pauses = True
            text = text[:SLICE]
        begin = 0
        while not self.done:
            tag = _CLOSE if self._thinking else _OPEN
            cut = self._find(tag, text, begin)
            if cut < 0:
                break
            self._piece(text[begin:cut], out)
            begin = cut + len(tag)
            self._fresh = self._thinking and not self._before
            self._thinking = not self._thinking
        end = len(text)
        if not self._unsure:
            end -= _held_back(text[max(begin, end - len(tag)) :], (tag,))
            self._unsure = text[end:]
        self._piece(text[begin:end], out)

    def flush(self) -> list[Item]:
        """Return what was held back, at the end of the answer."""
        out: list[Item] = []
        while self._rest:
            out += self.go_on()
        if self._half:
            self._give(Reasoning(whole(self._half)), out)
        unsure, self._unsure, self._half = self._unsure, "", ""
        if unsure:
            self._piece(whole(unsure), out)
        self._text("", out, last=True)
        return out

    def reason(self, event: Reasoning) -> list[Item]:
        """Count a piece of reasoning that came as an event of its own."""
        out: list[Item] = []
        if self._half or not event.text.isascii():
            text, self._half = _parted(self._half + event.text)
            event = Reasoning(text)
        if event.text:
            self._give(event, out)
        return out

    def _find(self, tag: str, text: str, begin: int) -> int:
        cut = text.find(tag, begin)
        while cut >= 0 and not self._thinking and (text[cut - 1] if cut > begin else self._before) == "`":
            cut = text.find(tag, cut + 1)
        return cut

    def _piece(self, text: str, out: list[Item]) -> None:
        if self._thinking:
            if text:
                self._give(Reasoning(text), out)
            return
        if self._fresh:  # blank lines between the reasoning and the answer belong to neither
            text = text.lstrip("\n")
        if text:
            self._fresh = False
            self._before = text[-1]
            self._text(text, out)

    def _text(self, text: str, out: list[Item], *, last: bool = False) -> None:
        if self._stop:
            text = self._held + text
            keep = 0 if last else _held_back(text, self._stop)
            cut = min((at for word in self._stop if (at := text.find(word)) >= 0), default=-1)
            if 0 <= cut <= len(text) - keep:
                self._give(text[:cut], out)
                if not self.done:
                    self._finish("stop", out)
                return
            self._held = text[len(text) - keep :]
            text = text[: len(text) - keep]
        self._give(text, out)

    def _give(self, item: str | Reasoning, out: list[Item]) -> None:
        if not item or self.done:
            return
        out.append(item)
        if self._left is not None:
            self._left -= 1
            if not self._left:
                self._finish("length", out)

    def _finish(self, reason: str, out: list[Item]) -> None:
        self.done = self.pauses = True
        out.append(FinishReason(reason))
