"""`imgw run`: processes that run until they are told to stop."""

from __future__ import annotations

import uvloop

from gateway.settings import load_settings
from gateway.telemetry.logs import configure_logging
from processors.daemon import run_until_signalled
from processors.wiring import ROLES, Role


def run(what: str) -> None:
    """Run one of wiring.ROLES, or all of them."""
    settings = load_settings()
    configure_logging(settings.log.level, settings.log.format, service=f"imgw-{what}")
    roles: list[Role] = [role for role in ROLES if what in (role, "all")]
    uvloop.run(run_until_signalled(settings, roles))
