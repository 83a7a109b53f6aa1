"""`%%chat` and `%chat`: parse, ask, show."""

from __future__ import annotations

import keyword
import re
import shlex
import tokenize
from tokenize import TokenInfo
from typing import TYPE_CHECKING

from IPython.core.error import UsageError
from IPython.core.inputtransformer2 import EscapedCommand
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments
from traitlets import Unicode

from g4f import bridge
from g4f.errors import InputError

from .display import in_one_line, screen_for, show
from .session import Session, cell_id, named_provider

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["ChatMagics"]

_WORD = re.compile(r"""\s*((?:"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'])+)(?=\s|$)""")
_INTERRUPTED = "interrupted. What came so far stands above; the conversation is as it was before."


class _Question(EscapedCommand):
    """A line of `%chat` that ends with a question mark is a question, not a call for help on its last word."""

    priority = EscapedCommand.priority - 6  # before HelpEnd, which would take it

    @classmethod
    def find(cls, tokens_by_line: list[list[TokenInfo]]) -> _Question | None:
        """Return the first such line of a cell; `%chat?` itself does ask for help."""
        for line in tokens_by_line:
            words = [token for token in line if token.type not in (tokenize.INDENT, tokenize.DEDENT)]
            if [token.string for token in words[:2]] == ["%", "chat"] and words[2].string not in "??":
                return cls(words[0].start)
        return None


@magics_class
class ChatMagics(Magics):
    """Chat in a cell. `%config ChatMagics` lists the settings."""

    provider = Unicode("", help="Provider of every chat that names none: a name, or several, asked in turn.").tag(
        config=True
    )
    model = Unicode("", help="Model of every chat that names none.").tag(config=True)
    system = Unicode("", help="System prompt that a conversation begins with.").tag(config=True)

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._shell = shell
        self.session = Session()

    @no_var_expand
    @magic_arguments()
    @argument("-m", "--model", metavar="NAME", help="Model to ask. Default: the provider's.")
    @argument(
        "-p",
        "--provider",
        metavar="NAME",
        help="Who is asked: a provider by name, the address of a server, or a variable of this notebook that holds a "
        "provider or an address. Several in quotes are asked in that order. Default: the first that can answer here.",
    )
    @argument("-s", "--system", metavar="TEXT", help="System prompt from here on, in quotes.")
    @argument("-o", "--out", metavar="NAME", help="Variable that gets the text of the answer.")
    @argument("--new", action="store_true", help="Begin a new conversation.")
    @line_cell_magic
    def chat(self, line: str, cell: str | None = None) -> None:
        """Ask a model, and show its answer as it comes.

        `%%chat` asks what stands below it, `%chat` what follows the options. The conversation goes on from cell to
        cell. Running a cell again asks with the turns above it, and replaces its answer. A question that failed or
        was interrupted leaves no trace in the conversation.
        """
        try:
            asked, question = self._parse(line, cell)
            answer = self.session.ask(
                question,
                cell=None if cell is None else cell_id(getattr(self._shell, "get_parent", dict)()),
                new=asked.new,
                system=asked.system,
                begin_with=self.system,
                model=asked.model or self.model,
                provider=named_provider(asked.provider or self.provider, self._shell.user_ns) or None,
            )
            text = bridge.run(lambda: show(answer, screen_for(self._shell)))
        except KeyboardInterrupt as error:
            error.args = (_INTERRUPTED,)
            in_one_line(error)
            raise
        except Exception as error:
            in_one_line(error)
            raise
        if asked.out:
            self._shell.push({asked.out: text})

    def _parse(self, line: str, cell: str | None) -> tuple[Namespace, str]:
        """Return the options and the question. Raises InputError for what cannot be meant."""
        parser: ArgumentParser = self.chat.parser
        words, rest = _split(line, parser)
        try:
            asked = parser.parse_args(words)
        except UsageError as error:
            raise InputError(f"{error}. %%chat? lists the options.") from None
        if asked.out and (not asked.out.isidentifier() or keyword.iskeyword(asked.out)):
            raise InputError(f"--out needs the name of a variable, not {asked.out!r}")
        if cell is not None and rest:
            raise InputError(f"the question of %%chat stands in the cell, below the line: what is {rest!r}?")
        question = (rest if cell is None else cell).strip()
        if not question:
            where = "behind %chat" if cell is None else "in the cell, below %%chat"
            raise InputError(f"there is no question: write it {where}")
        return asked, question

    @classmethod
    def register(cls, shell: InteractiveShell) -> None:
        """Add the magics to `shell`. Says so in one line if it had others of that name."""
        before = shell.magics_manager.magics["cell"].get("chat")
        if before is not None and not isinstance(getattr(before, "__self__", None), cls):
            print("g4f_jupyter: %%chat now asks g4f; it was another magic before")
        cls.unregister(shell)
        shell.register_magics(cls(shell))
        shell.input_transformer_manager.token_transformers.append(_Question)

    @classmethod
    def unregister(cls, shell: InteractiveShell) -> None:
        """Remove the magics from `shell`."""
        for magics in shell.magics_manager.magics.values():
            if isinstance(getattr(magics.get("chat"), "__self__", None), cls):
                del magics["chat"]
        transformers = shell.input_transformer_manager.token_transformers
        transformers[:] = [each for each in transformers if each is not _Question]
        shell.configurables[:] = [each for each in shell.configurables if not isinstance(each, cls)]


def _split(line: str, parser: ArgumentParser) -> tuple[list[str], str]:
    """Return the words of the options that `line` begins with, and the rest as it stands, quotes and all."""
    takes_value = {name for action in parser._actions if action.nargs is None for name in action.option_strings}  # noqa: SLF001
    words: list[str] = []
    at, value_follows = 0, False
    while match := _WORD.match(line, at):
        word = match[1]
        if not value_follows and (not word.startswith("-") or word in ("-", "--")):
            at = match.end() if word == "--" else at
            break
        words.append("".join(shlex.split(word)))
        value_follows = not value_follows and word in takes_value
        at = match.end()
    rest = line[at:].strip()
    if value_follows and rest:
        raise InputError(f"a quote is not closed: {rest}")
    return words, rest
