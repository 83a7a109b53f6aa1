"""What answers cost, by the price list of `genai-prices`."""

from __future__ import annotations

from decimal import Decimal
from importlib.util import find_spec

from .answer import Answer
from .printable import logger
from .providers.catalogue import ROWS
from .providers.response import Usage
from .spending import Spent

__all__ = ["LEAST", "charge", "cost", "price"]

LEAST = Decimal("0.0001")
"""The least price in dollars that is shown as a number."""

_LISTED = ("", "auto", "default", "on_demand", "standard")
"""The tiers of service whose prices are those of the list. Of "flex" the row knows which part of it is paid."""


def price(used: Answer | Spent) -> Decimal | None:
    """Return what an answer cost in US dollars, by the price list of `genai-prices`; None where that is unknown.

    A model of your own costs nothing. A replayed answer costs what it did when it was recorded. The list has no prices
    of tiers such as "priority".
    """
    usage, row = used.usage, next((row for row in ROWS if row.name == used.provider), None)
    if row is None:
        return None
    if not row.keys or row.is_free:
        return Decimal(0)
    if usage is None or find_spec("genai_prices") is None:
        return None
    part = row.flex if usage.tier == "flex" else 1 if usage.tier in _LISTED else None
    listed = None if part is None else _listed(used.model, usage, row.base_url)
    return None if listed is None or part is None else listed * Decimal(part)


def _listed(model: str, usage: Usage, url: str) -> Decimal | None:
    try:
        import genai_prices  # noqa: PLC0415 - an optional package

        tokens = genai_prices.Usage(
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            cache_read_tokens=usage.cached_tokens or None,
            cache_write_tokens=usage.written_tokens or None,
        )
        return Decimal(genai_prices.calc_price(tokens, model_ref=model, provider_api_url=url).total_price)
    except (ArithmeticError, ImportError, LookupError, ValueError) as error:  # no such model, or counts that are odd
        logger.info("the price of %s is unknown: %s", model, type(error).__name__)
        return None


def cost(paid: Decimal | None) -> str:
    """Return a price in words: "$0.0004", "less than $0.0001", "none" where nothing is paid, or "unknown"."""
    if paid is None:
        return "unknown"
    if not paid:
        return "none"
    return f"${paid:,.{2 if paid >= 1 else 4}f}" if paid >= LEAST else f"less than ${LEAST}"


def charge(answer: Answer) -> str:
    """Return what an answer cost, as it stands below it: "" where nothing is paid, "cost unknown" where that is so."""
    words = cost(price(answer)) if any(row.name == answer.provider for row in ROWS) else "none"
    return {"none": "", "unknown": "cost unknown"}.get(words, words)
