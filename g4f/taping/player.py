"""A tape that is on: whether a question is asked, and its answer, replayed or recorded."""

from __future__ import annotations

import asyncio
import os
import threading
import warnings
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from itertools import chain, repeat
from typing import Any

import msgspec

from ..assembly import Assembly
from ..errors import InputError, MissingRequirementsError, close_matches, quoted
from ..printable import logger, one_line
from ..providers.response import Item, ProviderInfo, Replayed
from ..secrets.key import Key
from ..secrets.known import keys_here, secrets_of
from .file import BROKEN, Entry, Kept, TapeFile, read_entry
from .question import RecordedQuestion, differences, key_of, question, shortened

__all__ = ["MODES", "Lookup", "Tape"]


MODES = ("auto", "replay", "record", "off")


class Tape:
    """A tape that is on, from its first question to its last.

    A question that is repeated gets the answers that are on the tape one after the other, and then the last again. A
    question that was not on it is asked each time that it is repeated, and all its answers are recorded.
    """

    def __init__(self, file: str | os.PathLike[str], mode: str = "auto", *, pace: bool = False) -> None:
        """Open `file`, which need not be there yet. With `pace` an answer takes as long as it once did.

        Raises InputError for an unknown mode, for a file that `TapeFile` refuses, and in "record" if it cannot be
        written.
        """
        if not isinstance(mode, str) or mode not in MODES:
            near = close_matches(mode, MODES) if isinstance(mode, str) else ""
            raise InputError(f"the mode of a tape is one of {', '.join(MODES)}, not {quoted(mode)}.{near}")
        self.file = TapeFile(file)
        self.mode, self.pace = mode, pace
        self._counts: Counter[str] = Counter()
        self._missed: set[str] = set()
        self._warned: set[str] = set()
        self._guard = threading.Lock()
        if mode == "record":
            self.file.check_writable()

    def __repr__(self) -> str:
        return f"<Tape {self.file.path.name}, {self.mode}>"

    def lookup(self, provider: str, model: str, messages: list[dict[str, Any]], options: Mapping[str, Any]) -> Lookup:
        """Return the lookup of a question on this tape. `provider` is "" where the caller named none.

        Raises InputError for what cannot be written on a tape.
        """
        return Lookup(self, question(provider, model, messages, options), set(secrets_of(options)))

    def find(self, key: str) -> list[bytes]:
        """Return the lines with the answers to a question; none if it has to be asked. Raises InputError."""
        if self.mode == "record" or key in self._missed:
            return []
        self.file.read()
        if odd := self.file.odd:
            lines = "; ".join(f"line {number} {why}" for number, _, why in odd[:3])
            more = f"; and {len(odd) - 3} more" if len(odd) > 3 else ""
            self.warn("odd", f"the tape {self.file.path.name} has lines that are passed over, and kept: {lines}{more}")
        return self.file.answers_to(key)

    @contextmanager
    def counted(self, key: str) -> Iterator[tuple[int, bytes | None]]:
        """Yield the number of a question and the line that answers it, or None. A call that fails is not counted."""
        lines = self.find(key)
        with self._guard:
            number = self._counts[key]
            self._counts[key] += 1
            if not lines and self.mode != "replay":
                self._missed.add(key)
        try:
            yield number, lines[min(number, len(lines) - 1)] if lines else None
        except BaseException:
            with self._guard:
                if self._counts[key] == number + 1:
                    self._counts[key] = number
            raise

    def warn(self, kind: str, message: str) -> None:
        """Warn once per kind, in a line that names the tape instead of the code."""
        with self._guard:
            is_new = kind not in self._warned
            self._warned.add(kind)
        if is_new:
            warnings.warn_explicit(one_line(message), UserWarning, str(self.file.path), 0)


