"""`/livez`, `/readyz` and `/metrics`: what systemd, Kubernetes, load balancers and Prometheus ask."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from gateway.telemetry.metrics import Metrics

Check = Callable[[], str | None]


class HealthRoutes:
    """Answers from checks that cost nothing: each says why it fails, in words for an operator, or None.

    `checks` decide about readiness; they can be added while the daemon starts. `details` are shown too, but
    do not make the daemon unready: an account whose credentials are refused must not take the others down
    with it.
    """

    def __init__(self, metrics: Metrics, checks: dict[str, Check]) -> None:
        self.checks = checks
        self.details: dict[str, Check] = {}
        self._metrics = metrics

    def register(self, app: web.Application) -> None:
        app.router.add_get("/livez", self.livez)
        app.router.add_get("/readyz", self.readyz)
        app.router.add_get("/metrics", self.metrics)

    async def livez(self, request: web.Request) -> web.Response:
        """200 as long as the event loop turns."""
        return web.json_response({"status": "pass"})

    async def readyz(self, request: web.Request) -> web.Response:
        """200 when everything is there that the work needs, else 503; the body says what is not.

        `?verbose` lists every check.
        """
        troubles = {name: check() for name, check in self.checks.items()}
        details = {name: check() for name, check in self.details.items()}
        ready = not any(troubles.values())
        verbose = "verbose" in request.query
        shown = {name: text or "ok" for name, text in (troubles | details).items() if verbose or text}
        body = {"status": "pass" if ready else "fail", "checks": shown}
        return web.json_response(body, status=200 if ready else 503)

    async def metrics(self, request: web.Request) -> web.Response:
        body, content_type = self._metrics.render(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})
