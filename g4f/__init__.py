"""Ask any model, from any event loop.

messages ─ messages.normalize ─ routing.resolve ─ dispatch.stream_events ─ provider ─ events
         ─ client.assemble ─ face (bridge, if sync) ─ conversation ─ g4f_jupyter
"""

import logging

from . import Provider, errors, models
from .client.client import AsyncClient, Client
from .completion import ChatCompletion
from .conversation import Conversation
from .models import Model

__all__ = ["AsyncClient", "ChatCompletion", "Client", "Conversation", "Model", "Provider", "errors", "models"]

logging.getLogger("g4f").addHandler(logging.NullHandler())
