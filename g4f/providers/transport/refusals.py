"""A server's refusal → one error of one line: who refuses, why, and what to do. No I/O."""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from ...errors import (
    BadRequestError,
    ContextLengthError,
    G4FError,
    MissingAuthError,
    ModelLoadingError,
    ModelNotFoundError,
    PaymentRequiredError,
    RateLimitError,
    ResponseError,
    ServerError,
)
from ...printable import one_line
from ...secrets.known import STARS, keys_here, secrets_of
from ...wire import decoded, written
from ..access import shown
from .kinds import class_of, is_money
from .retries import AGAIN

__all__ = ["Target", "fault", "is_fault", "line", "redact", "refusal", "words_of"]

LONGEST = 500
"""Characters of a server's message that are passed on."""

LOOKED_AT = 20_000
"""Characters of it that are read: many, because it may repeat an image that was sent."""


class Target(msgspec.Struct, frozen=True):
    """The provider and model of a request, and what errors about it need to know.

    No error may show the secrets in `sent`, which has all that was sent. `remedy` names where the key comes from.
    `pull` is the command that fetches a model, with braces for the model's name.
    """

    provider: str
    model: str
    sent: tuple[object, ...]
    remedy: str
    pull: str = ""


class _Message(NamedTuple):
    """A server's message about its failure, its codes for it, and whether they say that there was one."""

    message: str
    code: str
    is_fault: bool = False


def refusal(target: Target, status: int, body: bytes, location: str = "") -> G4FError:
    """Return the error for an answer with `status`, whose body may be JSON, text or a web page."""
    parsed = _parse(_without(body, target.sent))
    words = redact(parsed.message, target.sent)
    if 300 <= status < 400:
        return ResponseError(_redirect(target, status, location), status=status)
    return _error(target, status, words or "there is nothing at this address" * (status == 404), parsed.code)


def fault(target: Target, event: object, status: int = 200) -> G4FError:
    """Return the error for an `error` object that came instead of an answer, or in the middle of one.

    `event` is the object, or its JSON as bytes.
    """
    body = event if isinstance(event, bytes) else _json(event).encode(errors="replace")
    parsed = _parse(_without(body, target.sent))
    code = parsed.code.lower()
    if _is_status(number := code.partition(" ")[0]) and 400 <= int(number) < 600:
        status = int(number)
    else:
        status = next((known for word, known in _STATUS_OF_WORD if word in code), status)
    words = redact(parsed.message, target.sent)
    if status < 400 and is_money(words, code):
        status = 402
    if status < 400:
        return ResponseError(f"{target.provider} broke the answer off: {words or 'it gave no reason'}", status=status)
    error = _error(target, status, words, code)
    if status in AGAIN and not isinstance(error, PaymentRequiredError):
        error.retry_after = 0.0
    return error


def is_fault(body: bytes) -> bool:
    """Whether JSON that has no answer says that there was a failure, in any of the forms that servers use."""
    return _parse(body).is_fault


def words_of(target: Target, body: bytes) -> str:
    """Return the words of a body that has no answer, in one line without secrets; "" if it has none but JSON."""
    words = redact(_parse(_without(body, target.sent)).message, target.sent)
    return "" if words.startswith(("{", "[")) else words


_STATUS_OF_WORD = (
    ("rate_limit", 429),
    ("quota", 429),
    ("overloaded", 529),
    ("auth", 401),
    ("api_key", 401),
    ("permission", 403),
    ("invalid_request", 400),
    ("context_length", 400),
    ("exceed_context", 400),
    ("billing", 402),
    ("not_found", 404),
    ("too_large", 413),
    ("server_error", 500),
    ("api_error", 500),
    ("internal", 500),
    ("unavailable", 503),
    ("timeout_error", 504),
)

_WORDS: dict[type[G4FError], str] = {
    BadRequestError: "refused the request",
    ContextLengthError: "refused the question because it is too long",
    MissingAuthError: "did not accept the key",
    ModelLoadingError: "is still loading the model",
    PaymentRequiredError: "asks for payment",
    RateLimitError: "limits the rate of requests",
    ServerError: "failed",
    ModelNotFoundError: "has no model",
}


_FULL = "has no capacity left for this tier of service"


def _error(target: Target, status: int, words: str, code: str) -> G4FError:
    kind = class_of(status, words, code)
    is_full = status == 498 or "resource_unavailable" in code
    text = f"{target.provider} {_FULL if is_full else _WORDS.get(kind, 'answered')}"
    if kind is ModelNotFoundError:
        text += f" {line(target.model)!r}"
    text += f" (HTTP {status})"
    text = f"{text}: {words.rstrip('. ')}" if words else text
    text += "" if text.endswith(("!", "?")) else "."
    if kind is MissingAuthError and target.remedy:
        text += f" Check {target.remedy}."
    if is_full:
        text += " Ask again later, or leave service_tier out."
    elif kind is ModelLoadingError:
        text += " Ask again in a minute."
    elif status in (404, 405) and kind is not ModelNotFoundError:
        text += " Check base_url."
    if kind is ModelNotFoundError and target.pull:
        text += f" Fetch it: {target.pull.format(line(target.model))}"
    return kind(text, status=status)


