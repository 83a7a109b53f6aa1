"""Exceptions of a provider that would steer its caller."""

from __future__ import annotations

import asyncio

from ..errors import ResponseError, kind_of
from .base_provider import Provider
from .call import provider_name

__all__ = ["OwnCancellation"]


class OwnCancellation:
    """A context that turns exceptions of a provider that would steer its caller into ResponseError.

    These are a CancelledError although this task was not cancelled, and a StopIteration, which Python turns into a
    RuntimeError.
    """

    __slots__ = ("_provider", "_requests")

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def __enter__(self) -> None:
        task = asyncio.current_task()
        self._requests = task.cancelling() if task is not None else 0

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is None:
            return
        name = provider_name(self._provider)
        if isinstance(error, asyncio.CancelledError):
            task = asyncio.current_task()
            if task is not None and task.cancelling() <= self._requests:
                raise ResponseError(f"{name} cancelled its own answer", provider=name) from error
        elif isinstance(error, RuntimeError) and isinstance(error.__cause__, StopIteration | StopAsyncIteration):
            stray = kind_of(error.__cause__)
            raise ResponseError(f"{name} raised {stray} instead of an answer", provider=name) from error
