"""ChatCompletion: the answer's text, whole or as it comes, for sync and for async code."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine
from typing import Any, Unpack, overload

from .dispatch import prepare, stream_events, text
from .models import Model
from .options import AnyOptions, Options, StreamedOptions, WholeOptions
from .providers.base_provider import Provider
from .providers.response import Item
from .typing import Messages, seal, sealed
from .waiting import bridge

__all__ = ["ChatCompletion"]


class ChatCompletion:
    """Ask a model; get text.

    Both calls take `model` (a name or a Model; "" for the default), `messages` (a list, or one question as
    text), `provider` (a class, an instance, a name, or several names to be asked in order), `stream`, and
    options: `max_tokens`, `stop` (text or list), `timeout` and `stream_timeout` (seconds: whole answer, and
    longest silence), `proxy` (else `G4F_PROXY`), `images` (one or a list, seen with the last question: paths, bytes,
    addresses, data URLs, PIL's images, matplotlib's figures, what IPython shows as an image; they may stand in the
    content of a message too), and whatever else the provider takes. None: not given.

    Raise errors of `g4f.errors` at the call for what cannot be sent, later for what the far side did.
    """

    @overload
    @staticmethod
    def create(
        model: Model | str, messages: Messages, provider: Provider | str | None = None, **options: Unpack[WholeOptions]
    ) -> str: ...

    @overload
    @staticmethod
    def create(
        model: Model | str,
        messages: Messages,
        provider: Provider | str | None = None,
        **options: Unpack[StreamedOptions],
    ) -> bridge.Stream[Item]: ...

    @overload
    @staticmethod
    def create(
        model: Model | str, messages: Messages, provider: Provider | str | None = None, **options: Unpack[AnyOptions]
    ) -> str | bridge.Stream[Item]: ...

    @staticmethod
    def create(
        model: Model | str,
        messages: Messages,
        provider: Provider | str | None = None,
        stream: bool = False,
        **options: Unpack[Options],
    ) -> str | bridge.Stream[Item]:
        """Return the answer's text; with `stream`, an iterator of its text as `str` and of events.

        Works in scripts, threads and notebook cells. Raises NestAsyncioError in another program's loop.
        """
        provider = sealed(provider)
        request = prepare(model, messages, provider, stream=stream, **seal(options))
        return bridge.iterate(lambda: stream_events(request)) if stream else bridge.run(lambda: text(request))

    @overload
    @staticmethod
    def create_async(
        model: Model | str, messages: Messages, provider: Provider | str | None = None, **options: Unpack[WholeOptions]
    ) -> Coroutine[Any, Any, str]: ...

    @overload
    @staticmethod
    def create_async(
        model: Model | str,
        messages: Messages,
        provider: Provider | str | None = None,
        **options: Unpack[StreamedOptions],
    ) -> AsyncGenerator[Item]: ...

    @overload
    @staticmethod
    def create_async(
        model: Model | str, messages: Messages, provider: Provider | str | None = None, **options: Unpack[AnyOptions]
    ) -> Coroutine[Any, Any, str] | AsyncGenerator[Item]: ...

    @staticmethod
    def create_async(
        model: Model | str,
        messages: Messages,
        provider: Provider | str | None = None,
        stream: bool = False,
        **options: Unpack[Options],
    ) -> Coroutine[Any, Any, str] | AsyncGenerator[Item]:
        """Return an awaitable of the text; with `stream`, an async iterator of its text and of events."""
        provider = sealed(provider)
        request = prepare(model, messages, provider, stream=stream, **seal(options))
        return stream_events(request) if stream else text(request)
