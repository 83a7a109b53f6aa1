"""Addresses of the own machine and network: what is fetched for somebody else's sake must never come from there."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

__all__ = ["OwnNetworkError", "is_own", "outward_socket"]

_TRANSLATED = ip_network("64:ff9b::/96")
"""IPv6 addresses that stand for one of IPv4, which is their last four bytes."""


class OwnNetworkError(OSError):
    """A connection would have led to the own machine or network."""

    def __init__(self) -> None:
        super().__init__("it is on this machine or its own network")


def is_own(host: str) -> bool:
    """Whether an address, in numbers, is not one of the public network. What is no such address counts as own."""
    try:
        address = ip_address(host)
    except ValueError:  # such as 127.1, which systems take for an address, too
        return True
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _TRANSLATED:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        address = inner or address
    return not address.is_global or address.is_multicast


def outward_socket(address: tuple[Any, ...]) -> socket.socket:
    """Return the socket for an address that a name was resolved to, just before it is connected to exactly that.

    Raises OwnNetworkError: a name that is resolved once more in between changes nothing.
    """
    family, kind, protocol, _, at = address
    if is_own(str(at[0])):
        raise OwnNetworkError
    return socket.socket(family, kind, protocol)
