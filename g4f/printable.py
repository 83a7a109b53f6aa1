"""Text for a terminal, an error's line or a log: nothing in it can steer what shows it. Only here is text printed."""

from __future__ import annotations

import logging
import re

__all__ = ["counted", "logger", "one_line", "printable", "say"]

_NEWLINE = re.compile("\r\n?")
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters (C0, DEL, C1) but tab and newline; what overrides the direction of text; halves of characters."""


def printable(text: str) -> str:
    """Return `text` with U+FFFD in the place of each character that could steer a terminal. Lines end with a newline.

    What such characters began (colours, titles, the clipboard) is then text. Applied twice, it changes nothing more.
    """
    return _STEERING.sub("\ufffd", _NEWLINE.sub("\n", text) if "\r" in text else text)


def one_line(text: str) -> str:
    """Return `text` as `printable` does, in one line: each run of white space is one space."""
    return " ".join(printable(text).split())


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: "1 turn", "2,000 tokens"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def say(text: str, *, end: str = "\n") -> None:
    """Print `text`, at once, whatever stands in it."""
    print(printable(text), end=end, flush=True)


def _in_one_line(record: logging.LogRecord) -> bool:
    record.msg, record.args = one_line(record.getMessage()), ()
    return True


logger = logging.getLogger("g4f")
"""The logger of all that is here. It shows names, sizes and times: never what was asked or answered."""

logger.addFilter(_in_one_line)
