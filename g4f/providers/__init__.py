"""Providers, and what they are made of."""
