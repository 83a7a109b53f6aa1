"""The text that a model gets for a value: a table, a list, a function, or an error."""
