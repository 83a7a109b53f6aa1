"""The names that users write: `g4f.Provider.Local`. Each provider is imported when it is first named."""

from __future__ import annotations

from typing import Any

from .errors import ProviderNotFoundError
from .providers.base_provider import AbstractProvider, AsyncGeneratorProvider, AsyncProvider
from .providers.catalogue import ROWS, load
from .providers.retry_provider import IterListProvider, RetryProvider

__all__ = [  # noqa: PLE0604 - the catalogue's names are names of this module
    "AbstractProvider",
    "AsyncGeneratorProvider",
    "AsyncProvider",
    "IterListProvider",
    "RetryProvider",
    *(row.name for row in ROWS),
]


def __getattr__(name: str) -> Any:
    try:
        return load(name)
    except ProviderNotFoundError as error:
        raise AttributeError(str(error)) from None


def __dir__() -> list[str]:
    return sorted(__all__)
