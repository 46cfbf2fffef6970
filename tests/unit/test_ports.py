"""Ports for servers that have to be told theirs."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from gateway import ports
from gateway.ports import free_port, free_ports, is_free


def test_they_are_free_and_none_that_an_outgoing_connection_could_get() -> None:
    first_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found = free_ports(50)
    assert len(set(found)) == 50
    assert [port for port in found if not 10_000 <= port < first_outgoing or not is_free(port)] == []


@pytest.mark.parametrize("told", ["", "2000\t65000\n"], ids=["not said", "nearly all"])
def test_where_no_others_are_left_they_are_any_that_are_free(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: str
) -> None:
    (tmp_path / "range").write_text(told)
    monkeypatch.setattr(ports, "_OUTGOING", tmp_path / "range")
    found = free_ports(3)
    assert (len(set(found)), [is_free(port) for port in found]) == (3, [True] * 3)


def test_one_that_a_server_listens_on_is_not_free() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", free_port()))
        server.listen()
        assert is_free(server.getsockname()[1]) is False
