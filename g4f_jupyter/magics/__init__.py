"""The magics: parse, ask, show."""
