"""Viber, through the REST bot API (7.3), called with JSON.

Out: text, pictures with a caption, videos, files, stickers by their number, location (without its name),
contact (name and first number), reply, URL and location buttons as a keyboard, raw bodies of send_message
(rich media …).
In: text, media, stickers, locations, contacts, pressed buttons, subscribing and unsubscribing, started
conversations, which may be answered with a welcome message.
Receipts: delivered, seen, failed. Viber also tells that what people wrote was delivered: those match nothing.
Not here: audio, quoting, typing, broadcasts, setting the webhook.

A video or file needs its size, which is asked for with HEAD at its URL before it is sent. There is no
idempotency key. Our reference travels as `tracking_data`, which comes back with the person's next message. A
person must have subscribed to the bot or have written to it.

The webhook is set with set_webhook; what it is first tried with is answered here.

Source: Viber's REST bot API and its models of messages and keyboards, November 2026.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, HttpUrl, StringConstraints, ValidationError

from gateway.errors import CallbackRefused, FailureKind, MessageRefused, ProviderError
from gateway.model.account import ProviderAccount, Settings
from gateway.model.base import Name
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.content import MediaContent, Url
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.classify import http_failure, retry_after, unreadable
from gateway.transports.port import HttpRequest, HttpResponse, Transports
from handlers.contract import NO_TEXT, Capabilities, InboundMessage, MediaRule, Submission, Submitted
from handlers.providers.viber import inbound, wire
from handlers.providers.viber.codes import failure_of
from handlers.providers.viber.outbound import MOST_BUTTONS, body_of
from handlers.shared.json_bodies import write_request
from handlers.shared.secret import Secret, Secrets, revealed
from handlers.shared.signatures import signed
from handlers.shared.splitting import Limit

_SIGNATURE = "x-viber-content-signature"
_SIZED = ("video", "document")  # what Viber wants to know the size of
_BYTES = re.compile(r"[1-9][0-9]{0,14}")
_PASSING = frozenset({408, 425, 429})

SenderName = Annotated[str, StringConstraints(min_length=1, max_length=28)]


class ViberCredentials(Settings):
    """What the gateway proves itself with, and Viber, too."""

    auth_token: Secret
    """The bot's token ("app key"): goes with every call, and signs every callback."""


class ViberCallback(Settings):
    """What Viber proves its callbacks with, where it is not only the token."""

    auth_token: Secrets | None = None
    """While the bot's token is being changed: the new one and the old one. Without it, the token alone."""


class ViberParameters(Settings):
    """How the bot shows itself."""

    avatar_url: Url | None = None
    """The picture beside the sender's name, up to 100 kB."""
    welcome_text: Annotated[str, StringConstraints(min_length=1, max_length=7_000)] | None = None
    """What a person who opens the conversation is told, before having subscribed. Without it, nothing."""


class ViberAccount(ProviderAccount):
    """One Viber bot."""

    provider: Literal["viber"] = "viber"
    channel: Name = "viber"
    """The channel that it counts as in routing."""
    senders: Annotated[tuple[SenderName, ...], Field(min_length=1)] = Field(alias="from")
    """The names that messages are shown under; the first is the default."""
    url: HttpUrl = HttpUrl("https://chatapi.viber.com")
    """Where the bot API is: another place only for tests."""
    credentials: ViberCredentials
    """What the gateway proves itself with, and Viber, too."""
    callback: ViberCallback = ViberCallback()
    """What Viber proves its callbacks with, where it is not only the token."""
    parameters: ViberParameters = ViberParameters()
    """How the bot shows itself."""


