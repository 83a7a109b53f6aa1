"""What is said over HTTP: a request in the words of each protocol, and its answer as events."""
