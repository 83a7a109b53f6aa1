"""Questions of a notebook: whom they ask, in which conversation, on which tape, within the budget, and where."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from g4f.errors import InputError
from g4f.notebook import cell_of
from g4f.printable import counted
from g4f.taping import tapes

from ..inserts.question import Filled
from ..line.aliases import Aliases
from ..line.providers import Who, who
from ..line.tools import tools_named
from ..session import Question, Session
from ..show.display import Screen
from ..show.footer import total
from ..show.frames import Frames
from ..show.terminal import terminal
from ..show.updates import updates
from .settings import ChatSettings

if TYPE_CHECKING:
    from argparse import Namespace

    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Questions"]


class Questions(ChatSettings):
    """What the magics need to know of a notebook to ask a question of it."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._shell = shell
        self.session = Session()
        self._tapes: dict[tuple[str, str], Any] = {}
        self.aliases = Aliases(shell.profile_dir.location if shell.profile_dir is not None else ".")

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
            "files": filled.files or None,
            "schema": options.schema,
            **given.named,
            **self.provider_options(options, client.options),
            **_tools(options, names),
            **options.set,
        }

    def _target(self, provider: str, model: Any, names: Mapping[str, Any], *, evaluate: bool = False) -> Who:
        """Return the provider and the model that are named. An alias, which stands where a model does, is both."""
        alias = None if provider or not model or not isinstance(model, str) else self.aliases.resolve(model)
        provider, model = alias or (provider, model)
        found = who(provider, names, evaluate=evaluate)
        return found._replace(model=model or found.model)

    def _result(self, question: Question, options: Namespace) -> Any:
        """Return what a variable gets: the value of a typed answer, the code of one that is shown as code, else it."""
        is_code = options.schema is None and self.look(options).format == "code"
        return question.answer.code if is_code else question.outcome

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
