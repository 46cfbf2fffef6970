"""`/v1/applications/<app_id>/tokens`: a device gets what it connects to the MQTT broker with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import structlog
from pydantic import Field

from gateway.model.application import Application
from gateway.model.base import Contract, Instant, now, rfc3339
from gateway.rtm.account import RtmAccount
from gateway.rtm.names import Device, DeviceId, UserId, down, sync
from gateway.rtm.refusals import RtmRefused
from gateway.rtm.tokens import DEFAULT_SECONDS, MAX_SECONDS, SESSION_SECONDS, issue
from gateway.rtm.wire import Platform
from gateway.store.customers import Customers
from gateway.web.api.configured import Configured, Door, application_of, in_app_accounts
from gateway.web.api.operations import Call, Nothing, Operation, Route, bind

logger = structlog.get_logger("api")


class TokenRequest(Contract):
    user_id: UserId
    device_id: DeviceId
    platform: Platform | None = None
    app_version: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    seconds: Annotated[int, Field(ge=1, le=MAX_SECONDS)] = DEFAULT_SECONDS
    """How long it is to last."""


class BrokerAnswer(Contract):
    url: str
    websocket_url: str | None = None
    protocol: str
    """The version of MQTT: 5 or 3.1.1."""
    username: str
    """The password is the token."""
    client_id: str
    session_seconds: int
    """The session expiry interval to ask for."""


class TopicsAnswer(Contract):
    """The MQTT topics of the device: it listens to the first four, and publishes to the others. What stands
    in each, deploy/clients/PROTOCOL.md tells."""

    down: str
    """MT to the person."""
    device_down: str
    """MT to this device alone."""
    sync: str
    """What the person's other devices did, and who follows the same topics."""
    responses: str
    """What became of what the device published."""
    up: str
    """MO: config/schema/rtm-message.v1.schema.json."""
    receipts: str
    """Of MT: config/schema/rtm-receipt.v1.schema.json."""
    requests: str
    """For threads, messages, topics and push tokens: config/schema/rtm-request.v1.schema.json."""
    presence: str
    """Whether it is connected, retained: config/schema/rtm-presence.v1.schema.json."""


class TokenAnswer(Contract):
    token: Annotated[str, Field(repr=False)]
    expires_at: Instant
    broker: BrokerAnswer
    topics: TopicsAnswer


ISSUE = Operation(
    id="issueToken",
    method="POST",
    path="/applications/{app_id}/tokens",
    tag="tokens",
    summary="Issue a token for a device",
    query=Nothing,
    body=TokenRequest,
    answer=TokenAnswer,
    status=201,
    refusals=("no_secret", "no_account"),
    description="The person and the device are known from then on. Where the gateway tells the broker who may"
    " do what (`access: dynamic_security`), a new token replaces the one before and cuts the connection that"
    " was made with it: so ask for one when it is needed.",
)
OPERATIONS = (ISSUE,)


@dataclass(frozen=True, slots=True)
class TokenRoutes:
    configured: Configured
    customers: Customers
    door: Door

    def routes(self) -> list[Route]:
        return [bind(ISSUE, self.issue)]

    async def issue(self, call: Call[Nothing, TokenRequest]) -> dict[str, Any]:
        application = await application_of(self.configured, call.app_id)
        if not application.enabled:
            raise RtmRefused("unknown_application")
        account, wanted = self._account(application), call.body
        device = Device(application.app_id, wanted.user_id, wanted.device_id)
        at = now()
        token = issue(application, device, wanted.seconds, at)
        await self.customers.touch(device, at, platform=wanted.platform, app_version=wanted.app_version)
        await self.door.admit(account, device, token)
        logger.debug("token.issued", app_id=application.app_id, account=account.account)
        return {
            "token": token.value,
            "expires_at": rfc3339(token.expires_at),
            "broker": _broker(account, device),
            "topics": _topics(device),
        }

    def _account(self, application: Application) -> RtmAccount:
        accounts = in_app_accounts(self.configured, application)
        if len(accounts) == 1:
            return accounts[0]
        if not accounts:
            what = "there is no enabled account of the in-app channel that the application may use"
            raise RtmRefused("no_account", what)
        names = ", ".join(account.account for account in accounts)
        raise RtmRefused(
            "no_account", f"the application may use {names}; let its `accounts` name one of them"
        )


def _broker(account: RtmAccount, device: Device) -> dict[str, Any]:
    parameters = account.parameters
    reached = {"websocket_url": parameters.public_websocket_url} if parameters.public_websocket_url else {}
    return {
        "url": account.client_url,
        **reached,
        "protocol": parameters.protocol,
        "username": device.login,
        "client_id": device.login,
        "session_seconds": SESSION_SECONDS,
    }


def _topics(device: Device) -> dict[str, str]:
    return {
        "down": down(device.app_id, device.user_id),
        "device_down": device.down,
        "sync": sync(device.app_id, device.user_id),
        "responses": device.responses,
        "up": device.up("up"),
        "receipts": device.up("rcpt"),
        "requests": device.up("req"),
        "presence": device.up("presence"),
    }
