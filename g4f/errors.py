"""Every error of the project, and the one table from an HTTP status to its error.

G4FError
├── InputError                  the caller's input cannot be sent; also a ValueError
│   └── UnsupportedError        OpenAI's package has it, and this one has not; also an AttributeError
├── ModelNotFoundError          no provider here knows that model
├── ProviderNotFoundError       there is no provider of that name
├── ProviderNotWorkingError     the provider says so itself, or has no method to answer with
├── MissingRequirementsError    a package or a file is missing
│   └── NestAsyncioError        a sync call would block an event loop that cannot be nested
├── ConnectError                no connection to the server; also a ConnectionError
├── TimeoutError                the answer took too long, or paused too long; also a builtin TimeoutError
├── ResponseError               the server sent something that is not an answer
│   └── ResponseStatusError     the server refused with an HTTP status
│       ├── BadRequestError
│       │   └── ContextLengthError
│       ├── MissingAuthError    key missing, wrong, or without the needed permission
│       ├── PaymentRequiredError
│       ├── RateLimitError
│       └── ServerError
│           └── ModelLoadingError   it is still loading the model
├── SchemaError                 the answer does not fit the type or schema that was asked for
├── ComparisonError             some of the models of a comparison failed
├── ExpectationError            the answer is not what its cell expects; also an AssertionError
└── RetryError
    ├── RetryProviderError      each of several providers failed
    │   └── RetryContextLengthError   for one of them the question was too long; also a ContextLengthError
    └── RetryNoProviderError    the list of providers was empty
"""

from __future__ import annotations

import builtins
import difflib
import reprlib
from collections.abc import Iterable, Mapping

from .printable import one_line

__all__ = [
    "THE_JUDGE",
    "BadRequestError",
    "ComparisonError",
    "ConnectError",
    "ContextLengthError",
    "ExpectationError",
    "G4FError",
    "InputError",
    "MissingAuthError",
    "MissingRequirementsError",
    "ModelLoadingError",
    "ModelNotFoundError",
    "NestAsyncioError",
    "PaymentRequiredError",
    "ProviderNotFoundError",
    "ProviderNotWorkingError",
    "RateLimitError",
    "ResponseError",
    "ResponseStatusError",
    "RetryContextLengthError",
    "RetryError",
    "RetryNoProviderError",
    "RetryProviderError",
    "SchemaError",
    "ServerError",
    "TimeoutError",
    "UnsupportedError",
    "close_matches",
    "kind_of",
    "quoted",
    "status_error",
]


class G4FError(Exception):
    """One line that says what went wrong and what to do about it, without control characters.

    `provider` and `model` name what was asked, "" if nothing was yet. `status` is the HTTP status or None, `request_id`
    the server's own id of the request or None, `partial` the text that had arrived before. `retry_after` is after how
    many seconds the same request may be answered, as the server says: 0 where it does not say it, None where it is of
    no use to ask again.
    """

    def __init__(
        self,
        message: object = "",
        *,
        provider: str = "",
        model: str = "",
        status: int | None = None,
        request_id: str | None = None,
        partial: str = "",
    ) -> None:
        shown = str(message) if isinstance(message, str | BaseException) else quoted(message)
        super().__init__(one_line(shown))
        self.provider = provider
        self.model = model
        self.status = status
        self.request_id = request_id
        self.partial = partial
        self.retry_after: float | None = None

    @property
    def message(self) -> str:
        """The line itself, as in errors of OpenAI's package."""
        return str(self)

    @property
    def status_code(self) -> int | None:
        """The `status`, as errors of OpenAI's package call it."""
        return self.status

    def fill(self, provider: str, model: str, partial: str = "") -> None:
        """Set the provider, the model and the text so far, where they are not set yet."""
        self.provider = self.provider or provider
        self.model = self.model or model
        self.partial = self.partial or partial


class InputError(G4FError, ValueError):
    """The caller's input cannot be sent. Nothing was sent."""


class UnsupportedError(InputError, AttributeError):
    """OpenAI's package has it, and this one has not. The message says what to use instead."""


class ModelNotFoundError(G4FError):
    """No provider here knows that model."""


class ProviderNotFoundError(G4FError):
    """There is no provider of that name."""


class ProviderNotWorkingError(G4FError):
    """The provider's class says `working = False`, or has no method that could answer."""


class MissingRequirementsError(G4FError):
    """A package or a file is missing. The message says how to get it."""


