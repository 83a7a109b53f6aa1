"""The options of `%%chat`."""

from __future__ import annotations

import keyword
from argparse import ArgumentTypeError
from math import isfinite
from typing import Any

from IPython.core.magic_arguments import argument, magic_arguments

from g4f.errors import InputError
from g4f.values.room import ALL

from ..expectations import Expectation
from ..show.forms import FORMATS

__all__ = ["ALL_ROWS", "OPTIONS", "TAPES", "chat_arguments"]

OPTIONS = ("temperature", "max_tokens", "seed", "stop", "timeout", "reasoning_effort")
"""Options of the line, and of `%config ChatMagics`, that go to the provider by their own names."""

TAPES = ("auto", "replay", "record", "off")
"""The modes of a tape. The tape itself is not imported for their names."""


def _variable(name: str) -> str:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ArgumentTypeError(f"needs the name of a variable, not {name!r}")
    return name


_DIGITS = 18
"""Most digits of a count of tokens: nobody has more."""


def _tokens(number: str) -> int:
    if not number.isdecimal() or len(number) > _DIGITS:
        raise ArgumentTypeError(f"needs a number of tokens, 0 for no limit, not {number!r}")
    return int(number)


def _number(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(text)
    return number


_number.__name__ = "float"  # as argparse calls it in its errors


ALL_ROWS = "all"


def _rows(number: str) -> int:
    if number == ALL_ROWS:
        return ALL
    if not number.isdecimal() or len(number) > _DIGITS:
        raise ArgumentTypeError(f"needs a number of rows, or all, not {number!r}")
    return int(number)


def _expectation(text: str) -> Expectation:
    try:
        return Expectation(text)
    except InputError as error:
        raise ArgumentTypeError(str(error)) from None


def _option(setting: str) -> tuple[str, str]:
    name, equals, value = setting.partition("=")
    name = name.strip().replace("-", "_")
    if not equals or not name.isidentifier():
        raise ArgumentTypeError(f"needs NAME=VALUE, not {setting!r}")
    return name, value


def chat_arguments(chat: Any) -> Any:
    """Give a magic the options of `%%chat`."""
    for decorate in reversed((magic_arguments(), *_ARGUMENTS)):
        chat = decorate(chat)
    return chat


_ARGUMENTS = (
    argument(
        "-m",
        "--model",
        metavar="NAME",
        action="append",
        help="Model to ask, or its alias. Default: the provider's own. Several, each by -m or all in a list, answer at "
        "once, side by side.",
    ),
    argument(
        "-p",
        "--provider",
        metavar="NAME",
        action="append",
        help="Provider to ask: its name, the address of a server, or a variable of this notebook that holds one of "
        "them, a list of them, or a client. Several in quotes are asked in turn, until one answers; several, each "
        "by -p, answer at once. Default: the first that can answer here.",
    ),
    argument("-s", "--system", metavar="TEXT", help="System prompt from here on, in quotes."),
    argument(
        "-o",
        "--out",
        metavar="NAME",
        type=_variable,
        help="Variable for the answer: its text, with its reasoning, tool_calls, usage, provider, model, seconds. With "
        "--schema, its value; with -f code, its code.",
    ),
    argument(
        "--schema",
        metavar="TYPE",
        help="Type of the answer, which becomes its value: a dataclass or another class with fields, list[Topic], "
        "a dict with a JSON schema, … It is checked; what does not fit is asked for once more.",
    ),
    argument("-q", "--quiet", action="store_true", help="Show nothing."),
    argument(
        "-f",
        "--format",
        choices=FORMATS,
        help="How the answer is shown: as Markdown (the default), as text, as JSON, or only the code in it, which is "
        "then put into a cell below, too.",
    ),
    argument("--allow-images", action="store_true", help="Fetch and show images that the answer names."),
    argument(
        "-i",
        "--image",
        metavar="IMAGE",
        action="append",
        help="Image of the question: a path, an address or a variable. Several: give it again.",
    ),
    argument(
        "-a",
        "--attach",
        metavar="FILE",
        action="append",
        help="File of the question: a path, a pattern such as data/**/*.csv, an address, or in braces a variable that "
        "is a path, an open file or bytes. Several: give it again.",
    ),
    argument("--force", action="store_true", help="Attach files though they usually hold keys or passwords."),
    argument("--new", action="store_true", help="Begin a new conversation."),
    argument("--once", action="store_true", help="Ask without a conversation: none is read, and none is kept."),
    argument("--thread", metavar="NAME", default="", help="Name of the conversation. Default: the one without a name."),
    argument(
        "--dry-run",
        action="store_true",
        help="Send nothing. Show messages, options, destination, and about how many tokens.",
    ),
    argument("--eval", action="store_true", help="Evaluate expressions in braces, such as {df.head()}."),
    argument(
        "--rows",
        metavar="NUMBER",
        type=_rows,
        help="Most rows of a table in braces that are sent, beside a summary of each column; all: the whole table.",
    ),
    argument("--error", action="store_true", help="Ask about the last error, too: its cell, and the variables in it."),
    argument(
        "--tool",
        metavar="NAME",
        action="append",
        default=[],
        help="Function of this notebook that the model may call: sales, prices.lookup. Several: give it again.",
    ),
    argument(
        "--mcp",
        metavar="NAME",
        action="append",
        default=[],
        help="Variable with a server of tools, made by g4f.mcp. Several: give it again.",
    ),
    argument("--max-steps", metavar="NUMBER", type=int, help="Most rounds in which tools are called. Default: 8."),
    argument("--confirm", action="store_true", help="Ask before each call of a tool."),
    argument(
        "--expect",
        metavar="EXPRESSION",
        type=_expectation,
        action="append",
        default=[],
        help="Expression that must be true of the answer, such as 'len(_) < 200': _ is what --out would get. The cell "
        "fails otherwise, and its answer is not added to the conversation. Several: give it again.",
    ),
    argument(
        "--judge",
        metavar="QUESTION",
        action="append",
        default=[],
        help="Question about the answer, in quotes, to which a model must say yes, such as 'Is it polite?'; the cell "
        "fails otherwise, like with --expect. Several: give it again. Of several models: the one that says whose "
        "answer is better, or what it is asked, such as 'Which is shorter and still right?'.",
    ),
    argument("--judge-model", metavar="NAME", help="Model that judges, or its alias. Default: the first that answers."),
    argument(
        "--tape",
        choices=TAPES,
        help="Tape of answers. auto: replay, or ask and record; replay: never ask; record: ask again.",
    ),
    argument(
        "--budget",
        metavar="TOKENS",
        type=_tokens,
        help="Ask nothing more once this notebook has used so many tokens; 0: no limit.",
    ),
    argument("--temperature", metavar="NUMBER", type=_number, help="How freely the model picks its words."),
    argument("--max-tokens", metavar="NUMBER", type=int, help="Longest answer, in tokens."),
    argument("--seed", metavar="NUMBER", type=int, help="The same seed gives the same answer, where a provider can."),
    argument(
        "--stop",
        metavar="TEXT",
        action="append",
        help="Text at which the answer ends, in quotes. Several: give it again.",
    ),
    argument("--timeout", metavar="SECONDS", type=_number, help="Longest time for the whole answer."),
    argument("--reasoning-effort", metavar="LEVEL", help="How long the model thinks: low, medium, high, …"),
    argument(
        "--set",
        metavar="NAME=JSON",
        type=_option,
        action="append",
        default=[],
        help="Any other option of the provider, as JSON; {name} is the value of a variable, also in the texts of JSON.",
    ),
)
