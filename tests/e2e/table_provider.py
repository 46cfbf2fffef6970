"""Plays any provider, by its table of cases: over real HTTP, it answers as in the row about a text.

For the tests; and by hand, for a gateway whose accounts have their `url` at one of those that it prints:

    python -m tests.e2e.table_provider
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from gateway.transports.port import HttpResponse
from tests.handlers.rows import SendRow, Table
from tests.handlers.tables import OVER_HTTP


@dataclass
class TableProvider:
    """One provider. `asked` are the requests that came: method and path."""

    table: Table
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        answers = [answer for answer in self.row.answers if isinstance(answer, HttpResponse)]
        self._answers = cycle(answers)

    @property
    def row(self) -> SendRow:
        """What is played: the first text that the main account sends with success."""
        rows = (row for row in self.table.sends if row.content["type"] == "text" and row.ids)
        return next(row for row in rows if row.account == "main")

    @property
    def expected(self) -> list[tuple[str, str]]:
        """The requests that sending it takes."""
        return [(request.method, self._path(request.url)) for request in self.row.requests]

    def account(self, base_url: str) -> dict[str, Any]:
        """The table's main account, with its provider at this place."""
        return {**self.table.accounts["main"], "url": base_url, "mo_application": "shop"}

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, "/" + request.match_info["path"]))
        answer = next(self._answers)
        headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    def _path(self, url: str) -> str:
        base = str(self.table.accounts["main"]["url"]).rstrip("/")
        return urlsplit(url.removeprefix(base)).path

    @property
    def is_at_its_url(self) -> bool:
        """Whether all that it is asked goes to the account's `url`."""
        base = self.table.accounts["main"].get("url")
        return base is not None and all(
            request.url.startswith(str(base).rstrip("/")) for request in self.row.requests
        )


@asynccontextmanager
async def playing(providers: Mapping[str, TableProvider]) -> AsyncIterator[str]:
    """All of them behind one port, each under its name; the base URL of that."""
    app = web.Application()
    for name, provider in providers.items():
        app.router.add_route("*", f"/{name}/{{path:.*}}", provider.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def play_all() -> None:
    """Every provider, until interrupted."""
    async with playing({table.provider: TableProvider(table) for table in OVER_HTTP}) as base_url:
        for table in OVER_HTTP:
            sys.stdout.write(f"{base_url}/{table.provider}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(play_all())
