"""Client, AsyncClient and what they return."""

from .client import AsyncClient, Client
from .types import ChatCompletion, ChatCompletionChunk

__all__ = ["AsyncClient", "ChatCompletion", "ChatCompletionChunk", "Client"]
