"""The walk of one question over HTTP, whatever the protocol: what is sent, and who reads what comes back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from pathlib import PurePath
from typing import Any, ClassVar, NamedTuple, Protocol
from urllib.parse import urlencode

import msgspec

from ...errors import InputError, ModelNotFoundError, ResponseError, kind_of
from ...messages import encoded
from ...typing import Key
from ..access import address, key, parted, shown
from ..base_provider import AsyncGeneratorProvider
from ..response import Item, ProviderInfo
from ..rows import ROWS, Row
from ..transport.http import Answer, Call, Exchange
from ..transport.refusals import Asked
from ..transport.settings import Settings
from ..transport.sse import Events
from .reading import Reader

__all__ = ["HTTPProvider", "Page"]

PAGES = 20
"""Pages of a list of models that are asked for at most: one that has no end must not be read for ever."""


class _Frames(Protocol):
    """Bytes, cut anywhere → payloads."""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads that `data` completes."""

    def end(self) -> list[bytes]:
        """Return what the end of the stream has cut off."""

    full: str
    """What is wrong with a payload that is still not whole, and will not be taken; "" if nothing is."""


class Page(NamedTuple):
    """The names in a part of a list of models, and what asks for the next one behind `models_path`; "" for the last."""

    names: list[str]
    more: str = ""


class HTTPProvider(AsyncGeneratorProvider):
    """A provider made of a row of the catalogue. Each protocol is a subclass: it says what differs."""

    enforces_max_tokens = True
    enforces_stream_timeout = True  # a pause before the next try is none of the far side's

    reader: type[Reader]
    """Reads the answer."""

    frames: ClassVar[type[_Frames]] = Events
    """What a stream is cut into payloads by."""

    stream_types: ClassVar[tuple[str, ...]] = ("text/event-stream",)
    """The content types of a stream."""

    headers: ClassVar[Mapping[str, str]] = {}
    """What is sent with each request, whoever asks; a caller's own headers replace these."""

    models_path: ClassVar[str] = "/models"
    """Where models are listed, behind the base address."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.name = row.name
        self.default_model = row.default_model
        self.lacks = self.lacks | frozenset(row.lacks)
        self.is_keyless = not row.keys and row in ROWS

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def credentials(self, key: Key) -> dict[str, str]:
        """Return the headers that hold the key. Their values are of type Key."""
        return {"Authorization": Key(f"Bearer {key}")}

    @abstractmethod
    def request(
        self, model: str, messages: list[dict[str, Any]], options: dict[str, Any], *, stream: bool
    ) -> tuple[str, dict[str, Any]]:
        """Return the path, behind the base address, and the body of a question. Raises InputError.

        `options` has the caller's own, in OpenAI's words; what is not known goes into the body as it is.
        """

    @abstractmethod
    def listed(self, body: bytes) -> Page:
        """Return a list of models, or a part of it. Raises msgspec's errors."""

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
        **options: Any,
    ) -> AsyncGenerator[Item]:
        """Yield the answer's text and events; with `stream` as they come, else from one whole answer.

        `options` are those of `Settings`; all others go into the request: `temperature`, `tools`,
        `response_format`, `seed`, … `extra_headers`, `extra_query` and `extra_body` are added to it last.
        """
        _check_number(options.pop("n", None))
        own = _Own(api_key, base_url, _mapping("extra_headers", extra_headers), _mapping("extra_query", extra_query))
        extra = _mapping("extra_body", extra_body)
        door = self._door(own, Settings.take(options), extra)
        if not model:
            model = await self._any_model(door)
            yield ProviderInfo(self.name, _told(model))
        path, body = self.request(model, messages, options, stream=stream)
        call = door.call(path, model, {**body, **extra})
        exchange, reader = Exchange(call), self.reader(call.asked)
        if (failed := await exchange.begin()) is not None:
            async with aclosing(exchange.again(failed)) as waits:
                async for wait in waits:
                    yield wait
        async with exchange as answer:
            if self._is_stream(answer, stream):
                frames = self.frames()
                async with aclosing(answer.reads()) as reads:
                    async for data in reads:
                        for item in reader.feed(frames.feed(data)):
                            yield item
                        if reader.is_over(frames.full):
                            break
                    else:
                        for item in reader.feed(frames.end(), last=True):
                            yield item
            else:
                for item in reader.whole(await answer.read()):
                    yield item
            reader.check_end()
            await answer.settle()

    def address(self, base_url: str | None = None) -> str:
        """Return where a question goes, to be shown: the base address, the caller's or its own. Raises InputError."""
        return shown(address(self.row, base_url))

    async def models(self, *, api_key: str | None = None, base_url: str | None = None, **options: Any) -> list[str]:
        """Return the names of the models that can be asked for. `options` are those of `Settings`."""
        own = _Own(Key(api_key) if isinstance(api_key, str) else api_key, base_url, {}, {})
        return await self._models(self._door(own, Settings.take(options)))

    async def _models(self, door: _Door) -> list[str]:
        names: dict[str, None] = {}
        page = Page([])
        for _ in range(PAGES):
            page = await self._page(door, self.models_path + page.more)
            names |= dict.fromkeys(page.names)
            if not page.more:
                break
        return list(names)

    async def _page(self, door: _Door, path: str) -> Page:
        async with Exchange(door.call(path, "", None)) as answer:
            body = await answer.read()
        try:
            return self.listed(body)
        except msgspec.DecodeError:
            where = door.url + self.models_path.partition("?")[0]
            raise ResponseError(f"{self.name}: what {where} sent is no list of models.") from None

    def _door(self, own: _Own, settings: Settings, extra: Mapping[str, Any] | None = None) -> _Door:
        """Return how to ask at the caller's own address, with his key and headers. `extra` is sent in the body."""
        row = self.row
        where = parted(address(row, own.base_url))
        headers = {"Content-Type": "application/json", **self.headers}
        if (secret := key(row, own.base_url, own.api_key)) is not None:
            headers |= self.credentials(secret)
        headers |= own.headers  # aiohttp takes the last of a name, in whichever case
        if where.password:
            if "authorization" in map(str.lower, headers):
                raise InputError(f"{self.name}: the password in the address excludes a key: leave one of them out")
            headers["Authorization"] = where.password
        query = where.query
        if own.query:
            query = Key("&".join(filter(None, (query, urlencode(own.query)))))
        sent = (headers, secret, where.given, own.query, settings.proxy, extra)
        remedy = "api_key=" if own.api_key is not None or not row.keys else " or ".join(row.keys)
        return _Door(row.name, where.url, query, headers, sent, remedy, row.pull, settings)

    async def _any_model(self, door: _Door) -> str:
        """Return the first model that is listed: a server of one's own has loaded what its owner wants."""
        if self.row.keys:
            raise InputError(f"{self.name} has no default model: name one by model=.", provider=self.name)
        names = await self._models(door)
        if not names:
            raise ModelNotFoundError(f"{self.name} lists no model: load one there, or name one by model=.")
        return names[0]

    def _is_stream(self, answer: Answer, asked: bool) -> bool:
        kind = answer.content_type
        return kind in self.stream_types or (asked and kind not in ("application/json", "text/html"))


