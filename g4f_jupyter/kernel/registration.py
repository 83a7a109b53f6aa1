"""What the extension adds to a shell, and removes again."""

from __future__ import annotations

import asyncio
import threading
from types import MethodType
from typing import TYPE_CHECKING, Any

from traitlets import HasTraits, TraitError
from traitlets.config.loader import DeferredConfig, LazyConfigValue

from g4f.errors import NestAsyncioError
from g4f.printable import counted, logger, say
from g4f.waiting import bridge

from ..line import completion
from ..line.question_mark import TRANSFORMERS
from ..magics.chat import ChatMagics
from ..magics.chat_lines import ChatLineMagics
from ..other_package import other_g4f
from .awaiting import AwaitRunner
from .tracebacks import Tracebacks
from .waking import wake_at_signals

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["register", "unregister"]


_OURS = (ChatMagics, ChatLineMagics)


class _Loop:
    """The loop of a shell's main thread, made nestable and woken by interrupts.

    An extension that IPython's configuration names is loaded before that loop runs: then the first cell does it.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._events = shell.events
        self._events.register("pre_run_cell", self.prepare)
        self.prepare(None)

    def prepare(self, _: object) -> None:
        """Prepare the loop, if it runs here, once."""
        if threading.current_thread() is not threading.main_thread():
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            logger.debug("no loop runs here")
            return
        self._events.unregister("pre_run_cell", self.prepare)
        try:
            bridge.make_nestable(loop)
            logger.debug("the running loop is nestable")
        except NestAsyncioError as error:
            say(f"g4f_jupyter: {error}")
        wake_at_signals(loop)


def register(shell: InteractiveShell) -> None:
    """Add all that is ours to `shell`. Prints a line if it had another magic `chat`, or if another g4f is here."""
    before = shell.magics_manager.magics["cell"].get("chat")
    if before is not None and not _is_ours(before):
        say("g4f_jupyter: %%chat now asks g4f; it was another magic before")
    if other := other_g4f():
        say(f"g4f_jupyter: {other}")
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
    shell.input_transformer_manager.token_transformers.extend(TRANSFORMERS)
    shell.events.register("pre_run_cell", chat.forget_deleted)
    shell.events.register("post_run_cell", chat.end_cell)
    Tracebacks(shell).install()
    AwaitRunner(shell).install()
    _Loop(shell)


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
    _say_dropped(shell)
    completion.unregister(shell)
    for magics in shell.magics_manager.magics.values():
        for name in [name for name, magic in magics.items() if _is_ours(magic)]:
            del magics[name]
    for event in ("pre_run_cell", "post_run_cell"):
        _remove_callbacks(shell.events.callbacks[event])
    if isinstance(shell.loop_runner, AwaitRunner):
        shell.loop_runner.remove()
    transformers = shell.input_transformer_manager.token_transformers
    transformers[:] = [each for each in transformers if each not in TRANSFORMERS]
    shell.configurables[:] = [each for each in shell.configurables if not isinstance(each, _OURS)]


def _is_ours(magic: object) -> bool:
    """Whether a magic is one of ours. A closer look at those of IPython would load those that are not loaded yet."""
    return isinstance(magic, MethodType) and isinstance(magic.__self__, _OURS)


def _say_dropped(shell: InteractiveShell) -> None:
    configurables: list[Any] = shell.configurables
    for chat in [each for each in configurables if isinstance(each, ChatMagics)]:
        turns, tokens = chat.session.turns, sum(each.tokens for each in chat.session.spent)
        if turns or tokens:
            say(
                f"g4f_jupyter: the conversations ({counted(turns, 'turn')}) and the count of tokens ({tokens:,}) are "
                "dropped; aliases and the settings of %config stay"
            )


def _remove_callbacks(callbacks: list[Any]) -> None:
    for owner in [getattr(each, "__self__", None) for each in callbacks]:
        if isinstance(owner, Tracebacks):
            owner.remove()
    callbacks[:] = [each for each in callbacks if not isinstance(getattr(each, "__self__", None), (*_OURS, _Loop))]
