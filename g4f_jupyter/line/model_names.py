"""The names of a provider's models, kept on disk: Tab asks no server, and no list is asked for twice a day.

A list belongs to the address that gave it: if the environment gives a provider another address, it has another list.
Only a digest of the address is kept, and no key.
"""

from __future__ import annotations

import inspect
import os
import re
from contextlib import suppress
from datetime import date
from hashlib import sha256
from math import inf
from pathlib import Path
from time import time

import msgspec
import platformdirs

from g4f.errors import InputError, ResponseError
from g4f.files import dump, load, resolve
from g4f.models import Model, ModelUtils
from g4f.providers.base_provider import ModelName, Provider
from g4f.providers.call import provider_name
from g4f.providers.catalogue import names_in, parts, plain
from g4f.providers.rows import Row

__all__ = ["DAY", "cached", "end_of", "fetch", "known"]

DAY = 86_400.0
"""Seconds."""

_UNKEPT = "the names of models are not kept"

_VARIABLE = re.compile(r"\{(\w+)\}")


class _Listed(msgspec.Struct):
    at: float
    names: list[str]
    ends: dict[str, str] = {}


async def fetch(provider: Provider) -> list[str]:
    """Ask `provider` for the names of its models, keep them, and return them in its order.

    A name that knows when its model ends is a ModelName.

    A provider without `models()` has its default model, if any. Only the list of a row or an address is kept: a class
    of that name may be another one in the next notebook. Raises InputError if there is nothing to ask, ResponseError if
    `models()` gives no names, and the errors of `models()`.
    """
    listing, default = getattr(provider, "models", None), getattr(provider, "default_model", "")
    name = provider_name(provider)
    if not callable(listing):
        if not default:
            raise InputError(f"{name} has no list of its models", provider=name)
        return [default]
    found = listing()
    try:
        names = msgspec.convert(await found if inspect.isawaitable(found) else found, list[str])
    except msgspec.ValidationError:
        raise ResponseError(f"{name}.models() gave no list of names", provider=name) from None
    names = [name for name in dict.fromkeys(names) if name and name.isprintable()]
    if isinstance(row := getattr(provider, "row", None), Row):
        with suppress(InputError, OSError):  # it is only a cache
            _keep(row, names)
    return names


def cached(provider: Row | str, max_age: float = DAY) -> list[str]:
    """Return the names that `provider`, a row or an address, gave less than `max_age` seconds ago, else none.

    Never asks the provider.
    """
    try:
        listed = load(resolve(_file(provider), _UNKEPT), _Listed, _UNKEPT)
    except InputError:
        return []
    names: list[str] = [ModelName(name, listed.ends.get(name, "")) for name in listed.names]
    return names if 0 <= time() - listed.at < max_age else []


def end_of(row: Row, model: str) -> date | None:
    """Return the day on which a model of `row` ends, as the list that is kept says; None if it says none."""
    ends = next((name.ends for name in cached(row, inf) if name == model and isinstance(name, ModelName)), "")
    try:
        return date.fromisoformat(ends) if ends else None
    except ValueError:  # what is no day: anybody may have written the file
        return None


def known(row: Row) -> list[str]:
    """Return the models of `row` that are known without asking: its default, and the well-known ones that it serves."""
    served = [name for name, model in ModelUtils.convert.items() if plain(row.name) in _serving(model)]
    return [name for name in dict.fromkeys([row.default_model, *served]) if name]


def _serving(model: Model) -> list[str]:
    """Return the plain names of the providers that serve `model`."""
    best = model.best_provider
    listed = best if isinstance(best, list | tuple) else names_in(best) if isinstance(best, str) else []
    return [plain(parts(each)[0]) for each in listed if isinstance(each, str)]


def _keep(provider: Row | str, names: list[str]) -> None:
    file = _file(provider)
    file.parent.mkdir(parents=True, exist_ok=True)
    ends = {str(name): name.ends for name in names if isinstance(name, ModelName) and name.ends}
    dump(resolve(file, _UNKEPT), _Listed(time(), [*map(str, names)], ends), _UNKEPT)


def _file(provider: Row | str) -> Path:
    url = provider if isinstance(provider, str) else _address(provider)
    place = url.rpartition("@")[2].rpartition("://")[2].partition("?")[0].rstrip("/")
    digest = sha256(os.fsencode(place)).hexdigest()[:32]
    return platformdirs.user_cache_path("g4f-jupyter", appauthor=False) / "models" / f"{digest}.json"


def _address(row: Row) -> str:
    """Return the address of `row` in this environment. Unlike `access.address`, this looks for no server."""
    given = next((value for name in row.address_keys if (value := os.environ.get(name))), "")
    return given or _VARIABLE.sub(lambda found: os.environ.get(found[1], ""), row.base_url)
