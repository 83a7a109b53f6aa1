"""Ask any model, from any event loop.

The walk of a question:

options, messages ─ routing.resolve ─ request.prepare ─ dispatch.ask
     ─ providers.call (a provider's method) ─ providers.protocols (its request) ─ providers.transport (HTTP)
     ─ providers.protocols (its answer, as events) ─ shaping (`<think>`, stop words) ─ assembly (one answer)
     ─ completion, client, conversation (of turns) or comparing (of models); by waiting.bridge if the call is sync
     ─ g4f_jupyter

Beside it: batching asks about many inputs, and keeps a journal; tools makes the calls that an answer wants, and asks
again; typed makes a value of an answer; taping answers from a file, spending counts what answers used, secrets keeps
keys back, markdown and printable make safe what is shown; files and locks are how all files are read and written.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import Provider, errors, models
    from .batching.batch import abatch, batch, ibatch
    from .client.client import AsyncClient, Client
    from .comparing import compare, compare_async
    from .completion import ChatCompletion
    from .conversation import Conversation
    from .models import Model
    from .options import NOT_GIVEN
    from .taping.tapes import tape
    from .tools.function import tool
    from .tools.mcp import mcp

__all__ = [
    "NOT_GIVEN",
    "AsyncClient",
    "ChatCompletion",
    "Client",
    "Conversation",
    "Model",
    "Provider",
    "abatch",
    "batch",
    "compare",
    "compare_async",
    "errors",
    "ibatch",
    "mcp",
    "models",
    "tape",
    "tool",
]

_HOMES = {
    "AsyncClient": "client.client",
    "ChatCompletion": "completion",
    "Client": "client.client",
    "Conversation": "conversation",
    "Model": "models",
    "NOT_GIVEN": "options",
    "abatch": "batching.batch",
    "batch": "batching.batch",
    "ibatch": "batching.batch",
    "compare": "comparing",
    "compare_async": "comparing",
    "mcp": "tools.mcp",
    "tape": "taping.tapes",
    "tool": "tools.function",
}
_MODULES = ("Provider", "client", "errors", "models")


def __getattr__(name: str) -> Any:
    """Import what is named when it is first used: asyncio alone takes longer than all that is here."""
    if name not in _MODULES and name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f".{_HOMES.get(name, name)}", __name__)
    except ImportError as error:
        from g4f_jupyter.other_package import explained  # noqa: PLC0415 - only what another g4f has broken has this to spend

        raise explained(error) from None
    value = globals()[name] = module if name in _MODULES else getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


logging.getLogger("g4f").addHandler(logging.NullHandler())
