"""Where a provider's requests go, and with which credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ...messages import encoded
from ...secrets.key import Key
from ..transport.http import HTTPRequest
from ..transport.refusals import Target
from ..transport.settings import Settings

__all__ = ["Endpoint", "credential"]


class Endpoint(msgspec.Struct, frozen=True):
    """A server's address and credentials, and what every request to it needs. `sent` has all that may hold secrets."""

    provider: str
    url: str
    query: str
    headers: dict[str, str]
    sent: tuple[object, ...]
    remedy: str
    pull: str
    settings: Settings
    account: tuple[str, str]

    def request(
        self, path: str, model: str, body: dict[str, Any] | None, plain: dict[str, Any] | None = None
    ) -> HTTPRequest:
        """Return a request with this body. Raises InputError for what JSON cannot hold."""
        target = Target(self.provider, model, self.sent, self.remedy, self.pull)
        content = None if body is None else encoded(body)
        simple = None if plain is None else encoded(plain)
        url = self.url + path
        return HTTPRequest(target, url, self.query, self.headers, content, self.settings, self.account, simple)


def credential(headers: Mapping[str, str]) -> str:
    """Return what is secret in a caller's own headers: a key may be there instead."""
    return "\n".join(value for value in headers.values() if isinstance(value, Key))
