"""A tape that is on: whether a question is asked, and its answer, replayed or recorded."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import warnings
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from functools import partial
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

import msgspec

from ..assembly import Assembly
from ..errors import InputError, MissingRequirementsError, close_matches, quoted
from ..notebook import NOWHERE, CellRun, here
from ..printable import logger, one_line
from ..providers.response import (
    FinishReason,
    Item,
    ProviderInfo,
    Replayed,
    Step,
)
from ..secrets.key import Key
from ..secrets.known import keys_here, secrets_of
from ..spending import count
from .counts import Counts
from .file import BROKEN, Entry, TapeFile, read_entry
from .kept import Kept
from .notes import Notes
from .ports import Ports
from .question import RecordedQuestion, differences, key_of, question, shortened

if TYPE_CHECKING:
    from ..tools.loop import Calling

__all__ = ["Lookup", "Tape"]


_MODES = ("auto", "replay", "record", "off")

SMALL = 2**15
"""Bytes up to which a file is put in order with each answer, so that the tape of a notebook always is."""


class Tape:
    """A tape that is on, from its first question to its last.

    A question that is repeated gets the answers that are on the tape one after the other, and then the last again. A
    question that was not on it is asked each time that it is repeated, and all its answers are recorded: within one run
    of a cell, or outside of notebooks. A cell that is run again gets the answers that it had, and so does another cell
    that asks the same.
    """

    def __init__(
        self, file: str | os.PathLike[str], mode: str = "auto", *, pace: bool = False, run_tools: bool = False
    ) -> None:
        """Open `file`, which need not be there yet. With `pace` an answer takes as long as it once did.

        With `run_tools` the tools that it calls run again, and the next round is that with their results of today.

        Raises InputError for an unknown mode, for a file that `TapeFile` refuses, and in "record" if it cannot be
        written.
        """
        if not isinstance(mode, str) or mode not in _MODES:
            near = close_matches(mode, _MODES) if isinstance(mode, str) else ""
            raise InputError(f"the mode of a tape is one of {', '.join(_MODES)}, not {quoted(mode)}.{near}")
        self.file = TapeFile(file)
        self.mode, self.pace, self.run_tools = mode, pace, run_tools
        self._counts, self._ports = Counts(), Ports()
        self._is_closed = True
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
        ports: dict[str, int] = {}

        def server(host: str, port: int) -> str:
            with self._guard:
                self.file.read()
                name = self._ports.name(host, port, self.file.ports)
            ports[name] = port
            return name

        return Lookup(
            self, question(provider, model, messages, options, server), set(secrets_of(options)), messages, ports
        )

    def find(self, key: str, place: CellRun = NOWHERE) -> list[int]:
        """Return the numbers of the answers to a question; none if it has to be asked. Raises InputError."""
        if self.mode == "record" or self._counts.is_missed(key, place):
            return []
        self.file.read()
        if odd := self.file.odd:
            lines = "; ".join(f"line {number} {why}" for number, _, why in odd[:3])
            more = f"; and {len(odd) - 3} more" if len(odd) > 3 else ""
            self.warn("odd", f"the tape {self.file.path.name} has lines that are passed over, and kept: {lines}{more}")
        return self.file.numbers(key)

    @contextmanager
    def counted(self, key: str, place: CellRun) -> Iterator[tuple[int, bytes | None]]:
        """Yield the number of a question and the line that answers it, or None. A call that fails is not counted."""
        numbers = self.find(key, place)
        with self._guard:
            number = self._counts.take(key, place)
        line = self.file.line(key, numbers[min(number, len(numbers) - 1)]) if numbers else None
        with self._guard:
            if line is None and self.mode != "replay":
                self._counts.miss(key, place)
        try:
            yield number, line
        except BaseException:
            with self._guard:
                self._counts.give_back(key, place, number)
            raise

    def record(self, entry: Entry) -> None:
        """Write an answer. While the file is small it stays in order. Raises InputError."""
        self.file.put(entry)
        if self._is_closed:
            self._is_closed = False
            atexit.register(self.close)
        if self.file.size <= SMALL:
            self.close()

    def close(self) -> None:
        """Put the file in order. The tape may go on."""
        atexit.unregister(self.close)
        self._is_closed = True
        try:
            self.file.put_in_order()
        except InputError as error:
            self.warn("order", f"the tape {self.file.path.name} is not put in order: {error}")

    def warn(self, kind: str, message: str) -> None:
        """Warn once per kind, in a line that names the tape instead of the code."""
        with self._guard:
            is_new = kind not in self._warned
            self._warned.add(kind)
        if is_new:
            warnings.warn_explicit(one_line(message), UserWarning, str(self.file.path), 0)


class Lookup:
    """The lookup of one question on the tape that was on where the call was made."""

    def __init__(
        self, tape: Tape, encoded: bytes, secrets: set[Key], messages: list[dict[str, Any]], ports: dict[str, int]
    ) -> None:
        self.key = key_of(encoded)
        self._tape, self._encoded, self._secrets, self._messages, self._ports = tape, encoded, secrets, messages, ports
        self._place = here()

    def __repr__(self) -> str:
        return f"<Lookup of {self.key} on {self._tape!r}>"

    def followed_by(self, messages: list[dict[str, Any]]) -> Lookup:
        """Return the lookup of the same question with `messages` behind it."""
        asked = msgspec.json.decode(self._encoded, type=RecordedQuestion)
        encoded = msgspec.structs.replace(asked, messages=[*asked.messages, *messages]).encode()
        return Lookup(self._tape, encoded, self._secrets, [*self._messages, *messages], self._ports)

    @property
    def needs_nobody(self) -> bool:
        """Whether the tape will answer, so that no provider has to be looked for. Raises InputError."""
        return self._tape.mode == "replay" or bool(self._tape.find(self.key, self._place))

    async def play(
        self,
        who: ProviderInfo | None,
        answer: Assembly,
        ask: Callable[[], AsyncGenerator[Item]],
        calling: Calling | None = None,
    ) -> AsyncGenerator[Item]:
        """Yield the answer: Replayed and what is on the tape; or that of `ask()`, which is recorded once it is whole.

        What is on the tape is put into `answer`; `ask()` does so itself. The calls of an answer that is asked for are
        made by `calling`; the results of one that is on the tape are there, too.

        `who` is the provider that `ask()` asks; None where nobody was looked for. Raises MissingRequirementsError for
        an answer that is not there, in "replay" or without a `who`, InputError for a tape that cannot be read, or what
        `ask()` raises, and then nothing is recorded.
        """
        tape = self._tape
        with tape.counted(self.key, self._place) as (number, line):
            if line is not None:
                replay = partial(self._replay, answer, self._read(line, results=calling is None or not tape.run_tools))
                async with aclosing(calling(replay) if calling and tape.run_tools else replay()) as events:
                    async for event in events:
                        yield event
                return
            if who is None or tape.mode == "replay":
                raise self._missing()
            notes = Notes()
            async with aclosing(calling(ask) if calling else ask()) as items:
                async for item in items:
                    notes.add(item)
                    yield item
            self._record(number, who, notes)

    async def _replay(self, answer: Assembly, events: list[tuple[Kept, int]]) -> AsyncGenerator[Item]:
        """Yield what is on the tape. It counts as what it once used, as far as it is read."""
        begin = Replayed(sum(pause for _, pause in events) / 1000)
        try:
            for event, pause in ((begin, 0), *events):
                if pause and self._tape.pace:
                    await asyncio.sleep(pause / 1000)
                answer.add(event)
                yield event
        finally:
            count(answer, self._messages, begin.seconds)

    def _read(self, line: bytes, *, results: bool) -> list[tuple[Kept, int]]:
        """Return the events of an answer, and the milliseconds before each; with or without the `results` of calls."""
        try:
            entry = read_entry(line)
            events = entry.items()
        except BROKEN as error:
            broken = f"the answer {self.key[:8]} on the tape {self._tape.file.path} is broken: {error}"
            raise InputError(f"{broken}. Ask again with mode 'record'") from None
        logger.debug("replayed: %s", self.key)
        timed = zip(events, chain(entry.ms, repeat(0)), strict=False)
        return [each for each in timed if results or not _is_result(each[0])]

    def _record(self, number: int, who: ProviderInfo, notes: Notes) -> None:
        tape, recorded = self._tape, msgspec.json.decode(self._encoded, type=RecordedQuestion)
        if not recorded.provider:  # the answer itself may not name who gave it
            notes.events.insert(0, who)
            notes.ms.insert(0, 0)
        texts = "\n".join((self._encoded.decode(), *notes.texts()))
        if any(secret in texts for secret in self._secrets | keys_here()):
            tape.warn("key", f"an answer is not recorded on the tape {tape.file.path.name}: a key stands in its text")
            return
        try:
            tape.record(Entry.of(self._encoded, number, notes.events, notes.ms, self._ports))
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


def _is_result(event: Kept) -> bool:
    """Whether it comes of the calls of an answer, and not from the model."""
    return isinstance(event, Step) or (isinstance(event, FinishReason) and event.reason == "max_steps")


def _near(wanted: RecordedQuestion, file: TapeFile) -> str:
    """Say in which parts a question differs from the most similar one that is on the tape; "" if none is."""
    found: list[list[str]] = []
    for _, _, line in file.lines():
        with suppress(*BROKEN, IndexError):
            other = read_entry(line).decoded_question()
            if other.last() == wanted.last():
                found.append(differences(wanted, other))
    nearest: list[str] = min(found, key=len, default=[])
    return f" One that it answers differs in {' and '.join(nearest)}." if nearest else ""
