"""Reads a daemon's own metrics."""

from __future__ import annotations

import aiohttp

from tests.bench.site import Daemon


async def metric(http: aiohttp.ClientSession, daemon: Daemon, name: str, label: str = "") -> float:
    """The sum of a metric over its label values, or over those whose line has `label`, as in
    `status="expired"`."""
    async with http.get(f"{daemon.admin_url}/metrics") as response:
        lines = (await response.text()).splitlines()
    named = (line for line in lines if line.startswith((f"{name} ", f"{name}{{")))
    return sum(float(line.rsplit(" ", 1)[1]) for line in named if label in line)
