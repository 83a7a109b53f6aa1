"""`python -m g4f journal show|export|tape FILE` shows a journal, writes it as JSON, or makes a tape of it."""

from __future__ import annotations

import sqlite3
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..errors import InputError
from ..printable import counted, say
from ..spending import tokens_used
from ..taping.file import BROKEN, Entry, TapeFile, read_entry
from ..taping.question import shortened
from ..taping.tapes import FILE
from .database import checked, in_words, opened
from .journal import answer_of

__all__ = ["main"]

SHOWN = 20
"""Answers that are shown."""


def main(arguments: list[str]) -> int:
    """Print what the command finds, and return 0. One that cannot be run exits with 2, and a line on stderr."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        path = checked(options.file)
        if not path.exists():
            raise InputError(f"there is no journal {options.file}")  # noqa: TRY301 - as all others here
        database = opened(path)
        with in_words(f"the journal {path} cannot be read"):
            match options.command:
                case "show":
                    lines = _shown(database)
                case "export":
                    lines = map(_exported, _entries(database))
                case _:
                    lines = iter([_taped(database, options.tape)])
            for line in lines:
                say(line)
        database.close()
    except InputError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="python -m g4f journal", description="Look at a journal, which is a file of the answers of a batch."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (
        ("show", f"show how many answers there are, who is at work, and the last {SHOWN} answers"),
        ("export", "print each answer as a line of JSON: model, messages, answer, tokens, seconds"),
        ("tape", "add the answers to a tape, which replays them in a notebook"),
    ):
        command = commands.add_parser(name, help=what, description=what)
        command.add_argument("file", metavar="FILE")
        if name == "tape":
            command.add_argument("tape", metavar="TAPE", nargs="?", default=FILE, help=f"the tape: {FILE}")
    return parser


def _entries(database: sqlite3.Connection) -> Iterator[Entry]:
    """Yield the answers in the order in which they came. Those that are broken are left out."""
    for (line,) in database.execute("SELECT entry FROM answers ORDER BY rowid"):
        if (entry := _read(line)) is not None:
            yield entry


def _read(line: bytes) -> Entry | None:
    try:
        entry = read_entry(line)
        entry.items()
        return entry if entry.is_filed() else None
    except BROKEN:
        return None


def _shown(database: sqlite3.Connection) -> Iterator[str]:
    (answers,), (leases,), (runs,) = (
        database.execute(f"SELECT count(*) FROM {name}").fetchone()  # noqa: S608 - a name from here
        for name in ("answers", "leases", "runs")
    )
    working = f", {counted(leases, 'question')} out in {counted(runs, 'run')}" if runs else ""
    yield f"{counted(answers, 'answer')}{working}"
    last = database.execute("SELECT entry FROM answers ORDER BY rowid DESC LIMIT ?", (SHOWN,))
    for entry in reversed([found for (line,) in last if (found := _read(line)) is not None]):
        question = entry.decoded_question()
        text = "".join(event for event in entry.items() if isinstance(event, str))
        asks, says = (repr(shortened(each, 40)) for each in (question.last(), text))
        yield "  ".join(filter(None, (entry.key[:8], question.provider, question.model, asks, says)))


def _exported(entry: Entry) -> str:
    question = entry.decoded_question()
    answer = answer_of(msgspec.json.encode(entry), question.messages)
    facts = {
        "provider": answer.provider,
        "model": answer.model,
        "messages": question.messages,
        "answer": str(answer),
        "tokens": tokens_used(answer.usage, (answer, answer.reasoning), question.messages),
        "seconds": answer.seconds,
    }
    return msgspec.json.encode(facts).decode()


def _taped(database: sqlite3.Connection, named: str) -> str:
    """Add all answers to a tape, and say how many. One with calls of tools has a round for each, and is left out."""
    tape, count, left = TapeFile(named), 0, 0
    for entry in _entries(database):
        if b'"type":"Step"' in bytes(entry.events):
            left += 1
            continue
        tape.put(entry)
        count += 1
    tape.put_in_order()
    more = f"; {counted(left, 'answer')} after calls of tools left out, record them with mode 'record'" if left else ""
    return f"{counted(count, 'answer')} on the tape {Path(named).name}{more}"
