"""Falling over to the next provider is itself a provider."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from typing import Any

from ..errors import G4FError, InputError, ResponseError, RetryNoProviderError, RetryProviderError, kind_of, quoted
from ..printable import logger
from ..waiting.limits import Limits
from .base_provider import AsyncGeneratorProvider, Provider, provider_name
from .call import OwnCancellation, bind, given_to
from .catalogue import load
from .response import Item, ProviderInfo, Status, ToolCall

__all__ = ["IterListProvider", "RetryProvider"]


class IterListProvider(AsyncGeneratorProvider):
    """Asks `providers` (classes, instances or names) in turn until one gives text, and says which.

    A provider that fails, or ends without text, is passed over; once it gave text, its error is raised. A key, an
    address or headers go only to the first provider that accepts them; `api_key={"OpenAI": …}` has one for each.
    If none answers, raises the error of a single provider, RetryProviderError for several, RetryNoProviderError for an
    empty list.
    """

    def __init__(self, providers: Sequence[Provider | str], shuffle: bool = False) -> None:
        if not isinstance(providers, Iterable):
            raise InputError(f"providers must be a list of providers, not {kind_of(providers)}")
        self.providers = [load(provider) if isinstance(provider, str) else provider for provider in providers]
        self.shuffle = shuffle
        self.name = " ".join(map(provider_name, self.providers))
        self.enforces_stream_timeout = self.takes_signatures = True
        self.enforces_max_tokens = all(getattr(each, "enforces_max_tokens", False) for each in self.providers)

    def order(self) -> list[Provider]:
        """Return the providers in the order in which to ask them."""
        return random.sample(self.providers, len(self.providers)) if self.shuffle else self.providers

    async def create_async_generator(
        self,
        model: str,
        messages: list[dict[str, Any]],
        *,
        stream: bool = False,
        stream_timeout: float | None = None,
        **options: Any,
    ) -> AsyncGenerator[Item | None]:
        """Yield the answer of the first provider that gives one. Each may pause for `stream_timeout` seconds."""
        failures: list[tuple[str, Exception]] = []
        if stream_timeout is not None:
            options["stream_timeout"] = stream_timeout
        for provider in self.order():
            info = ProviderInfo(provider_name(provider), model or getattr(provider, "default_model", ""))
            begun = False
            if failures:
                yield Status(f"{_described(*failures[-1])}; asking {info.provider}")
            try:
                own = given_to(provider, self.providers, options)
                async with aclosing(_answer(provider, info, messages, own, stream)) as items:
                    async for item in items:
                        begun = begun or item is info
                        yield item
                    return
            except Exception as error:
                if isinstance(error, G4FError):
                    error.fill(info.provider, info.model)
                if begun:
                    raise
                logger.debug("passed over: %s, %s", info.provider, type(error).__name__)
                failures.append((info.provider, error))
        raise _summary(failures)


async def _answer(
    provider: Provider, info: ProviderInfo, messages: list[dict[str, Any]], options: dict[str, Any], stream: bool
) -> AsyncGenerator[Item | None]:
    """Yield an answer, after `info`, once it has text or a tool call; yield each Status at once."""
    silence = None if getattr(provider, "enforces_stream_timeout", False) else options.get("stream_timeout")
    early: list[Item] | None = [info]
    with OwnCancellation(provider), Limits(None, silence) as limits:
        call = bind(provider, info.model, messages, options, stream=stream)
        async with aclosing(call.open()) as items:
            async for item in items:
                limits.handing_over()
                if early is None or isinstance(item, Status):
                    yield item
                elif item:
                    early.append(item)
                    if isinstance(item, (str, ToolCall)):
                        for held in early:
                            yield held
                        early = None
                limits.waiting()
    if early is not None:
        raise ResponseError("the answer was empty: no text and no tool call")


def _described(name: str, error: Exception) -> str:
    return f"{name}: {str(error) or type(error).__name__}"


def _summary(failures: list[tuple[str, Exception]]) -> Exception:
    """Return the error of a call that no provider answered.

    Clears `failures`, whose tracebacks would keep it alive in a circle.
    """
    errors = tuple(failures)
    failures.clear()
    if not errors:
        return RetryNoProviderError("the list of providers is empty: there is no provider to ask")
    last = errors[-1][1]
    if len(errors) == 1:
        return last
    reasons = "; ".join(_described(*each) for each in errors)
    summary = RetryProviderError(f"no provider answered. {reasons}", errors)
    summary.__cause__ = last
    return summary


class RetryProvider(IterListProvider):
    """An IterListProvider that asks the only provider of its list up to `max_retries` times."""

    def __init__(
        self,
        providers: Sequence[Provider | str],
        shuffle: bool = False,
        single_provider_retry: bool = False,
        max_retries: int = 3,
    ) -> None:
        super().__init__(providers, shuffle)
        if not isinstance(max_retries, int) or max_retries > 1000:
            raise InputError(f"max_retries must be a whole number up to 1000, not {quoted(max_retries)}")
        self.tries = max_retries if single_provider_retry and len(self.providers) == 1 else 1

    def order(self) -> list[Provider]:
        """Return the providers in the order in which to ask them."""
        return super().order() * self.tries
