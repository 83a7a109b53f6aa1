"""Which error a refusal is: its status, its words and its codes → the class. No I/O."""

from __future__ import annotations

import re

from ... import errors

__all__ = ["class_of", "is_money"]


def class_of(status: int, words: str, code: str) -> type[errors.G4FError]:
    """Return the class of error for a refusal: the status's, unless words and codes say it more exactly."""
    kind = errors.status_error(status)
    if status in _MAY_BE_MONEY and is_money(words, code):
        return errors.PaymentRequiredError
    if status in _MAY_BE_LOADING and re.search(_LOADING, words, re.IGNORECASE):
        return errors.ModelLoadingError
    if status in (400, 404, 422) and ((status == 404 and "model" in words.lower()) or re.search(_NO_MODEL, code)):
        return errors.ModelNotFoundError
    if status == 400 and "API_KEY_INVALID" in code.upper():
        return errors.MissingAuthError
    if kind is errors.BadRequestError and re.search(_TOO_LONG, f"{code} {words}".lower()):
        return errors.ContextLengthError
    return kind


_MAY_BE_MONEY = (400, 403, 412, 429)
"""Statuses that some servers send for an account without credit, in place of 402."""

_MONEY = (
    r"billing|insufficient_(quota|balance|credit|fund)|credits?_(exhausted|insufficient)|payment_required|arrearage"
    r"|exceeded_current_quota|budget_exceeded"
)
"""What is in their codes then."""

_MONEY_WORDS = (
    r"exceeded your current quota|credit balance|(insufficient|not enough) (account )?(balance|credit|fund|quota)"
    r"|(no|out of|any|enough|used all( available| your)?) credits?\b|credits? (are |is |has |have )?(been )?exhausted"
    r"|billing (is not|is disabled|hard limit|account)|(requires|enable) billing|payment (is )?required"
    r"|(monthly|your) spending limit"
)
"""What is in their words. Mere advice to pay does not count: limits of the rate come with it, too."""


def is_money(words: str, code: str) -> bool:
    """Whether a refusal is about money. Google words its limits of the rate alike, but says when to ask again."""
    return bool(
        re.search(_MONEY, code.lower()) or ("retry_info" not in code and re.search(_MONEY_WORDS, words.lower()))
    )


_MAY_BE_LOADING = frozenset((404, 409, 425, 429, 500, 502, 503, 504))

_LOADING = (
    r"\b(is|are|still|currently|now|server) loading\b|\bbeing loaded\b|\bwarming up\b"
    r"|(^loading (the )?model|\bmodel loading)\b(?!.*\b(fail|error))"
)
"""What servers write while they load a model: llama.cpp, Ollama, vLLM, LM Studio, and those of Hugging Face."""

_NO_MODEL = r"model_not_found|invalid_model|unknown_model|model_not_available|no_such_model"

_TOO_LONG = (
    r"context_length|exceed_context|context (length|window|size|limit)|(prompt|input) is too long"
    r"|maximum (prompt|model|input|sequence) length|maximum number of tokens|(prompt|input) token count"
    r"|range of input length|(model|total)( tokens?)? limit|too many (input )?tokens|`inputs` tokens"
)
"""What servers write if a question is longer than the model's context."""
