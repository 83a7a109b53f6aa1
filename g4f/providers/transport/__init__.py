"""Requests over HTTP, whatever the protocol: connections, retries, time limits, and the bytes of answers."""
