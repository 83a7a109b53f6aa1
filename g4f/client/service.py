"""The old name of routing."""

from __future__ import annotations

from typing import Any

from ..models import Model
from ..providers.base_provider import Provider
from ..routing import resolve

__all__ = ["get_model_and_provider"]


def get_model_and_provider(
    model: Model | str, provider: Provider | str | None, *_: Any, **__: Any
) -> tuple[str, Provider]:
    """Return the model's name and the provider that answers it. What came after them once is passed over."""
    route = resolve(model, provider)
    return route.model, route.provider
