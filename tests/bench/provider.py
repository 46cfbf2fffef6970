"""The simulated provider in its bare mode: a process of its own, and its control API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import orjson

from gateway.ports import free_ports
from processors.demo.playground import OwnProcess


@dataclass(frozen=True)
class Provider:
    """A provider that takes everything at once, or after the latency that it was told."""

    url: str
    pid: int
    http: aiohttp.ClientSession = field(repr=False)

    async def latency(self, seconds: float) -> None:
        """How long it takes to answer a message from now on."""
        async with self.http.put(f"{self.url}/simulator/latency/{seconds}") as response:
            response.raise_for_status()

    async def forget(self) -> None:
        async with self.http.delete(f"{self.url}/simulator/arrivals") as response:
            response.raise_for_status()

    async def count(self) -> int:
        """How many messages have come since it was told to forget."""
        async with self.http.get(f"{self.url}/simulator/summary") as response:
            return int((await response.json())["bare_sends"])

    async def arrivals(self) -> dict[str, int]:
        """When each message came first: {reference: nanoseconds of time.monotonic_ns}."""
        async with self.http.get(f"{self.url}/simulator/arrivals") as response:
            pairs: list[tuple[str, int]] = orjson.loads(await response.read())
        return dict(reversed(pairs))


@asynccontextmanager
async def bare_provider(folder: Path, http: aiohttp.ClientSession) -> AsyncIterator[Provider]:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    with OwnProcess(["simulate", "--bare", "--port", str(port)], {}, folder / "simulator.log") as process:
        await process.until_answering(http, f"{url}/simulator/summary")
        yield Provider(url, process.pid, http)
