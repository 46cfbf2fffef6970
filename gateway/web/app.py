"""HTTP servers of a daemon: an application on a port, started and stopped cleanly."""

from __future__ import annotations

from aiohttp import web

from gateway.errors import ConfigurationError, Problem

_CLOSE_WITHIN_SECONDS = 5.0


class HttpServer:
    """Serves one application. `setting` is the name of the setting that a person would change the port
    with."""

    def __init__(self, app: web.Application, host: str, port: int, *, setting: str) -> None:
        self._runner = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=_CLOSE_WITHIN_SECONDS,
            auto_decompress=False,  # gateway/web/bodies.py does
        )
        self._host = host
        self._port = port
        self._setting = setting

    async def start(self) -> int:
        """Listen; returns the port. Raises ConfigurationError when the address cannot be had."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            what = f"cannot listen on {self._host}:{self._port}: {error.strerror}"
            raise ConfigurationError([Problem(self._setting, what)]) from error
        port: int = self._runner.addresses[0][1]
        return port

    async def stop(self) -> None:
        """Take no more connections and let requests under way end."""
        await self._runner.cleanup()
