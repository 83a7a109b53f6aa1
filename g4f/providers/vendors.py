"""What messages hold that one vendor alone understands: signatures of its calls, and states of its answers."""

from __future__ import annotations

from typing import Any

__all__ = ["SIGNED", "STATE", "VENDORS", "for_one", "stateless"]

STATE = frozenset(("provider_state",))
"""The field of a message that holds what its provider needs back."""

VENDORS = STATE | {"tool_calls", "tool_call_id"}
"""Fields of a message that may hold such."""

SIGNED = "~thought_signature~"
"""Separates the id of a tool call from a signature of Gemini's behind it, which is sent back to Gemini alone."""


def for_one(messages: list[dict[str, Any]], owner: str | None, *, signed: bool) -> list[dict[str, Any]]:
    """Return the messages without what other vendors than `owner` have put into them.

    It is None for a list of providers, each of which does so for itself. Signatures stay if they are taken.
    """
    if not signed:
        messages = list(map(_unsigned, messages))
    return messages if owner is None else stateless(messages, owner)


def stateless(messages: list[dict[str, Any]], but_of: str = "") -> list[dict[str, Any]]:
    """Return the messages without what only one provider understands, except that `but_of` a provider."""
    return [
        {name: value for name, value in message.items() if name != "provider_state"}
        if "provider_state" in message and _owner(message) != but_of
        else message
        for message in messages
    ]


def _owner(message: dict[str, Any]) -> object:
    match message["provider_state"]:
        case {"provider": str(provider), "items": [*_]} if provider:
            return provider
    return None


def _unsigned(message: dict[str, Any]) -> dict[str, Any]:
    if isinstance(id_ := message.get("tool_call_id"), str) and SIGNED in id_:
        message = message | {"tool_call_id": id_.partition(SIGNED)[0]}
    if isinstance(calls := message.get("tool_calls"), list):
        message = message | {"tool_calls": list(map(_without_signature, calls))}
    return message


def _without_signature(call: object) -> object:
    match call:
        case {"id": str(id_), **rest} if SIGNED in id_:
            return {"id": id_.partition(SIGNED)[0], **rest}
    return call
