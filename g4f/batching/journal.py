"""The journal of a run: answers that are kept, and what is asked for by whom."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, NamedTuple

import msgspec

from ..answer import Answer
from ..assembly import Assembly
from ..providers.response import FinishReason, ProviderInfo, Reasoning, Replayed, ToolCall
from ..taping.file import VERSION, Entry, read_entry
from ..taping.kept import Kept
from .database import checked, connected, in_words, opened
from .writer import Writer

__all__ = ["Journal", "KeptAnswer", "answer_of", "entry_of"]


class KeptAnswer(NamedTuple):
    """An answer in a journal: the line of a tape, and the run that asked for it."""

    entry: bytes
    run: int


class Journal:
    """The answers of one run, and of those before it on the same file.

    Without a file they are in one that is gone with the run, so that what is asked twice need not stay in memory.
    """

    def __init__(self, named: Any = None, at_once: int = 1) -> None:
        """Open the journal, or make it, for a run with so many questions out at once. A loop must run.

        Raises InputError in one line for what cannot be a journal.
        """
        self._folder = mkdtemp(prefix="g4f-") if named is None else ""
        self.path = Path(self._folder, "batch.sqlite") if named is None else checked(named)
        self.is_shared = named is not None
        self._failure = f"the journal {self.path} cannot be read"
        self._reader = opened(self.path, is_kept=self.is_shared)
        with in_words(self._failure):
            written = connected(self.path)
            written.execute(f"PRAGMA synchronous = {'FULL' if self.is_shared else 'OFF'}")
        self._written = written
        self.writer = Writer(written, self.path, at_once, is_shared=self.is_shared)

    def kept(self, keys: list[bytes]) -> dict[bytes, KeptAnswer]:
        """Return the answers that are kept, by their keys. Raises InputError."""
        places = ", ".join("?" * len(keys))
        with in_words(self._failure):
            rows = self._reader.execute(f"SELECT key, entry, run FROM answers WHERE key IN ({places})", keys)  # noqa: S608
            return {key: KeptAnswer(entry, run) for key, entry, run in rows}

    def ports(self) -> dict[str, set[int]]:
        """Return the ports that servers had. Raises InputError."""
        known: dict[str, set[int]] = {}
        with in_words(self._failure):
            for name, port in self._reader.execute("SELECT name, port FROM ports"):
                known.setdefault(name, set()).add(port)
        return known

    def close(self) -> None:
        """Write what waits, and close the file."""
        self.writer.close()
        for each in (self._written, self._reader):  # the last one puts all into one file
            each.close()
        if self._folder:
            rmtree(self._folder, ignore_errors=True)


def entry_of(key: str, question: bytes, answer: Answer, ports: dict[str, int]) -> bytes:
    """Return what is kept of an answer: the line of a tape. Raises TypeError or ValueError for what cannot be."""
    events: list[Kept] = [ProviderInfo(answer.provider, answer.model)]
    events += [Reasoning(answer.reasoning)] if answer.reasoning else []
    events += answer.steps
    events += [str.__str__(answer)] if answer else []
    events += [
        ToolCall(index, call.id, call.function.name, call.function.arguments)
        for index, call in enumerate(answer.tool_calls)
    ]
    events += [each for each in (answer.state, answer.usage) if each is not None]
    events.append(FinishReason(answer.finish_reason))
    ms = [int(answer.seconds * 1000)]
    written = msgspec.Raw(_ENCODER.encode(events))
    return _ENCODER.encode(Entry(key, 0, VERSION, msgspec.Raw(question), written, ms if any(ms) else [], ports))


_ENCODER = msgspec.json.Encoder(enc_hook=str.__str__)  # a provider may have a str of its own


def answer_of(line: bytes, messages: list[dict[str, Any]]) -> Answer:
    """Return the answer to `messages` that is kept. Raises BROKEN for what is no such line."""
    entry = read_entry(line)
    seconds = sum(entry.ms) / 1000
    assembly = Assembly()
    assembly.replayed = Replayed(seconds)
    for event in entry.items():
        assembly.add(event)
    return Answer.of(assembly, messages, seconds)
