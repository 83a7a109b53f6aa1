"""`%%chat`, `%chat` and `%chat_fix`: line ─ inserts ─ ask (session) ─ show ─ foot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from IPython.core.magic import line_cell_magic, line_magic, magics_class, no_var_expand
from IPython.display import display

from g4f.errors import InputError
from g4f.taping import tapes
from g4f.waiting import bridge

from ..inserts.last_error import FIX
from ..inserts.question import Filled, fill
from ..inserts.scope import variables_of
from ..line.aliases import Aliases
from ..line.arguments import chat_arguments, parsed
from ..line.providers import Who, who
from ..session import Question, Session, cell_id, deleted_cells, takes_metadata
from ..show.display import KEPT, Frames, Screen, errors_in_one_line, show
from ..show.footer import footer, metadata, notes
from ..show.preview import Preview
from ..show.terminal import terminal
from .settings import ChatSettings

if TYPE_CHECKING:
    from argparse import Namespace

    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["ChatMagics"]


@magics_class
class ChatMagics(ChatSettings):
    """Chat in a cell. `%config ChatMagics` lists the settings, which hold for each cell that says nothing else."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._shell = shell
        self.session = Session()
        self._tapes: dict[tuple[str, str], Any] = {}
        self.aliases = Aliases(shell.profile_dir.location if shell.profile_dir is not None else ".")

    @no_var_expand
    @chat_arguments
    @line_cell_magic
    def chat(self, line: str, cell: str | None = None) -> None:
        """Ask a model, and show its answer as it comes.

        `%%chat` asks the text of the cell, `%chat` the text after the options. `{name}` in a question or an option is
        the value of a variable, also as `{name:.2f}` or `{name!r}`: a DataFrame becomes a table, a function its source,
        a figure an image. What is too long is cut, and a line below the answer says so. The conversation goes on from
        cell to cell. A `%%chat` that is run again asks with the turns above it, and replaces its own turn; the turns
        below it stay, and are marked as stale. The turn of a deleted cell is gone. A question that fails or is
        interrupted is not added. `%config ChatMagics` lists settings that hold for all cells.
        """
        with errors_in_one_line():
            names = variables_of(self._shell)
            options, rest = parsed(self.chat.parser, line, names)
            self._ask(options, _text(options, rest, cell), names, None if cell is None else cell_id(self._parent()))

    @no_var_expand
    @chat_arguments
    @line_magic
    def chat_fix(self, line: str) -> None:
        """Ask about the last error: its cell, the useful part of its traceback, and the variables in it.

        The options are those of `%%chat`. A text after them replaces the question, which is why the error happened.
        """
        with errors_in_one_line():
            names = variables_of(self._shell)
            options, rest = parsed(self.chat.parser, f"--error {line}", names)
            self._ask(options, _text(options, rest, None), names, None)

    def _ask(self, options: Namespace, text: str, names: Mapping[str, Any], cell: str | None) -> None:
        """Go with a question from its text to the lines below its answer. It is one of the `cell`, if any."""
        with self._taped(options.tape or self.tape):
            filled = self._filled(options, text, names)
            question = self._question(options, filled, names, cell)
            if options.dry_run:
                display(Preview(question.request, filled.left_out))
                return
            self._check_budget(options.budget)
            try:
                self._show(question, self._screen(options), filled)
                if options.out:
                    self._shell.push({options.out: question.answer})
            except KeyboardInterrupt as error:
                error.args = (KEPT,) if question.has_entered else ()
                raise

    def _filled(self, options: Namespace, text: str, names: Mapping[str, Any]) -> Filled:
        """Return the question with the values that it names."""
        return fill(
            text,
            options.system,
            names,
            images=options.image,
            error=options.error,
            evaluate=options.eval,
            limit=self.inserted,
        )

    def _question(self, options: Namespace, filled: Filled, names: Mapping[str, Any], cell: str | None) -> Question:
        """Return a question that is ready to be asked, in its conversation."""
        target = self._target(options, names)
        return self.session.question(
            filled.text,
            cell=cell,
            thread=options.thread,
            new=options.new,
            once=options.once,
            system=filled.system,
            begin_with=self.system,
            provider=target.provider,
            model=target.model,
            images=filled.images or None,
            **(self.provider_options(options, target.options) | options.set),
        )

    def _show(self, question: Question, screen: Screen, filled: Filled) -> None:
        """Ask, show the answer as it comes, and below it what there is to say of it."""
        stale = question.stale_above
        bridge.run(lambda: show(question.items(), screen))
        answer = question.answer
        below = [*filled.left_out, *notes(answer, stale=stale, hidden=filled.hidden)]
        shown = metadata(answer) if takes_metadata(self._parent()) else {}
        if shown and filled.left_out:
            shown["g4f_jupyter"]["left_out"] = filled.left_out
        screen.foot([*below, footer(answer)] if self.footer else below, shown)

    def _target(self, options: Namespace, names: Mapping[str, Any]) -> Who:
        """Return provider and model. An alias, which stands where a model does, is both."""
        model = options.model or ("" if options.provider else self.model)
        alias = None if options.provider or not isinstance(model, str) else self.aliases.resolve(model)
        if alias is not None:
            return Who(alias.provider, alias.model)
        found = who(options.provider or self.provider, names, evaluate=options.eval)
        return found._replace(model=model or found.model)

    def _check_budget(self, budget: int | None) -> None:
        self.budget = self.budget if budget is None else budget
        used = self.session.tokens
        if self.budget and used >= self.budget:
            raise InputError(
                f"the budget of {self.budget:,} tokens is used up ({used:,} so far), nothing was asked. "
                "--budget TOKENS sets another, 0 none; %chat_usage shows what was used."
            )

    def _taped(self, mode: str) -> AbstractContextManager[Any]:
        """Put the notebook's tape in place. It remembers how often each question was asked, from cell to cell."""
        if not mode:
            return nullcontext()
        if (mode, self.tape_file) not in self._tapes:
            self._tapes[mode, self.tape_file] = tapes.load(self.tape_file or None, mode)
        return tapes.on(self._tapes[mode, self.tape_file])

    def _screen(self, options: Namespace) -> Screen:
        if options.quiet:
            return Screen()  # it shows nothing
        look = self.look(options)
        return Frames(look) if hasattr(self._shell, "kernel") else terminal(look)

    def forget_deleted(self, _: object) -> None:
        """Forget the deleted cells. A front end names them once, with the next cell that it runs."""
        self.session.forget(deleted_cells(self._parent()))

    def _parent(self) -> dict[str, Any]:
        """Return the message with which the front end runs this cell; empty in a terminal."""
        parent: dict[str, Any] = getattr(self._shell, "get_parent", dict)()
        return parent


_BLANK_LINES = re.compile(r"\A(?:[^\S\n]*\n)+")
"""Above the question. The indentation of its first line is part of it: it may be code."""


def _text(options: Namespace, rest: str, cell: str | None) -> str:
    """Return the text of the question. Raises InputError if there is none."""
    if cell is not None and rest:
        raise InputError(f"the question of %%chat stands in the cell, below the line: what is {rest!r}?")
    text = _BLANK_LINES.sub("", rest if cell is None else cell).rstrip() or (FIX if options.error else "")
    if not text:
        where = "after %chat" if cell is None else "in the cell, below %%chat"
        raise InputError(f"there is no question: write it {where}")
    return text
