"""The text of an answer: `<think>` becomes reasoning, stop words and a limit of chunks end it. No I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .assembly import Assembly
from .errors import ResponseError, kind_of
from .providers.response import Event, FinishReason, Item, PassedOver, Reasoning, TextWasReasoning, ToolCall, Usage
from .tidying import tidy
from .wire import parted, whole

__all__ = ["Shaper"]

_OPEN, _CLOSE = "<think>", "</think>"
_TAG = re.compile("</?think>")
_BEFORE, _AFTER = frozenset(" \t`'\"([{“„«"), frozenset(" \t`'\")]}”»“.,;:!?")
"""Characters before and after a tag that is only mentioned."""

_FENCE = "```"

BLANK = 1024
"""Blank characters at the beginning after which a text has begun, whatever follows."""

BLOCKS = 16
"""Tags at the beginning that count. More of them are no thoughts, but somebody's play with the time that they take."""


def _held_back(text: str, words: Sequence[str]) -> int:
    """Return how many characters at the end of `text` could be the beginning of one of `words`."""
    longest = min(max(map(len, words)) - 1, len(text))
    sizes = range(longest, 0, -1)
    return next((size for size in sizes if any(word.startswith(text[-size:]) for word in words)), 0)


class Shaper:
    """Feed it the items of a provider as they come, and yield those that it returns. Cuts never change the result.

    Once it is `done`, the answer is over: the last item was its FinishReason, and nothing more is read. Halves of
    characters, which JavaScript leaves where it cuts a text, are joined; one that stays alone becomes U+FFFD.

    Tags count where models write them, and stay text where they are only mentioned:

    begins ── <think> ──▶ thinks ── </think> ──▶ begins again, without the blank lines
       └──── any text ──▶ speaks ── the first </think>, if no thoughts came: all above it was thought ──▶ begins again

    A server that sends reasoning by itself leaves at most a stray </think> in the text. While `passes_plain`, a text
    in ASCII without "<" would be returned as it is: it need not be fed, if it is put into `answer`.
    """

    __slots__ = (
        "_answer",
        "_blank",
        "_half",
        "_held",
        "_left",
        "_may_close",
        "_may_open",
        "_may_stray",
        "_most",
        "_speaks",
        "_stop",
        "_thinks",
        "_thought",
        "_unsure",
        "done",
        "passes_plain",
    )

    def __init__(self, answer: Assembly, stop: Sequence[str] = (), max_chunks: int | None = None) -> None:
        self._answer, self._stop, self._most = answer, stop, max_chunks or None
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._left = self._most
        self._speaks, self._thinks = bool(self._answer.texts), False
        self.done, self.passes_plain = False, self._speaks and not (self._stop or self._most)
        self._may_open, self._may_close, self._may_stray = BLOCKS, True, True
        self._thought = False  # thoughts came just before: blank lines after them belong to nothing
        self._blank = ""  # blank text at the beginning, and perhaps that of a tag behind it
        self._unsure = ""  # the end of what came, perhaps the beginning of a tag, or of a character
        self._held = ""  # the end of the text, perhaps the beginning of a stop word
        self._half = ""  # the end of reasoning that came by itself, the beginning of a character

    def feed(self, item: object) -> list[Item]:
        """Return the items that an item of the provider makes, in order; mostly just itself.

        Raises ResponseError for what a provider may not yield.
        """
        match item:
            case str():
                return self._feed(item)
            case None:
                return []
            case Reasoning():
                held = self.flush() if self._speaks and (self._unsure or self._held) else []
                return held + self._reason(item if isinstance(item.text, str) else tidy(item))
            case FinishReason() | ToolCall():
                held = self.flush()
                return held if self.done else [*held, tidy(item)]
            case Usage():
                usage = tidy(item)
                has_counted = usage.prompt_tokens or usage.completion_tokens or usage.total_tokens
                return [usage] if has_counted else []  # no question has 0 tokens
            case Event():
                if isinstance(item, PassedOver):  # what follows is of the next provider
                    self._begin_anew()
                return [tidy(item)]
        raise ResponseError(f"the provider yielded {kind_of(item)}: it may yield text and events")

    def _feed(self, text: str) -> list[Item]:
        out: list[Item] = []
        if self._unsure or not text.isascii():
            text, self._unsure = parted(self._unsure + text)
        while text and not self.done:
            if self._speaks:
                text = self._speak(text, out)
            elif self._thinks:
                text = self._think(text, out)
            else:
                text = self._begin(text)
        self.passes_plain = self._speaks and not (self._unsure or self._stop or self._left or self.done)
        return out

    def _reason(self, event: Reasoning) -> list[Item]:
        """Return the items that a piece of reasoning makes which came by itself. The text then has no tags."""
        out: list[Item] = []
        self._may_open, self._may_close = 0, False
        self._thought = self._thought or not self._speaks
        if self._half or not event.text.isascii():
            text, self._half = parted(self._half + event.text)
            event = Reasoning(text)
        if event.text:
            self._give(event, out)
        return out

    def flush(self) -> list[Item]:
        """Return what was held back, at the end of the answer."""
        out: list[Item] = []
        if self.passes_plain and not self._half:
            return out
        if self._half:
            self._give(Reasoning(whole(self._half)), out)
        rest, self._blank, self._unsure, self._half = self._blank + whole(self._unsure), "", "", ""
        if self._thinks:
            self._give(Reasoning(rest), out)
        elif rest == _CLOSE and self._may_close and self._before("") in ("", "\n"):
            self._reclassify("", out)
        elif not (self._thought and rest.isspace()):
            self._text(self._unblanked(rest), out)
        self._text("", out, last=True)
        return out

    def _begin(self, text: str) -> str:
        """Take the tag off the beginning, if there is one. Return the text behind it."""
        text, self._blank = self._blank + text, ""
        words = text.lstrip()
        if self._may_open and words.startswith(_OPEN):
            self._thinks, self._may_close = True, False
            self._may_open -= 1
            return words[len(_OPEN) :]
        if self._may_stray and words.startswith(_CLOSE):  # the server sent the thoughts by themselves, or none
            self._thought, self._may_stray, self._may_close = True, False, False
            return words[len(_CLOSE) :]
        if len(text) < BLANK and not self._unsure and (_CLOSE.startswith(words) or _OPEN.startswith(words)):
            self._blank = text
            return ""
        text = self._unblanked(text)
        self._speaks, self._thought = True, False
        return text

    def _unblanked(self, text: str) -> str:
        """Return what comes after thoughts without the blank lines before it."""
        if not self._thought:
            return text
        words = text.lstrip()
        blank = text[: len(text) - len(words)]
        return blank[blank.rfind("\n") + 1 :] + words

    def _think(self, text: str, out: list[Item]) -> str:
        """Return the text behind the thoughts."""
        cut = text.find(_CLOSE)
        if cut >= 0:
            self._give(Reasoning(text[:cut]), out)
            self._thinks, self._thought = False, True
            return text[cut + len(_CLOSE) :]
        keep = 0 if self._unsure else _held_back(text, (_CLOSE,))
        text, self._unsure = text[: len(text) - keep], text[len(text) - keep :] + self._unsure
        self._give(Reasoning(text), out)
        return ""

    def _speak(self, text: str, out: list[Item]) -> str:
        """Give the text. Return what stands behind a first `</think>` that ends thoughts."""
        if not self._may_close or "<" not in text:
            self._text(text, out)
            return ""
        tag = _TAG.search(text)
        if tag is None:
            cut = len(text) - (0 if self._unsure else _held_back(text, (_OPEN, _CLOSE)))
        elif tag.end() == len(text) and not self._unsure:
            cut = tag.start()  # what follows will tell
        else:
            cut, self._may_close = len(text), False
            if self._closes(text, tag):
                self._reclassify(text[: tag.start()], out)
                return text[tag.end() :]
        self._unsure = text[cut:] + self._unsure
        self._text(text[:cut], out)
        return ""

    def _closes(self, text: str, tag: re.Match[str]) -> bool:
        """Whether a tag ends thoughts whose opening tag was left out, rather than being mentioned in prose or code."""
        before, after = self._before(text[: tag.start()]), text[tag.end() : tag.end() + 1]
        if tag[0] == _OPEN or before == "`" or after == "`":
            return False
        alone = before in ("", "\n") or not (before in _BEFORE or after in _AFTER)
        rest = self._held + text[: tag.start()]
        if not alone or any(word in rest for word in self._stop):  # a stop word ends the answer before it
            return False
        return (self._answer.text + rest).count(_FENCE) % 2 == 0

    def _before(self, text: str) -> str:
        """Return the character before what follows `text`; "" at the beginning of the answer."""
        return (text or self._held or (self._answer.texts or [""])[-1])[-1:]

    def _reclassify(self, rest: str, out: list[Item]) -> None:
        """Make the text so far, and the `rest` of it that was not given yet, reasoning."""
        if self._answer.texts:
            out.append(TextWasReasoning())
        self._give(Reasoning(self._held + rest), out)
        self._held, self._speaks, self._thought = "", False, True

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
        if self.done or not (item if isinstance(item, str) else item.text):
            return
        out.append(item)
        if self._left is not None:
            self._left -= 1
            if not self._left:
                self._finish("length", out)

    def _finish(self, reason: str, out: list[Item]) -> None:
        self.done = True
        out.append(FinishReason(reason))
