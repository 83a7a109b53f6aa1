"""Record and replay: which tape is on, what is on it, and what it does with a question."""
