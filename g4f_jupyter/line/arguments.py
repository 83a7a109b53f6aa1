"""How the line of a magic is read: its options, with the values of variables in them, and the rest."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from g4f.errors import InputError, kind_of
from g4f.models import Model
from g4f.values.braces import found, path_of

from ..inserts.words import text_within, word_of
from .schemas import named_schema
from .split import LineOption, split

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

__all__ = ["parsed", "parsed_whole"]


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

_LATER = {
    *("--attach", "--expect", "--image", "--mcp", "--model", "--provider", "--schema", "--set", "--stop", "--system"),
    "--tool",
}
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
    options.attach = [_with_name(held(word), word) for word in options.attach or ()]
    options.model = _models(options.model or (), variables, evaluate=options.eval)
    if options.schema is not None:
        options.schema = named_schema(options.schema, variables, evaluate=options.eval)
    options.set = {name: _setting(name, value, parser, held, variables) for name, value in options.set}


def _models(words: Iterable[str], variables: Mapping[str, Any], *, evaluate: bool) -> list[str | Model]:
    """Return the models that are named, also those of a list in a variable."""
    models = list[str | Model]()
    for word in words:
        held = word_of(word, variables, evaluate=evaluate)
        if isinstance(held, list | tuple) and not held:
            raise InputError(f"-m {word} is an empty list: it must name a model")
        for each in held if isinstance(held, list | tuple) else [] if held is None else [held]:
            if not isinstance(each, str | Model):
                raise InputError(f"-m needs the name of a model, not {kind_of(each)}")
            models.append(each)
    return models


def _with_name(value: Any, word: str) -> Any:
    """Return bytes as a file that is called like their variable; anything else as it is."""
    if not isinstance(value, bytes | bytearray | memoryview):
        return value
    file = BytesIO(value)
    file.name = word.strip("{ }")
    return file


_TAKEN = {"files": "--attach", "images": "--image", "above": "--thread or --once"} | dict.fromkeys(
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
