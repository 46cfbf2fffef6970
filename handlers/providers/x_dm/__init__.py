"""Direct messages on X (formerly Twitter), through the X API v2.

Out: text, one image by URL (uploaded for every attempt) or by the id of an upload, raw bodies.
In (Account Activity, or the X Activity API, which is to replace it): text, pressed quick replies, images,
videos and GIFs, typing. What our user writes itself, in X's apps too, and what is no direct message: kept as
events.
Receipts: read only, for all messages up to one; so `submitted` is the end for who never reads.
Not here: buttons, typing and read marks (the API v1.1 has them, for old contracts only), videos and GIFs out
(an upload in several steps), group conversations, and the enciphered ones of XChat.

There is no idempotency key. A person must follow the account, or take messages from everybody. How many
messages X allows is up to the contract, 15 to 200 in 15 minutes: set `max_tps`.

OAuth 1.0a is the better of the two credentials: its tokens last. The user token of OAuth 2.0 lasts two hours,
and what renews it must put it in its place; X gives a new refresh token with each, which no file could hold.

Anybody can send a challenge, and our answer is signed as deliveries are: who could have any challenge signed
could have a forged delivery signed. So one is answered only when it has no letter that such a JSON needs.

Source: X's references of direct messages, media upload, webhooks and Account Activity, November 2026; the
form of the X Activity API is as client libraries read it.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, TypeVar
from urllib.parse import urlsplit

import orjson
from pydantic import Field, HttpUrl, StringConstraints, ValidationError

from gateway.errors import CallbackRefused, FailureKind, ProviderError
from gateway.model.account import ProviderAccount, Settings
from gateway.model.base import Name, Wire
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.content import MediaContent
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.classify import unreadable
from gateway.transports.port import HttpRequest, HttpResponse, Transports
from handlers.contract import Capabilities, InboundMessage, MediaRule, Submission, Submitted
from handlers.providers.x_dm import inbound, wire
from handlers.providers.x_dm.codes import failure
from handlers.providers.x_dm.oauth import Keys, authorization
from handlers.providers.x_dm.outbound import attached, call_of
from handlers.shared.json_bodies import write_request
from handlers.shared.secret import Secret, Secrets, revealed
from handlers.shared.signatures import signed
from handlers.shared.splitting import Limit
from handlers.shared.uploads import download, repeatable

_SIGNATURE = "x-twitter-webhooks-signature"
_CHALLENGE = re.compile(r"[A-Za-z0-9+/=._-]{1,256}")
_IMAGES = frozenset({"image/jpeg", "image/png", "image/webp"})
_MOST_IMAGE_BYTES = 5 * 1024 * 1024
_OURS = ("twitter.com", "x.com", "twimg.com")  # where files want our credentials
Answer = TypeVar("Answer", bound=Wire)


class OAuth1(Settings):
    """The keys of the app, and those that the user gave it: OAuth 1.0a."""

    scheme: Literal["oauth1"]
    """oauth1"""
    consumer_key: Secret
    """The app's API key."""
    consumer_secret: Secret
    """The app's API key secret."""
    access_token: Secret
    """The user's access token, with permission to read, write and send direct messages."""
    access_token_secret: Secret
    """The secret of the access token."""


class OAuth2(Settings):
    """What a user gave the app by OAuth 2.0 with PKCE."""

    scheme: Literal["oauth2"]
    """oauth2"""
    access_token: Secret
    """The user's access token, with the scopes dm.write, dm.read, users.read, tweet.read and media.write."""


class XCallback(Settings):
    """What X proves its callbacks with."""

    consumer_secret: Secrets
    """The app's API key secret: signs every delivery, and our answers to challenges. A list while it is being
    changed, the new one first."""


class XParameters(Settings):
    """Which user sends."""

    user_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,19}$")]
    """The number of the user who sends and is written to; not the name."""


class XAccount(ProviderAccount):
    """One user of X, who has allowed an app of yours to write for them."""

    provider: Literal["x_dm"] = "x_dm"
    channel: Name = "x"
    """The channel that it counts as in routing."""
    url: HttpUrl = HttpUrl("https://api.x.com")
    """Where the API is: another place only for tests."""
    credentials: Annotated[OAuth1 | OAuth2, Field(discriminator="scheme")]
    """What the gateway proves itself with."""
    callback: XCallback
    """What X proves its callbacks with."""
    parameters: XParameters
    """Which user sends."""