def _redirect(target: Target, status: int, location: str) -> str:
    location = location.partition("?")[0].partition("#")[0]
    where = line(redact(shown(location) if "@" in location else location, target.sent))
    text = f"{target.provider} redirects to another address (HTTP {status})"
    return f"{text}, {where}: give the right one as base_url." if where else f"{text}: check base_url."


_WORDS_IN = ("message", "detail", "error", "msg", "error_msg", "error_message", "errorMessage", "status_msg", "Message")
_CODES_IN = ("code", "error_code", "errorCode", "status_code", "statusCode", "StatusCode")
_NO_CODES = frozenset(("", "0", "200", "ok", "success"))  # they say that nothing failed


def _parse(body: bytes) -> _Message:
    """Read the forms that servers use: {"error": {…}}, {"error": "…"}, {"message"}, {"detail"}, text, a web page."""
    try:
        content = decoded(body)
    except msgspec.DecodeError:
        return _Message(_plain(body), "")
    if isinstance(content, list) and content:
        content = content[0]
    is_fault = False
    if isinstance(content, dict):
        named = content.get("error") or content.get("errors")
        kinds = map(content.get, ("object", "type", "status"))
        is_fault = bool(named) or content.get("success") is False or "error" in kinds
        inner = named or content.get("base_resp") or content
        inner = inner[0] if isinstance(inner, list) and inner else inner
        content = content | {"message": inner} if isinstance(inner, str) else inner
    if not isinstance(content, dict):
        return _Message(line(content), "", is_fault)
    words = _words(next(filter(None, map(content.get, _WORDS_IN)), ""))
    if (behind := _behind(content.get("metadata"))) and behind not in words:
        words = line(f"{words}: {behind}")
    codes = [code for name in _CODES_IN if (code := line(content.get(name))).lower() not in _NO_CODES]
    is_fault = is_fault or bool(words and codes)
    codes += [line(content[name]) for name in ("type", "status") if content.get(name)]
    codes.sort(key=_is_status, reverse=True)
    return _Message(words, " ".join([*codes, *_reasons(content.get("details"))]), is_fault)


def _words(given: object) -> str:
    """Return a message in one line: text, or the list of wrong fields of FastAPI and pydantic."""
    listed = given.get("detail") if isinstance(given, dict) else given  # as Mistral sends it
    if not isinstance(listed, list) or not all(isinstance(each, dict) and each.get("msg") for each in listed):
        return line(given)
    return line("; ".join(map(_field, listed)))


def _field(wrong: dict[str, Any]) -> str:
    place = wrong.get("loc")
    names = [str(name) for name in place if isinstance(name, str | int)] if isinstance(place, list) else []
    return f"{'.'.join(names)}: {line(wrong['msg'])}".removeprefix(": ")


def _behind(metadata: object) -> str:
    """Return the words of the server behind a gateway, which OpenRouter hands on."""
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    return _parse(raw.encode(errors="replace")).message if isinstance(raw, str) else ""


def _is_status(code: str) -> bool:
    return len(code) == 3 and code.isdecimal()


def _reasons(details: object) -> list[str]:
    """Return Google's names for a failure, which say more than its status: for a wrong key it is 400."""
    listed = [detail for detail in details[:10] if isinstance(detail, dict)] if isinstance(details, list) else []
    return [line(detail["reason"]) for detail in listed if "reason" in detail] + [
        "retry_info" for detail in listed if "retryDelay" in detail
    ]


_LONG = re.compile(r"([A-Za-z0-9+/=]{40})[A-Za-z0-9+/=]{160,}")
"""Base64, such as an image that was sent: it is of no use to a reader."""


def line(words: object) -> str:
    """Return a server's words as one line of at most `LONGEST` characters; other values than text become JSON."""
    if not isinstance(words, str):
        words = _json(words) if words else ""
    return _LONG.sub(r"\1…", one_line(words[:LOOKED_AT]))[:LONGEST]


def _json(words: object) -> str:
    try:
        return written(words)
    except RecursionError:
        return "a value that is nested too deeply to be shown"


def _plain(body: bytes) -> str:
    text = body[: 4 * LOOKED_AT].decode(errors="replace")
    if not text.lstrip().startswith("<"):
        return line(text)
    title = re.search(r"<title[^>]{0,200}>([^<]{0,500})</title", text, re.IGNORECASE)
    return f'a web page, "{line(title[1])}"' if title else "a web page"


def redact(words: str, sent: tuple[object, ...]) -> str:
    """Return `words` with stars for the secrets in `sent`, also if only their ends are shown, around dots."""
    secrets = set(secrets_of(sent))
    ends = [end for secret in secrets for end in (secret[:3], secret[-3:])]
    for secret in sorted({*secrets, *keys_here()}, key=len, reverse=True):
        for form in (secret, quote(secret, safe="")):
            words = words.replace(form, STARS)
    return re.sub(
        r"[^\s\"'`,:;()<>]*(?:\*|\.\.|…)[^\s\"'`,:;()<>]*",
        lambda found: STARS if any(end in found[0] for end in ends) else found[0],
        words,
    )


def _without(body: bytes, sent: tuple[object, ...]) -> bytes:
    """Return `body` with stars for secrets, before it is cut: half a secret would not be found."""
    for secret in sorted(set(secrets_of(sent)), key=len, reverse=True):
        body = body.replace(secret.encode(errors="replace"), STARS.encode())
    return body
