"""Which addresses requests may go to."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.transports.ssrf import AddressGuard, AddressRefused

PUBLIC = ["8.8.8.8", "149.154.167.220", "2001:4860:4860::8888", "2a03:2880:f10c::1"]
NOT_PUBLIC = """
127.0.0.1 127.255.255.254 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0
192.0.0.8 192.0.0.170 192.0.2.1 192.88.99.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255
240.0.0.1 255.255.255.255 :: ::1 fe80::1 fe80::1%eth0 febf::1 fc00::1 fd00:ec2::254 fec0::1 ff02::1 100::1
2001::1 2001:db8::1 4000::1
"""
PRIVATE = NOT_PUBLIC.split()
NOT_ADDRESSES = ["", "localhost", "im.example.com", "2130706433", "127.1", "0x7f.0.0.1", "1.2.3.4.5", "[::1]"]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_permitted(address: str) -> None:
    assert AddressGuard().permits(address)


@pytest.mark.parametrize("address", PRIVATE + NOT_ADDRESSES)
def test_anything_else_is_refused(address: str) -> None:
    assert not AddressGuard().permits(address)


def forms(address: str) -> list[str]:
    """The IPv6 addresses that lead to an IPv4 address: mapped, NAT64, 6to4."""
    number = int(IPv4Address(address))
    return [
        f"::ffff:{address}",
        str(IPv6Address(int(IPv6Address("64:ff9b::")) | number)),
        str(IPv6Address((0x2002 << 112) | (number << 80))),
    ]


@pytest.mark.parametrize("address", [each for each in PRIVATE if ":" not in each])
def test_a_private_address_is_refused_in_every_disguise(address: str) -> None:
    assert [form for form in forms(address) if AddressGuard().permits(form)] == []


def test_a_public_address_is_permitted_through_nat64() -> None:
    assert all(AddressGuard().permits(form) for form in forms("8.8.8.8"))


def test_an_allowed_network_is_permitted_in_every_form_and_nothing_beside_it() -> None:
    guard = AddressGuard([ip_network("10.1.0.0/16"), ip_network("fd00::/8")])
    allowed = ["10.1.2.3", *forms("10.1.2.3"), "fd12::1"]
    assert [address for address in allowed if not guard.permits(address)] == []
    others = ["10.2.0.1", *forms("10.2.0.1"), "127.0.0.1", "fc00::1"]
    assert [address for address in others if guard.permits(address)] == []
    assert guard.permits("8.8.8.8")


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
def test_what_is_permitted_is_global_by_pythons_own_account(address: IPv4Address | IPv6Address) -> None:
    if AddressGuard().permits(str(address)):
        inner = address if isinstance(address, IPv4Address) else (address.ipv4_mapped or address)
        assert inner.is_global
        assert not inner.is_private
        assert not inner.is_multicast


@given(st.ip_addresses(network="10.0.0.0/8") | st.ip_addresses(network="fc00::/7"))
def test_every_address_of_an_allowed_network_is_permitted(address: IPv4Address | IPv6Address) -> None:
    guard = AddressGuard([ip_network("10.0.0.0/8"), ip_network("fc00::/7")])
    assert guard.permits(str(ip_address(str(address))))


def test_a_socket_is_made_for_a_permitted_address_only() -> None:
    guard = AddressGuard()
    info = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    with guard.socket((*info, ("8.8.8.8", 443))) as made:
        assert (made.family, made.type) == (socket.AF_INET, socket.SOCK_STREAM)
    with pytest.raises(AddressRefused, match="the address is not on the public internet"):
        guard.socket((*info, ("169.254.169.254", 80)))
