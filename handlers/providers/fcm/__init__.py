"""Push notifications for Android, iOS and the web, through Firebase Cloud Messaging (HTTP v1).

Out: a text or an image by URL as a notification, to a device's registration token (`device_token`) or to a
topic; raw payloads, which are the `message` of the API without its recipient. Attributes: `title` (else the
thread's), `urgency` (high wakes the device, anything else waits for it) and `collapse_key`.
Receipts: FCM sends none. Apps report by themselves where `callback` is set, as
handlers/shared/push_receipts.py describes; the values of FCM's `data` are texts, so `data.receipt` is JSON in
a text. Android shows a notification without waking its app: what the app is to report as delivered goes as a
raw payload of `data` alone. What goes to a topic has no receipts: one would say nothing of the others.
Not here: buttons, media by id, conditions of several topics, subscribing devices to topics. Nobody can write
back.

There is no idempotency key: after an unknown outcome a notification may be shown twice, unless it has a
`collapse_key`. 600,000 messages a minute are allowed to a project, 240 a minute to a device.

Source: Firebase's reference of `projects.messages` and of its error codes, and Google's description of
service accounts (OAuth 2.0 by JWT, RFC 7523), read in November 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import HttpUrl, ValidationError

from gateway.model.account import NoSettings, ProviderAccount, Settings
from gateway.model.base import Name
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.classify import unreadable
from gateway.transports.port import HttpRequest, HttpResponse, Token, Transports
from handlers.contract import Capabilities, InboundMessage, Submission, Submitted
from handlers.providers.fcm import wire
from handlers.providers.fcm.codes import failure
from handlers.providers.fcm.outbound import message_of
from handlers.providers.fcm.service_account import AccountKey, fetch_token, service_account
from handlers.shared.json_bodies import write_request
from handlers.shared.push import TEXT
from handlers.shared.push_receipts import (
    PushCallback,
    read_receipts,
    split_receipt,
    verify_receipt,
    with_receipts,
)

# No device can be subscribed to it by mistake.
_CHECK = {"validate_only": True, "message": {"topic": "im-gateway-credentials-check"}}


class FcmCredentials(Settings):
    """What the gateway proves itself with."""

    service_account: AccountKey
    """The key of a service account that may send messages, in JSON as Google gives it: best as ${file:PATH}.
    It names the project, too."""


class FcmAccount(ProviderAccount):
    """One Firebase project."""

    provider: Literal["fcm"] = "fcm"
    channel: Name = "mobile_push"
    """The channel that it counts as in routing."""
    url: HttpUrl = HttpUrl("https://fcm.googleapis.com")
    """Where the API is: another place only for tests."""
    credentials: FcmCredentials
    """What the gateway proves itself with."""
    callback: PushCallback | None = None
    """How apps prove their receipts; without it there are none."""
    parameters: NoSettings = NoSettings()
    """None."""


class Fcm:
    """Sends through one Firebase project, and reads the receipts of its apps."""

    provider: ClassVar[str] = "fcm"
    channel: ClassVar[str] = "mobile_push"
    # With receipts, which each account may have or not.
    capabilities: Capabilities = Capabilities(
        content={"text": TEXT, "image": TEXT, "raw": None}, receipts=True, read_receipts=True, inbound=False
    )
    Account: ClassVar[type[ProviderAccount]] = FcmAccount

    def __init__(self, account: FcmAccount) -> None:
        self._account = account
        self._service = service_account(account.credentials.service_account)
        self.capabilities = with_receipts(self.capabilities, account.callback)

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        message = message_of(submission, self._account.callback)
        response = await self._post({"message": message}, out)
        return Submitted((_name(response),), receipts_follow=submission.to.kind != "topic")

    def verify(self, request: CallbackRequest) -> None:
        verify_receipt(self._account.callback, request)

    def split(self, request: CallbackRequest) -> Sequence[CallbackItem]:
        return split_receipt(request)

    def reply(self, request: CallbackRequest) -> CallbackReply:
        return CallbackReply()

    def parse_mo(self, item: CallbackItem) -> Sequence[InboundMessage]:
        return ()

    def parse_dr(self, item: CallbackItem) -> Sequence[DeliveryReceipt]:
        return read_receipts(item)

    async def media(self, media_id: str, out: Transports) -> HttpRequest | None:
        return None

    async def check(self, out: Transports) -> str | None:
        _name(await self._post(_CHECK, out))
        return f"project {self._service.project_id}"

    async def _post(self, document: dict[str, Any], out: Transports) -> HttpResponse:
        """The answer of the API; with a fresh token, once, where the one at hand is refused."""
        body = write_request(document)
        token = await self._token(out)
        response = await self._with_token(token, body, out)
        if wire.token_refused(response):
            token = await self._token(out, refused=token)
            response = await self._with_token(token, body, out)
        return response

    async def _token(self, out: Transports, refused: str | None = None) -> str:
        async def fetch() -> Token:
            return await fetch_token(self._service, out.http, timeout_seconds=self._account.timeout_seconds)

        # By its key, too: another one may be another project's.
        name = f"{self._account.account} {self._service.key_id}"
        return await out.tokens.get(name, fetch, refused=refused)

    async def _with_token(self, token: str, body: bytes, out: Transports) -> HttpResponse:
        request = HttpRequest(
            method="POST",
            url=f"{self._account.base_url}/v1/projects/{self._service.project_id}/messages:send",
            headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
            body=body,
        )
        return await out.http.request(request, timeout_seconds=self._account.timeout_seconds)


def _name(response: HttpResponse) -> str:
    """FCM's id of the message. Raises ProviderError."""
    if not 200 <= response.status < 300:
        raise failure(response)
    try:
        return wire.Accepted.model_validate_json(response.body).name
    except ValidationError as error:
        raise unreadable(response) from error
