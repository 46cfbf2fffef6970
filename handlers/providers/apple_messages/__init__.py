"""Apple Messages for Business, through the REST API for messaging service providers (version 1).

Out: text, reply buttons as quick replies (one alone as a list of one row), a URL button as a rich link behind
the text, lists (list picker), files by URL (enciphered and uploaded for every attempt), typing, raw bodies.
In: text, files, chosen quick replies and rows, typing; a deleted conversation as `opted_out`. What people
answer to pickers of times, forms, payments and the like, or in more than 10 KB, is `unsupported`.
Not here: rich links with a picture, time pickers, forms, authentication, Apple Pay (raw does the sending),
`intent` and `group`.

There are no receipts: `submitted` is the last that is heard. The id of a message is made of our reference,
and Apple shows a message once, however often it comes. Only people can begin; when they delete the
conversation, nothing reaches them until they write again.

Files that people send lie at Apple enciphered; their ids hold the keys, and `media` opens them on the way.

Apple posts to <your URL>/message, gzip'd. It signs a token with the secret, but not the body.

Source: Apple's MSP REST API and its samples for it, November 2026; limits of texts in bubbles as other
providers of the service tell them.
"""

from __future__ import annotations

import base64
import gzip
import time
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Annotated, ClassVar, Literal, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, HttpUrl, SecretStr, StringConstraints, ValidationError

from gateway.errors import CallbackRefused, FailureKind, ProviderError
from gateway.model.account import ProviderAccount, Settings
from gateway.model.base import Name, Wire
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.content import MediaContent
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.classify import http_failure, unreadable
from gateway.transports.port import HttpRequest, HttpResponse, Transports
from handlers.contract import Capabilities, InboundMessage, ListLimits, MediaRule, Submission, Submitted
from handlers.providers.apple_messages import attachments, inbound, wire
from handlers.providers.apple_messages.outbound import MOST_QUICK_REPLIES, messages_of
from handlers.shared.json_bodies import write_request
from handlers.shared.jwts import make_jwt, read_jwt
from handlers.shared.secret import Secret, Secrets
from handlers.shared.signatures import same
from handlers.shared.splitting import Limit
from handlers.shared.uploads import download, repeatable

PERMANENT = FailureKind.PERMANENT
FAILURES: dict[int, tuple[FailureKind, str]] = {
    400: (PERMANENT, "invalid_message"),
    403: (PERMANENT, "recipient_unreachable"),  # the conversation is closed; wrong credentials are a 401
    404: (PERMANENT, "invalid_recipient"),
    413: (PERMANENT, "content_too_long"),
}
_TITLE, _TEXT = Limit(85), Limit(400)  # of a bubble
_FILE = MediaRule(most_bytes=attachments.MOST_BYTES)
Answer = TypeVar("Answer", bound=Wire)


def _decoded(secret: SecretStr) -> bytes:
    return base64.b64decode(secret.get_secret_value(), validate=True)


def _in_base64(secret: SecretStr) -> SecretStr:
    try:
        _decoded(secret)
    except ValueError:
        raise ValueError("is not in base64") from None
    return secret


def _all_in_base64(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    return tuple(map(_in_base64, secrets))


class AppleCredentials(Settings):
    """What the gateway proves itself with."""

    msp_id: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    """Apple's id of you as a messaging service provider."""
    secret: Annotated[Secret, AfterValidator(_in_base64)]
    """The secret of the API, in base64 as Apple shows it."""


class AppleCallback(Settings):
    """What Apple proves its callbacks with."""

    secret: Annotated[Secrets, AfterValidator(_all_in_base64)]
    """The secret of the API again: signs the token of every callback. A list while it is being changed."""


class AppleParameters(Settings):
    """Which business sends."""

    business_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:._-]{1,128}$")]
    """Apple's id of the business that sends and is written to."""


class AppleAccount(ProviderAccount):
    """One business on Apple Messages."""

    provider: Literal["apple_messages"] = "apple_messages"
    channel: Name = "apple"
    """The channel that it counts as in routing."""
    url: HttpUrl = HttpUrl("https://mspgw.push.apple.com")
    """Where the API is: another place for Apple's staging, and for tests."""
    credentials: AppleCredentials
    """What the gateway proves itself with."""
    callback: AppleCallback
    """What Apple proves its callbacks with."""
    parameters: AppleParameters
    """Which business sends."""


