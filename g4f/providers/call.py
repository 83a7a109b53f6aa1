"""Asking a provider: one way to get a stream from every kind."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from ..attaching.attached import has_pdf
from ..errors import InputError, ProviderNotWorkingError, ResponseError, close_matches, kind_of
from ..option_values import check_words
from ..waiting.threads import iterate_in_thread
from .base_provider import METHODS, Provider
from .catalogue import able, plain
from .protocols.openai_words import in_words, needless, parts_in
from .response import Item
from .transport.settings import TRANSPORT, private
from .vendors import VENDORS, for_one

__all__ = [
    "BoundCall",
    "bind",
    "check",
    "given_to",
    "is_provider",
    "provider_name",
]

_IGNORABLE = TRANSPORT | {"max_tokens", "stop"}
"""Options that a provider may ignore: `max_tokens`, `stop` and `stream_timeout` are enforced for it. The others, such
as a proxy, mean nothing to a provider without a network."""

_OWN = frozenset(("self", "cls", "model", "messages", "stream"))
"""Names of parameters that are never options."""


class BoundCall(msgspec.Struct, frozen=True):
    """A provider's method, with the arguments that it will get."""

    provider: Provider
    kind: str
    method: Callable[..., Any]
    model: str
    messages: list[dict[str, Any]]
    options: dict[str, Any]

    def open(self) -> AsyncGenerator[Item | None]:
        """Return the answer as an async generator, which the caller must close. Nothing is asked before it is read."""
        if self.kind == "create_completion":
            return iterate_in_thread(lambda: _items(self), provider_name(self.provider))
        if self.kind == "create_async":
            return _whole(self)
        answer = self.ask()
        return answer if isinstance(answer, AsyncGenerator) else _opened(self, answer)

    def ask(self) -> Any:
        """Call the method, and return what it returns."""
        return self.method(self.model, self.messages, **self.options)


def provider_name(provider: Provider) -> str:
    """Return the name of a class, or an instance's own `name`, or its class's."""
    if isinstance(provider, type):
        return provider.__name__
    name = getattr(provider, "name", None)
    return name if isinstance(name, str) and name else type(provider).__name__


def is_provider(value: object) -> bool:
    """Whether `value` has a method to answer with."""
    for kind in METHODS:  # noqa: SIM110 - three times as quick as any()
        if callable(getattr(value, kind, None)):
            return True
    return False


def check(provider: Provider) -> None:
    """Raise ProviderNotWorkingError if `provider` says so itself, has no method, or must be an instance."""
    _method_of(provider)


def bind(
    provider: Provider, model: str, messages: list[dict[str, Any]], options: dict[str, Any], *, stream: bool
) -> BoundCall:
    """Return the call of `provider` with these arguments. Nothing is called yet.

    Raises InputError for what the provider `lacks`, for an option that it does not accept, or needs and does not get;
    and what `check` raises. Options that it may ignore are left out, and so are signatures and states of other vendors.
    """
    kind, method, signature = _method_of(provider)
    keys = options.get("api_key")
    if keys is not None and not isinstance(keys, str) and isinstance(keys, Mapping):  # the first checks are quick
        options = _with_own_key(provider, options, keys)
    if not all(map(VENDORS.isdisjoint, messages)):
        owner = None if hasattr(provider, "providers") else provider_name(provider)
        messages = for_one(messages, owner, signed=getattr(provider, "takes_signatures", False))
    if "response_format" in options:
        messages, options = in_words(provider, signature.takes, messages, options)
    if not getattr(provider, "takes_files", False) and has_pdf(messages):
        from ..attaching.pdf import in_texts  # noqa: PLC0415 - only an attached PDF needs it

        messages = in_texts(messages)
    if getattr(provider, "lacks", None):
        _check_lacks(provider, messages, options)
    options = _taken(provider, signature, options)
    for name in signature.needs:
        if name not in options:
            raise _refused(provider, f"needs the option {name!r}")
    if "stream" in signature.takes or (signature.takes_any and kind != "create_async"):
        options = {**options, "stream": stream}
    return BoundCall(provider, kind, method, model, messages, options)


