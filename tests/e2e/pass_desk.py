"""Where clients get their passes: the gateway's own, by way of a desk that counts them and may run out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from tests.integration.rtm_world import RtmWorld


@dataclass
class PassDesk:
    """`asked` is how many passes were asked for; `passes`, how many there are."""

    world: RtmWorld
    passes: int
    asked: int = 0
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.asked > self.passes:
            return web.json_response({"detail": "no more of them"}, status=401)
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type")}
        url = f"{self.world.url}{request.path}"
        async with self.world.http.post(url, data=await request.read(), headers=headers) as answer:
            return web.Response(body=await answer.read(), status=answer.status)


@asynccontextmanager
async def pass_desk(world: RtmWorld, *, passes: int = 1_000) -> AsyncIterator[PassDesk]:
    """The desk, open."""
    desk = PassDesk(world, passes)
    app = web.Application()
    app.router.add_post("/{path:.*}", desk.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        desk.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield desk
    finally:
        await runner.cleanup()