class _Own(NamedTuple):
    """What a caller gave for one provider alone."""

    api_key: str | None
    base_url: str | None
    headers: Mapping[str, str]
    query: Mapping[str, Any]


class _Door(msgspec.Struct, frozen=True):
    """A server, and what is sent with each request: all that may have secrets in it is in `sent`, too."""

    provider: str
    url: str
    query: str
    headers: dict[str, str]
    sent: tuple[object, ...]
    remedy: str
    pull: str
    settings: Settings

    def asked(self, model: str) -> Asked:
        return Asked(self.provider, model, self.sent, self.remedy, self.pull)

    def call(self, path: str, model: str, body: dict[str, Any] | None) -> Call:
        sent = None if body is None else encoded(body)
        return Call(self.asked(model), self.url + path, self.query, self.headers, sent, self.settings)


def _told(model: str) -> str:
    """Return the name of a model for people: of the path that llama.cpp gives, the file."""
    path = PurePath(model)
    return path.name if path.is_absolute() else model


def _check_number(answers: object) -> None:
    if answers not in (None, 1):
        raise InputError("n must be 1: an answer here is one answer. Ask several times instead.")


def _mapping(option: str, given: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return what the caller gave as an option that is a dict. Raises InputError."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InputError(f"{option} must be a dict, not {kind_of(given)}")
    for name, value in given.items():
        if not isinstance(name, str):
            raise InputError(f"the names in {option} must be texts: {name!r} is {kind_of(name)}")
        if option == "extra_headers" and not (isinstance(value, str) and value.isprintable()):
            raise InputError(f"extra_headers[{name!r}] must be a text of one line")
    return given
