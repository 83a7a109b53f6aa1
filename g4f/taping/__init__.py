"""Record and replay: which tape is on, what is on it, and how it answers a question."""
