"""The old name and path of `routing.resolve`."""

from __future__ import annotations

from typing import Any

from ..models import Model
from ..providers.base_provider import Provider
from ..providers.call import check
from ..routing import resolve

__all__ = ["get_model_and_provider"]


def get_model_and_provider(
    model: Model | str, provider: Provider | str | None, *_: Any, **__: Any
) -> tuple[str, Provider]:
    """Return the name of the model and the provider that answers it. The arguments after these two are ignored."""
    route = resolve(model, provider)
    check(route.provider)
    return route.model, route.provider
