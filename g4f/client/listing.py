"""`client.models`: the names of the models that can be asked."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar, Unpack

from ..errors import InputError, ModelNotFoundError, close_matches
from ..option_values import in_our_words, pop_proxy
from ..options import ProviderOptions
from ..providers.call import bind, provider_name
from ..providers.catalogue import load_at
from ..providers.transport.settings import TRANSPORT
from ..routing import merged, resolve
from .defaults import Defaults
from .types import ListedModel, ModelList

__all__ = ["AsyncModelList", "Models"]

Listed = TypeVar("Listed")
One = TypeVar("One")


class AsyncModelList:
    """The models of a provider: await them, or read them by `async for`."""

    def __init__(self, make: Callable[[], Coroutine[Any, Any, ModelList]]) -> None:
        self._make = make

    def __await__(self) -> Generator[Any, None, ModelList]:
        return self._make().__await__()

    async def __aiter__(self) -> AsyncIterator[ListedModel]:
        for model in await self:
            yield model


class Models(Generic[Listed, One]):
    """`client.models`. Two functions, `listed` and `one`, turn a coroutine into what the client returns."""

    def __init__(
        self,
        defaults: Defaults,
        listed: Callable[[Callable[[], Coroutine[Any, Any, ModelList]]], Listed],
        one: Callable[[Callable[[], Coroutine[Any, Any, ListedModel]]], One],
    ) -> None:
        self._defaults, self._listed, self._one = defaults, listed, one

    def list(self, **options: Unpack[ProviderOptions]) -> Listed:
        """Return a ModelList: those of the client's provider, or of the one that would answer. AsyncClient: awaited.

        `options` say how the provider is asked, such as `api_key`. Raises InputError if it has no list.
        """
        return self._listed(lambda: _listed(self._defaults, options))

    def retrieve(self, model: str, **options: Unpack[ProviderOptions]) -> One:
        """Return the ListedModel of this name. Raises ModelNotFoundError with close matches."""
        return self._one(lambda: _one(self._defaults, model, options))


async def _listed(own: Defaults, options: ProviderOptions) -> ModelList:
    _, given = in_our_words(None, options)
    given = {**merged(own.provider, own.options, None, given)}
    provider = own.provider
    if provider is None and isinstance(address := given.get("base_url"), str):
        provider = load_at(address)
    if proxy := pop_proxy(given):
        given["proxy"] = proxy
    route = resolve(own.model, provider)
    call = bind(route.provider, route.model, [], given, stream=False)
    name, names = provider_name(call.provider), getattr(call.provider, "models", None)
    if not callable(names):
        raise InputError(f"{name} has no list of its models: ask one provider that has", provider=name)
    sent = {name: value for name, value in call.options.items() if name in TRANSPORT}
    found = names(**sent) if hasattr(call.provider, "row") else names()
    listed = await found if inspect.isawaitable(found) else found
    return ModelList([ListedModel(str(each), name, shutdown_date=getattr(each, "ends", "") or None) for each in listed])


async def _one(own: Defaults, model: str, options: ProviderOptions) -> ListedModel:
    listed = await _listed(own, options)
    for each in listed:
        if each.id == model:
            return each
    near = close_matches(model, (each.id for each in listed))
    raise ModelNotFoundError(f"there is no model {model!r} among those that are listed.{near}", model=model)
