"""The other line magics: the conversation, its usage, providers, models and aliases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments
from IPython.display import display

from g4f.conversation import Conversation, Saved
from g4f.errors import InputError, ProviderNotFoundError
from g4f.files import decoded, read, replace, resolve
from g4f.printable import say
from g4f.providers.call import is_provider
from g4f.spending import Spent
from g4f.waiting import bridge

from ..inserts.scope import variables_of
from ..line.arguments import parsed_whole
from ..line.providers import who
from ..line.tools import tools_here, tools_named
from ..show.errors import errors_in_one_line
from ..show.footer import total, total_cost
from ..show.history import History
from ..show.tables import Table, alias_table, model_table, provider_table, tool_table
from ..threads import Thread

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .chat import ChatMagics

__all__ = ["ChatLineMagics"]


@magics_class
class ChatLineMagics(Magics):
    """`%chat_history`, `%chat_undo`, and those that list: usage, providers, models, tools, aliases."""

    def __init__(self, shell: InteractiveShell, chat: ChatMagics) -> None:
        super().__init__(shell)
        self._chat, self._shell = chat, shell

    @no_var_expand
    @magic_arguments()
    @argument("--thread", metavar="NAME", default="", help="Name of the conversation. Default: the one without a name.")
    @argument("--json", metavar="FILE", type=Path, help="Write it to a new file, or replace one that --json wrote.")
    @argument("--load", metavar="FILE", type=Path, help="Go on with the conversation in a file that --json wrote.")
    @line_magic
    def chat_history(self, line: str) -> None:
        """Show a conversation, write it to a file, or go on with one from a file.

        A file names the provider and the model of the last answer. A conversation from a file goes on with them, unless
        a line names others. The turns of a file belong to no cell: a cell that asked one of them, and is run again,
        asks in the conversation that it was in before.
        """
        with errors_in_one_line():
            options = parsed_whole(self.chat_history.parser, line, variables_of(self._shell))
            session = self._chat.session
            if options.load is not None:
                session.threads[options.thread] = Thread(self._loaded(options.load))
            thread = session.thread(options.thread)
            if options.json is not None:
                _write(options.json, thread.conversation)
            else:
                display(History(thread))

    @no_var_expand
    @magic_arguments()
    @argument("--thread", metavar="NAME", default="", help="Name of the conversation. Default: the one without a name.")
    @line_magic
    def chat_undo(self, line: str) -> None:
        """Remove the last question and its answer from a conversation."""
        with errors_in_one_line():
            thread = self._chat.session.thread(
                parsed_whole(self.chat_undo.parser, line, variables_of(self._shell)).thread
            )
            if not thread.conversation.turns:
                raise InputError("there is nothing to undo: the conversation has no turns")
            thread.remove(thread.conversation.turns[-1])
            thread.refresh()
            display(History(thread))

    @no_var_expand
    @magic_arguments()
    @line_magic
    def chat_usage(self, line: str) -> None:
        """Show what the answers of this notebook have used: tokens, seconds, cost.

        An answer that failed or was interrupted counts as far as it came. Where a provider does not say how many tokens
        an answer has used, they are a guess, "about" so many.
        """
        with errors_in_one_line():
            parsed_whole(self.chat_usage.parser, line, variables_of(self._shell))
            numbers = ("Answers", "Tokens", "Seconds", "Cost")
            display(Table(("Provider", "Model", *numbers), self._usage(), numbers))

    @no_var_expand
    @magic_arguments()
    @argument("-p", "--provider", metavar="NAME", help="Provider to list. Default: all that can answer here.")
    @argument("providers", nargs="*", help="The same, without -p.")
    @argument("--refresh", action="store_true", help="Ask for the list again, even if it was fetched today.")
    @line_magic
    def chat_models(self, line: str) -> None:
        """Show the models that can be asked for."""
        with errors_in_one_line():
            names = variables_of(self._shell)
            options = parsed_whole(self.chat_models.parser, line, names)
            named = " ".join(filter(None, (options.provider, *options.providers)))
            found = who(named or self._chat.provider, names)
            display(bridge.run(lambda: model_table(found.provider, refresh=options.refresh)))

    @no_var_expand
    @magic_arguments()
    @line_magic
    def chat_providers(self, line: str) -> None:
        """Show who can answer here, and why the others cannot."""
        with errors_in_one_line():
            parsed_whole(self.chat_providers.parser, line, variables_of(self._shell))
            display(provider_table())

    @no_var_expand
    @magic_arguments()
    @argument("names", nargs="*", help="Functions, and servers of tools. Default: those of this notebook.")
    @line_magic
    def chat_tools(self, line: str) -> None:
        """Show what a model is told of tools: their names, parameters and descriptions.

        Those are functions of this notebook, as for `--tool`, and what `g4f.mcp` gives.
        """
        with errors_in_one_line():
            names = variables_of(self._shell)
            given = parsed_whole(self.chat_tools.parser, line, names).names
            tools = tools_named(given, (), names) if given else tools_here(names)
            display(bridge.run(lambda: tool_table(tools)))

    @no_var_expand
    @magic_arguments()
    @argument("alias", nargs="?", default="", help="The short name. Without one, all are shown.")
    @argument("target", nargs="?", help="PROVIDER:MODEL, such as OpenAI:gpt-5.4-mini.")
    @argument("--remove", action="store_true", help="Forget the name.")
    @line_magic
    def chat_alias(self, line: str) -> None:
        """Give a model a short name for `-m`, which this profile of IPython keeps."""
        with errors_in_one_line():
            options, aliases = parsed_whole(self.chat_alias.parser, line, variables_of(self._shell)), self._chat.aliases
            if options.remove:
                aliases.remove(options.alias)
            elif options.target:
                aliases.set(options.alias, options.target)
            elif options.alias and aliases.resolve(options.alias) is None:
                raise InputError(
                    f"there is no alias {options.alias!r}. To set it: %chat_alias {options.alias} PROVIDER:MODEL"
                )
            display(alias_table(aliases.all()))

    def _loaded(self, path: Path) -> Conversation:
        """Return the conversation in a file, with the provider of this notebook that it names, but no address."""
        conversation = Conversation.from_json(read(path, f"{path} cannot be read"))
        own = {name: value for name, value in self._shell.user_ns.items() if is_provider(value)}
        try:
            conversation.provider = who(str(conversation.provider or ""), own).provider
        except ProviderNotFoundError as error:
            say(f"g4f_jupyter: who answered in {path} is not known here: {error}")
            conversation.provider, conversation.model = None, ""
        return conversation

    def _usage(self) -> list[list[str]]:
        """Return a row for each model that answered, and a row for all of them."""
        spent = list(self._chat.session.spent)
        groups = {(each.provider, each.model): list[Spent]() for each in spent}
        for each in spent:
            groups[each.provider, each.model].append(each)
        return [_used(*who, each) for who, each in [*groups.items(), (("all", ""), spent)]]


def _used(provider: str, model: str, spent: list[Spent]) -> list[str]:
    seconds = f"{sum(each.seconds for each in spent):.1f}"
    return [provider, model, f"{len(spent):,}", total(spent), seconds, total_cost(spent)]


def _write(path: Path, conversation: Conversation) -> None:
    """Write the conversation to a file. A file that is there is replaced only if it holds a conversation."""
    if conversation.turns and not (conversation.provider or conversation.model):
        last, conversation = conversation.turns[-1], conversation.fork()
        conversation.provider, conversation.model = last.provider, last.model
    message, text = f"{path} cannot be written", conversation.to_json().encode()
    file = resolve(path, message)
    before = read(file, message, missing=text)
    decoded(before, Saved, f"{path} is there already, and holds no conversation, so name another file")
    replace(file, text, message)
