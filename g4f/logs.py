"""What is logged of an answer: never its content, nor that of a question or an error."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import monotonic

from .assembly import Assembly
from .printable import logger
from .providers.response import Item

__all__ = ["logged"]


async def logged(items: AsyncGenerator[Item], answer: Assembly) -> AsyncGenerator[Item]:
    """Yield `items`, and log when they begin and end, and what was used.

    The log never has content: neither of messages and answers, nor of errors, which may quote them.
    """
    start, begun, how = monotonic(), False, ""
    logger.debug("start: %s, model %r", answer.provider, answer.model)
    try:
        async with aclosing(items):
            async for item in items:
                if not begun and not answer.is_empty:
                    begun = True
                    logger.debug("first event: %s after %.3f s", answer.provider, monotonic() - start)
                yield item
    except BaseException as error:
        how = f" {type(error).__name__}"
        raise
    finally:
        usage = repr(answer.usage) if answer.usage else "no usage"
        logger.debug("end: %s,%s after %.3f s, %s", answer.provider, how, monotonic() - start, usage)
