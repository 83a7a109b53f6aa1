"""`%%chat`, `%chat` and `%chat_fix`: line ─ inserts ─ ask (session) ─ show ─ foot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from IPython.core.magic import line_cell_magic, line_magic, magics_class, no_var_expand
from IPython.display import display

from g4f.errors import InputError
from g4f.notebook import cell_of, deleted_cells
from g4f.printable import counted, say
from g4f.taping import tapes
from g4f.waiting import bridge

from ..below import CellsBelow
from ..inserts.last_error import FIX
from ..inserts.question import Filled, fill
from ..inserts.scope import is_result_used, variables_of
from ..line.aliases import Aliases
from ..line.arguments import parsed
from ..line.contenders import paired
from ..line.options import chat_arguments
from ..line.providers import Who, who
from ..line.tools import tools_named
from ..session import Question, Session
from ..show.display import Frames, Screen, show
from ..show.errors import KEPT, errors_in_one_line
from ..show.footer import footer, metadata, notes, total
from ..show.preview import Preview
from ..show.terminal import terminal
from ..show.updates import takes_metadata, updates
from .checks import check, check_options
from .comparison import Comparisons

if TYPE_CHECKING:
    from argparse import Namespace

    from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

__all__ = ["ChatMagics"]


@magics_class
class ChatMagics(Comparisons):
    """Chat in a cell. `%config ChatMagics` lists the settings, which hold for each cell that says nothing else."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.session = Session()
        self._below = CellsBelow(shell)
        self._tapes: dict[tuple[str, str], Any] = {}
        self.aliases = Aliases(shell.profile_dir.location if shell.profile_dir is not None else ".")

    @no_var_expand
    @chat_arguments
    @line_cell_magic
    def chat(self, line: str, cell: str | None = None) -> Any:
        """Ask a model, and show its answer as it comes.

        `%%chat` asks the text of the cell, `%chat` the text after the options. `{name}` in a question or an option is
        the value of a variable, also as `{name:.2f}` or `{name!r}`: a DataFrame becomes a table, a function its source,
        a figure an image. Of a large table, a summary of each column is sent, and rows from all parts of it (`--rows`);
        other values are cut where they are too long. A line below the answer says what was left out; of `{name!all}`
        nothing is. The conversation goes on from cell to cell. A question that fails or is interrupted is not added.

        A turn belongs to its cell. A cell that is run again asks with the turns above it, and replaces its own: the
        first `%%chat` or `%chat` of the cell its first turn, the second its second. The turns below stay; an answer is
        marked as stale, in its own cell, while the turns above it or the system prompt are not those that it was asked
        with. If the cell fails or is interrupted, its earlier turn stays, marked as stale, until it is run again; if it
        asks nothing any more, or is deleted, its turn is gone.

        A cell belongs to the conversation in which it was asked. `--new` begins another, which the next cells go on
        with; a cell from before, run again, asks in its own, and says so. To ask it in the present one, copy it.

        `--schema Topic -o topic` asks for an answer of a type: the cell shows it as JSON, `topic` is the Topic.
        `y = %chat …` gives the same to `y`; without a schema, the answer.
        `-f code` shows the Python of an answer, and puts it into a cell below, or at the next prompt of a terminal; it
        never runs by itself. Blocks of other languages stand below it, as what they are; `-o code` gets the Python
        alone. A question that is run again makes no second cell with the same code. Other code replaces that cell in
        JupyterLab and Notebook, if you have not changed it; in other front ends, it gets a cell of its own.
        `--expect 'len(_) < 200'` and `--judge 'Is it polite?'` fail the cell if that is not true of its answer: by an
        expression in which `_` is what `-o` gets, or by a model that says yes or no. The answer is shown, and a
        variable has it; its turn is not added to the conversation, as if the question had failed.
        With `--tool NAME` the model may call a function of the notebook: its parameters, their types and its docstring
        say what it is for. The calls and their results are folded below the answer, as they are made. `%chat_tools`
        shows what a model is told of a function.

        `-m A -m B`, `-p P -p Q`, or a list of models in `-m {models}` ask several models at once: their answers stand
        side by side, and `-o both` is a dict of them. `--judge MODEL`, or `--judge "Which is shorter?"`, says which is
        better. They are asked with the turns of the conversation, but add none to it: to go on, ask one of them. If one
        fails, the others are shown, and the cell fails at the end.

        `%config ChatMagics` lists settings that hold for all cells.
        """
        with errors_in_one_line():
            names = variables_of(self._shell)
            options, rest = parsed(self.chat.parser, line, names)
            return self._ask(options, _text(options, rest, cell), names)

    @no_var_expand
    @chat_arguments
    @line_magic
    def chat_fix(self, line: str) -> Any:
        """Ask about the last error: its cell, the useful part of its traceback, and the variables in it.

        The corrected cell is put into a cell below, as with `-f code`, and what differs from the one that failed is
        shown, if the answer has it as one block of code. The options are those of `%%chat`. A text after them replaces
        the question, which is why the error happened, and for the corrected cell.
        """
        with errors_in_one_line():
            names = variables_of(self._shell)
            options, rest = parsed(self.chat.parser, f"--error {line}", names)
            return self._ask(options, _text(options, rest, None), names)

    def _ask(self, options: Namespace, text: str, names: Mapping[str, Any]) -> Any:
        """Go with a question from its text to the lines below its answer. Return that for code that uses it."""
        with self._taped(options.tape or self.tape):
            filled = self._filled(options, text, names)
            pairs = paired(options.provider or (), options.model or ())
            if len(pairs) > 1:
                return self._compare(options, filled, names, pairs)
            question = self._question(options, filled, names, *pairs[0])
            check_options(options, names)
            if options.dry_run:
                display(Preview(question.request, filled.left_out))
                question.keep()
                return None
            self._check_budget(options.budget)
            try:
                screen = self._show(question, options, filled)
                self._check(question, options, names, screen)
                question.enter(screen.note)
            except KeyboardInterrupt as error:
                error.args = (KEPT,) if question.enter() else ()
                raise
            if is_result_used():
                return self._result(question, options)
            if not options.quiet:
                form, failed = self.look(options).format, names if options.error else None
                self._below.offer(question.answer, form, self._parent(), text=text, error=failed)
            return None

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
            rows=self.rows_of(options),
        )

    def _question(
        self, options: Namespace, filled: Filled, names: Mapping[str, Any], provider: str, model: Any
    ) -> Question:
        """Return a question that is ready to be asked, in its conversation."""
        return self.session.question(
            filled.text,
            typed=filled.typed,
            cell=cell_of(self._parent()),
            thread=options.thread,
            new=options.new,
            once=options.once,
            system=filled.system,
            begin_with=self.system,
            default=self._target(self.provider, self.model, names).named,
            options=self._options(options, filled, names, provider, model),
        )

    def _options(
        self, options: Namespace, filled: Filled, names: Mapping[str, Any], provider: str, model: Any
    ) -> dict[str, Any]:
        """Return the options of a question to this provider and model."""
        given = self._target(provider, model, names, evaluate=options.eval)
        client = given if "provider" in given.named else self._target(self.provider, self.model, names)
        return {
            "images": filled.images or None,
            "schema": options.schema,
            **given.named,
            **self.provider_options(options, client.options),
            **_tools(options, names),
            **options.set,
        }

    def _show(self, question: Question, options: Namespace, filled: Filled) -> Screen:
        """Ask, show the answer as it comes, and below it what there is to say of it.

        The variable gets it before anything else: also what came of one that failed or was interrupted.
        """
        screen, look = self._screen(options), self.look(options)
        try:
            bridge.run(lambda: show(question, screen, look.format))
        finally:
            if options.out and not question.assembly.is_empty:
                self._shell.push({options.out: self._result(question, options)})
        answer, stale = question.answer, question.stale_above
        said = notes(answer, look.format, elsewhere=question.is_elsewhere, stale=stale, hidden=filled.hidden)
        below = [*filled.left_out, *said]
        shown = metadata(answer) if takes_metadata(self._parent()) else {}
        if shown and filled.left_out:
            shown["g4f_jupyter"]["left_out"] = filled.left_out
        screen.foot([*below, footer(answer)] if self.footer else below, shown)
        return screen

    def _result(self, question: Question, options: Namespace) -> Any:
        """Return what a variable gets: the value of a typed answer, the code of one that is shown as code, else it."""
        is_code = options.schema is None and self.look(options).format == "code"
        return question.answer.code if is_code else question.outcome

    def _check(self, question: Question, options: Namespace, names: Mapping[str, Any], screen: Screen) -> None:
        """Raise ExpectationError if the answer is not what `--expect` and `--judge` ask of it."""
        if options.expect or options.judge:
            judge = self._target("", options.judge_model or "", names).named
            check(self._result(question, options), question, options, names, judge=judge, screen=screen)

    def _target(self, provider: str, model: Any, names: Mapping[str, Any], *, evaluate: bool = False) -> Who:
        """Return the provider and the model that are named. An alias, which stands where a model does, is both."""
        alias = None if provider or not model or not isinstance(model, str) else self.aliases.resolve(model)
        provider, model = alias or (provider, model)
        found = who(provider, names, evaluate=evaluate)
        return found._replace(model=model or found.model)

    def _check_budget(self, budget: int | None) -> None:
        self.budget = self.budget if budget is None else budget
        spent = self.session.spent
        if self.budget and sum(each.tokens for each in spent) >= self.budget:
            raise InputError(
                f"the budget of {counted(self.budget, 'token')} is used up ({total(spent)} so far), nothing was asked. "
                "--budget TOKENS sets another, 0 none; %chat_usage shows what was used."
            )

    def _taped(self, mode: str) -> AbstractContextManager[Any]:
        """Put the notebook's tape in place. It remembers how often each question was asked, from cell to cell."""
        if not mode:
            return nullcontext()
        which = mode, self.tape_file
        if which not in self._tapes:
            self._tapes[which] = tapes.load(self.tape_file or None, mode)
        self._tapes[which].run_tools = self.tape_tools
        return tapes.on(self._tapes[which])

    def _screen(self, options: Namespace) -> Screen:
        if options.quiet:
            return Screen()  # it shows nothing
        look = self.look(options)
        if hasattr(self._shell, "kernel"):
            return Frames(look, updates(self._shell, self._parent()))
        return terminal(look)

    def forget_deleted(self, _: object) -> None:
        """Forget the deleted cells. A front end names them once, with the next cell that it runs."""
        self.session.forget(deleted_cells(self._parent()))
        self._below.begin(self._parent())

    def end_cell(self, result: ExecutionResult | None) -> None:
        """Have the turns leave that this cell had, and has not asked again; or say that they stay, if it failed."""
        parent = self._parent()
        code = parent.get("content", {}).get("code")
        well = result is not None and bool(result.success)
        is_nested = result is not None and result.info is not None and result.info.raw_cell != code
        if not is_nested or not parent:  # in a terminal nobody can tell
            self._below.end(parent, well=well)
        if not is_nested and self.session.end(cell_of(parent), well=well):
            say("[the conversation keeps the earlier answer of this cell, as stale, until the cell is run again]")

    def _parent(self) -> dict[str, Any]:
        """Return the message with which the front end runs this cell; empty in a terminal."""
        parent: dict[str, Any] = getattr(self._shell, "get_parent", dict)()
        return parent


def _tools(options: Namespace, names: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a question that has to do with tools. Raises InputError."""
    tools = tools_named(options.tool, options.mcp, names, evaluate=options.eval)
    if not tools:
        if options.max_steps is not None or options.confirm:
            raise InputError("--max-steps and --confirm belong to tools: name one by --tool NAME or --mcp NAME")
        return {}
    return {"tools": tools, "max_steps": options.max_steps, "confirm": options.confirm or None}


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
