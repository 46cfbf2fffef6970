"""Free ports of this machine, for servers that have to be told theirs before they start."""

from __future__ import annotations

import contextlib
import secrets
import socket
from pathlib import Path

_LOWEST = 10_000
_TRIES = 1_000
_OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """See `free_ports`."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Different ports of the loopback address that nothing uses.

    Not of those that the kernel gives to outgoing connections, where it says which these are: until a server
    listens on its port, one of them could get it.
    """
    found: set[int] = set()
    width = _first_outgoing() - _LOWEST
    for _ in range(_TRIES if width > 0 else 0):
        if len(found) == count:
            break
        port = _LOWEST + secrets.randbelow(width)
        if is_free(port):
            found.add(port)
    while len(found) < count:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            found.add(int(probe.getsockname()[1]))
    return list(found)


def is_free(port: int) -> bool:
    """Whether a server could listen on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _first_outgoing() -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(_OUTGOING.read_text().split()[0])
    return 0
