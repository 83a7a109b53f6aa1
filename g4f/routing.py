"""From the names of model and provider to the route: who answers, and for which model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from .errors import InputError, ModelNotFoundError, ProviderNotFoundError, close_matches, kind_of
from .models import Model, ModelUtils
from .printable import logger
from .providers.base_provider import Provider, provider_name
from .providers.catalogue import ROWS, available, find, load, missing
from .providers.retry_provider import IterListProvider
from .providers.transport.settings import private
from .secrets.key import sealed

__all__ = ["Route", "merged", "resolve", "without_provider"]


class Route(NamedTuple):
    """Who answers, and for which model."""

    provider: Provider | None
    """None where the tape answers, and nobody was looked for."""
    name: str
    """The name of the provider."""
    model: str
    """What the provider is given; "" where it has no names for its models."""


def resolve(model: Model | str, provider: Provider | str | None = None) -> Route:
    """Return the route of a call for `model`.

    A `provider` that is a text is one name, the address of a server that speaks OpenAI's chat completions, or several
    of these, which are asked in this order. Without a provider, a known model goes to the first of its providers that
    can answer here, or else to its first; the default model goes to `G4F_PROVIDER`, or else to the first provider that
    can answer here.

    Raises ModelNotFoundError or ProviderNotFoundError (both with close matches), and InputError for what is no name at
    all. Whether the provider works is seen by `bind`.
    """
    known = model if isinstance(model, Model) else _known(model)
    chosen = _serving(known) if provider is None else provider
    chosen = _named(chosen) if isinstance(chosen, str) else chosen
    route = Route(chosen, provider_name(chosen), known.name or getattr(chosen, "default_model", ""))
    logger.debug("route: %s, model %r", route.name, route.model)
    return route


def without_provider(model: Model | str) -> Route:
    """Return the route of a question that the tape answers: nobody is looked for. Raises InputError like `resolve`."""
    route = Route(None, "tape", (model if isinstance(model, Model) else _known(model)).name)
    logger.debug("route: %s, model %r", route.name, route.model)
    return route


def merged(
    own: Provider | str | None, options: dict[str, Any], provider: Provider | str | None, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the options of a call: those `given` with it, over those of a client or conversation.

    `own` is the provider of that client or conversation, `provider` that of the call: the key, address and headers of
    one go to no other, and to no other address.
    """
    if provider is None and not given:
        return options
    at = options.get("base_url")
    belongs = (own is None and at is None) or (
        (provider is None or _is_same(own, provider)) and given.get("base_url") in (None, at)
    )
    others = set() if belongs else private(options)
    kept = {name: value for name, value in options.items() if value is not None and name not in others}
    new = {name: value for name, value in given.items() if value is not None}
    for name in ("extra_headers", "extra_query"):
        if isinstance(kept.get(name), Mapping) and isinstance(new.get(name), Mapping):
            new[name] = {**kept[name], **new[name]}
    return kept | new


def _is_same(own: Provider | str | None, provider: Provider | str) -> bool:
    """Whether two providers are the same one, also where it is given by its name."""
    one, other = (_loaded(each) for each in (own, provider))
    return bool(one is other or (isinstance(one, list) and one == other))


def _loaded(provider: Provider | str) -> Any:
    if not isinstance(provider, str):
        return provider
    loaded = [load(name) for name in _split(provider)]
    return loaded[0] if len(loaded) == 1 else loaded


def _known(name: str) -> Model:
    if not isinstance(name, str):
        hint = ". Are model and messages swapped?" if isinstance(name, list) else ""
        raise InputError(f'model must be a name ("" for the default) or a Model, not {kind_of(name)}{hint}')
    return ModelUtils.convert.get(name) or Model(name)


def _named(names: str) -> Provider:
    listed = _split(names)
    if not listed:
        raise ProviderNotFoundError("the name of the provider is empty")
    return load(listed[0]) if len(listed) == 1 else IterListProvider(listed)


def _split(names: str) -> list[str]:
    return [sealed(name) for name in names.replace(",", " ").split()]


def _serving(model: Model) -> Provider:
    """Return the first of the model's providers that can answer here; else its first, whose error says why not."""
    best = model.best_provider
    if best is None or best == "":
        if not model.name:
            return _default()
        near = close_matches(model.name, ModelUtils.convert.keys() - {model.name})
        raise ModelNotFoundError(
            f"no provider is known for the model {model.name!r}.{near} Name one that serves it: provider=…",
            model=model.name,
        )
    if not isinstance(best, str):
        return best
    listed = _split(best)
    return load(next((name for name in listed if not missing(find(name))), listed[0]))


def _default() -> Provider:
    if names := sealed(os.environ.get("G4F_PROVIDER", "")):
        try:
            return _named(names)
        except ProviderNotFoundError as error:
            raise ProviderNotFoundError(f"G4F_PROVIDER: {error}", provider=error.provider) from None
    row = next(available(), None)
    if row is None:
        ways = "; ".join(f"{row.name}: {missing(row)}" for row in ROWS if row.by_default)
        raise ProviderNotFoundError(f"no provider can answer here. {ways}")
    return load(row.name)
