"""`%%chat` as functions, for loops and for functions of the notebook: `g4f_jupyter.chat`, `g4f_jupyter.achat`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Literal, Unpack

from IPython import get_ipython
from IPython.core.interactiveshell import InteractiveShell

from g4f.answer import Answer
from g4f.errors import InputError, kind_of
from g4f.notebook import CellRun, here
from g4f.options import TypedCallOptions

from ..inserts.question import Filled
from ..inserts.scope import variables_of
from ..show.errors import errors_in_one_line
from .asked import Asked
from .chat import ChatMagics

__all__ = ["ChatOptions", "ShownAnswer", "achat", "chat"]


class ChatOptions(TypedCallOptions, total=False):
    """The options of `%%chat`, besides those of a call of a conversation."""

    system: str | None  # system prompt from here on
    quiet: bool  # show nothing
    format: Literal["markdown", "text", "json", "code"] | None  # how the answer is shown
    allow_images: bool  # fetch and show images that the answer names
    new: bool  # begin a new conversation
    once: bool  # ask without a conversation
    thread: str  # name of the conversation
    dry_run: bool  # send nothing, and show what would be sent
    tape: Literal["auto", "replay", "record", "off"] | None  # tape of answers
    budget: int | None  # ask nothing more once this notebook has used so many tokens


def chat(question: str, **options: Unpack[ChatOptions]) -> Any:
    """Ask as `%%chat` does, show the answer as it comes, and return it; with a `schema`, its value.

    The question is sent as it is: what is in braces stays. It belongs to the cell that runs, and to the conversation.
    `options` are those of `%%chat` by their long names, and those of a `g4f.Conversation`: model, provider, tools,
    images, schema, temperature, …. Raises InputError outside of IPython, and the errors of `%%chat`.
    """
    with errors_in_one_line():
        with _asking(question, options) as asked:
            asked.run()
        return _returned(asked, options)


async def achat(question: str, **options: Unpack[ChatOptions]) -> Any:
    """Do the same as `chat`, in code that awaits: other tasks go on meanwhile."""
    with errors_in_one_line():
        with _asking(question, options) as asked:
            await asked.arun()
        return _returned(asked, options)


class ShownAnswer(Answer):
    """An answer that stands in its cell already: as the result of that execution it is not shown once more."""

    shown_in: CellRun

    def _ipython_display_(self) -> None:
        if here() != self.shown_in:
            raise NotImplementedError  # IPython then shows it as any other answer


def _returned(asked: Asked, options: Mapping[str, Any]) -> Any:
    outcome = asked.outcome
    if options.get("quiet") or not isinstance(outcome, Answer):
        return outcome
    answer = ShownAnswer(outcome)
    vars(answer).update(vars(outcome), shown_in=here())
    return answer


def _asking(question: str, given: Mapping[str, Any]) -> AbstractContextManager[Asked]:
    shell = get_ipython()
    if shell is None:
        raise InputError("there is no notebook here: g4f_jupyter.chat is for IPython. In a program: g4f.Conversation()")
    magics, names = _magics(shell), variables_of(shell)
    options = _options(magics, {name: value for name, value in given.items() if value is not None})
    if options.provider is not None:
        names[_PROVIDER], options.provider = options.provider, [f"{{{_PROVIDER}}}"]
    if not isinstance(options.model, list | tuple):
        options.model = [] if options.model is None else [options.model]
    return magics.asking(options, lambda: Filled(question, question, options.system, [], 0, [], ()), names)


_PROVIDER = "provider"
"""The variable by which `-p` would name the provider that is given."""


def _magics(shell: InteractiveShell) -> ChatMagics:
    """Return the magics of this notebook, whose conversations and settings count. Loads the extension, if need be."""
    magics = getattr(shell.find_line_magic("chat"), "__self__", None)
    if not isinstance(magics, ChatMagics):
        shell.run_line_magic("load_ext", "g4f_jupyter")
        return _magics(shell)
    return magics


_TEXTS = ("format", "system", "tape", "thread")
"""Options that must be texts, and that no provider checks."""

_IN_CODE = {
    "attach": "give files=",
    "error": "put it into the question",
    "eval": "an f-string evaluates",
    "expect": "assert it of the answer",
    "force": "read the file yourself",
    "image": "give images=",
    "judge": "ask a second question, with a schema=",
    "judge_model": "ask a second question, with a schema=",
    "mcp": "give tools=",
    "out": "the answer is returned",
    "rows": "put what is to be sent into the question",
    "set": "give the option itself",
    "tool": "give tools=",
}
"""Options of a line, and how code says the same."""

_OF_CONVERSATIONS = ("confirm", "max_steps")
"""Options of a line that a conversation takes under the same names."""


def _options(magics: ChatMagics, given: Mapping[str, Any]) -> Namespace:
    """Return options as a line would give them. Raises InputError."""
    parser: ArgumentParser = magics.chat.parser
    choices = {action.dest: action.choices for action in parser._actions if action.choices}  # noqa: SLF001
    options = parser.parse_args([])
    options.set = {}
    for name, value in given.items():
        if name in _IN_CODE:
            raise InputError(f"{name} is an option of %%chat alone: {_IN_CODE[name]}")
        if name in _TEXTS and not isinstance(value, str):
            raise InputError(f"{name} must be a text, not {kind_of(value)}")
        if name == "budget" and not (isinstance(value, int) and value >= 0):
            raise InputError("budget must be a number of tokens, 0 for no limit")
        if name in choices and value not in choices[name]:
            raise InputError(f"{name} must be one of {', '.join(choices[name])}, not {value!r}")
        if name in _OF_CONVERSATIONS or not hasattr(options, name):
            options.set[name] = value
        else:
            setattr(options, name, value)
    return options
