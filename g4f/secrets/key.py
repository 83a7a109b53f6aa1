"""The type of all that is secret, and the names by which secrets are known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn, Self, SupportsIndex, TypeVar, cast

__all__ = ["DEEPEST", "Key", "is_secret", "may_be_secret", "seal", "sealed"]

T = TypeVar("T")


class Key(str):
    """A secret: an API key, the value of a header, an address with a password in it.

    It is the text itself wherever it is used, and stars wherever it is shown by `repr`. A part of it is a Key, too, and
    it is not pickled: a pickle is a file that others read.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def __getitem__(self, at: SupportsIndex | slice) -> Key:
        return Key(super().__getitem__(at))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError(
            "keys, passwords and headers are not pickled: leave them out, and set the provider's variable instead"
        )


_OPTIONS = frozenset(("default_headers", "default_query", "extra_headers", "extra_query", "proxies", "proxy"))
"""Options in which all may be a secret."""

_NO_SECRETS = frozenset(("PWD", "SSH_AUTH_SOCK"))
"""Variables of the environment whose names look like those of secrets: they hold paths."""

_HARMLESS = frozenset((Key, bool, int, float, type(None)))
"""Types of values that need no sealing."""

_SCHEMAS = frozenset(("functions", "response_format", "schema", "tool_choice", "tools"))
"""Options in which names are those of a schema."""


def seal(given: Mapping[str, object]) -> dict[str, Any]:
    """Return the options that were given: the same dict, in which each secret is a Key now.

    It is changed in place because a verbose traceback shows what every frame holds. Secrets are the values of headers
    and queries, proxies, addresses with a password or a query, and all that has the name of a secret, also within other
    options.
    """
    options = cast("dict[str, Any]", given)  # to a type checker, a TypedDict is no dict
    if not options:
        return options
    for name, value in options.items():
        if type(value) in _HARMLESS:
            continue
        if isinstance(value, str):
            if name in ("base_url", "provider"):
                options[name] = sealed(value)
            elif is_secret(name):
                options[name] = Key(value)
        elif isinstance(value, Mapping) and name not in _SCHEMAS:
            options[name] = _within(value, whole=is_secret(name))
    return options


DEEPEST = 64
"""How deep options may stand in each other, to be looked through. What is deeper, or in itself, cannot be sent."""


def _within(value: Any, *, whole: bool, above: tuple[int, ...] = ()) -> Any:
    """Return a copy of an option's value, in which texts are Keys: all of them, or those with the name of a secret."""
    if id(value) in above or len(above) > DEEPEST:
        return value
    inside = (*above, id(value))
    if isinstance(value, Mapping):
        return {name: _within(held, whole=whole or is_secret(name), above=inside) for name, held in value.items()}
    if isinstance(value, list):
        return [_within(held, whole=whole, above=inside) for held in value]
    return Key(value) if whole and isinstance(value, str) else value


_PLAIN = re.compile(r"(?:\w*://)?(?:[\w., -]*|\[[\da-f:]*\])(?::\d{0,5})?(?:/[\w./~%-]*)?", re.IGNORECASE)
"""Names, and addresses in which nothing but host, port and path can stand."""


@lru_cache(maxsize=256)
def _is_plain(address: str) -> bool:
    return _PLAIN.fullmatch(address) is not None


def sealed(address: T) -> T:
    """Return what may be an address, as a Key if a password or a query may stand in it, in whatever form."""
    if isinstance(address, str) and not address.isalnum() and type(address) is not Key and not _is_plain(address):
        return Key(address)  # type: ignore[return-value]
    return address


_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

_ALWAYS = {"auth", "bearer", "cookie", "cookies", "creds", "dsn", "jwt", "oauth", "passwd", "pw", "pwd", "sessionid"}
_PARTS = re.compile(r"passw|passphrase|passcode|apikey|credential|authoriz|secret(?!ar)", re.IGNORECASE)
"""Words that make a name that of a secret wherever they stand in it, and parts of words that do so."""

_LAST = {
    "key": {"cache", "dict", "foreign", "group", "hash", "index", "join", "partition", "primary", "public", "sort"},
    "token": {"bos", "cls", "eos", "first", "last", "mask", "next", "pad", "sep", "special", "stop", "unk", "word"},
    "pass": {"backward", "band", "first", "forward", "high", "low", "second", "single"},
}
"""Words that do so where they are the last, but not behind these."""

_PAIRS = {("access", "keys"), ("api", "keys"), ("session", "id"), ("webhook", "url")}
"""The last two words of other names that do so."""


@lru_cache(maxsize=4096)
def is_secret(name: object) -> bool:
    """Whether what is called `name` is a secret: "api_key", "dbPassword", "Authorization", but not "max_tokens"."""
    if not isinstance(name, str) or name in _NO_SECRETS:
        return False
    words = [word.lower() for word in _WORDS.findall(name)]
    if name in _OPTIONS or _PARTS.search(name) or not _ALWAYS.isdisjoint(words):
        return True
    before, last = ["", *words][-2:] if words else ("", "")
    return (before, last) in _PAIRS or (last in _LAST and before not in _LAST[last])


def may_be_secret(name: object, value: str) -> bool:
    """Whether a text called `name` is a secret. A bare "key" or "token" may be a word, such as that of a dict."""
    if not is_secret(name):
        return False
    is_word = value.replace("_", "").isalpha() or any(map(str.isspace, value))
    return bool(value) and not (str(name).lower() in ("key", "token") and (is_word or len(value) < 6))
