"""Push notifications for Apple's devices, through the Apple Push Notification service (HTTP/2, token based).

Out: a text as an alert, to a device token in hex (`device_token`); raw payloads, which are the whole JSON
with `aps`: without alert, badge and sound they go as background pushes. An image by URL where
`parameters.images` says that the app has a notification service extension, which finds it in `image`.
Attributes: `title` (else the thread's), `urgency` (high: at once; else when it saves power) and
`collapse_key`. The thread groups notifications.
Receipts: Apple sends none. Apps report by themselves where `callback` is set, as
handlers/shared/push_receipts.py describes; alerts then have `mutable-content`, so that an extension runs when
they are delivered.
Not here: buttons (an app registers its categories itself; raw names one), other push types than alert and
background, certificates instead of tokens. Nobody can write back.

There is no idempotency key. The `apns-id` is made from our reference, the same for every attempt. Apple takes
a provider token for an hour, and refuses new ones that are less than 20 minutes apart.

Source: Apple's documentation of sending notification requests, token-based connections and responses, read in
November 2026.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import AfterValidator, HttpUrl, SecretStr, StringConstraints

from gateway.model.account import ProviderAccount, Settings
from gateway.model.base import Name, now
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.content import Short
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.classify import unreadable
from gateway.transports.port import HttpRequest, HttpResponse, Token, Transports
from handlers.contract import Capabilities, InboundMessage, Submission, Submitted
from handlers.providers.apns.codes import TOKEN_TOO_OLD, failure, reason_in
from handlers.providers.apns.outbound import Push, checking_push, push_of
from handlers.shared.jwts import make_jwt, read_jwt
from handlers.shared.push import TEXT
from handlers.shared.push_receipts import (
    PushCallback,
    read_receipts,
    split_receipt,
    verify_receipt,
    with_receipts,
)
from handlers.shared.secret import Secret

_TOKEN_LIFE = timedelta(minutes=50)
_TOKEN_REST_SECONDS = 1_200  # Apple answers TooManyProviderTokenUpdates to a sooner one

AppleId = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{10}$")]


def _signing_key(secret: SecretStr) -> EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(secret.get_secret_value().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("is not a key on the curve P-256 in PEM, as in the .p8 files of Apple")
    return key


def _usable(secret: SecretStr) -> SecretStr:
    _signing_key(secret)
    return secret


class ApnsCredentials(Settings):
    """What the gateway proves itself with."""

    team_id: AppleId
    """The developer team: 10 letters and digits."""
    key_id: AppleId
    """The id of the key: 10 letters and digits."""
    private_key: Annotated[Secret, AfterValidator(_usable)]
    """The content of the key's .p8 file: best as ${file:PATH}."""


class ApnsParameters(Settings):
    """Which app is meant, and what it can do."""

    topic: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,155}$")]
    """The app's bundle id."""
    images: bool = False
    """Whether the app has a notification service extension that shows the image which `image` names."""
    sound: Short | None = "default"
    """The sound of alerts; null for none."""


class ApnsAccount(ProviderAccount):
    """One app at Apple."""

    provider: Literal["apns"] = "apns"
    channel: Name = "mobile_push"
    """The channel that it counts as in routing."""
    url: HttpUrl = HttpUrl("https://api.push.apple.com")
    """Where the service is: https://api.sandbox.push.apple.com for apps that are being developed."""
    credentials: ApnsCredentials
    """What the gateway proves itself with."""
    callback: PushCallback | None = None
    """How apps prove their receipts; without it there are none."""
    parameters: ApnsParameters
    """Which app is meant."""


class Apns:
    """Sends to one app on Apple's devices, and reads its receipts."""

    provider: ClassVar[str] = "apns"
    channel: ClassVar[str] = "mobile_push"
    # With receipts and images, which each account may have or not.
    capabilities: Capabilities = Capabilities(
        content={"text": TEXT, "image": TEXT, "raw": None}, receipts=True, read_receipts=True, inbound=False
    )
    Account: ClassVar[type[ProviderAccount]] = ApnsAccount

    def __init__(self, account: ApnsAccount) -> None:
        self._account = account
        self._key = _signing_key(account.credentials.private_key)
        contents = dict(self.capabilities.content)
        if not account.parameters.images:
            del contents["image"]
        self.capabilities = with_receipts(replace(self.capabilities, content=contents), account.callback)

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        push = push_of(submission, self._account.parameters, self._account.callback)
        message_id = _message_id(submission.key)
        response = await self._post(replace(push, headers={**push.headers, "apns-id": message_id}), out)
        if not 200 <= response.status < 300:
            raise failure(response)
        if not response.headers.get("apns-id"):  # Apple always gives it back
            raise unreadable(response)
        return Submitted((message_id,))

    def verify(self, request: CallbackRequest) -> None:
        verify_receipt(self._account.callback, request)

    def split(self, request: CallbackRequest) -> Sequence[CallbackItem]:
        return split_receipt(request)

    def reply(self, request: CallbackRequest) -> CallbackReply:
        return CallbackReply()

    def parse_mo(self, item: CallbackItem) -> Sequence[InboundMessage]:
        return ()

    def parse_dr(self, item: CallbackItem) -> Sequence[DeliveryReceipt]:
        return [
            receipt.model_copy(update={"provider_message_id": _message_id(receipt.reference or "")})
            for receipt in read_receipts(item)
        ]

    async def media(self, media_id: str, out: Transports) -> HttpRequest | None:
        return None

    async def check(self, out: Transports) -> str | None:
        response = await self._post(checking_push(self._account.parameters.topic), out)
        # Apple looks at who asks before it looks at the device, and no device has this token.
        if response.status != 200 and reason_in(response) != "BadDeviceToken":
            raise failure(response)
        return f"topic {self._account.parameters.topic}"

    async def _post(self, push: Push, out: Transports) -> HttpResponse:
        """Apple's answer; with a fresh provider token, once, where the one at hand has become too old."""
        token = await self._token(out)
        response = await self._with_token(token, push, out)
        if reason_in(response) == TOKEN_TOO_OLD and self._may_renew(token):
            token = await self._token(out, refused=token)
            response = await self._with_token(token, push, out)
        return response

    async def _token(self, out: Transports, refused: str | None = None) -> str:
        # By its key, too: a token of the key before it would be refused.
        name = f"{self._account.account} {self._account.credentials.key_id}"
        return await out.tokens.get(name, self._new_token, refused=refused)

    async def _new_token(self) -> Token:
        credentials, made_at = self._account.credentials, now()
        claims = {"iss": credentials.team_id, "iat": int(made_at.timestamp())}
        value = make_jwt(claims, self._key, algorithm="ES256", headers={"kid": credentials.key_id})
        return Token(value, made_at + _TOKEN_LIFE)

    def _may_renew(self, token: str) -> bool:
        claims = read_jwt(token, [self._key.public_key()], algorithm="ES256") or {}
        return bool(time.time() - claims.get("iat", 0) >= _TOKEN_REST_SECONDS)

    async def _with_token(self, token: str, push: Push, out: Transports) -> HttpResponse:
        request = HttpRequest(
            method="POST",
            url=f"{self._account.base_url}/3/device/{push.device}",
            headers={"authorization": f"bearer {token}", **push.headers},
            body=push.body,
        )
        return await out.http2.request(request, timeout_seconds=self._account.timeout_seconds)


def _message_id(key: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"im-gateway:{key}"))
