"""One daemon process: ordered start, work until told to stop, stop in reverse order, and a watchdog over the
stop.

What is started last is stopped first: first nothing more is taken in, then what has begun ends, then the
connections close. A broker or database that is away does not end a daemon: it waits, says so on /readyz, and
goes on by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import structlog
from aiohttp import web

from gateway.errors import UnavailableError
from gateway.settings import Settings
from gateway.store.indexes import ensure_indexes
from gateway.web.app import HttpServer
from gateway.web.health import HealthRoutes
from processors.servers import make_broker, open_database
from processors.ways_out import WaysOut
from processors.wiring import (
    Parts,
    Role,
    Work,
    add_checks,
    build_expiry,
    build_metrics,
    build_parts,
    build_work,
)

logger = structlog.get_logger("daemon")

ADMIN_PORTS: dict[Role, int] = {
    "mt": 9464,
    "mo": 9465,
    "dr": 9466,
    "retry": 9467,
    "web": 9468,
    "rtm": 9469,
}
_WEDGED_AFTER_SECONDS = 20.0  # beyond the grace period
_WEDGED_EXIT_CODE = 70
_LONGEST_PAUSE_SECONDS = 5.0
_SWITCH_SECONDS = 0.001


class Daemon:
    """Runs `roles` in this process until `stop` is called."""

    def __init__(self, settings: Settings, roles: Sequence[Role]) -> None:
        self._settings = settings
        self._roles = roles
        self._stop = asyncio.Event()
        self._phase = "starting"

    def stop(self) -> None:
        self._stop.set()

    async def run(self) -> None:
        """Raises ConfigurationError for what a person has to change; otherwise returns once stopped."""
        async with AsyncExitStack() as stack:
            try:
                await self._until_stopped(self._start(stack))
                await self._stop.wait()
            finally:
                self._watch_the_stop()
                logger.info("daemon.stopping")
        logger.info("daemon.stopped")

    async def _start(self, stack: AsyncExitStack) -> None:
        metrics = build_metrics()
        health = HealthRoutes(metrics, {"start": lambda: "still starting"})
        port = await self._enter_admin(stack, health)
        database = await stack.enter_async_context(open_database(self._settings, own=True))
        broker = make_broker(self._settings, database)
        parts = build_parts(self._settings, metrics, database, broker, self._roles)
        add_checks(health, parts)
        await self._enter(stack, "store watch", parts.watch.start, parts.watch.stop)
        await self._once_available(lambda: ensure_indexes(database))
        await self._enter(stack, "broker", broker.start, broker.close)
        await self._enter(stack, "catalogue", parts.catalogue.start, parts.catalogue.stop)
        work = await self._start_work(stack, parts, health)
        health.checks["queues"] = lambda: None if work.consuming else "not every queue is being consumed"
        del health.checks["start"]
        # What is loaded by now stays: looking through it again and again would only hold up messages.
        gc.collect()
        gc.freeze()
        # The database driver works in threads, and each answer of the server waits that long for its turn.
        sys.setswitchinterval(_SWITCH_SECONDS)
        logger.info("daemon.started", roles=list(self._roles), admin_port=port, name=parts.name)

    async def _enter_admin(self, stack: AsyncExitStack, health: HealthRoutes) -> int:
        app = web.Application()
        health.register(app)
        settings = self._settings.admin
        port = ADMIN_PORTS[self._roles[0]] if settings.port is None else settings.port
        server = HttpServer(app, settings.host, port, setting="IMGW_ADMIN__PORT")
        return int(await self._enter(stack, "admin server", server.start, server.stop))

    async def _start_work(self, stack: AsyncExitStack, parts: Parts, health: HealthRoutes) -> Work:
        ways_out = WaysOut(self._settings, parts.tokens, parts.name)
        await self._enter(stack, "transports", ways_out.start, ways_out.close)
        stack.push_async_callback(self._stopping("log", parts.transactions.drain))
        stack.push_async_callback(self._stopping("log of what came in", parts.inbound.drain))
        stack.push_async_callback(self._stopping("sessions", parts.sessions.drain))
        stack.push_async_callback(self._stopping("customers", parts.customers.drain))
        work = build_work(parts, self._roles, ways_out.all)
        stack.push_async_callback(self._stopping("queues", work.stop))
        stack.callback(parts.limiter.stop)
        work.start()
        if "dr" in self._roles:
            expiry = build_expiry(parts)
            expiry.start()
            stack.push_async_callback(self._stopping("expiry monitor", expiry.stop))
        if "rtm" in self._roles:
            from processors.rtm.work import build_rtm  # only for those that need it

            rtm = build_rtm(parts, ways_out)
            rtm.start()
            stack.push_async_callback(self._stopping("in-app channel", rtm.stop))
            # An MQTT broker that is away is no reason to keep the other daemons of this process from traffic.
            checks = health.checks if list(self._roles) == ["rtm"] else health.details
            checks["rtm"] = lambda: rtm.trouble
            health.details["logins"] = lambda: rtm.sweep.trouble
        if "web" in self._roles:
            from processors.web import build_web

            server = build_web(parts, ways_out)
            port = await self._enter(stack, "web server", server.start, server.stop)
            logger.info("web.listening", port=port)
        return work

    async def _until_stopped(self, start: Awaitable[None]) -> None:
        """Start, but give up starting when told to stop meanwhile."""
        starting = asyncio.ensure_future(start)
        stopping = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not starting.done():
            starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting

    async def _enter(
        self,
        stack: AsyncExitStack,
        phase: str,
        start: Callable[[], Awaitable[Any]],
        stop: Callable[[], Awaitable[None]],
    ) -> Any:
        """Start a part as soon as what it needs is there; it is stopped even when its start is cut off."""
        stack.push_async_callback(self._stopping(phase, stop))
        return await self._once_available(start)

    async def _once_available(self, action: Callable[[], Awaitable[Any]]) -> Any:
        pause = 0.5
        while True:
            try:
                return await action()
            except UnavailableError as error:
                logger.warning("daemon.waiting", error=str(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _stopping(self, phase: str, stop: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[None]]:
        async def stop_phase() -> None:
            self._phase = phase
            logger.debug("daemon.stopping_phase", phase=phase)
            await stop()

        return stop_phase

    def _watch_the_stop(self) -> None:
        """End the process when its stop hangs, with a line that names the phase: even if the event loop is
        stuck."""

        def end() -> None:
            logger.error("daemon.stop_wedged", phase=self._phase)
            os._exit(_WEDGED_EXIT_CODE)

        seconds = self._settings.processor.grace_seconds + _WEDGED_AFTER_SECONDS
        watchdog = threading.Timer(seconds, end)
        watchdog.daemon = True
        watchdog.start()


async def run_until_signalled(settings: Settings, roles: Sequence[Role]) -> None:
    """Run a daemon until SIGTERM or SIGINT; a second signal ends the process at once."""
    daemon, loop = Daemon(settings, roles), asyncio.get_running_loop()
    signalled: list[signal.Signals] = []

    def on_signal(number: signal.Signals) -> None:
        if signalled:
            os._exit(128 + number)
        signalled.append(number)
        logger.info("daemon.signalled", signal=number.name)
        daemon.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    await daemon.run()
