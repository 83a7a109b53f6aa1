"""Answers as values: what schema a type has, what of an answer fits it, and one round of repair where nothing does."""
