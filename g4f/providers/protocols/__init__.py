"""The protocols of the vendors: requests in the words of each, and answers as events."""
