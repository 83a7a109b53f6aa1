"""`%%chat` and `%chat`: parse, ask, show."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, no_var_expand
from IPython.display import display
from traitlets import Bool, Enum, Float, Int, List, Unicode

from g4f.errors import InputError, close_matches
from g4f.taping import tapes
from g4f.waiting import bridge

from ..inserts.inserts import insert
from ..inserts.known import scrubber_for
from ..inserts.last_error import FIX, about_last_error
from ..line.aliases import Aliases
from ..line.arguments import OPTIONS, TAPES, Variable, chat_arguments, parsed
from ..session import Question, Session, cell_id, deleted_cells, named_provider, takes_metadata
from ..show.display import FORMATS, KEPT, Frames, Look, Quiet, Screen, errors_in_one_line, show
from ..show.footer import footer, metadata
from ..show.preview import Preview
from ..show.terminal import terminal

if TYPE_CHECKING:
    from argparse import Namespace

    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["ChatMagics"]


@magics_class
class ChatMagics(Magics):
    """Chat in a cell. `%config ChatMagics` lists the settings; each is what a cell that says nothing else has."""

    provider = Unicode("", help="Who is asked: a provider's name, or several, asked in turn.").tag(config=True)
    model = Unicode("", help="Model to ask.").tag(config=True)
    system = Unicode("", help="System prompt that a conversation begins with.").tag(config=True)
    temperature = Float(None, allow_none=True, help="How freely the model picks its words.").tag(config=True)
    max_tokens = Int(None, allow_none=True, help="Longest answer, in tokens.").tag(config=True)
    seed = Int(None, allow_none=True, help="The same seed, the same answer, where a provider can.").tag(config=True)
    stop = List(Unicode(), help="Texts at which an answer ends.").tag(config=True)
    timeout = Float(None, allow_none=True, help="Seconds of the longest whole answer.").tag(config=True)
    reasoning_effort = Unicode("", help="How long the model thinks: low, medium, high, …").tag(config=True)
    format = Enum(FORMATS, "markdown", help="How an answer is shown.").tag(config=True)
    allow_images = Bool(False, help="Whether images that an answer names are fetched and shown.").tag(config=True)
    footer = Bool(True, help="Whether an answer says who gave it, tokens, seconds, cost.").tag(config=True)
    budget = Int(0, min=0, help="Tokens after which nothing more is asked in this notebook; 0: no limit.").tag(
        config=True
    )
    tape = Enum(("", *TAPES), "", help="Whether answers are recorded on a tape, and replayed from it.").tag(config=True)
    tape_file = Unicode("", help="The tape, a file; else that of G4F_TAPE_FILE, or g4f_tape.jsonl here.").tag(
        config=True
    )
    inserted = Int(20_000, min=0, help="Characters of a variable in braces that are sent, at the most.").tag(
        config=True
    )

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

        `%%chat` asks what stands below it, `%chat` what follows the options. `{name}` in a question is the value of a
        variable. The conversation goes on from cell to cell. Running a cell again asks with the turns above it, and
        replaces its answer. A question that failed or was interrupted leaves no trace in the conversation.
        """
        with errors_in_one_line():
            asked, rest = parsed(self.chat.parser, line)
            self._ask(asked, _text(asked, rest, cell), None if cell is None else cell_id(self._parent()))

    @no_var_expand
    @chat_arguments
    @line_magic
    def chat_fix(self, line: str) -> None:
        """Ask about the last error: its cell, the useful part of its traceback, and the variables in it.

        Takes the options of `%%chat`, and a question in the place of its own.
        """
        with errors_in_one_line():
            asked, rest = parsed(self.chat.parser, f"--error {line}")
            self._ask(asked, _text(asked, rest, None), None)

    def _ask(self, asked: Namespace, text: str, cell: str | None) -> None:
        with self._taped(asked.tape or self.tape):
            self._answer(asked, text, cell)

    def _answer(self, asked: Namespace, text: str, cell: str | None) -> None:
        question, hidden = self._question(asked, text, cell)
        if asked.dry_run:
            display(Preview(question.request))
            return
        self._check_budget(asked)
        try:
            self._show(asked, question, hidden)
        except KeyboardInterrupt as error:
            error.args = (KEPT,) if question.has_entered else ()
            raise

    def _show(self, asked: Namespace, question: Question, hidden: int) -> None:
        stale, screen = question.stale_above, self._screen(asked)
        bridge.run(lambda: show(question.items(), screen))
        answer, notes = question.answer, []
        if stale:
            notes.append(f"{stale} of the turns above are stale: run their cells again")
        if answer.trimmed:
            notes.append(f"without the oldest {answer.trimmed} turns: the conversation is longer than the context")
        if hidden:
            values, their = ("values were", "their") if hidden > 1 else ("value was", "its")
            notes.append(f"{hidden} secret {values} not sent: stars stand in {their} place")
        told = metadata(answer) if takes_metadata(self._parent()) else {}
        screen.foot([*notes, footer(answer)] if self.footer else notes, told)
        if asked.out:
            self._shell.push({asked.out: answer})

    def _question(self, asked: Namespace, text: str, cell: str | None) -> tuple[Question, int]:
        """Return what options, settings and variables make of a question, and how many secrets are hidden in it."""
        names, own = self._shell.user_ns, self._shell.user_ns_hidden  # `own` are IPython's, such as `quit`
        known = {name: value for name, value in names.items() if not (name in own and value is own[name])}
        scrubber = scrubber_for(known)
        inserted = insert(text, known, evaluate=asked.eval, limit=self.inserted, scrubber=scrubber)
        about = f"{about_last_error(scrubber)}\n\n" if asked.error else ""
        images = [*inserted.images, *(_image(image, names) for image in asked.image or ())]
        provider, model = self._target(asked.provider or "", asked.model or "")
        given = {name: getattr(asked, name) for name in OPTIONS if getattr(asked, name) is not None}
        default = {name: value for name in OPTIONS if (value := getattr(self, name)) not in (None, "", [])}
        question = self.session.question(
            about + inserted.text,
            cell=cell,
            thread=asked.thread,
            new=asked.new,
            once=asked.once,
            system=asked.system,
            begin_with=self.system,
            provider=named_provider(provider, names) or None,
            model=model,
            images=images or None,
            **(default | given | {name: self._value(value) for name, value in asked.set}),
        )
        return question, scrubber.count

    def _value(self, value: Any) -> Any:
        names = self._shell.user_ns
        if isinstance(value, Variable) and value not in names:
            raise InputError(f"there is no variable {value!r}.{close_matches(value, names)}")
        return names[value] if isinstance(value, Variable) else value

    def _target(self, provider: str, model: str) -> tuple[str, str]:
        """Return who is asked for which model, an alias being both."""
        target = None if provider else self.aliases.resolve(model or self.model)
        if target is not None:
            return target
        return provider or self.provider, model or ("" if provider else self.model)

    def _check_budget(self, asked: Namespace) -> None:
        self.budget = self.budget if asked.budget is None else asked.budget
        used = self.session.tokens
        if self.budget and used >= self.budget:
            raise InputError(
                f"the budget of {self.budget:,} tokens is used up ({used:,} so far), nothing was asked. "
                "--budget TOKENS sets another, 0 none; %chat_usage shows what was used."
            )

    def _taped(self, mode: str) -> AbstractContextManager[Any]:
        """Have the tape of the notebook on, which goes on in the order of questions that come again."""
        if not mode:
            return nullcontext()
        if (mode, self.tape_file) not in self._tapes:
            self._tapes[mode, self.tape_file] = tapes.load(self.tape_file or None, mode)
        return tapes.on(self._tapes[mode, self.tape_file])

    def _screen(self, asked: Namespace) -> Screen:
        if asked.quiet:
            return Quiet()
        look = Look(asked.format or self.format, asked.allow_images or self.allow_images)
        return Frames(look) if hasattr(self._shell, "kernel") else terminal(look)

    def forget_deleted(self, _: object) -> None:
        """Forget the cells that are gone: a front end tells it once, with whichever cell it runs next."""
        self.session.forget(deleted_cells(self._parent()))

    def _parent(self) -> dict[str, Any]:
        """Return the message that the front end sent to run this; empty in a terminal."""
        parent: dict[str, Any] = getattr(self._shell, "get_parent", dict)()
        return parent


def _image(name: str, names: Mapping[str, Any]) -> Any:
    """Return the value of the variable of that name, or the name, which is a path or an address."""
    if name in names or not name.isidentifier() or Path(name).exists():
        return names.get(name, name)
    raise InputError(f"there is no variable and no file {name!r}.{close_matches(name, names)}")


def _text(asked: Namespace, rest: str, cell: str | None) -> str:
    """Return the question. Raises InputError if there is none."""
    if cell is not None and rest:
        raise InputError(f"the question of %%chat stands in the cell, below the line: what is {rest!r}?")
    text = (rest if cell is None else cell).strip() or (FIX if asked.error else "")
    if not text:
        where = "behind %chat" if cell is None else "in the cell, below %%chat"
        raise InputError(f"there is no question: write it {where}")
    return text