def _taken(provider: Provider, signature: _Signature, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that the provider accepts. Raises InputError for one that it must not get."""
    if not options:
        return options
    if not _OWN.isdisjoint(options):
        raise InputError(f"{' and '.join(sorted(_OWN & options.keys()))}: these are no options, but of the call itself")
    if signature.takes_any:
        if not hasattr(provider, "providers"):  # each provider of a list refuses for itself
            check_words(options, signature.takes)
        return options
    for name, value in options.items():
        if name not in signature.takes and name not in _IGNORABLE and not needless(name, value):
            known = sorted(signature.takes - _OWN)
            near = close_matches(name, known) or f" It takes {', '.join(known) or 'none'}."
            raise _refused(provider, f"does not take the option {name!r}.{near}")
    return {name: value for name, value in options.items() if name in signature.takes}


def given_to(provider: Provider, providers: Sequence[Provider], options: dict[str, Any]) -> dict[str, Any]:
    """Return the options for one of `providers`: a key, an address and headers go to the first that takes them.

    Servers on this machine take a key where no other does. A dict of keys goes to each, which finds its own.
    """
    others = {
        name
        for name in private(options)
        if not (name == "api_key" and isinstance(options[name], Mapping))
        and provider is not max(providers, key=lambda each, name=name: _rank(each, name))  # type: ignore[misc]
    }
    return {name: value for name, value in options.items() if name not in others} if others else options


def _rank(provider: Provider, name: str) -> int:
    """Return 2 for a provider, or a list of some, that takes the option `name`, 1 if without need, 0 if not."""
    if hasattr(provider, "providers"):
        return max((_rank(each, name) for each in provider.providers), default=0)
    methods = (getattr(provider, kind, None) for kind in METHODS if getattr(provider, "working", True))
    method = next(filter(callable, methods), None)
    if method is None or name not in _signature(getattr(method, "__func__", method)).takes:
        return 0
    return 1 if name == "api_key" and getattr(provider, "is_keyless", False) else 2


def _with_own_key(provider: Provider, options: dict[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with this provider's own key of `keys`; a list of providers gets all keys."""
    if hasattr(provider, "providers"):
        return options
    own = plain(provider_name(provider))
    key = next((key for name, key in keys.items() if plain(name) == own), None)
    others = {name: value for name, value in options.items() if name != "api_key"}
    return others if key is None else others | {"api_key": key}


class _Signature(NamedTuple):
    """The names of a method's parameters, and of those it needs besides model and messages."""

    takes: frozenset[str]
    needs: frozenset[str]
    takes_any: bool
    takes_self: bool


@lru_cache(maxsize=256)
def _signature(function: Callable[..., Any]) -> _Signature:
    parameters = list(inspect.signature(function).parameters.values())
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    return _Signature(
        takes=frozenset(p.name for p in named),
        needs=frozenset(p.name for p in named if p.default is p.empty) - _OWN,
        takes_any=any(p.kind is p.VAR_KEYWORD for p in parameters),
        takes_self=bool(parameters) and parameters[0].name == "self",
    )


def _method_of(provider: Provider) -> tuple[str, Callable[..., Any], _Signature]:
    if not getattr(provider, "working", True):
        raise _not_working(provider, " is marked as not working (working = False)")
    for kind in METHODS:
        method = getattr(provider, kind, None)
        if callable(method):
            signature = _signature(getattr(method, "__func__", method))
            if signature.takes_self and isinstance(provider, type) and not hasattr(method, "__self__"):
                name = provider_name(provider)
                why = f".{kind} needs an instance: give provider={name}(), or make it a @classmethod"
                raise _not_working(provider, why)
            return kind, method, signature
    raise _not_working(provider, f" is not a provider: it has none of the methods {', '.join(METHODS)}")


def _not_working(provider: Provider, why: str) -> ProviderNotWorkingError:
    name = provider_name(provider)
    return ProviderNotWorkingError(f"{name}{why}", provider=name)


def _check_lacks(provider: Provider, messages: list[dict[str, Any]], options: dict[str, Any]) -> None:
    needs = {name for name, value in options.items() if not needless(name, value)}
    needs |= parts_in(messages)
    if isinstance(form := options.get("response_format"), Mapping):
        needs.add(str(form.get("type")))
    lacks = provider.lacks
    if isinstance(lacks, str) or not isinstance(lacks, Iterable):
        raise _refused(provider, f"has `lacks` of type {kind_of(lacks)}: it must be a set of names")
    for name in sorted(needs.intersection(map(str, lacks))):
        others = " or ".join(able(name)[:3]) or "another provider"
        raise _refused(provider, f"cannot {_DOES.get(name, f'do {name!r}')}: leave that out, or ask {others}")


_DOES = {
    "files": "read files",
    "images": "see images",
    "json_object": "answer in JSON without a schema",
    "json_schema": "follow a JSON schema",
    "sound": "hear sound",
    "tools": "call tools",
}
"""Names in `lacks`, in words."""


def _refused(provider: Provider, why: str) -> InputError:
    name = provider_name(provider)
    return InputError(f"{name} {why}", provider=name)


def _wrong(call: BoundCall, answer: object, expected: str) -> ResponseError:
    name = provider_name(call.provider)
    return ResponseError(f"{name}.{call.kind} returned {kind_of(answer)}, not {expected}")


def _items(call: BoundCall) -> Iterable[Item | None]:
    answer = call.ask()
    if isinstance(answer, str):
        return (answer,)
    if isinstance(answer, Iterable) and not isinstance(answer, (bytes, Mapping)):
        return answer
    if inspect.iscoroutine(answer):
        answer.close()
    raise _wrong(call, answer, "a text or an iterable of texts")


async def _whole(call: BoundCall) -> AsyncGenerator[Item | None]:
    answer = call.ask()
    answer = await answer if inspect.isawaitable(answer) else answer
    if not isinstance(answer, str):
        raise _wrong(call, answer, "a text")
    yield answer


async def _opened(call: BoundCall, answer: Any) -> AsyncGenerator[Item | None]:
    """Yield from a `create_async_generator` that is a coroutine, or returns an iterator without `aclose`."""
    answer = await answer if inspect.isawaitable(answer) else answer
    if isinstance(answer, str):
        yield answer
    elif isinstance(answer, AsyncGenerator):
        async with aclosing(answer) as items:
            async for item in items:
                yield item
    elif hasattr(answer, "__aiter__"):
        async for item in answer:
            yield item
    else:
        raise _wrong(call, answer, "an async generator")
