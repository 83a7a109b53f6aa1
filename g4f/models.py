"""Models by name. A model holds provider names, never providers: naming one imports nothing."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from .providers.base_provider import Provider

__all__ = ["Model", "ModelUtils", "default", "gpt_4o", "gpt_4o_mini", "smollm2"]


class Model(msgspec.Struct, frozen=True):
    """A model: the `name` that is sent, who made it, and who serves it.

    `best_provider` is a name, several names in order of preference ("OpenAI OpenRouter"), a class or an
    instance; None where the caller has to say.
    """

    name: str
    base_provider: str = ""
    best_provider: Provider | str | None = None


default = Model("")
"""Whatever the first provider that can answer here has for its default."""

gpt_4o = Model("gpt-4o", "OpenAI", "OpenAI")
gpt_4o_mini = Model("gpt-4o-mini", "OpenAI", "OpenAI")
smollm2 = Model("smollm2", "Hugging Face", "Local")


class ModelUtils:
    """The registry: add a model by `ModelUtils.convert["name"] = Model(…)`."""

    convert: ClassVar[dict[str, Model]] = {model.name: model for model in (gpt_4o, gpt_4o_mini, smollm2)}
