"""`python -m g4f tape list|check|prune FILE` shows what is on a tape and what is wrong with it, and removes that."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator

from ..errors import InputError
from ..files import read
from ..printable import say
from .file import BROKEN, TapeFile, read_entry
from .question import shortened

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Print what the command finds. Return 1 if `check` finds something wrong, else 0.

    A command that cannot be run exits with 2, and a line on stderr.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        file = _opened(options.file)
        match options.command:
            case "list":
                lines = list(_listed(file))
            case "check":
                lines = list(_checked(file))
            case _:
                lines = [_pruned(file, options.keys)]
    except InputError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    say("\n".join(lines))
    return 1 if options.command == "check" and len(lines) > 1 else 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="python -m g4f tape", description="List, check and clean up a tape, which is a file of recorded answers."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (
        ("list", "show questions and answers"),
        ("check", "show lines that are no answers, and answers that no question will find"),
        ("prune", "remove what check shows; or the answers with these keys, which are then asked again"),
    ):
        command = commands.add_parser(name, help=what, description=what)
        command.add_argument("file", metavar="FILE")
    command.add_argument("keys", nargs="*", metavar="KEY", help="the beginning of a key, as list shows it")
    return parser


def _opened(path: str) -> TapeFile:
    file = TapeFile(path)
    file.read()
    if not file.path.exists():
        raise InputError(f"there is no tape {path}")
    return file


def _listed(file: TapeFile) -> Iterator[str]:
    """Yield the lines of a table."""
    rows = [("key", "n", "provider", "model", "question", "answer"), *_rows(file)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for *cells, answer in rows:
        yield "  ".join([*(f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True)), answer])


def _rows(file: TapeFile) -> Iterator[tuple[str, ...]]:
    for key, _, line in file.lines():
        if _wrong(line):
            continue
        entry = read_entry(line)
        question = entry.decoded_question()
        text = "".join(event for event in entry.items() if isinstance(event, str))
        asks, answers = (repr(shortened(each, 40)) for each in (question.last(), text))
        yield key[:8], str(entry.n), question.provider, question.model, asks, answers


def _checked(file: TapeFile) -> Iterator[str]:
    """Yield a line for each wrong line of the file, and one with the counts."""
    odd = {number: why for number, _, why in file.odd}
    wrong = 0
    for number, line in enumerate(read(file.path, f"the tape {file.path} cannot be read").split(b"\n"), 1):
        why = odd.get(number) or (_wrong(line) if line.strip() else "")
        if why:
            wrong += 1
            yield f"line {number} {why}"
    count = sum(map(len, file.answers.values()))
    yield f"{count} answer{'s' * (count != 1)}, {f'{wrong} wrong' if wrong else 'nothing wrong'}"


def _pruned(file: TapeFile, beginnings: list[str]) -> str:
    """Remove the answers whose keys begin with one of `beginnings`; without any, what is wrong. Say how many."""
    with file.changed():
        for start in beginnings:
            if not any(key.startswith(start) for key in file.answers):
                raise InputError(f"there is no answer with the key {start}")
        before = _count(file)
        if not beginnings:
            file.odd.clear()
        found = ((key, number, beginnings or _wrong(line)) for key, number, line in file.lines())
        for key, number in [(key, n) for key, n, goes in found if goes and key.startswith(tuple(beginnings or [""]))]:
            del file.answers[key][number]
        removed = before - _count(file)
    return f"removed {removed} line{'s' * (removed != 1)}"


def _count(file: TapeFile) -> int:
    return len(file.odd) + sum(map(len, file.answers.values()))


def _wrong(line: bytes) -> str:
    """Return what is wrong with a line that has a key; "" if nothing is."""
    try:
        entry = read_entry(line)
        entry.items()
        found = entry.is_filed()
    except BROKEN as error:
        return f"is broken: {error}"
    return "" if found else "has another question than its key says: it answers nothing"
