"""What holds for each call of a client: its provider, model and options."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Self, Unpack

from ..models import Model
from ..option_values import check_words, in_our_words
from ..options import Options
from ..providers.base_provider import Provider
from ..routing import merged
from .elsewhere import ELSEWHERE_IN_CLIENT, absent

__all__ = ["Defaults"]


class Defaults:
    """The provider, model and options of a client. They hold for each call that does not give others.

    A key, an address and headers belong to the client's own provider; if it has none, to the one that is asked.
    """

    def __init__(
        self,
        provider: Provider | str | None = None,
        *,
        model: Model | str = "",
        **options: Unpack[Options],
    ) -> None:
        """Raise InputError for an option that only other clients have.

        Of theirs, `default_headers`, `default_query`, `organization`, `project` and `proxies` are understood.
        """
        provider, given = in_our_words(provider, options)
        self.provider, self.model, self.options = provider, model, given
        if provider is None or isinstance(provider, str):
            check_words(given)

    def with_options(
        self, provider: Provider | str | None = None, *, model: Model | str = "", **options: Unpack[Options]
    ) -> Self:
        """Return a client like this one, but with these: headers and queries are added to its own.

        A key, an address and headers are left out for another provider, or another address. `copy` is the same.
        """
        provider, given = in_our_words(provider, options)
        given = merged(self.provider, self.options, provider, given)
        return type(self)(self.provider if provider is None else provider, model=model or self.model, **given)

    copy = with_options

    if not TYPE_CHECKING:  # a type checker would let any name pass

        def __getattr__(self, name: str) -> NoReturn:
            raise absent("client", name, ELSEWHERE_IN_CLIENT)
