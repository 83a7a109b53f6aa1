"""From the names of model and provider to the route: who answers, and for which model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import islice
from typing import Any

import msgspec

from .errors import InputError, ModelNotFoundError, ProviderNotFoundError, close_matches, kind_of
from .models import Model, ModelUtils
from .printable import logger
from .providers.base_provider import Provider
from .providers.call import is_provider, provider_name
from .providers.catalogue import ROWS, available, find, is_address, load, missing, names_in, parts
from .providers.retry_provider import WithModel, listed, named, parted
from .providers.transport.settings import private

__all__ = ["Route", "check_keys", "merged", "resolve", "without_provider"]


class Route(msgspec.Struct, frozen=True):
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
    of these, which are asked in this order, as those in a list are. A name may have a model behind a colon, such as
    "Ollama:llama3:8b": this provider is then asked for that model, whatever `model` is.

    Without a provider, `G4F_PROVIDER` counts, whatever the model. If it is not set, a known model goes to the first of
    its providers that can answer here, or else to its first; the default model to the first provider that can answer
    here; any other one to the only provider whose key is set, or else, if none is, to a server on this machine. A model
    that has a class or an instance as its `best_provider` goes there.

    Raises ModelNotFoundError or ProviderNotFoundError (both with close matches), and InputError for what is no name at
    all. Whether the provider works is seen by `bind`.
    """
    known = model if isinstance(model, Model) else _known(model)
    chosen, own_model = _serving(known) if provider is None else provider, ""
    if isinstance(chosen, WithModel) or not is_provider(chosen):  # a name, several, or one with its own model
        chosen, own_model = parted(named(chosen))
    route = Route(chosen, provider_name(chosen), own_model or known.name or getattr(chosen, "default_model", ""))
    logger.debug("route: %s, model %r", route.name, route.model)
    return route


def without_provider(model: Model | str) -> Route:
    """Return the route of a question that the tape answers: nobody is looked for. Raises InputError like `resolve`."""
    route = Route(None, "tape", (model if isinstance(model, Model) else _known(model)).name)
    logger.debug("route: %s, model %r", route.name, route.model)
    return route


def check_keys(provider: Provider, keys: Mapping[str, Any]) -> None:
    """Raise ProviderNotFoundError, with close matches, for a name in `keys` of no known provider and none of these."""
    others = [provider_name(each) for each in getattr(provider, "providers", [provider])]
    for name in keys:
        if name not in others:
            find(name, others)


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
    """Whether two providers are the same ones, however they are given, and whichever models they are asked for."""
    one, other = ([parted(each)[0] for each in listed(given)] for given in (own, provider))
    return one == other


def _known(name: str) -> Model:
    if not isinstance(name, str):
        hint = ". Are model and messages swapped?" if isinstance(name, list) else ""
        raise InputError(f'model must be a name ("" for the default) or a Model, not {kind_of(name)}{hint}')
    return ModelUtils.convert.get(name) or Model(name)


def _serving(model: Model) -> Provider:
    """Return who is asked for a model if the caller names no provider, as `resolve` says."""
    best = model.best_provider
    if best is not None and not isinstance(best, str):
        return named(best)
    if names := os.environ.get("G4F_PROVIDER"):
        return _of_environment(names)
    if best:
        several = names_in(best)
        return named(next((name for name in several if _can_answer(name)), several[0]))
    return _for_any(model.name) if model.name else _default()


def _of_environment(names: str) -> Provider:
    try:
        return named(names)
    except (ProviderNotFoundError, InputError) as error:
        raise type(error)(f"G4F_PROVIDER: {error}", provider=error.provider) from None


def _can_answer(name: str) -> bool:
    return is_address(name) or not missing(find(parts(name)[0]))


def _for_any(model: str) -> Provider:
    """Return who is asked for a model that is not known here: the only one whose key is set, or a server that runs."""
    keyed = [row for row in ROWS if any(map(os.environ.get, row.keys))]
    keyed = [row for row in keyed if row.by_default] or keyed
    found = keyed or list(islice((row for row in available() if row.base_url), 1))
    if len(found) == 1:
        return load(found[0].name)
    near = close_matches(model, ModelUtils.convert.keys() - {model})
    ways = " or ".join(repr(row.name) for row in keyed) or "…"
    raise ModelNotFoundError(
        f"no provider is known for the model {model!r}.{near} Name one that serves it: provider={ways}", model=model
    )


def _default() -> Provider:
    row = next(available(), None)
    if row is None:
        ways = "; ".join(f"{row.name}: {missing(row)}" for row in ROWS if row.by_default)
        raise ProviderNotFoundError(f"no provider can answer here. {ways}")
    return load(row.name)
