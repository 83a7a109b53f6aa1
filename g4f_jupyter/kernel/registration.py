"""What the extension adds to a shell, and removes again."""

from __future__ import annotations

import asyncio
import tokenize
from tokenize import TokenInfo
from typing import TYPE_CHECKING, Any

from IPython.core.inputtransformer2 import EscapedCommand
from traitlets import HasTraits, TraitError
from traitlets.config.loader import DeferredConfig, LazyConfigValue

from g4f.errors import NestAsyncioError
from g4f.printable import logger, say
from g4f.waiting import bridge

from ..line import completion
from ..magics.chat import ChatMagics
from ..magics.chat_lines import ChatLineMagics
from .waking import wake_at_signals

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load", "register", "unregister"]


_OURS = (ChatMagics, ChatLineMagics)


class _Question(EscapedCommand):
    """A line of `%chat` that ends with a question mark is a question, not a call for help on its last word."""

    priority = EscapedCommand.priority - 6  # before HelpEnd, which would show help instead

    @classmethod
    def find(cls, tokens_by_line: list[list[TokenInfo]]) -> _Question | None:
        """Return the first such line of a cell. `%chat?` is none: it asks for help."""
        for line in tokens_by_line:
            words = [token for token in line if token.type not in (tokenize.INDENT, tokenize.DEDENT)]
            if [token.string for token in words[:2]] == ["%", "chat"] and words[2].string not in "??":
                return cls(words[0].start)
        return None


def load(shell: InteractiveShell) -> None:
    """Make the running loop nestable, have interrupts wake it, and register the magics."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        logger.debug("no loop runs here")
    else:
        _prepare(loop)
    register(shell)


def _prepare(loop: asyncio.AbstractEventLoop) -> None:
    try:
        bridge.make_nestable(loop)
        logger.debug("the running loop is nestable")
    except NestAsyncioError as error:
        say(f"g4f_jupyter: {error}")
    wake_at_signals(loop)


def register(shell: InteractiveShell) -> None:
    """Add the magics to `shell`. Prints a line if it had another magic called `chat`."""
    before = shell.magics_manager.magics["cell"].get("chat")
    if before is not None and not isinstance(getattr(before, "__self__", None), _OURS):
        say("g4f_jupyter: %%chat now asks g4f; it was another magic before")
    unregister(shell)
    _drop_refused(shell)
    chat = ChatMagics(shell)
    ours = (chat, ChatLineMagics(shell, chat))
    shell.register_magics(*ours)
    completion.register(
        shell,
        ours,
        provider=lambda: str(chat.provider),
        threads=lambda: filter(None, chat.session.threads),
        aliases=chat.aliases,
    )
    shell.input_transformer_manager.token_transformers.append(_Question)
    shell.events.register("pre_run_cell", chat.forget_deleted)
    shell.events.register("post_run_cell", chat.end_cell)


def _drop_refused(shell: InteractiveShell) -> None:
    """Drop settings that `%config` has refused: the shell keeps them nevertheless, and new magics would fail."""
    settings, traits = shell.config.get("ChatMagics", {}), dict[str, Any](ChatMagics.class_traits(config=True))
    for name, value in [*settings.items()]:
        if name not in traits or value is None or isinstance(value, DeferredConfig | LazyConfigValue):
            continue
        try:
            traits[name].validate(HasTraits(), value)
        except TraitError:
            del settings[name]
            say(f"g4f_jupyter: the setting {name} = {value!r} is ignored. %config ChatMagics lists what it can be")


def unregister(shell: InteractiveShell) -> None:
    """Remove the magics from `shell`. Prints a line if conversations go with them."""
    configurables: list[Any] = shell.configurables
    for chat in [each for each in configurables if isinstance(each, ChatMagics)]:
        if (turns := chat.session.turns) or chat.session.tokens:
            say(
                f"g4f_jupyter: the conversations ({turns} turn{'s' * (turns != 1)}) and the count of tokens "
                f"({chat.session.tokens:,}) are dropped; aliases and the settings of %config stay"
            )
    completion.unregister(shell)
    for magics in shell.magics_manager.magics.values():
        for name in [name for name, magic in magics.items() if isinstance(getattr(magic, "__self__", None), _OURS)]:
            del magics[name]
    for event in ("pre_run_cell", "post_run_cell"):
        callbacks = shell.events.callbacks[event]
        callbacks[:] = [each for each in callbacks if not isinstance(getattr(each, "__self__", None), _OURS)]
    transformers = shell.input_transformer_manager.token_transformers
    transformers[:] = [each for each in transformers if each is not _Question]
    shell.configurables[:] = [each for each in shell.configurables if not isinstance(each, _OURS)]
