"""What a provider is, and the one way to open a stream on any of them.

A provider is a class, or an instance, with one of three methods. What each of them is given: the model's name, the
normalised messages, `stream` if its signature takes it, and the options of the caller, no others.

create_async_generator(model, messages, …)   async generator of text and events
create_async(model, messages, …)             coroutine of the whole text
create_completion(model, messages, …)        sync; text, or an iterable of text and events; runs in a thread
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing, contextmanager
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, TypeAlias

from ..errors import InputError, ProviderNotWorkingError, ResponseError, close_matches
from ..threads import iterate_in_thread
from .response import Item

__all__ = [
    "AbstractProvider",
    "AsyncGeneratorProvider",
    "AsyncProvider",
    "Provider",
    "is_provider",
    "method_of",
    "open_stream",
    "own_cancellation",
    "provider_name",
]


class AbstractProvider:
    """Base of all, and of providers whose `create_completion` is sync. Its flags say the least: override them."""

    working: ClassVar[bool] = True
    """False makes every call raise ProviderNotWorkingError."""

    default_model: str = ""
    """The model that is asked when the caller names none."""

    enforces_max_tokens: bool = False
    """Whether `max_tokens` is kept by the provider itself. Where not, the answer is cut after so many chunks."""


class AsyncProvider(AbstractProvider):
    """Base of providers whose `create_async` gives the whole text at once."""


class AsyncGeneratorProvider(AbstractProvider):
    """Base of providers whose `create_async_generator` streams."""


Provider: TypeAlias = Any
"""A class or an instance with one of the three methods; the bases above are a convenience."""

_DISPENSABLE = ("stream", "max_tokens", "stop", "proxy")
_KINDS = ("create_async_generator", "create_async", "create_completion")


class Method(NamedTuple):
    """How to call a provider: the kind of its method, the method, and what its signature takes."""

    kind: str
    call: Callable[..., Any]
    takes: frozenset[str]
    needs: frozenset[str]
    takes_any: bool


def provider_name(provider: Provider) -> str:
    """Return the name of a class, or an instance's own `name`, or its class's."""
    if isinstance(provider, type):
        return provider.__name__
    name = getattr(provider, "name", None)
    return name if isinstance(name, str) and name else type(provider).__name__


def is_provider(value: object) -> bool:
    """Whether `value` has a method to answer with."""
    return any(callable(getattr(value, kind, None)) for kind in _KINDS)


def method_of(provider: Provider) -> Method:
    """Return how to call `provider`. Raises ProviderNotWorkingError if it has no method, or one without its `self`."""
    for kind in _KINDS:
        call = getattr(provider, kind, None)
        if callable(call):
            takes, needs, takes_any, first = _signature(getattr(call, "__func__", call))
            if isinstance(provider, type) and first == "self" and not hasattr(call, "__self__"):
                name = provider.__name__
                raise ProviderNotWorkingError(
                    f"{name}.{kind} takes self: give an instance, provider={name}(), or make it a @classmethod",
                    provider=name,
                )
            return Method(kind, call, takes, needs, takes_any)
    name = provider_name(provider)
    raise ProviderNotWorkingError(f"{name} is no provider: it has none of {', '.join(_KINDS)}", provider=name)


def open_stream(
    provider: Provider,
    model: str,
    messages: list[dict[str, Any]],
    *,
    stream: bool,
    options: dict[str, Any],
) -> AsyncGenerator[Item | None]:
    """Return the provider's answer as an async generator, whatever its kind. Close it, also when it is left early.

    `options` must be taken by the provider: InputError names one that is not. The exceptions are those that are
    kept for it where it does not know them, `max_tokens` and `stop`, and `proxy`.
    """
    method = method_of(provider)
    given = _given(provider, method, {**options, "stream": stream})
    if method.kind == "create_completion":
        return iterate_in_thread(lambda: _items(method.call(model, messages, **given)), provider_name(provider))
    if method.kind == "create_async":
        return _whole(provider, method.call, model, messages, given)
    answer: Any = method.call(model, messages, **given)
    return answer if isinstance(answer, AsyncGenerator) else _opened(provider, answer)


@contextmanager
def own_cancellation(provider: Provider) -> Iterator[None]:
    """A CancelledError that nobody asked this task for is the provider's failure: raise it as ResponseError."""
    task = asyncio.current_task()
    asked = task.cancelling() if task is not None else 0
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling() > asked:
            raise
        name = provider_name(provider)
        raise ResponseError(f"{name} cancelled its own answer", provider=name) from error


@lru_cache(maxsize=256)
def _signature(function: Callable[..., Any]) -> tuple[frozenset[str], frozenset[str], bool, str]:
    """Return the names that `function` takes and those it needs besides model and messages, whether it takes any
    others, and its first name.
    """
    parameters = list(inspect.signature(function).parameters.values())
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    needs = {p.name for p in named if p.default is p.empty} - {"self", "cls", "model", "messages", "stream"}
    return (
        frozenset(p.name for p in named),
        frozenset(needs),
        any(p.kind is p.VAR_KEYWORD for p in parameters),
        parameters[0].name if parameters else "",
    )


def _given(provider: Provider, method: Method, options: dict[str, Any]) -> dict[str, Any]:
    if not method.takes_any:
        for name in options:
            if name not in method.takes and name not in _DISPENSABLE:
                near = close_matches(name, method.takes)
                raise InputError(f"{provider_name(provider)} does not take the option {name!r}.{near}")
        options = {name: value for name, value in options.items() if name in method.takes}
    for name in method.needs:
        if name not in options:
            raise InputError(f"{provider_name(provider)} needs the option {name!r}")
    return options


async def _whole(
    provider: Provider,
    call: Callable[..., Any],
    model: str,
    messages: list[dict[str, Any]],
    options: dict[str, Any],
) -> AsyncGenerator[Item | None]:
    answer = call(model, messages, **options)
    answer = await answer if inspect.isawaitable(answer) else answer
    if answer is not None and not isinstance(answer, str):
        raise ResponseError(f"{provider_name(provider)}.create_async gave {type(answer).__name__}, not a text")
    yield answer


async def _opened(provider: Provider, answer: Any) -> AsyncGenerator[Item | None]:
    """A `create_async_generator` that is a coroutine, or gives an iterator without `aclose`."""
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
        raise ResponseError(
            f"{provider_name(provider)}.create_async_generator gave {type(answer).__name__}, not an async generator"
        )


def _items(answer: str | Iterable[Item]) -> Iterable[Item]:
    return (answer,) if isinstance(answer, str) else answer
