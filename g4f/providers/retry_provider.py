"""Falling over to the next provider is itself a provider."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from ..errors import ResponseError, RetryNoProviderError, RetryProviderError
from .base_provider import AsyncGeneratorProvider, Provider, open_stream, own_cancellation, provider_name
from .catalogue import load
from .response import Item, ProviderInfo, ToolCall

__all__ = ["IterListProvider", "RetryProvider"]


class IterListProvider(AsyncGeneratorProvider):
    """Asks `providers` (classes, instances or names) in turn until one gives text; says who by a ProviderInfo.

    A provider that fails, or ends without text, is passed over. Once there was text, its error is the call's. If
    none answers: the error itself of a single provider, RetryProviderError of several, RetryNoProviderError of none.
    """

    def __init__(self, providers: Sequence[Provider | str], shuffle: bool = False) -> None:  # noqa: FBT001, FBT002
        self.providers = [load(provider) if isinstance(provider, str) else provider for provider in providers]
        self.shuffle = shuffle
        self.name = " ".join(map(provider_name, self.providers))

    def order(self) -> list[Provider]:
        """Return the providers in the order in which a call asks them."""
        return random.sample(self.providers, len(self.providers)) if self.shuffle else self.providers

    async def create_async_generator(
        self, model: str, messages: list[dict[str, Any]], *, stream: bool = False, **options: Any
    ) -> AsyncGenerator[Item | None]:
        """Yield the answer of the first provider that gives one."""
        failures: list[tuple[str, Exception]] = []
        for provider in self.order():
            info = ProviderInfo(provider_name(provider), model or getattr(provider, "default_model", ""))
            held: list[Item] | None = [info]  # all before the first text, dropped with a provider that fails
            try:
                with own_cancellation(provider):
                    answer = open_stream(provider, info.model, messages, stream=stream, options=options)
                    async with aclosing(answer) as items:
                        async for item in items:
                            if held is None:
                                yield item
                            elif item:
                                held.append(item)
                                if isinstance(item, (str, ToolCall)):
                                    first, held = held, None
                                    for early in first:
                                        yield early
                if held is None:
                    return
                raise ResponseError("the answer was empty", provider=info.provider, model=info.model)  # noqa: TRY301
            except Exception as error:
                if held is None:
                    raise
                failures.append((info.provider, error))
        if not failures:
            raise RetryNoProviderError("the list of providers is empty")
        if len(failures) == 1:
            raise failures[0][1]
        told = "; ".join(f"{name}: {error or type(error).__name__}" for name, error in failures)
        raise RetryProviderError(f"no provider of {len(failures)} answered: {told}", failures)


class RetryProvider(IterListProvider):
    """An IterListProvider that asks a provider which is alone in the list up to `max_retries` times."""

    def __init__(
        self,
        providers: Sequence[Provider | str],
        shuffle: bool = False,  # noqa: FBT001, FBT002 - the order of arguments is the contract
        single_provider_retry: bool = False,  # noqa: FBT001, FBT002
        max_retries: int = 3,
    ) -> None:
        super().__init__(providers, shuffle)
        self.tries = max_retries if single_provider_retry and len(self.providers) == 1 else 1

    def order(self) -> list[Provider]:
        """Return the providers in the order in which a call asks them."""
        return super().order() * self.tries
