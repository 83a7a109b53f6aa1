"""The line of a magic: options, aliases, and what Tab offers."""
