"""What the web daemon serves: providers' callbacks, what MQTT brokers ask, and the API under /v1."""

from __future__ import annotations

from aiohttp import web

from gateway.rtm.account import RtmAccount
from gateway.rtm.doorkeeper import Doorkeeper
from gateway.rtm.dynamic_security import DynamicSecurity, listening
from gateway.store.broker_logins import BrokerLogins
from gateway.store.catalog import CatalogueStore
from gateway.store.erasure import Erasure
from gateway.store.inbox import Inbox
from gateway.web.api import api
from gateway.web.api.rest import RestApi
from gateway.web.app import HttpServer
from gateway.web.broker_hook import BrokerHook
from gateway.web.callbacks import CallbackRoute
from gateway.web.media import MediaRoute
from handlers.contract import Handler
from handlers.registry import Registry
from processors.application_profiles import ApplicationProfiles
from processors.servers import secret_box
from processors.ways_out import WaysOut
from processors.wiring import Parts


def build_web(parts: Parts, ways_out: WaysOut) -> HttpServer:
    """The server that providers call, and callers of the API."""
    settings, keys = parts.settings.web, parts.settings.api.keys
    app = web.Application(client_max_size=settings.max_body_bytes)

    def handler_of(account: str) -> Handler | None:
        return parts.catalogue.current.handlers.get(account)

    CallbackRoute(parts.broker, handler_of, parts.metrics, public_url=settings.public_url).register(app)
    BrokerHook(
        lambda account: _mqtt_account(parts, account),
        lambda app_id: parts.catalogue.current.applications.get(app_id),
        parts.metrics,
    ).register(app)
    v1 = api(keys)
    most_bytes = parts.settings.api.max_media_bytes
    MediaRoute(ways_out.http, ways_out.all, handler_of, parts.metrics, most_bytes=most_bytes).register(v1)
    _add_rest_api(app, v1, parts, ways_out)
    app.add_subapp("/v1", v1)
    return HttpServer(app, settings.host, settings.port, setting="IMGW_WEB__PORT")


def _mqtt_account(parts: Parts, name: str) -> RtmAccount | None:
    account = parts.catalogue.current.accounts.get(name)
    return account if isinstance(account, RtmAccount) and account.enabled else None


def _add_rest_api(app: web.Application, v1: web.Application, parts: Parts, ways_out: WaysOut) -> None:
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
