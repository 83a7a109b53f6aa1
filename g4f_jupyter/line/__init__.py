"""What is written on the line of a magic: options, aliases, and what Tab offers."""
