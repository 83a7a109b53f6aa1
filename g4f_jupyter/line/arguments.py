"""The options of `%%chat`, and how its line is read."""

from __future__ import annotations

import json
import keyword
import re
import shlex
from argparse import ArgumentTypeError
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic_arguments import argument, magic_arguments

from g4f.errors import InputError, close_matches

from ..show.forms import FORMATS

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

__all__ = ["OPTIONS", "TAPES", "chat_arguments", "parsed", "parsed_whole", "split", "values_of"]

OPTIONS = ("temperature", "max_tokens", "seed", "stop", "timeout", "reasoning_effort")
"""Options of the line, and of `%config ChatMagics`, that go to the provider by their own names."""

TAPES = ("auto", "replay", "record", "off")
"""The modes of a tape. The tape itself is not imported for their names."""

_WORD = re.compile(r"""\s*((?:"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'])+)(?=\s|$)""")


def _variable(name: str) -> str:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ArgumentTypeError(f"needs the name of a variable, not {name!r}")
    return name


def _tokens(number: str) -> int:
    if not number.isdecimal():
        raise ArgumentTypeError(f"needs a number of tokens, 0 for no limit, not {number!r}")
    return int(number)


class _Variable(str):
    """The name of a variable that holds the value of an option."""

    __slots__ = ()


def _option(setting: str) -> tuple[str, Any]:
    name, equals, value = setting.partition("=")
    name = name.strip().replace("-", "_")
    if not equals or not name.isidentifier():
        raise ArgumentTypeError(f"needs NAME=VALUE, not {setting!r}")
    if value[:1] == "{" and value[1:-1].isidentifier() and value[-1] == "}":
        return name, _Variable(value[1:-1])
    try:
        return name, json.loads(value)
    except ValueError:
        if value[:1] in '{["':
            raise ArgumentTypeError(f"needs JSON after the =, in single quotes, not {value!r}") from None
        return name, value


def chat_arguments(chat: Any) -> Any:
    """Give a magic the options of `%%chat`."""
    for decorate in reversed((magic_arguments(), *_ARGUMENTS)):
        chat = decorate(chat)
    return chat


_ARGUMENTS = (
    argument("-m", "--model", metavar="NAME", help="Model to ask, or its alias. Default: the provider's own."),
    argument(
        "-p",
        "--provider",
        metavar="NAME",
        help="Provider to ask: its name, the address of a server, or a variable of this notebook that holds one of "
        "them. Several in quotes are asked in turn, until one answers. Default: the first that can answer here.",
    ),
    argument("-s", "--system", metavar="TEXT", help="System prompt from here on, in quotes."),
    argument(
        "-o",
        "--out",
        metavar="NAME",
        type=_variable,
        help="Variable for the answer: its text, with its reasoning, tool_calls, usage, provider, model, seconds.",
    ),
    argument("-q", "--quiet", action="store_true", help="Show nothing."),
    argument(
        "-f",
        "--format",
        choices=FORMATS,
        help="How the answer is shown: as Markdown (the default), as text, as JSON, or only the code in it.",
    ),
    argument("--allow-images", action="store_true", help="Fetch and show images that the answer names."),
    argument(
        "-i",
        "--image",
        metavar="IMAGE",
        action="append",
        help="Image of the question: a path, an address or a variable. Several: give it again.",
    ),
    argument("--new", action="store_true", help="Begin a new conversation."),
    argument("--once", action="store_true", help="Ask without a conversation: none is read, and none is kept."),
    argument("--thread", metavar="NAME", default="", help="Name of the conversation. Default: the one without a name."),
    argument(
        "--dry-run",
        action="store_true",
        help="Send nothing. Show messages, options, destination, and about how many tokens.",
    ),
    argument("--eval", action="store_true", help="Evaluate expressions in braces, such as {df.head()}."),
    argument("--error", action="store_true", help="Ask about the last error, too: its cell, and the variables in it."),
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
    argument("--temperature", metavar="NUMBER", type=float, help="How freely the model picks its words."),
    argument("--max-tokens", metavar="NUMBER", type=int, help="Longest answer, in tokens."),
    argument("--seed", metavar="NUMBER", type=int, help="The same seed gives the same answer, where a provider can."),
    argument(
        "--stop",
        metavar="TEXT",
        action="append",
        help="Text at which the answer ends, in quotes. Several: give it again.",
    ),
    argument("--timeout", metavar="SECONDS", type=float, help="Longest time for the whole answer."),
    argument("--reasoning-effort", metavar="LEVEL", help="How long the model thinks: low, medium, high, …"),
    argument(
        "--set",
        metavar="NAME=JSON",
        type=_option,
        action="append",
        default=[],
        help="Any other option of the provider, as JSON. {name} is the value of a variable.",
    ),
)


def parsed(parser: ArgumentParser, line: str) -> tuple[Namespace, str]:
    """Return the options at the beginning of `line`, and the rest as it is. Raises InputError."""
    words, rest = split(line, parser)
    return _parsed(parser, words), rest


def parsed_whole(parser: ArgumentParser, line: str) -> Namespace:
    """Return the options and words of `line`, for a magic that expects nothing else. Raises InputError."""
    try:
        words = shlex.split(line)
    except ValueError:
        raise InputError(f"a quote is not closed: {line}") from None
    return _parsed(parser, [_full(word, parser) for word in words])


def values_of(settings: list[tuple[str, Any]], variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `--set` gives, variables by their values. Raises InputError with close matches for an unknown one."""
    for _, value in settings:
        if isinstance(value, _Variable) and value not in variables:
            raise InputError(f"there is no variable {value!r}.{close_matches(value, variables)}")
    return {name: variables[value] if isinstance(value, _Variable) else value for name, value in settings}


def _parsed(parser: ArgumentParser, words: list[str]) -> Namespace:
    try:
        return parser.parse_args(words)
    except UsageError as error:
        raise InputError(f"{error}. %{parser.prog}? lists the options.") from None


def _full(word: str, parser: ArgumentParser) -> str:
    """Return the option that `word` abbreviates, or another word as it is. Raises InputError with close matches."""
    name, equals, value = word.partition("=")
    if name[:2] != "--" or name == "--":
        return word
    names = [each for action in parser._actions for each in action.option_strings if each[:2] == "--"]  # noqa: SLF001
    meant = [each for each in names if each == name] or [each for each in names if each.startswith(name)]
    if len(meant) != 1:
        near = f" Did you mean {' or '.join(map(repr, meant))}?" if meant else close_matches(name, names)
        raise InputError(f"there is no option {name!r}.{near} %{parser.prog}? lists the options.")
    return f"{meant[0]}{equals}{value}"


def split(line: str, parser: ArgumentParser) -> tuple[list[str], str]:
    """Return the words of the options at the beginning of `line`, and the rest with its quotes. Raises InputError."""
    takes_value = {name for action in parser._actions if action.nargs is None for name in action.option_strings}  # noqa: SLF001
    words: list[str] = []
    at, value_follows = 0, False
    while match := _WORD.match(line, at):
        word = match[1]
        if not value_follows and (not word.startswith("-") or word in ("-", "--")):
            at = match.end() if word == "--" else at
            break
        words.append("".join(shlex.split(word)) if value_follows else "".join(shlex.split(_full(word, parser))))
        value_follows = not value_follows and words[-1] in takes_value
        at = match.end()
    rest = line[at:].strip()
    if value_follows and rest:
        raise InputError(f"a quote is not closed: {rest}")
    return words, rest
