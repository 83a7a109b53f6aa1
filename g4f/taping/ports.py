"""Which server on this machine an address means, if the system chose its port, a new one each time.

On a tape such a server has a name instead of a port: "…", the next one "…2". The tape keeps which ports each had. A
port that is on the tape is that of the same server. Another port is that of a server on the tape that has moved: the
first one that listens at no port that it had. Where all of them still do, it is that of a further server.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from itertools import chain

from ..providers.access import PROBE

__all__ = ["Ports"]

FIRST = "…"


class Ports:
    """The names of the servers that are asked with one tape. `known` are the ports of each that are on the tape."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, int], str] = {}

    def name(self, host: str, port: int, known: Mapping[str, AbstractSet[int]]) -> str:
        """Return the name of the server at this address."""
        if (host, port) not in self._names:
            self._names[host, port] = self._found(host, port, known)
        return self._names[host, port]

    def _found(self, host: str, port: int, known: Mapping[str, AbstractSet[int]]) -> str:
        had = {FIRST: set[int](), **{name: set(ports) for name, ports in known.items()}}
        used = set(self._names.values())
        for (_, each), name in self._names.items():
            had.setdefault(name, set()).add(each)
        names = sorted(had, key=_number)
        same = (name for name in names if port in had[name])
        moved = (name for name in sorted(names, key=used.__contains__) if not _listens(host, had[name]))
        return next(chain(same, moved), f"{FIRST}{_number(names[-1]) + 1}")


def _number(name: str) -> int:
    return int(found[0]) if (found := re.findall(r"\d+\Z", name)) else 1


def _listens(host: str, ports: AbstractSet[int]) -> bool:
    """Whether a server listens at one of these ports."""
    for port in ports:
        try:
            socket.create_connection((host.strip("[]"), port), PROBE).close()
        except OSError:
            continue
        return True
    return False
