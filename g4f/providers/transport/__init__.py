"""How it is said: connections, retries, time limits, and the bytes that come back, whatever the protocol."""
