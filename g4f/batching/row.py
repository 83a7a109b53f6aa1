"""One row of a batch: an input, and what came of it."""

from __future__ import annotations

from typing import Any

from ..answer import Answer
from ..errors import G4FError, ResponseError
from ..spending import tokens_used

__all__ = ["BatchRow", "answer_tokens", "row_error"]


def answer_tokens(answer: Answer) -> int:
    """Return the tokens of an answer and its question; a guess where the provider did not count them."""
    calls = (call.function.name + call.function.arguments for call in answer.tool_calls)
    return tokens_used(answer.usage, (answer, answer.reasoning, *calls), answer.messages)


def row_error(error: Exception) -> G4FError:
    """Return the error of a row. A provider of the caller's own may raise anything: that is the cause of ours."""
    if isinstance(error, G4FError):
        return error
    found = ResponseError(f"{type(error).__name__}: {error}")
    found.__cause__ = error
    return found


class BatchRow:
    """One input of a batch, and its answer or its error.

    `index` counts inputs from 0, `messages` are what was asked, None where the input could not be made a question.
    `known` says that the answer was in the journal, `same` that the question was asked for another row.
    """

    __slots__ = ("answer", "error", "index", "known", "messages", "same")

    def __init__(self, index: int, messages: list[dict[str, Any]] | None = None) -> None:
        self.index, self.messages = index, messages
        self.answer: Answer | None = None
        self.error: G4FError | None = None
        self.known = self.same = False

    @property
    def value(self) -> Any:
        """The value of the answer, where a `schema` was given; else its text. None where there is no answer."""
        answer = self.answer
        return answer if answer is None or answer.value is None else answer.value

    @property
    def tokens(self) -> int | None:
        """The tokens of question and answer: a guess where the provider did not count them; None without an answer."""
        return None if self.answer is None else answer_tokens(self.answer)

    @property
    def seconds(self) -> float | None:
        """How long the answer took when it was asked for; None without an answer."""
        return None if self.answer is None else self.answer.seconds

    def __repr__(self) -> str:
        if self.answer is not None:
            return f"<row {self.index}: {self.value!r}>"
        return f"<row {self.index}: {type(self.error).__name__}: {self.error}>"
