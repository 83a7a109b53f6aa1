"""OpenAI's chat completions over HTTP. What differs between those who speak it is in the rows of the catalogue."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, NamedTuple

import msgspec

from ..errors import InputError, ModelNotFoundError, ResponseError
from ..typing import Key
from .access import address, key
from .base_provider import AsyncGeneratorProvider
from .chat_completion import Reader
from .http import Answer, Call, exchange
from .refusals import Asked
from .response import Item
from .rows import Row
from .settings import Settings
from .sse import Events

__all__ = ["OpenAICompatible"]


class OpenAICompatible(AsyncGeneratorProvider):
    """A provider made of a row of the catalogue."""

    enforces_max_tokens = True

    def __init__(self, row: Row) -> None:
        self.row = row
        self.name = row.name
        self.default_model = row.default_model

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    async def create_async_generator(
        self,
        model: str,
        messages: list[dict[str, Any]],
        *,
        stream: bool = False,
        api_key: str | None = None,
        base_url: str | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> AsyncGenerator[Item]:
        """Yield the answer's text and events; with `stream` as they come, else from one whole answer.

        `options` are those of `Settings`; all others go into the request as they are: `temperature`, `tools`,
        `response_format`, `seed`, … `extra_headers` and `extra_body` are added to it last.
        """
        door = self._door(base_url, api_key, extra_headers, Settings.take(options))
        if not model:
            model = await self._any_model(door)
        body = _body(self.row, model, messages, stream, options) | dict(extra_body or {})
        async with exchange(door.call("/chat/completions", model, body)) as answer:
            reader = Reader(door.asked(model))
            if _is_stream(answer, stream):
                events = Events()
                async with aclosing(answer.reads()) as reads:
                    async for data in reads:
                        for item in reader.feed(events.feed(data)):
                            yield item
                        if reader.done or reader.failure is not None:
                            break
                    else:
                        for item in reader.feed(events.end(), last=True):
                            yield item
            else:
                for item in reader.whole(await answer.read()):
                    yield item
            if (error := reader.cut()) is not None:
                raise error
            await answer.settle()

    async def models(self, *, api_key: str | None = None, base_url: str | None = None, **options: Any) -> list[str]:
        """Return the names of the models that can be asked for. `options` are those of `Settings`."""
        return await _models(self._door(base_url, api_key, None, Settings.take(options)))

    def _door(
        self, base_url: str | None, api_key: str | None, extra_headers: Mapping[str, str] | None, settings: Settings
    ) -> _Door:
        row = self.row
        secret = key(row, base_url, api_key)
        headers = {"Content-Type": "application/json"}
        if secret is not None:
            headers["Authorization"] = Key(f"Bearer {secret}")
        headers.update(extra_headers or {})
        remedy = "api_key=" if api_key is not None or not row.keys else " or ".join(row.keys)
        return _Door(row.name, address(row, base_url), headers, secret or Key(), remedy, settings)

    async def _any_model(self, door: _Door) -> str:
        """Return the first model that is listed: a server of one's own has loaded what its owner wants."""
        if self.row.keys:
            raise InputError(f"{self.name} has no default model: name one by model=.", provider=self.name)
        names = await _models(door)
        if not names:
            raise ModelNotFoundError(f"{self.name} lists no model: load one there, or name one by model=.")
        return names[0]


class _Door(NamedTuple):
    """A server, and what lets one in."""

    provider: str
    url: str
    headers: dict[str, str]
    key: Key
    remedy: str
    settings: Settings

    def asked(self, model: str) -> Asked:
        return Asked(self.provider, model, self.key, self.remedy)

    def call(self, path: str, model: str, body: dict[str, Any] | None) -> Call:
        return Call(self.asked(model), self.url + path, self.headers, _encoded(body), self.settings)


def _body(
    row: Row, model: str, messages: list[dict[str, Any]], stream: bool, options: dict[str, Any]
) -> dict[str, Any]:
    if options.get("n") not in (None, 1):
        raise InputError("n must be 1: an answer here is one answer. Ask several times instead.")
    if "max_tokens" in options:
        options[row.max_tokens] = options.pop("max_tokens")
    body: dict[str, Any] = {"model": model, "messages": [_message(message) for message in messages]}
    if stream:
        body["stream"] = True
        if row.stream_usage:
            body["stream_options"] = {"include_usage": True}
    return body | options


def _message(message: dict[str, Any]) -> dict[str, Any]:
    """Leave out what an answer here has and a question must not have."""
    return {name: value for name, value in message.items() if name != "reasoning"}


def _encoded(body: dict[str, Any] | None) -> bytes | None:
    if body is None:
        return None
    try:
        return msgspec.json.encode(body)
    except (TypeError, ValueError) as error:
        raise InputError(f"the request cannot be written as JSON: {error}") from None


def _is_stream(answer: Answer, asked: bool) -> bool:
    kind = answer.content_type
    return kind == "text/event-stream" or (asked and kind not in ("application/json", "text/html"))


class _Model(msgspec.Struct):
    id: str


class _List(msgspec.Struct):
    data: list[_Model]


async def _models(door: _Door) -> list[str]:
    async with exchange(door.call("/models", "", None)) as answer:
        body = await answer.read()
    try:
        listed = msgspec.json.decode(body, type=_List | list[_Model])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ResponseError(f"{door.provider}: what {door.url}/models sent is no list of models.") from None
    return [model.id for model in (listed if isinstance(listed, list) else listed.data)]
