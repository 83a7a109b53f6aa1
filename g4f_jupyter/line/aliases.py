"""Short names for models, kept in the profile of IPython: `fast` is `OpenAI:gpt-5.4-nano`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from g4f.errors import InputError, close_matches
from g4f.files import dump, load, resolve
from g4f.models import ModelUtils
from g4f.providers.catalogue import ROWS, find
from g4f.secrets.key import Key

__all__ = ["AliasTarget", "Aliases"]

_NAME = re.compile(r"\w[\w.-]*")


class AliasTarget(NamedTuple):
    """What an alias stands for."""

    provider: str
    model: str

    def __str__(self) -> str:
        return ":".join(self)


class Aliases:
    """The aliases of the profile in `folder`: each notebook and terminal that uses the profile has the same."""

    def __init__(self, folder: Path | str) -> None:
        self._file = Path(folder) / "g4f_aliases.json"

    def all(self) -> dict[str, AliasTarget]:
        """Return all aliases, by name. Raises InputError if their file cannot be read."""
        message = f"the aliases cannot be read: repair or remove {self._file}"
        return dict(sorted(load(resolve(self._file, message), dict[str, AliasTarget], message, missing=b"{}").items()))

    def resolve(self, name: str) -> AliasTarget | None:
        """Return the target of `name`, None if it is no alias. Raises InputError as `all` does."""
        return self.all().get(name)

    def set(self, name: str, target: str) -> AliasTarget:
        """Let `name` stand for `target`, which is like "OpenAI:gpt-5.4-nano"; return that.

        Raises ProviderNotFoundError with close matches, and InputError if `name` or `target` is not one, or if `name`
        is a model, which the alias would hide.
        """
        if not _NAME.fullmatch(name):
            raise InputError(f"an alias is a word of letters, digits, dots, dashes and underscores, not {name!r}")
        provider, _, model = target.strip().partition(":")
        if not provider or not model or model.startswith("//"):
            given = Key(target) if "@" in target else target
            raise InputError(f"an alias stands for PROVIDER:MODEL, like OpenAI:gpt-5.4-nano, not {given!r}")
        if name in ModelUtils.convert or any(name == row.default_model for row in ROWS):
            raise InputError(f"{name!r} is the name of a model: choose another alias for {target}")
        found = AliasTarget(find(provider).name, model)
        self._write(self.all() | {name: found})
        return found

    def remove(self, name: str) -> None:
        """Forget the alias. Raises InputError with close matches if there is none of that name."""
        known = self.all()
        if name not in known:
            raise InputError(
                f"there is no alias {name!r}.{close_matches(name, known)}"
                if name
                else "name the alias to remove: %chat_alias NAME --remove"
            )
        self._write({alias: target for alias, target in known.items() if alias != name})

    def _write(self, aliases: dict[str, AliasTarget]) -> None:
        message = f"the aliases cannot be saved in {self._file}"
        dump(resolve(self._file, message), aliases, message)
