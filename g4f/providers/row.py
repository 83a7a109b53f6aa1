"""One row of the catalogue: a provider as data."""

from __future__ import annotations

import msgspec

__all__ = ["Row"]


class Row(msgspec.Struct, frozen=True):
    """One provider. Providers that differ only in data are rows with the same `module` and `kind`."""

    name: str
    """The name that users write, such as "OpenAI"."""

    module: str
    """The module of its class."""

    kind: str
    """The name of its class. If there is a `base_url`, the provider is an instance, made from this row."""

    docs: str
    """The page that this data is from."""

    base_url: str = ""
    """The address of its server; words in braces are variables of the environment. "" if there is no server."""

    former_urls: tuple[str, ...] = ()
    """Addresses at which older versions of a local server listen."""

    address_keys: tuple[str, ...] = ()
    """Variables of the environment that may hold another address, for all calls."""

    version: str = ""
    """Is added to an address that ends without a version, as the vendors' own clients accept it."""

    keys: tuple[str, ...] = ()
    """Variables of the environment that may hold its key: the first that is set is used. Empty if it needs none."""

    optional_keys: tuple[str, ...] = ()
    """Variables of the environment that may hold a key, where the owner of a server has set one."""

    is_free: bool = False
    """Whether nothing is paid for its answers, although it has a key."""

    flex: float | None = None
    """The part of the listed price that is paid for `service_tier="flex"`; None if that is unknown."""

    default_model: str = ""
    """The model to ask if the caller names none. "": the first that the server lists."""

    protocol: str = "chat"
    """What its own server is asked for by OpenAI's clients: "chat" completions, or "responses"."""

    effort: str = ""
    """How much its default model thinks, in OpenAI's words, if the caller says nothing. "": as much as it wants."""

    thinkers: str = ""
    """A pattern: how the names of models begin that take `temperature` and its like only at the effort "none"."""

    thoughtless: str = ""
    """A pattern: how the names of models begin that cannot think, and refuse to be asked for thoughts."""

    returns_thoughts: bool = False
    """Whether chat completions there must get back what the model thought before it called tools."""

    max_tokens: str = "max_tokens"
    """Its name for the option `max_tokens`."""

    seed: str = "seed"
    """Its name for the option `seed`."""

    stream_usage: bool = False
    """Whether a stream ends with the usage if `stream_options` ask for it. Where a row is not in `ROWS`, it may."""

    lacks: tuple[str, ...] = ()
    """What it cannot do, as its vendor documents, in the words of `AbstractProvider.lacks`."""

    takes_files: bool = False
    """Whether it reads a PDF as a file, in OpenAI's words, as its vendor documents."""

    by_default: bool = True
    """Whether it may be asked if the caller names no provider."""

    probe: tuple[str, str] = ("/models", '"data"')
    """A local server runs if this path gives a list with this text in it."""

    pull: str = ""
    """The command that fetches a model to a local server, with braces for the model's name."""
