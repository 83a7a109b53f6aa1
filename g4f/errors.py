"""Every error of the project, and the one table from an HTTP status to its error.

G4FError
├── InputError                  what the caller gave cannot be sent; also a ValueError
├── ModelNotFoundError          nobody here knows that model
├── ProviderNotFoundError       nobody here knows that provider
├── ProviderNotWorkingError     the provider says so itself, or has no method to call
├── MissingRequirementsError    a package or a file is not there
│   └── NestAsyncioError        a sync call cannot wait where it was made
├── ConnectError                no connection to the far side; also a ConnectionError
├── TimeoutError                too long in all, or too long silent; also a builtin TimeoutError
├── ResponseError               the far side answered, but it is no answer
│   └── ResponseStatusError     it said so by an HTTP status
│       ├── BadRequestError
│       │   └── ContextLengthError
│       ├── MissingAuthError    key missing, wrong, or not allowed to
│       ├── PaymentRequiredError
│       ├── RateLimitError
│       └── ServerError
└── RetryError
    ├── RetryProviderError      several providers were asked and each failed
    └── RetryNoProviderError    there was no provider to ask
"""

from __future__ import annotations

import builtins
import difflib
from collections.abc import Iterable

from .printable import one_line

__all__ = [
    "BadRequestError",
    "ConnectError",
    "ContextLengthError",
    "G4FError",
    "InputError",
    "MissingAuthError",
    "MissingRequirementsError",
    "ModelNotFoundError",
    "NestAsyncioError",
    "PaymentRequiredError",
    "ProviderNotFoundError",
    "ProviderNotWorkingError",
    "RateLimitError",
    "ResponseError",
    "ResponseStatusError",
    "RetryError",
    "RetryNoProviderError",
    "RetryProviderError",
    "ServerError",
    "TimeoutError",
    "close_matches",
    "kind_of",
    "status_error",
]


class G4FError(Exception):
    """One line that says what went wrong and what to do about it; nothing in it steers a terminal.

    `provider` and `model` name who was asked ("" where nobody was yet), `status` is the HTTP status or None,
    `request_id` the far side's own name of the request or None, `partial` the text that had arrived before.
    """

    def __init__(
        self,
        message: str = "",
        *,
        provider: str = "",
        model: str = "",
        status: int | None = None,
        request_id: str | None = None,
        partial: str = "",
    ) -> None:
        super().__init__(one_line(message))
        self.provider = provider
        self.model = model
        self.status = status
        self.request_id = request_id
        self.partial = partial

    def fill(self, provider: str, model: str, partial: str = "") -> None:
        """Note who was asked, and the text so far, unless whoever raised it said so."""
        self.provider = self.provider or provider
        self.model = self.model or model
        self.partial = self.partial or partial


class InputError(G4FError, ValueError):
    """What the caller gave cannot be sent. Nothing was sent."""


class ModelNotFoundError(G4FError):
    """Nobody here knows that model."""


class ProviderNotFoundError(G4FError):
    """Nobody here knows that provider."""


class ProviderNotWorkingError(G4FError):
    """The provider's class says `working = False`, or has no method that could answer."""


class MissingRequirementsError(G4FError):
    """A package or a file is missing. The message says how to get it."""


class NestAsyncioError(MissingRequirementsError):
    """A sync call was made where it would block an event loop that cannot be nested."""


class ConnectError(G4FError, ConnectionError):
    """No connection to the far side: name, port, proxy or certificate."""


class TimeoutError(G4FError, builtins.TimeoutError):
    """The answer took longer in all, or was silent for longer, than the caller allowed."""


class ResponseError(G4FError):
    """The far side answered, but what it sent is not an answer, or not a whole one."""


class ResponseStatusError(ResponseError):
    """The far side refused by an HTTP status."""


class BadRequestError(ResponseStatusError):
    """400, 413, 422: the request itself was refused."""


class ContextLengthError(BadRequestError):
    """The question, with all that comes before it, is longer than the model's context."""


class MissingAuthError(ResponseStatusError):
    """401, 403: the key is missing, wrong, or not allowed to. `status` is None if nothing was sent."""


class PaymentRequiredError(ResponseStatusError):
    """402: the account has no credit."""


class RateLimitError(ResponseStatusError):
    """429: too many requests, or the quota is used up."""


class ServerError(ResponseStatusError):
    """5xx: the far side failed."""


class RetryError(G4FError):
    """Falling over from provider to provider gave no answer."""


class RetryProviderError(RetryError):
    """Each provider of a list failed. `errors` holds name and error of each, in the order they were asked."""

    def __init__(self, message: str = "", errors: Iterable[tuple[str, Exception]] = ()) -> None:
        super().__init__(message)
        self.errors = tuple(errors)


class RetryNoProviderError(RetryError):
    """A list of providers was empty."""


_BY_STATUS: dict[int, type[ResponseStatusError]] = {
    400: BadRequestError,
    401: MissingAuthError,
    402: PaymentRequiredError,
    403: MissingAuthError,
    413: BadRequestError,
    422: BadRequestError,
    429: RateLimitError,
}


def status_error(status: int) -> type[ResponseStatusError]:
    """Return the class of error for an HTTP status."""
    return _BY_STATUS.get(status) or (ServerError if status >= 500 else ResponseStatusError)


def kind_of(value: object) -> str:
    """Return what to call a value that was not expected."""
    return "None" if value is None else type(value).__name__


def close_matches(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean "…"?` for a misspelt name, or "" when nothing is near.

    Case does not count: "openai" is near "OpenAI".
    """
    spelled = {candidate.casefold(): candidate for candidate in known}
    near = difflib.get_close_matches(name.casefold(), spelled, n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(repr(spelled[match]) for match in near)}?" if near else ""