class Lookup:
    """The lookup of one question on the tape that was on where the call was made."""

    def __init__(self, tape: Tape, encoded: bytes, secrets: set[Key]) -> None:
        self.key = key_of(encoded)
        self._tape, self._encoded, self._secrets = tape, encoded, secrets

    def __repr__(self) -> str:
        return f"<Lookup of {self.key} on {self._tape!r}>"

    @property
    def needs_nobody(self) -> bool:
        """Whether the tape will answer, so that no provider has to be looked for. Raises InputError."""
        return self._tape.mode == "replay" or bool(self._tape.find(self.key))

    async def play(self, who: ProviderInfo | None, ask: Callable[[], AsyncGenerator[Item]]) -> AsyncGenerator[Item]:
        """Yield the answer: Replayed and what is on the tape; or that of `ask()`, which is recorded once it is whole.

        `who` is the provider that `ask()` asks; None where nobody was looked for. Raises MissingRequirementsError for
        an answer that is not there, in "replay" or without a `who`, InputError for a tape that cannot be read, or what
        `ask()` raises, and then nothing is recorded.
        """
        tape = self._tape
        with tape.counted(self.key) as (number, line):
            if line is not None:
                events, pauses = self._read(line)
                yield Replayed(sum(pauses) / 1000)
                for event, pause in zip(events, chain(pauses, repeat(0)), strict=False):
                    if pause and tape.pace:
                        await asyncio.sleep(pause / 1000)
                    yield event
                return
            if who is None or tape.mode == "replay":
                raise self._missing()
            notes = _Notes()
            async with aclosing(ask()) as items:
                async for item in items:
                    notes.add(item)
                    yield item
            self._record(number, who, notes)

    def _read(self, line: bytes) -> tuple[list[Kept], list[int]]:
        """Return the events of an answer, and the milliseconds before each."""
        try:
            entry = read_entry(line)
            events = entry.items()
        except BROKEN as error:
            broken = f"the answer {self.key[:8]} on the tape {self._tape.file.path} is broken: {error}"
            raise InputError(f"{broken}. Ask again with mode 'record'") from None
        logger.debug("replayed: %s", self.key)
        return events, entry.ms

    def _record(self, number: int, who: ProviderInfo, notes: _Notes) -> None:
        tape, recorded = self._tape, msgspec.json.decode(self._encoded, type=RecordedQuestion)
        if not recorded.provider:  # the answer itself may not name who gave it
            notes.events.insert(0, who)
            notes.ms.insert(0, 0)
        texts = "\n".join((self._encoded.decode(), *notes.texts()))
        if any(secret in texts for secret in self._secrets | keys_here()):
            tape.warn("key", f"an answer is not recorded on the tape {tape.file.path.name}: a key stands in its text")
            return
        try:
            tape.file.put(Entry.of(self._encoded, number, notes.events, notes.ms))
        except (ValueError, TypeError) as error:
            tape.warn("write", f"answers are not recorded on the tape {tape.file.path.name}: {error}")

    def _missing(self) -> MissingRequirementsError:
        wanted, file = msgspec.json.decode(self._encoded, type=RecordedQuestion), self._tape.file
        names = ", ".join(filter(None, (wanted.provider, wanted.model)))
        has = "has no answer to" if file.answers else "is empty or not there, and has no answer to"
        text = f"{shortened(wanted.last(), 60)!r}{f' ({names})' if names else ''}"
        remedy = "Record it: ask once with G4F_TAPE=auto, or mode 'auto'"
        return MissingRequirementsError(
            f"the tape {file.path.name} {has} {text}.{_near(wanted, file)} {remedy}",
            provider=wanted.provider,
            model=wanted.model,
        )


class _Notes:
    """The events of an answer so far, and the milliseconds before each."""

    def __init__(self) -> None:
        self.events: list[Kept] = []
        self.ms: list[int] = []
        self._clock = asyncio.get_running_loop().time
        self._start, self._last = self._clock(), 0

    def add(self, item: Item) -> None:
        """Add the next item. A status is left out, and so is an event of a class that is not ours."""
        if not isinstance(item, Kept):
            return
        now = int((self._clock() - self._start) * 1000)
        self.events.append(item)
        self.ms.append(now - self._last)
        self._last = now

    def texts(self) -> list[str]:
        """Return all that the model wrote, each text joined from its pieces: a secret may be cut anywhere."""
        answer = Assembly()
        for event in self.events:
            answer.add(event)
        calls = [text for call in answer.tool_calls for text in (call.id, call.name, call.arguments)]
        return [answer.text, answer.reasoning, *calls]


def _near(wanted: RecordedQuestion, file: TapeFile) -> str:
    """Say in which parts a question differs from the most similar one that is on the tape; "" if none is."""
    found: list[list[str]] = []
    for key in file.answers:
        with suppress(*BROKEN, IndexError):
            other = read_entry(file.answers_to(key)[0]).decoded_question()
            if other.messages[-1] == wanted.messages[-1]:
                found.append(differences(wanted, other))
    nearest: list[str] = min(found, key=len, default=[])
    return f" One that it answers differs in {' and '.join(nearest)}." if nearest else ""
