"""Falling over to the next provider is itself a provider."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from time import monotonic
from typing import Any

from ..assembly import Assembly
from ..errors import (
    G4FError,
    InputError,
    ProviderNotFoundError,
    ResponseError,
    quoted,
)
from ..printable import logger
from ..spending import count
from ..waiting.limits import Limits
from .base_provider import AsyncGeneratorProvider, Provider
from .call import bind, given_to, is_provider, provider_name
from .cancelling import OwnCancellation
from .catalogue import load, names_in, parts
from .response import Item, PassedOver, ProviderInfo, Reasoning, Status, ToolCall
from .walk import Walk

__all__ = ["IterListProvider", "RetryProvider", "WithModel", "listed", "named", "parted"]


class WithModel:
    """A provider that is asked for `model`, whatever model a call names. Everything else is as it has it."""

    def __init__(self, provider: Provider, model: str) -> None:
        self.asked, self.default_model, self.name = provider, str.__str__(model), provider_name(provider)

    def __getattr__(self, name: str) -> Any:
        if name == "asked":  # in a copy that has nothing yet
            raise AttributeError(name)
        return getattr(self.asked, name)


def parted(provider: Provider) -> tuple[Provider, str]:
    """Return a provider, and the model that it is asked for in any case; "" if the call decides."""
    return (provider.asked, provider.default_model) if isinstance(provider, WithModel) else (provider, "")


def named(given: Provider | str | Sequence[Provider | str]) -> Provider:
    """Return the provider that a caller gave: itself, by name or address, or several of these, in a list or a text.

    A name may have a model behind a colon, such as "OpenAI:gpt-5.4". Several are an IterListProvider. Raises
    ProviderNotFoundError with close matches, and InputError for a wrong address.
    """
    if isinstance(given, type) or not isinstance(given, Iterable):  # most calls have one; a text is iterable, too
        return given
    found = listed(given)
    if not found and isinstance(given, str):
        raise ProviderNotFoundError("the name of the provider is empty")
    return found[0] if len(found) == 1 else IterListProvider(found)


def listed(given: Any) -> list[Provider]:
    """Return the providers that a caller gave, in order. Raises as `named` does; InputError for a list in a list."""
    found: list[Provider] = []
    for each in [given] if isinstance(given, str) or not _is_list(given) else given:
        if _is_list(each) and not isinstance(each, str):
            raise InputError("a list of providers must hold providers and names, not another list")
        found += [_loaded(name) for name in names_in(each)] if isinstance(each, str) else [each]
    return found


def _is_list(given: object) -> bool:
    return isinstance(given, Iterable) and not is_provider(given)


def _loaded(name: str) -> Provider:
    provider, model = parts(name)
    return WithModel(load(provider), model) if model else load(provider)


class IterListProvider(AsyncGeneratorProvider):
    """Asks `providers` (classes, instances, names, or a text of names) in turn until one gives text, and says which.

    A provider that fails, or ends without text, is passed over; once it gave text, its error is raised. Thoughts are
    given at once; if their provider fails after all, PassedOver says that they are not of the answer. One whose failure
    may pass is asked again, up to `max_retries` times, but not before each was asked, nor before it may be. One that
    stands there several times is asked so often.

    A key, an address or headers go only to the first provider that accepts them; `api_key={"OpenAI": …}` has one for
    each. If none answers, raises the error of a single provider, RetryProviderError for several, which is a
    ContextLengthError if the question was too long for one of them, and RetryNoProviderError for an empty list.
    """

    def __init__(self, providers: Sequence[Provider | str] | str, shuffle: bool = False) -> None:
        self.providers = listed(providers)
        self.shuffle = shuffle
        self.name = " ".join(map(_name, self.providers))
        self.asks_again = self.enforces_stream_timeout = self.takes_signatures = self.takes_files = True
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
        if stream_timeout is not None:
            options["stream_timeout"] = stream_timeout
        walk = Walk(self.order(), options)
        begun = thought = False
        while (provider := walk.next()) is not None:
            asked, own_model = parted(provider)
            own_model = own_model or model or getattr(provider, "default_model", None) or ""
            info = ProviderInfo(provider_name(provider), own_model)
            if walk.failures:
                yield (PassedOver if thought else Status)(walk.status(info.provider))
                thought = False
                await walk.pause()
            start, assembly = monotonic(), Assembly(info.provider, info.model)
            try:
                own = given_to(provider, self.providers, options)
                async with aclosing(_answer(asked, info, messages, own, stream=stream, assembly=assembly)) as items:
                    async for item in items:
                        if not begun:
                            begun = isinstance(item, str | ToolCall)
                            thought = thought or isinstance(item, Reasoning)
                        yield item
                    return
            except Exception as error:
                if isinstance(error, G4FError):
                    error.fill(info.provider, info.model)
                if begun:
                    raise
                count(assembly, messages, monotonic() - start)  # nobody else sees it
                logger.debug("passed over: %s, %s", info.provider, type(error).__name__)
                walk.failed(info.provider, error)
        if thought:
            yield PassedOver(walk.last)
        raise walk.error()


async def _answer(
    provider: Provider,
    info: ProviderInfo,
    messages: list[dict[str, Any]],
    options: dict[str, Any],
    *,
    stream: bool,
    assembly: Assembly,
) -> AsyncGenerator[Item | None]:
    """Yield an answer, after `info`, once it has text or a tool call; yield each Status and each thought at once.

    Until then `assembly` has what came of it.
    """
    silence = None if getattr(provider, "enforces_stream_timeout", False) else options.get("stream_timeout")
    if getattr(provider, "asks_again", False):
        options = {**options, "max_retries": 0}  # others are asked before
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
                    assembly.add(item)
                    begins = isinstance(item, str | ToolCall)
                    if begins or isinstance(item, Reasoning):
                        for held in early:
                            if begins or isinstance(held, _AT_ONCE):
                                yield held
                        early = None if begins else [held for held in early if not isinstance(held, _AT_ONCE)]
                limits.waiting()
    if early is not None:
        raise ResponseError("the answer was empty: no text and no tool call")


_AT_ONCE = (ProviderInfo, Reasoning)
"""What is given before there is text: who thinks, and what. Usage or a finish reason could be those of a failure."""


def _name(provider: Provider) -> str:
    asked, model = parted(provider)
    return f"{provider_name(asked)}:{model}" if model else provider_name(asked)


class RetryProvider(IterListProvider):
    """An IterListProvider that asks the only provider of its list up to `max_retries` times, whatever it fails with."""

    def __init__(
        self,
        providers: Sequence[Provider | str] | str,
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
