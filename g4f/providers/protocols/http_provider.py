"""How a question is sent over HTTP and its answer is read, whatever the protocol."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, ClassVar, Literal, NamedTuple
from urllib.parse import urlencode

import msgspec

from ...errors import InputError, ModelNotFoundError, ResponseError, quoted
from ...secrets.key import Key
from ..access import address, key, parted, shown
from ..base_provider import AsyncGeneratorProvider
from ..response import Item, ProviderInfo
from ..rows import ROWS, Row
from ..transport.http import Exchange, HTTPResponse
from ..transport.settings import Settings, mapping
from ..transport.sse import Events
from ..transport.unlabelled import PayloadFrames, Unlabelled, is_events
from ..vendors import STATE, stateless
from .endpoint import Endpoint, credential
from .heads import shown_model
from .openai_words import needless, only_in_words
from .reading import Reader

__all__ = ["HTTPProvider", "Page"]

_EFFORTS = frozenset(("reasoning_effort", "reasoning"))  # by which a caller says how much to think

PAGES = 20
"""Pages of a list of models that are read at most: a list without an end must not be read for ever."""


class Page(NamedTuple):
    """A part of a list of models. `more` is what to add to `models_path` for the next part; "" after the last one."""

    names: list[str]
    more: str = ""


class HTTPProvider(AsyncGeneratorProvider):
    """A provider made from a row of the catalogue. Each protocol is a subclass that says what differs."""

    asks_again = enforces_max_tokens = True
    follows_schemas: Literal["", "none", "strict", "any"] = "any"
    enforces_stream_timeout = True  # waiting before a retry is not the server's silence

    reader: type[Reader]
    """The class that reads the answer."""

    frames: ClassVar[type[PayloadFrames]] = Events
    """The class that cuts a stream into payloads."""

    stream_types: ClassVar[tuple[str, ...]] = ("text/event-stream",)
    """The content types of a stream."""

    unasked: frozenset[str] = frozenset()
    """Fields of a request that no caller has asked for. A server that refuses the request gets it without them."""

    headers: ClassVar[Mapping[str, str]] = {}
    """Headers that are sent with each request. A caller's own headers replace them."""

    models_path: ClassVar[str] = "/models"
    """The path, after the base address, of the list of models."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.name = row.name
        self.default_model = row.default_model
        self.lacks = self.lacks | frozenset(row.lacks)
        self.takes_files = self.takes_files or row.takes_files
        self.is_keyless = not row.keys and row in ROWS

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def credentials(self, key: Key) -> dict[str, str]:
        """Return the authentication headers. Their values are of type Key."""
        return {"Authorization": Key(f"Bearer {key}")}

    @abstractmethod
    def request(
        self, model: str, messages: list[dict[str, Any]], options: dict[str, Any], *, stream: bool
    ) -> tuple[str, dict[str, Any]]:
        """Return the path, after the base address, and the body of a question. Raises InputError.

        `options` are the caller's, in OpenAI's words. Unknown ones go into the body as they are.
        """

    @abstractmethod
    def listed(self, body: bytes) -> Page:
        """Return a list of models, or a part of it. Raises msgspec's errors."""

    def speaks(self, protocol: str | None, url: str) -> HTTPProvider:  # noqa: ARG002 - for who speaks several
        """Return who speaks a caller's `protocol`, or the one for the server at `url`. Raises InputError."""
        if protocol is not None:
            raise InputError(f"{self.name} speaks one protocol only: leave protocol={quoted(protocol)} out")
        return self

    async def create_async_generator(
        self,
        model: str,
        messages: list[dict[str, Any]],
        *,
        stream: bool = False,
        extra_body: Mapping[str, Any] | None = None,
        api_key: str | None = None,
        base_url: str | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        protocol: str | None = None,
        **options: Any,
    ) -> AsyncGenerator[Item]:
        """Yield the answer's text and events: with `stream` as they arrive, otherwise from one whole answer.

        `protocol` is the one to speak, where there are several. `options` may have the fields of `Settings`. All others
        go into the request, and `extra_headers`, `extra_query` and `extra_body` are added to it last.
        """
        own = _Own(api_key, base_url, mapping("extra_headers", extra_headers), mapping("extra_query", extra_query))
        extra = mapping("extra_body", extra_body)
        endpoint = self._endpoint(own, Settings.pop_from(options), extra)
        if not model:
            model = await self._any_model(endpoint)
            yield ProviderInfo(self.name, shown_model(model))
        spoken = self.speaks(protocol, endpoint.url)
        asked = self._needed(model, options, stream=stream)
        request = endpoint.request(*spoken.bodies(model, messages, asked, extra, stream=stream))
        async with Exchange(request) as exchange:
            while (status := await exchange.send()) is not None:
                yield status
            response, reader = exchange.response, spoken.reader(request.target)
            reader.request_id = response.request_id
            if stream or response.content_type in self.stream_types:
                frames = self._frames(response)
                async with aclosing(response.reads()) as reads:
                    async for data in reads:
                        for item in exchange.heard(reader.feed(frames.feed(data))):
                            yield item
                        if reader.is_over(frames.full):
                            break
                        if reader.finished:
                            response.may_end(reader.is_whole)
                items = reader.feed([] if reader.is_over(frames.full) else frames.end(), last=True)
            else:
                items = self._items(reader, await response.read())
            for item in exchange.heard(items):
                yield item
            reader.check_end()
            if reader.done:
                await response.settle()

    def address(self, base_url: str | None = None) -> str:
        """Return the base address that a question goes to, without secrets. Raises InputError."""
        return shown(address(self.row, base_url))

    async def models(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> list[str]:
        """Return the names of the models that can be asked. `options` are the fields of `Settings`."""
        headers, query = mapping("extra_headers", extra_headers), mapping("extra_query", extra_query)
        own = _Own(Key(api_key) if isinstance(api_key, str) else api_key, base_url, headers, query)
        return await self._models(self._endpoint(own, Settings.pop_from(options)))

    async def _models(self, endpoint: Endpoint) -> list[str]:
        names: dict[str, None] = {}
        page = Page([])
        for _ in range(PAGES):
            page = await self._page(endpoint, self.models_path + page.more)
            names |= dict.fromkeys(page.names)
            if not page.more:
                break
        return list(names)

    async def _page(self, endpoint: Endpoint, path: str) -> Page:
        async with Exchange(endpoint.request(path, "", None)) as exchange:
            while await exchange.send() is not None:
                pass
            body = await exchange.response.read()
        try:
            return self.listed(body)
        except msgspec.DecodeError:
            where = endpoint.url + self.models_path.partition("?")[0]
            raise ResponseError(f"{self.name}: what {where} sent is not a list of models. Check base_url.") from None

    def _endpoint(self, own: _Own, settings: Settings, extra: Mapping[str, Any] | None = None) -> Endpoint:
        """Return the server to ask, with the caller's address, key and headers. `extra` is sent in the body."""
        row = self.row
        where = parted(address(row, own.base_url))
        headers = {"Content-Type": "application/json", **self.headers}
        if (secret := key(row, own.base_url, own.api_key)) is not None:
            headers |= self.credentials(secret)
        headers |= own.headers  # of two with one name, in any case, aiohttp takes the last
        if where.password:
            if "authorization" in map(str.lower, headers):
                raise InputError(f"{self.name}: the address has a password, and a key is given, too: leave one out")
            headers["Authorization"] = where.password
        query = where.query
        if own.query:
            query = Key("&".join(filter(None, (query, urlencode(own.query)))))
        sent = (headers, secret, where.given, own.query, settings.proxy, extra)
        names = row.keys or (*row.optional_keys, "api_key=")
        remedy = "api_key=" if own.api_key is not None else " or ".join(names)
        account = where.url, secret or where.password or (credential(own.headers) if own.headers else "")
        return Endpoint(row.name, where.url, query, headers, sent, remedy, row.pull, settings, account)

    async def _any_model(self, endpoint: Endpoint) -> str:
        """Return the first model of the list: a local server has loaded the one that its owner wants."""
        if self.row.keys:
            raise InputError(f"{self.name} has no default model: name one with model=.", provider=self.name)
        names = await self._models(endpoint)
        if not names:
            raise ModelNotFoundError(f"{self.name} lists no model: load one there, or name one with model=.")
        return names[0]

    def _frames(self, response: HTTPResponse) -> PayloadFrames:
        """Return what cuts a stream into payloads: by its content type, and by its first bytes, which know better."""
        is_json = response.content_type in ("application/json", "text/html")
        return Unlabelled(self._event_frames, None if is_json else self.frames)

    @property
    def _event_frames(self) -> type[Events]:
        return self.frames if issubclass(self.frames, Events) else Events

    def _items(self, reader: Reader, body: bytes) -> list[Item]:
        """Return the items of an answer that came as one body, in which there may be a stream."""
        if body[:1] == b"{" or not is_events(body):
            return reader.whole(body)
        frames = self._event_frames()
        return reader.feed([*frames.feed(body), *frames.end()], last=True)

    def bodies(
        self,
        model: str,
        messages: list[dict[str, Any]],
        options: dict[str, Any],
        extra: Mapping[str, Any],
        *,
        stream: bool,
    ) -> tuple[str, str, dict[str, Any], dict[str, Any] | None]:
        """Return path, model, body, and the body without what a server may refuse; None if it has nothing of that.

        That is what no caller has asked for, what the provider itself gave, and a schema that words can say.
        """
        path, own = self.request(model, messages, dict(options), stream=stream)
        body = plain = {**own, **extra} if extra else own
        if "response_format" in options or not all(map(STATE.isdisjoint, messages)):
            said, others = only_in_words(stateless(messages), options)
            plain = {**self.request(model, said, dict(others), stream=stream)[1], **extra}
        unasked = self.unasked.intersection(body)
        if unasked:
            unasked -= options.keys() | extra.keys()
        if not unasked and (plain is body or plain == body):
            return path, model, body, None
        return path, model, body, {name: value for name, value in plain.items() if name not in unasked}

    def _needed(self, model: str, options: dict[str, Any], *, stream: bool) -> dict[str, Any]:
        """Return the options without those that ask for what is done anyway, where the provider would refuse them.

        The default model thinks as much as its row says, unless the caller says how much.
        """
        if self.row.effort and model == self.row.default_model and _EFFORTS.isdisjoint(options):
            options = {**options, "reasoning_effort": self.row.effort}
        if not options:
            return options
        void = self.lacks if stream else self.lacks | {"stream_options"}
        if not options.get("tools"):
            void |= {"parallel_tool_calls", "tool_choice"}
        return {name: given for name, given in options.items() if name not in void or not needless(name, given)}


class _Own(msgspec.Struct, frozen=True):
    """The options of a caller that are for one provider alone."""

    api_key: str | None
    base_url: str | None
    headers: Mapping[str, str]
    query: Mapping[str, Any]
