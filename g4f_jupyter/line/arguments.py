"""The options of `%%chat`, and how its line is read."""

from __future__ import annotations

import ast
import json
import keyword
import re
from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic_arguments import argument, magic_arguments

from g4f.errors import InputError, kind_of
from g4f.models import Model

from ..inserts.braces import found, path_of
from ..inserts.words import text_within, word_of
from ..show.forms import FORMATS
from .schemas import named_schema
from .split import LineOption, split

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

__all__ = ["OPTIONS", "TAPES", "chat_arguments", "parsed", "parsed_whole"]

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
    argument("-m", "--model", metavar="NAME", help="Model to ask, or its alias. Default: the provider's own."),
    argument(
        "-p",
        "--provider",
        metavar="NAME",
        help="Provider to ask: its name, the address of a server, or a variable of this notebook that holds one of "
        "them, a list of them, or a client. Several in quotes are asked in turn, until one answers. Default: the first "
        "that can answer here.",
    ),
    argument("-s", "--system", metavar="TEXT", help="System prompt from here on, in quotes."),
    argument(
        "-o",
        "--out",
        metavar="NAME",
        type=_variable,
        help="Variable for the answer: its text, with its reasoning, tool_calls, usage, provider, model, seconds. With "
        "--schema, its value.",
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


def parsed(parser: ArgumentParser, line: str, variables: Mapping[str, Any]) -> tuple[Namespace, str]:
    """Return the options at the beginning of `line`, with the values of variables, and the rest as it is.

    Raises InputError.
    """
    given, rest = split(line, parser)
    return _parsed(parser, given, variables), rest


def parsed_whole(parser: ArgumentParser, line: str, variables: Mapping[str, Any]) -> Namespace:
    """Return the options and words of `line`, for a magic that expects nothing else. Raises InputError."""
    given, _ = split(line, parser, whole=True)
    return _parsed(parser, given, variables)


_NAME = re.compile(r"\{[ ]*(\w+)[ ]*\}")

_LATER = ("--image", "--mcp", "--model", "--provider", "--schema", "--set", "--stop", "--system", "--tool")
"""Options whose values may be other than texts and numbers, or are a text in which values stand as in a question."""


def _parsed(parser: ArgumentParser, given: list[LineOption], variables: Mapping[str, Any]) -> Namespace:
    evaluate = LineOption("--eval", None) in given
    words = []
    for option, value in given:
        name = _NAME.fullmatch(value or "")
        if name and variables.get(name[1], "") is None:
            continue  # as in code, None counts as not given
        if value is None or option in _LATER:
            words.append(option if value is None else f"{option}={value}")
        else:
            text = text_within(word_of(value, variables, evaluate=evaluate), value)
            words.append(f"{option}={text}" if option else text)
    try:
        options = parser.parse_args(words)
    except UsageError as error:
        raise InputError(f"{error}. %{parser.prog}? lists the options.") from None
    if hasattr(options, "set"):
        _fill(options, parser, variables)
    return options


def _fill(options: Namespace, parser: ArgumentParser, variables: Mapping[str, Any]) -> None:
    """Put the values of variables into those options of `%%chat` that hold more than a text or a number."""

    def held(word: str) -> Any:
        return word_of(word, variables, evaluate=options.eval, strict=False)

    stop = [held(word) for word in options.stop or ()]
    options.stop = [word for each in stop for word in (each if isinstance(each, list | tuple) else [each])] or None
    options.image = [held(word) for word in options.image or ()]
    if options.model is not None:
        options.model = word_of(options.model, variables, evaluate=options.eval)
        if not isinstance(options.model, str | Model | None):
            raise InputError(f"-m needs the name of a model, not {kind_of(options.model)}")
    if options.schema is not None:
        options.schema = named_schema(options.schema, variables, evaluate=options.eval)
    options.set = {name: _setting(name, value, parser, held, variables) for name, value in options.set}


_TAKEN = {"images": "--image", "above": "--thread or --once"} | dict.fromkeys(
    ("messages", "question", "self"), "the text of the question"
)
"""What to give instead of options that are no provider's."""


def _setting(
    name: str, value: str, parser: ArgumentParser, held: Callable[[str], Any], variables: Mapping[str, Any]
) -> Any:
    """Return the value that `--set` gives: that of a variable, or what JSON says, or a text."""
    own = f"--{name.replace('_', '-')}"
    if instead := own if any(own in action.option_strings for action in parser._actions) else _TAKEN.get(name):  # noqa: SLF001
        raise InputError(f"--set {name}=… is not possible: give {instead} instead")
    if value in _PYTHON:
        return _PYTHON[value]
    try:
        plain = json.loads(value, parse_constant=_no_number)
    except (ValueError, RecursionError):
        pass
    else:
        return _within(plain, held)
    if value[:1] in ("{", "[", '"') and not _begins_with_variable(value, variables):
        raise InputError(f"argument --set: needs JSON after the =, in single quotes, not {value!r}")
    return held(value)


def _begins_with_variable(text: str, variables: Mapping[str, Any]) -> bool:
    """Whether the braces with which `text` begins name a variable, rather than being JSON that is not quite right."""
    first = next(found(text, prose=False), None)
    if first is None or first.start > 0:
        return False
    path = path_of(first.tree)
    return first.form is None or (path is not None and ast.unparse(path[0]) in variables)


_PYTHON = {"True": True, "False": False, "None": None}


def _no_number(name: str) -> None:
    raise ValueError(name)


def _within(value: Any, held: Callable[[str], Any]) -> Any:
    """Return what JSON says with the values of variables in its texts."""
    if isinstance(value, dict):
        return {name: _within(each, held) for name, each in value.items()}
    if isinstance(value, list):
        return [_within(each, held) for each in value]
    return held(value) if isinstance(value, str) else value