class Viber:
    """Sends as one bot, and reads what comes back for it."""

    provider: ClassVar[str] = "viber"
    channel: ClassVar[str] = "viber"
    capabilities: ClassVar[Capabilities] = Capabilities(
        content={
            "text": Limit(7_000),
            "image": Limit(768),
            "video": NO_TEXT,
            "document": NO_TEXT,
            "sticker": NO_TEXT,
            "location": None,
            "contact": None,
            "raw": None,
        },
        receipts=True,
        read_receipts=True,
        buttons={"reply": MOST_BUTTONS, "url": MOST_BUTTONS, "location": MOST_BUTTONS},
        mixed_buttons=True,
        buttons_under=frozenset({"text", "image", "video", "document", "sticker"}),
        button_title=Limit(250),
        media={
            "image": MediaRule(frozenset({"image/jpeg", "image/png", "image/gif"}), 1_048_576),
            "video": MediaRule(frozenset({"video/mp4"}), 27_262_976),
            "document": MediaRule(most_bytes=52_428_800),
        },
    )
    Account: ClassVar[type[ProviderAccount]] = ViberAccount

    def __init__(self, account: ViberAccount) -> None:
        self._account = account

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        body = body_of(submission, self._sender(submission.sender))
        if isinstance(submission.content, MediaContent) and submission.content.type in _SIZED:
            body["size"] = await self._size(submission.content, out)
        response = await self._call("send_message", body, out)
        _check(response)
        try:
            return Submitted((wire.Accepted.model_validate_json(response.body).message_token,))
        except ValidationError as error:
            raise unreadable(response) from error

    def verify(self, request: CallbackRequest) -> None:
        tokens = self._account.callback.auth_token or (self._account.credentials.auth_token,)
        if not signed(request.headers.get(_SIGNATURE, ""), revealed(tokens), request.body):
            raise CallbackRefused(f"the {_SIGNATURE} header is missing or wrong")

    def split(self, request: CallbackRequest) -> Sequence[CallbackItem]:
        return inbound.split(request.body)

    def reply(self, request: CallbackRequest) -> CallbackReply:
        text = self._account.parameters.welcome_text
        if text is None or inbound.event_of(request.body) != inbound.CONVERSATION_STARTED:
            return CallbackReply()
        # The only message that may be sent to somebody who has not subscribed, and only in this answer.
        welcome = {"sender": self._sender(None), "type": "text", "text": text}
        return CallbackReply(body=write_request(welcome), content_type="application/json")

    def parse_mo(self, item: CallbackItem) -> Sequence[InboundMessage]:
        return inbound.read_messages(item.body) if item.kind == "mo" else ()

    def parse_dr(self, item: CallbackItem) -> Sequence[DeliveryReceipt]:
        return inbound.read_receipts(item.body) if item.kind == "dr" else ()

    async def media(self, media_id: str, out: Transports) -> HttpRequest | None:
        return None  # Viber gives URLs that anybody may fetch

    async def check(self, out: Transports) -> str | None:
        response = await self._call("get_account_info", {}, out)
        _check(response)
        try:
            return wire.AccountInfo.model_validate_json(response.body).told
        except ValidationError as error:
            raise unreadable(response) from error

    def _sender(self, name: str | None) -> dict[str, str]:
        avatar = self._account.parameters.avatar_url
        return {"name": name or self._account.senders[0]} | ({"avatar": avatar} if avatar else {})

    async def _size(self, content: MediaContent, out: Transports) -> int:
        """How many bytes a video or file has: Viber refuses one without its size, and no message tells it."""
        size = await self._content_length(content.url or "", out)
        most_bytes = self.capabilities.media[content.type].most_bytes
        if most_bytes is not None and size > most_bytes:
            raise MessageRefused("media_too_large", f"Viber takes {most_bytes} bytes of {content.type}")
        return size

    async def _content_length(self, url: str, out: Transports) -> int:
        request = HttpRequest("HEAD", url, {"accept-encoding": "identity"})
        try:
            response = await out.http.request(request, timeout_seconds=self._account.timeout_seconds)
        except ProviderError as error:
            # Nothing has been sent to Viber yet, however the question ended.
            passing = error.kind is not FailureKind.PERMANENT
            raise _unreachable(passing, error.code) from error
        length = response.headers.get("content-length", "")
        if 200 <= response.status < 300 and _BYTES.fullmatch(length):
            return int(length)
        passing = response.status >= 500 or response.status in _PASSING
        raise _unreachable(passing, f"http_{response.status}", retry_after(response))

    async def _call(self, method: str, body: dict[str, Any], out: Transports) -> HttpResponse:
        token = self._account.credentials.auth_token.get_secret_value()
        request = HttpRequest(
            method="POST",
            url=f"{self._account.base_url}/pa/{method}",
            headers={"x-viber-auth-token": token, "content-type": "application/json"},
            body=write_request(body),
        )
        return await out.http.request(request, timeout_seconds=self._account.timeout_seconds)


def _unreachable(passing: bool, code: str | None, wait_seconds: float | None = None) -> ProviderError:
    return ProviderError(
        FailureKind.TRANSIENT if passing else FailureKind.PERMANENT,
        reason="media_unreachable",
        code=code,
        text="the size of the media could not be asked for",
        retry_after_seconds=wait_seconds,
    )


def _check(response: HttpResponse) -> None:
    """Raises what the answer says went wrong."""
    try:
        outcome = wire.Outcome.model_validate_json(response.body)
    except ValidationError as error:
        failed = not 200 <= response.status < 300
        raise (http_failure(response) if failed else unreadable(response)) from error
    if outcome.status == 0 and 200 <= response.status < 300:
        return
    if outcome.status == 0:
        raise http_failure(response)
    kind, reason = failure_of(outcome.status)
    raise ProviderError(
        kind,
        reason=reason,
        code=str(outcome.status),
        text=outcome.status_message,
        retry_after_seconds=retry_after(response),
    )