class NestAsyncioError(MissingRequirementsError):
    """A sync call was made where it would block an event loop that cannot be nested."""


class ConnectError(G4FError, ConnectionError):
    """No connection to the server: its name, port, proxy or certificate is the cause."""


class TimeoutError(G4FError, builtins.TimeoutError):
    """The answer took longer, or paused for longer, than the caller allowed."""


class ResponseError(G4FError):
    """The server sent something that is not an answer, or not a complete one."""


class ResponseStatusError(ResponseError):
    """The server refused the request with an HTTP status."""


class BadRequestError(ResponseStatusError):
    """400, 413, 422: the server refuses the request as it is."""


class ContextLengthError(BadRequestError):
    """The question and the conversation before it are longer than the model's context."""


class MissingAuthError(ResponseStatusError):
    """401, 403: the key is missing, wrong, or without the needed permission. `status` is None if nothing was sent."""


class PaymentRequiredError(ResponseStatusError):
    """402, or a refusal in words of money: the account has no credit. To ask again is of no use."""


class RateLimitError(ResponseStatusError):
    """429: too many requests for now."""


class ServerError(ResponseStatusError):
    """5xx: the server failed."""


class ModelLoadingError(ServerError):
    """The server is still loading the model, longer than the call may wait."""


class SchemaError(G4FError):
    """The answer does not fit the type or schema that was asked for, not even the second one.

    `partial` is the whole text, and `problems` says in pairs where it does not fit, such as "$.score", and why.
    """

    def __init__(self, message: object = "", problems: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.problems = list(problems)


THE_JUDGE = "the judge"
"""The name of the judge's error among those of a comparison."""


class ComparisonError(G4FError):
    """Some of the models of a comparison failed, or its judge. `errors` has the error of each, by its name."""

    def __init__(self, message: object = "", errors: Mapping[str, Exception] | None = None) -> None:
        super().__init__(message)
        self.errors = dict(errors or {})

    @classmethod
    def of(cls, errors: Mapping[str, Exception], count: int) -> ComparisonError:
        """Return the error that names which of `count` models failed. The judge is none of them."""
        failed = [f"{name} ({type(error).__name__}: {error})" for name, error in errors.items() if name != THE_JUDGE]
        lines = [f"{len(failed)} of {count} models failed: {'; '.join(failed)}"] if failed else []
        if error := errors.get(THE_JUDGE):
            lines.append(f"{THE_JUDGE} failed ({type(error).__name__}: {error})")
        return cls("; ".join(lines), errors)


class ExpectationError(G4FError, AssertionError):
    """The answer is not what its cell expects of it by `--expect` or `--judge`."""


class RetryError(G4FError):
    """No provider of a list answered."""


class RetryProviderError(RetryError):
    """Each provider of a list failed. `errors` has the name and the error of each, in the order of the attempts."""

    def __init__(self, message: object = "", errors: Iterable[tuple[str, Exception]] = ()) -> None:
        super().__init__(message)
        self.errors = tuple(errors)


class RetryContextLengthError(RetryProviderError, ContextLengthError):
    """Each provider of a list failed, and for at least one of them the question was too long."""


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
    498: RateLimitError,  # of Groq, for the tier "flex"
}


def status_error(status: int) -> type[ResponseStatusError]:
    """Return the class of error for an HTTP status."""
    return _BY_STATUS.get(status) or (ServerError if status >= 500 else ResponseStatusError)


def kind_of(value: object) -> str:
    """Return the name, for errors, of an unexpected value's type."""
    return "None" if value is None else type(value).__name__


class _Quoted(reprlib.Repr):
    """Shortens values: a repr that has no end, or that raises, is none for a line."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = 200

    def repr_int(self, x: int, level: int) -> str:
        return super().repr_int(x, level) if x.bit_length() < 10_000 else f"<int of {x.bit_length():,} bits>"


_QUOTED = _Quoted()


def quoted(value: object) -> str:
    """Return a value as an error shows it: as its repr, shortened; also one whose repr raises, or holds itself."""
    return _QUOTED.repr(value)


def close_matches(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean "…"?` for a misspelt name, "" if no known one is close to it.

    Case is ignored: "openai" is close to "OpenAI".
    """
    spelled = {candidate.casefold(): candidate for candidate in known}
    near = difflib.get_close_matches(name.casefold(), spelled, n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(repr(spelled[match]) for match in near)}?" if near else ""
