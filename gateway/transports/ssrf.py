"""Keeps requests to providers on the public internet, or within the networks that are allowed beside it.

The address is judged when its socket is made: after DNS, for every address that is tried, and for literal
ones as well. What was judged is connected to, so a name that changes its answer in between gains nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp import AddrInfoType

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

# The only part of IPv6 that is given out as global unicast (IANA, RFC 4291), and the well-known prefix by
# which networks without IPv4 reach it (NAT64, RFC 6052).
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
# Python's is_global holds these to be public, or did in earlier releases of 3.11.
_NOT_PUBLIC = tuple(map(IPv4Network, ("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24")))


class AddressRefused(OSError):
    """An address outside what is allowed. An OSError, so that the next address of the name is tried; always
    with the same words, so that it comes out as it is when all are refused."""

    def __init__(self) -> None:
        super().__init__("the address is not on the public internet")


class AddressGuard:
    """Says which addresses may be connected to: public ones, and those in `allowed`."""

    def __init__(self, allowed: Iterable[Network] = ()) -> None:
        self._allowed = tuple(allowed)

    def permits(self, host: str) -> bool:
        """Whether an IP address, in numbers, may be connected to. Anything else may not."""
        try:
            address = ip_address(host.partition("%")[0])
        except ValueError:
            return False
        inner = _within(address)
        return any(each in network for network in self._allowed for each in (address, inner)) or _public(
            inner
        )

    def socket(self, info: AddrInfoType) -> socket.socket:
        """The socket to connect to an address with. Raises AddressRefused."""
        family, kind, protocol, _, where = info
        if not self.permits(str(where[0])):
            raise AddressRefused
        return socket.socket(family, kind, protocol)


def _within(address: Address) -> Address:
    """The IPv4 address that an IPv6 one leads to in the end, if it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _public(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        return address in _GLOBAL_UNICAST and address.is_global
    return (
        address.is_global
        and not address.is_multicast
        and not any(address in network for network in _NOT_PUBLIC)
    )
