"""ChatCompletion: the answer's text, whole or as it comes, for sync and for async code."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Unpack, overload

from .dispatch import items, whole
from .models import Model
from .option_values import in_our_words
from .options import AnyOptions, SchemaOptions, StreamedOptions, TypedOptions, WholeOptions
from .providers.base_provider import Provider
from .providers.response import Item
from .request import prepare
from .typing import Messages
from .waiting import bridge
from .waiting.async_stream import AsyncStream

__all__ = ["ChatCompletion"]


class ChatCompletion:
    """Ask a model, and get its text.

    Both calls take the same arguments:

    model      a name or a Model; "" for the default
    messages   a list, or one question as text
    provider   a class, an instance, a name, or several names, which are asked in this order
    stream     whether the answer comes in pieces
    options    those of `g4f.options.Options`, and others that the provider takes; None is the same as not given

    A file stands in `files`: a path, a pattern such as "data/**/*.csv", an http(s) address, an open file, bytes, or a
    list of these. A PDF goes to a provider that takes files, to others goes its text. A CSV and a Parquet file become
    tables, as in a cell. What usually holds keys or passwords is refused.

    An image is a path, bytes, an address, a data URL, an image of PIL, a figure of matplotlib, or what IPython shows as
    an image. It stands in `images`, or in the content of a message.

    With a `schema` an answer is a value: of a class with fields, of a type such as `list[str]`, or what a JSON schema
    describes. It is checked here, and an answer that does not fit is asked for once more. A stream ends with its Value.

    What cannot be sent raises an error of `g4f.errors` at the call; what goes wrong later raises one while the answer
    is read.
    """

    @overload
    @staticmethod
    def create(
        model: Model | str, messages: Messages, provider: Provider | str | None = None, **options: Unpack[TypedOptions]
    ) -> Any: ...

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
        **options: Unpack[SchemaOptions],
    ) -> Any:
        """Return the answer's text; with a `schema`, its value; with `stream`, an iterator of texts and events.

        Works in scripts, threads and notebook cells. Raises NestAsyncioError in another program's loop.
        """
        provider, given = in_our_words(provider, options)
        request = prepare(model, messages, provider, given, stream=stream)
        return bridge.iterate(lambda: items(request)) if stream else bridge.run(lambda: whole(request))

    @overload
    @staticmethod
    def create_async(
        model: Model | str, messages: Messages, provider: Provider | str | None = None, **options: Unpack[TypedOptions]
    ) -> Any: ...

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
    ) -> AsyncStream[Item]: ...

    @overload
    @staticmethod
    def create_async(
        model: Model | str, messages: Messages, provider: Provider | str | None = None, **options: Unpack[AnyOptions]
    ) -> Coroutine[Any, Any, str] | AsyncStream[Item]: ...

    @staticmethod
    def create_async(
        model: Model | str,
        messages: Messages,
        provider: Provider | str | None = None,
        stream: bool = False,
        **options: Unpack[SchemaOptions],
    ) -> Any:
        """Return an awaitable of the text, or of the value; with `stream`, an async iterator of texts and events."""
        provider, given = in_our_words(provider, options)
        request = prepare(model, messages, provider, given, stream=stream)
        return AsyncStream(items(request)) if stream else whole(request)
