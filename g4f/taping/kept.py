"""What is on a tape of an answer."""

from __future__ import annotations

from typing import TypeAlias

from ..providers.response import (
    FinishReason,
    Logprobs,
    Omitted,
    ProviderInfo,
    ProviderState,
    Reasoning,
    Refusal,
    Step,
    ToolCall,
    Trimmed,
    Usage,
)

__all__ = ["Kept"]

Kept: TypeAlias = (
    str
    | Reasoning
    | ToolCall
    | Usage
    | FinishReason
    | ProviderInfo
    | ProviderState
    | Trimmed
    | Logprobs
    | Omitted
    | Refusal
    | Step
)
"""What is kept of an answer: its text, and all events that are of the answer, and not of how it came about."""
