"""Who is asked: what `-p` names, or holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from g4f.client.client import AsyncClient, Client
from g4f.errors import InputError, ProviderNotFoundError
from g4f.providers.base_provider import Provider
from g4f.providers.call import check, is_provider
from g4f.providers.catalogue import find, is_address, names_in, parts
from g4f.providers.retry_provider import IterListProvider, WithModel, named

from ..inserts.words import word_of

__all__ = ["Who", "who"]

_NAMES = re.compile(r"(?:\{[^{}]*\}|[^\s,])+")


class Who(NamedTuple):
    """A provider, and the model and options of a client of the notebook."""

    provider: Provider | str | None
    model: Any = ""
    options: Mapping[str, Any] = {}

    @property
    def named(self) -> dict[str, Any]:
        """Provider and model as options of a question: none of them if nobody is named."""
        asked = {"provider": self.provider} if self.provider is not None or self.options else {}
        return {**asked, "model": self.model} if asked or self.model else {}


def who(names: str, variables: Mapping[str, Any], *, evaluate: bool = False) -> Who:
    """Return who is called `names`: a provider, client, list or address of the notebook, or one of the catalogue.

    `{name}` is the value of a variable. Several are asked in that order. A text in a variable counts where nobody has
    its name. Raises ProviderNotFoundError with close matches, ProviderNotWorkingError for what is no provider, and
    InputError.
    """
    found: list[Any] = []
    for name in _NAMES.findall(names):
        value = word_of(name, variables, evaluate=evaluate)
        found += _called(name, variables) if isinstance(value, str) and value == name else _held(value, variables)
    if len(found) > 1 and any(isinstance(each, Client | AsyncClient) for each in found):
        raise InputError(f"-p {names}: a client, which has its own key, is asked alone. Name providers instead")
    if len(found) > 1 and all(isinstance(each, str) for each in found):
        return Who(" ".join(found))
    if len(found) > 1:
        return Who(IterListProvider(found))
    if found and isinstance(found[0], Client | AsyncClient):
        return Who(found[0].provider, found[0].model, found[0].options)
    return Who(found[0] if found else None)


def _called(name: str, variables: Mapping[str, Any], *, texts: bool = True) -> Iterator[Any]:
    """Yield who has that name. `texts`: a text in a variable may say it."""
    asked, model = parts(name)
    held = variables.get(asked)
    if is_address(name):
        yield name
    elif _answers(held) or is_address(held):
        for each in _held(held, variables):
            yield _with_model(each, model) if model else each
    else:
        try:
            find(asked, (each for each, value in variables.items() if not each.startswith("_") and _answers(value)))
        except ProviderNotFoundError:
            if held is None or model or (isinstance(held, str) and not texts):
                raise
            yield from _held(held, variables)
        else:
            yield name


def _with_model(provider: Any, model: str) -> Any:
    if isinstance(provider, Client | AsyncClient):
        raise InputError(f"a client has its own model: give -m {model}, or name providers instead")
    return WithModel(named(provider), model)


def _held(value: Any, variables: Mapping[str, Any]) -> Iterator[Any]:
    """Yield who a value is: a text names them, a list has them."""
    if isinstance(value, str):
        for name in names_in(value):
            yield from _called(name, variables, texts=False)
    elif isinstance(value, list | tuple) and not any(isinstance(each, list | tuple) for each in value):
        for each in value:
            yield from _held(each, variables)
    elif value is not None:
        if not isinstance(value, Client | AsyncClient):
            check(value)
        yield value


def _answers(value: object) -> bool:
    """Whether a value can be asked: also a list with somebody in it."""
    if isinstance(value, list | tuple):
        return any(is_provider(each) for each in value[:_LOOKED_AT])
    return is_provider(value) or isinstance(value, Client | AsyncClient)


_LOOKED_AT = 100
"""Most items of a list in which a provider is looked for."""
