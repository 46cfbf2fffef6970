"""Names that lead where a test wants them to."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest


def resolving_to(monkeypatch: pytest.MonkeyPatch, *addresses: str, delay_seconds: float = 0.0) -> None:
    """Names under .example have these addresses; without any, they are not known."""

    loop = asyncio.get_running_loop()
    real = loop.getaddrinfo

    async def getaddrinfo(host: str, port: int, **options: Any) -> list[tuple[Any, ...]]:
        if not host.endswith(".example"):
            return await real(host, port, **options)
        await asyncio.sleep(delay_seconds)
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