class AppleMessages:
    """Sends as one business, and reads what people write to it."""

    provider: ClassVar[str] = "apple_messages"
    channel: ClassVar[str] = "apple"
    capabilities: ClassVar[Capabilities] = Capabilities(
        content={
            "text": Limit(10_000),
            "image": Limit(10_000),
            "video": Limit(10_000),
            "audio": Limit(10_000),
            "document": Limit(10_000),
            "list": _TEXT,
            "typing": None,
            "raw": None,
        },
        receipts=False,
        buttons={"reply": MOST_QUICK_REPLIES, "url": 1},
        button_title=_TITLE,
        text_with_buttons=_TEXT,
        lists=ListLimits(rows=100, title=_TITLE, description=_TEXT, button=_TITLE),
        media={"image": _FILE, "video": _FILE, "audio": _FILE, "document": _FILE},
        idempotent=True,
        fetches_media=True,
    )
    Account: ClassVar[type[ProviderAccount]] = AppleAccount

    def __init__(self, account: AppleAccount) -> None:
        self._account = account

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        messages = messages_of(submission, self._business_id)
        if isinstance(submission.content, MediaContent):
            messages[0]["attachments"] = [await self._uploaded(submission.content, out)]
        for message in messages:
            headers = {
                **self._headers,
                "id": message["id"],
                "destination-id": submission.to.id,
                "content-type": "application/json",
                "content-encoding": "gzip",
            }
            body = gzip.compress(write_request(message), mtime=0)
            _check_taken(await self._call(HttpRequest("POST", self._url("message"), headers, body), out))
        return Submitted(tuple(message["id"] for message in messages))

    def verify(self, request: CallbackRequest) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        keys = [_decoded(secret) for secret in self._account.callback.secret]
        audience = self._account.credentials.msp_id
        if scheme != "Bearer" or read_jwt(token, keys, audience=audience) is None:
            raise CallbackRefused("the token in the authorization header is missing or wrong")
        if not same(request.headers.get("destination-id", ""), self._business_id):
            raise CallbackRefused("the destination-id is not this account's business")

    def split(self, request: CallbackRequest) -> Sequence[CallbackItem]:
        return inbound.split(request) if request.method == "POST" else ()

    def reply(self, request: CallbackRequest) -> CallbackReply:
        return CallbackReply()

    def parse_mo(self, item: CallbackItem) -> Sequence[InboundMessage]:
        return inbound.read_messages(item.body) if item.kind == "mo" else ()

    def parse_dr(self, item: CallbackItem) -> Sequence[DeliveryReceipt]:
        return ()

    async def media(self, media_id: str, out: Transports) -> HttpRequest | None:
        try:
            attachment = attachments.attachment_of(media_id)
            opened = attachments.opener(attachment.key)
        except ValueError as error:
            raise ProviderError(PERMANENT, reason="media_unreachable") from error
        place = await self._ask(
            wire.DownloadPlace, "preDownload", attachments.download_headers(attachment), out
        )
        return HttpRequest("GET", place.download_url, opened=opened)

    async def check(self, out: Transports) -> str | None:
        await self._ask(wire.UploadPlace, "preUpload", {"mmcs-size": "1"}, out)  # nothing is uploaded
        return f"business {self._business_id}"

    @property
    def _business_id(self) -> str:
        return self._account.parameters.business_id

    @property
    def _headers(self) -> dict[str, str]:
        credentials = self._account.credentials
        token = make_jwt({"iss": credentials.msp_id, "iat": int(time.time())}, _decoded(credentials.secret))
        return {"authorization": f"Bearer {token}", "source-id": self._business_id}

    def _url(self, what: str) -> str:
        return f"{self._account.base_url}/v1/{what}"

    async def _uploaded(self, content: MediaContent, out: Transports) -> wire.Json:
        """A file that Apple now has, as a message names it; nothing is sent by that."""
        url = content.url or ""
        seconds = self._account.timeout_seconds
        file = await download(url, out, most_bytes=attachments.MOST_BYTES, timeout_seconds=seconds)
        key = attachments.fresh_key()
        body = attachments.ciphered(key, file.body)
        try:
            place = await self._ask(wire.UploadPlace, "preUpload", {"mmcs-size": str(len(body))}, out)
            headers = {"content-type": "application/octet-stream"}
            response = await self._call(HttpRequest("POST", place.upload_url, headers, body), out)
            checksum = _read(wire.Uploaded, response).single_file.file_checksum
        except ProviderError as error:
            raise repeatable(error) from error
        return {
            "name": content.filename or unquote(PurePosixPath(urlsplit(url).path).name) or content.type,
            "mimeType": content.mime_type or file.mime_type or "application/octet-stream",
            "size": str(len(body)),
            "signature-base64": checksum,
            "url": place.mmcs_url,
            "owner": place.mmcs_owner,
            "key": key,
        }

    async def _ask(self, kind: type[Answer], what: str, headers: dict[str, str], out: Transports) -> Answer:
        request = HttpRequest("GET", self._url(what), {**self._headers, **headers})
        return _read(kind, await self._call(request, out))

    async def _call(self, request: HttpRequest, out: Transports) -> HttpResponse:
        return await out.http.request(request, timeout_seconds=self._account.timeout_seconds)


def _read(kind: type[Answer], response: HttpResponse) -> Answer:
    if not 200 <= response.status < 300:
        raise http_failure(response)
    try:
        return kind.model_validate_json(response.body)
    except ValidationError as error:
        raise unreadable(response) from error


def _check_taken(response: HttpResponse) -> None:
    """Apple says so by an answer that is empty: one that says that it is, or it might have been cut short
    (RFC 9112, section 8)."""
    if response.status in FAILURES:
        kind, reason = FAILURES[response.status]
        raise ProviderError(kind, reason=reason, code=f"http_{response.status}")
    if not 200 <= response.status < 300:
        raise http_failure(response)
    whole = response.headers.keys() & {"content-length", "transfer-encoding"}
    if response.body or not whole:
        raise unreadable(response)
