"""The old name of the base of providers."""

from .base_provider import AbstractProvider as BaseProvider

__all__ = ["BaseProvider"]
