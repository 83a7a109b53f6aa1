"""What the extension adds to a shell, and removes again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from g4f.errors import NestAsyncioError
from g4f.printable import logger, say
from g4f.waiting import bridge

from ..line import completion
from ..line.question_mark import TRANSFORMERS
from ..magics.chat import ChatMagics
from ..magics.chat_lines import ChatLineMagics
from .waking import wake_at_signals

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load", "register", "unregister"]


_OURS = (ChatMagics, ChatLineMagics)


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


def unregister(shell: InteractiveShell) -> None:
    """Remove the magics from `shell`."""
    completion.unregister(shell)
    for magics in shell.magics_manager.magics.values():
        for name in [name for name, magic in magics.items() if isinstance(getattr(magic, "__self__", None), _OURS)]:
            del magics[name]
    callbacks = shell.events.callbacks["pre_run_cell"]
    callbacks[:] = [each for each in callbacks if not isinstance(getattr(each, "__self__", None), _OURS)]
    transformers = shell.input_transformer_manager.token_transformers
    transformers[:] = [each for each in transformers if each not in TRANSFORMERS]
    shell.configurables[:] = [each for each in shell.configurables if not isinstance(each, _OURS)]