class XDirectMessages:
    """Sends as one user, and reads what people write to them."""

    provider: ClassVar[str] = "x_dm"
    channel: ClassVar[str] = "x"
    capabilities: ClassVar[Capabilities] = Capabilities(
        content={"text": Limit(10_000), "image": Limit(10_000), "raw": None},
        receipts=False,
        read_receipts=True,
        watermarks=True,
        media={"image": MediaRule(types=_IMAGES, most_bytes=_MOST_IMAGE_BYTES)},
        fetches_media=True,
    )
    Account: ClassVar[type[ProviderAccount]] = XAccount

    def __init__(self, account: XAccount) -> None:
        self._account = account

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        path, body = call_of(submission)
        content = submission.content
        if isinstance(content, MediaContent) and content.url is not None:
            body |= attached(await self._uploaded(content.url, content.mime_type, out))
        response = await self._call("POST", path, out, body)
        return Submitted((_read(wire.Created, response).data.dm_event_id,))

    def verify(self, request: CallbackRequest) -> None:
        if request.method == "GET":
            if not _CHALLENGE.fullmatch(request.query.get("crc_token", "")):
                raise CallbackRefused("not a challenge of X")
            return
        scheme, _, signature = request.headers.get(_SIGNATURE, "").partition("=")
        if scheme != "sha256" or not signed(signature, self._secrets, request.body, encoding="base64"):
            raise CallbackRefused(f"the {_SIGNATURE} header is missing or wrong")

    def split(self, request: CallbackRequest) -> Sequence[CallbackItem]:
        return () if request.method == "GET" else inbound.split(request.body, self._user_id)

    def reply(self, request: CallbackRequest) -> CallbackReply:
        if request.method != "GET":
            return CallbackReply()
        challenge = request.query.get("crc_token", "").encode(errors="replace")
        digest = hmac.digest(self._secrets[0].encode(), challenge, "sha256")
        told = {"response_token": f"sha256={base64.b64encode(digest).decode()}"}
        return CallbackReply(body=orjson.dumps(told), content_type="application/json")

    def parse_mo(self, item: CallbackItem) -> Sequence[InboundMessage]:
        return inbound.read_messages(item.body) if item.kind == "mo" else ()

    def parse_dr(self, item: CallbackItem) -> Sequence[DeliveryReceipt]:
        return inbound.read_receipts(item.body) if item.kind == "dr" else ()

    async def media(self, media_id: str, out: Transports) -> HttpRequest | None:
        # Whose address is not X's own must not see the credentials.
        return HttpRequest("GET", media_id, self._authorized("GET", media_id)) if _is_ours(media_id) else None

    async def check(self, out: Transports) -> str | None:
        return f"@{_read(wire.Me, await self._call('GET', 'users/me', out)).data.username}"

    @property
    def _user_id(self) -> str:
        return self._account.parameters.user_id

    @property
    def _secrets(self) -> tuple[str, ...]:
        return revealed(self._account.callback.consumer_secret)

    async def _uploaded(self, url: str, mime_type: str | None, out: Transports) -> str:
        """The id of an image that X now has; nothing is sent by that."""
        seconds = self._account.timeout_seconds
        image = await download(url, out, most_bytes=_MOST_IMAGE_BYTES, timeout_seconds=seconds)
        kind = mime_type or image.mime_type  # servers often know less than who sends
        if kind not in _IMAGES:
            raise ProviderError(FailureKind.PERMANENT, reason="media_unsupported")
        body = {
            "media": base64.b64encode(image.body).decode(),
            "media_category": "dm_image",
            "media_type": kind,
        }
        try:
            return _read(wire.Uploaded, await self._call("POST", "media/upload", out, body)).data.id
        except ProviderError as error:
            raise repeatable(error) from error

    async def _call(
        self, method: str, path: str, out: Transports, body: dict[str, Any] | None = None
    ) -> HttpResponse:
        url = f"{self._account.base_url}/2/{path}"
        headers = self._authorized(method, url)
        if body is None:
            request = HttpRequest(method, url, headers)
        else:
            headers |= {"content-type": "application/json"}
            request = HttpRequest(method, url, headers, write_request(body))
        return await out.http.request(request, timeout_seconds=self._account.timeout_seconds)

    def _authorized(self, method: str, url: str) -> dict[str, str]:
        credentials = self._account.credentials
        if isinstance(credentials, OAuth2):
            return {"authorization": f"Bearer {credentials.access_token.get_secret_value()}"}
        keys = Keys(
            credentials.consumer_key.get_secret_value(),
            credentials.consumer_secret.get_secret_value(),
            credentials.access_token.get_secret_value(),
            credentials.access_token_secret.get_secret_value(),
        )
        return {"authorization": authorization(keys, method, url)}


def _read(kind: type[Answer], response: HttpResponse) -> Answer:
    """What was asked for; X may also tell errors in a success."""
    try:
        if 200 <= response.status < 300:
            return kind.model_validate_json(response.body)
    except ValidationError as error:
        raise failure(response) or unreadable(response) from error
    raise failure(response) or unreadable(response)


def _is_ours(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname or ""
    return parts.scheme == "https" and any(host == ours or host.endswith(f".{ours}") for ours in _OURS)
