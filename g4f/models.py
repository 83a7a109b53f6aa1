"""Models by name. They hold the names of providers, so that nothing is imported before it is asked."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from .providers.base_provider import Provider

__all__ = [
    "Model",
    "ModelUtils",
    "claude_haiku_5_5",
    "command_a_03_2025",
    "deepseek_flash",
    "default",
    "gemini_flash_latest",
    "gpt_4o",
    "gpt_4o_mini",
    "gpt_5_4",
    "gpt_5_4_mini",
    "gpt_5_4_nano",
    "gpt_5_5",
    "gpt_6_1_sol",
    "gpt_6_astra",
    "gpt_6_luna",
    "gpt_6_sol",
    "gpt_oss_120b",
    "grok_4_3",
    "mistral_large_latest",
    "mistral_small_latest",
    "smollm2",
]


class Model(msgspec.Struct, frozen=True):
    """A model."""

    name: str
    """The name that is sent."""
    base_provider: str = ""
    """Who made it."""
    best_provider: Provider | str | None = None
    """Who serves it: a name, several in order of preference ("OpenAI OpenRouter"), a class or an instance.

    None where the caller has to say.
    """


default = Model("")
"""The default model of the first provider that can answer here."""

gpt_4o = Model("gpt-4o", "OpenAI", "OpenAI AzureOpenAI")
gpt_4o_mini = Model("gpt-4o-mini", "OpenAI", "OpenAI AzureOpenAI")
gpt_6_sol = Model("gpt-6-sol", "OpenAI", "OpenAI AzureOpenAI")
gpt_5_5 = Model("gpt-5.5", "OpenAI", "OpenAI AzureOpenAI")
gpt_6_astra = Model("gpt-6-astra", "OpenAI", "OpenAI AzureOpenAI")
gpt_6_1_sol = Model("gpt-6.1-sol", "OpenAI", "OpenAI AzureOpenAI")
gpt_6_luna = Model("gpt-6-luna", "OpenAI", "OpenAI AzureOpenAI")
gpt_5_4 = Model("gpt-5.4", "OpenAI", "OpenAI AzureOpenAI")
gpt_5_4_mini = Model("gpt-5.4-mini", "OpenAI", "OpenAI AzureOpenAI")
gpt_5_4_nano = Model("gpt-5.4-nano", "OpenAI", "OpenAI AzureOpenAI")
gpt_oss_120b = Model("gpt-oss-120b", "OpenAI", "Cerebras")
claude_haiku_5_5 = Model("claude-haiku-5-5", "Anthropic", "Anthropic")
gemini_flash_latest = Model("gemini-flash-latest", "Google", "Gemini")
mistral_small_latest = Model("mistral-small-latest", "Mistral AI", "Mistral")
mistral_large_latest = Model("mistral-large-latest", "Mistral AI", "Mistral")
deepseek_flash = Model("deepseek-flash", "DeepSeek", "DeepSeek")
grok_4_3 = Model("grok-4.3", "xAI", "XAI")
command_a_03_2025 = Model("command-a-03-2025", "Cohere", "Cohere")
smollm2 = Model("smollm2", "Hugging Face", "Local")

_KNOWN = tuple(value for value in list(globals().values()) if isinstance(value, Model) and value.name)


class ModelUtils:
    """The registry of models. `ModelUtils.convert["name"] = Model(…)` adds one."""

    convert: ClassVar[dict[str, Model]] = {model.name: model for model in _KNOWN}
