"""What the API under /v1 is made of in a web daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from gateway.rtm.doorkeeper import Doorkeeper
from gateway.rtm.dynamic_security import DynamicSecurity, listening
from gateway.store.broker_logins import BrokerLogins
from gateway.store.catalog import CatalogueStore
from gateway.store.erasure import Erasure
from gateway.store.inbox import Inbox
from gateway.web.api.rest import RestApi
from handlers.registry import Registry
from processors.application_profiles import ApplicationProfiles
from processors.servers import secret_box
from processors.ways_out import WaysOut

if TYPE_CHECKING:
    from processors.wiring import Parts


def add_rest_api(app: web.Application, v1: web.Application, parts: Parts, ways_out: WaysOut) -> None:
    """Add its routes to `v1`. What it opens is closed with `app`."""
    store = CatalogueStore(parts.database, secret_box(parts.settings))
    timeout = parts.settings.http.connect_timeout_seconds
    security = DynamicSecurity(ways_out.mqtt, listening(parts.name, connect_timeout_seconds=timeout))

    async def close(_: web.Application) -> None:
        await security.close()

    app.on_cleanup.append(close)
    rest = RestApi(
        catalogue=store,
        configured=ApplicationProfiles(store, Registry.discover(), parts.catalogue),
        customers=parts.customers,
        threads=parts.threads,
        topics=parts.topics,
        inbox=Inbox(parts.database),
        erasure=Erasure(parts.database),
        door=Doorkeeper(security, BrokerLogins(parts.database)),
    )
    rest.register(v1, parts.metrics)
