"""`%%chat`, `%chat` and `%chat_fix`: line ─ inserts ─ ask (session) ─ show ─ foot."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.magic import line_cell_magic, line_magic, magics_class, no_var_expand
from IPython.display import display

from g4f.errors import InputError
from g4f.notebook import cell_of, deleted_cells
from g4f.printable import say

from ..below import CellsBelow
from ..inserts.last_error import FIX
from ..inserts.question import Filled, fill
from ..inserts.scope import is_result_used, variables_of
from ..line.arguments import parsed
from ..line.contenders import paired
from ..line.options import chat_arguments
from ..session import Question
from ..show.display import Screen, show
from ..show.errors import KEPT, errors_in_one_line
from ..show.footer import footer, metadata, notes
from ..show.preview import Preview
from ..show.updates import takes_metadata
from .asked import Asked
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
        self._below = CellsBelow(shell)

    @no_var_expand
    @chat_arguments
    @line_cell_magic
    def chat(self, line: str, cell: str | None = None) -> Any:
        """Ask a model, and show its answer as it comes.

        `%%chat` asks the text of the cell, `%chat` the text after the options. `{name}` in a question or an option is
        the value of a variable, also as `{name:.2f}` or `{name!r}`: a DataFrame becomes a table, a function its source,
        a figure an image. Of a large table, a summary of each column is sent, and rows from all parts of it (`--rows`);
        other values are cut where they are too long. A line below the answer says what was left out; of `{name!all}`
        nothing is.

        `-a report.pdf -a "data/*.csv"` puts files into the question: a PDF as it is where the provider takes that, else
        its text; CSV and Parquet as tables; images, sound, texts. An address after `-a` is fetched.

        The conversation goes on from cell to cell. A question that fails or is interrupted is not added.

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

        `%config ChatMagics` lists settings that hold for all cells. In loops and functions, `g4f_jupyter.chat("…", …)`
        and `await g4f_jupyter.achat("…", …)` do the same, and return the answer.
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
        """Ask, and return the answer for code that uses it."""
        with self.asking(options, lambda: self._filled(options, text, names), names) as asked:
            asked.run()
        if is_result_used():
            return asked.outcome
        if asked.question is not None and not options.quiet:
            form, failed = self.look(options).format, names if options.error else None
            self._below.offer(asked.question.answer, form, self._parent(), text=text, error=failed)
        return None

    @contextmanager
    def asking(self, options: Namespace, fill: Callable[[], Filled], names: Mapping[str, Any]) -> Iterator[Asked]:
        """Go with a question from its text to the lines below its answer, which is to be shown in the block.

        With `--dry-run`, there is nothing to be shown in it.
        """
        with self._taped(options.tape or self.tape):
            filled = fill()
            pairs = paired(options.provider or (), options.model or ())
            if len(pairs) > 1:
                with self.comparing(options, filled, names, pairs) as asked:
                    yield asked
                return
            question = self._question(options, filled, names, *pairs[0])
            check_options(options, names)
            if options.dry_run:
                display(Preview(question.request, filled.not_sent, filled.files))
                question.keep()
                yield Asked()
                return
            self._check_budget(options.budget)
            try:
                with self._showing(question, options, filled, names) as asked:
                    yield asked
            except KeyboardInterrupt as error:
                error.args = (KEPT,) if question.enter() else ()
                raise

    def _filled(self, options: Namespace, text: str, names: Mapping[str, Any]) -> Filled:
        """Return the question with the values that it names."""
        return fill(
            text,
            options.system,
            names,
            images=options.image,
            files=options.attach,
            force=options.force,
            attached=self.attached,
            error=options.error,
            evaluate=options.eval,
            limit=self.inserted,
            rows=self.rows_of(options),
        )

    @contextmanager
    def _showing(
        self, question: Question, options: Namespace, filled: Filled, names: Mapping[str, Any]
    ) -> Iterator[Asked]:
        """Have the answer shown in the block, and show below it what there is to say of it. At the end its turn enters.

        The variable gets it before anything else: also what came of one that failed or was interrupted.
        """
        screen, look = self._screen(options), self.look(options)
        try:
            result = partial(self._result, question, options)
            yield Asked(question, lambda: show(question, screen, look.format), result)
        finally:
            if options.out and not question.assembly.is_empty:
                self._shell.push({options.out: self._result(question, options)})
        answer, stale = question.answer, question.stale_above
        said = notes(answer, look.format, elsewhere=question.is_elsewhere, stale=stale, hidden=filled.hidden)
        below = [*filled.not_sent, *said]
        shown = metadata(answer) if takes_metadata(self._parent()) else {}
        if shown and filled.not_sent:
            shown["g4f_jupyter"]["left_out"] = filled.not_sent
        screen.foot([*below, footer(answer)] if self.footer else below, shown)
        self._check(question, options, names, screen)
        question.enter(screen.note)

    def _check(self, question: Question, options: Namespace, names: Mapping[str, Any], screen: Screen) -> None:
        """Raise ExpectationError if the answer is not what `--expect` and `--judge` ask of it."""
        if options.expect or options.judge:
            judge = self._target("", options.judge_model or "", names).named
            check(self._result(question, options), question, options, names, judge=judge, screen=screen)

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


_BLANK_LINES = re.compile(r"\A(?:[^\S\n]*\n)+")
"""Above the question. The indentation of its first line is part of it: it may be code."""


def _text(options: Namespace, rest: str, cell: str | None) -> str:
    """Return the text of the question. Raises InputError if there is none."""
    if cell is not None and rest:
        several = " Each file needs an -a of its own." if options.attach else ""
        raise InputError(f"the question of %%chat stands in the cell, below the line: what is {rest!r}?{several}")
    text = _BLANK_LINES.sub("", rest if cell is None else cell).rstrip() or (FIX if options.error else "")
    if not text:
        where = "after %chat" if cell is None else "in the cell, below %%chat"
        raise InputError(f"there is no question: write it {where}")
    return text
