"""Notifications in browsers, through Web Push (RFC 8030) with encryption (RFC 8291) and VAPID (RFC 8292).

Out: a text or an image by URL, with up to two buttons that open a page; raw payloads, which are the JSON that
the page's service worker gets. The recipient (`subscription`) is the JSON that `JSON.stringify` makes of a
browser's PushSubscription: {"endpoint", "keys": {"p256dh", "auth"}}. Attributes: `title` (else the thread's,
else the account's), `urgency`, and `collapse_key`, which is the Topic of the protocol.
The payload is a declarative push message, with names as in the Notifications API: a service worker hands
`notification` to showNotification, and browsers that know the form show it by themselves where there is a
page to open (`parameters.page`).
Receipts: push services send none. Service workers report by themselves where `callback` is set, as
handlers/shared/push_receipts.py describes. Where the account has receipts, the worker is woken even for what
a browser could show alone.
Not here: other buttons, media by id, receipts of the protocol itself (no service has them). Nobody can write
back.

There is no idempotency key: after an unknown outcome a notification may be shown twice, unless it has a
`collapse_key`. Endpoints are what a browser says, so only those of known push services are called.

Source: RFC 8030, 8188, 8291 and 8292; the Push API of the W3C; error codes of Mozilla's, Google's and Apple's
services from their documentation and from public trackers of push libraries, read in November 2026.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from gateway.model.account import ProviderAccount, Settings
from gateway.model.base import Name
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.content import Url
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.port import HttpRequest, Transports
from handlers.contract import Capabilities, InboundMessage, Submission, Submitted
from handlers.providers.web_push.codes import failure, message_id
from handlers.providers.web_push.encryption import decoded, encoded, encrypt, public_bytes
from handlers.providers.web_push.outbound import payload_of
from handlers.providers.web_push.subscription import Subscription, subscription_of
from handlers.shared.jwts import make_jwt
from handlers.shared.push import TEXT, collapse_key, seconds_left, urgency_of
from handlers.shared.push_receipts import (
    PushCallback,
    read_receipts,
    split_receipt,
    verify_receipt,
    with_receipts,
)
from handlers.shared.secret import Secret

_TOPIC_LENGTH = 32
_TOKEN_LIFE_SECONDS = 43_200  # services allow a day, by their own clocks
_KEY_FORM = re.compile(r"[A-Za-z0-9_-]{43}=?")


def _private_key(secret: SecretStr) -> ec.EllipticCurvePrivateKey:
    value = secret.get_secret_value()
    if _KEY_FORM.fullmatch(value):
        try:
            return ec.derive_private_key(int.from_bytes(decoded(value)), ec.SECP256R1())
        except ValueError:  # a number that is no key on this curve
            pass
    raise ValueError("is not a private VAPID key: 32 bytes in base64url")


def _usable(secret: SecretStr) -> SecretStr:
    _private_key(secret)
    return secret


Host = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")]


class WebPushCredentials(Settings):
    """What the gateway proves itself with."""

    private_key: Annotated[Secret, AfterValidator(_usable)]
    """The private VAPID key, in base64url. Browsers subscribe with the public one: those who subscribed with
    another cannot be reached."""


class WebPushParameters(Settings):
    """How notifications look, and who may be called."""

    contact: Annotated[str, StringConstraints(pattern=r"^(mailto:[^\s@]+@[^\s@]+|https://[^\s]+)$")]
    """Where push services reach the sender, as mailto: or https: URL. Apple refuses made-up ones."""
    title: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """The title of notifications that have none; browsers show none without."""
    page: Url | None = None
    """The page that a click opens, where the service worker does not decide."""
    push_services: Annotated[tuple[Host, ...], Field(min_length=1)] = (
        "fcm.googleapis.com",
        "push.services.mozilla.com",
        "notify.windows.com",
        "push.apple.com",
    )
    """The hosts that endpoints may be at, each with all names below it."""


class WebPushAccount(ProviderAccount):
    """One site's notifications."""

    provider: Literal["web_push"] = "web_push"
    channel: Name = "web_push"
    """The channel that it counts as in routing."""
    url: None = None
    """None: every subscription names its own."""
    credentials: WebPushCredentials
    """What the gateway proves itself with."""
    callback: PushCallback | None = None
    """How service workers prove their receipts; without it there are none."""
    parameters: WebPushParameters
    """How notifications look."""


class WebPush:
    """Sends notifications to the browsers that subscribed at one site, and reads their receipts."""

    provider: ClassVar[str] = "web_push"
    channel: ClassVar[str] = "web_push"
    # With receipts, which each account may have or not.
    capabilities: Capabilities = Capabilities(
        content={"text": TEXT, "image": TEXT, "raw": None},
        receipts=True,
        read_receipts=True,
        buttons={"url": 2},
        buttons_under=frozenset({"text", "image"}),
        inbound=False,
    )
    Account: ClassVar[type[ProviderAccount]] = WebPushAccount

    def __init__(self, account: WebPushAccount) -> None:
        self._account = account
        self._key = _private_key(account.credentials.private_key)
        self.capabilities = with_receipts(self.capabilities, account.callback)

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        account = self._account
        subscription = subscription_of(submission.to, account.parameters.push_services)
        payload = payload_of(submission, account.parameters, account.callback)
        request = HttpRequest(
            method="POST",
            url=subscription.endpoint,
            headers=self._headers(submission, subscription),
            body=encrypt(payload, subscription.public_key, subscription.auth_secret),
        )
        response = await out.http.request(request, timeout_seconds=account.timeout_seconds)
        if not 200 <= response.status < 300:
            raise failure(response)
        return Submitted((message_id(response, submission.key),))

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
        return None  # there is nobody to ask but the services of single subscriptions

    def _headers(self, submission: Submission, subscription: Subscription) -> dict[str, str]:
        headers = {
            "authorization": self._authorization(subscription.origin),
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(seconds_left(submission)),
            "urgency": urgency_of(submission),
        }
        if topic := collapse_key(submission, _TOPIC_LENGTH):
            headers["topic"] = topic
        return headers

    def _authorization(self, origin: str) -> str:
        claims: dict[str, Any] = {
            "aud": origin,
            "exp": int(time.time()) + _TOKEN_LIFE_SECONDS,
            "sub": self._account.parameters.contact,
        }
        token = make_jwt(claims, self._key, algorithm="ES256")
        return f"vapid t={token},k={encoded(public_bytes(self._key.public_key()))}"
