"""(model, provider) → Route: who is asked, and for which model."""

from __future__ import annotations

import os
from typing import NamedTuple

from .errors import ModelNotFoundError, ProviderNotFoundError, ProviderNotWorkingError, close_matches
from .models import Model, ModelUtils
from .providers.base_provider import Provider, method_of, provider_name
from .providers.catalogue import ROWS, available, find, load, missing
from .providers.retry_provider import IterListProvider

__all__ = ["Route", "resolve"]


class Route(NamedTuple):
    """Who is asked. `model` is what the provider is given, "" where it has no names for its models."""

    provider: Provider
    name: str
    model: str


def resolve(model: Model | str, provider: Provider | str | None = None) -> Route:
    """Return who answers `model`.

    Without a provider: a known model goes to the first of its providers that can answer here, else to its first;
    no model to `G4F_PROVIDER`, or to the first provider that can answer here. A provider as text is one name, or
    several that are asked in that order.

    Raises ModelNotFoundError, ProviderNotFoundError (both with close matches) or ProviderNotWorkingError.
    """
    known = model if isinstance(model, Model) else _known(model, provider)
    chosen = provider if provider is not None else known.best_provider
    if chosen is None:
        chosen = _default()
    elif isinstance(chosen, str):
        chosen = _named(chosen) if provider is not None else _serving(chosen)
    method_of(chosen)
    name = provider_name(chosen)
    if not getattr(chosen, "working", True):
        raise ProviderNotWorkingError(f"{name} says of itself that it does not work", provider=name, model=known.name)
    return Route(chosen, name, known.name or getattr(chosen, "default_model", ""))


def _known(model: str, provider: Provider | str | None) -> Model:
    if not isinstance(model, str):
        raise ModelNotFoundError(f"a model is a name or a Model, not {type(model).__name__}")
    if provider is not None or not model:
        return Model(model)
    found = ModelUtils.convert.get(model)
    if found is None or found.best_provider is None:
        near = close_matches(model, ModelUtils.convert)
        raise ModelNotFoundError(f"no provider is known for the model {model!r}.{near or ' Name a provider.'}")
    return found


def _named(names: str) -> Provider:
    listed = names.replace(",", " ").split()
    if not listed:
        raise ProviderNotFoundError("the name of the provider is empty")
    return load(listed[0]) if len(listed) == 1 else IterListProvider(listed)


def _serving(names: str) -> Provider:
    """The first of a model's providers that can answer here; else its first, whose call says what is missing."""
    listed = names.split()
    return load(next((name for name in listed if not missing(find(name))), listed[0]))


def _default() -> Provider:
    if names := os.environ.get("G4F_PROVIDER"):
        return _named(names)
    row = next(available(), None)
    if row is None:
        ways = "; ".join(f"{row.name}: {missing(row)}" for row in ROWS)
        raise ProviderNotFoundError(f"no provider can answer here. {ways}")
    return load(row.name)
